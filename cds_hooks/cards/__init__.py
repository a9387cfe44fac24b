"""Cards: a recommendation in the prescriber's words.

``card_for`` decides whether to speak and how loudly; ``summary`` writes the first line, ``detail`` the basis,
``suggestions`` what can be accepted with one click.
"""

from cds_hooks.cards.card import (
    card_for,
    duplicate_card,
    failure_card,
    other_patient_card,
    other_product_card,
    unclear_route_card,
    unread_card,
)
from cds_hooks.cards.subject import CardSubject

__all__ = [
    "CardSubject",
    "card_for",
    "duplicate_card",
    "failure_card",
    "other_patient_card",
    "other_product_card",
    "unclear_route_card",
    "unread_card",
]
