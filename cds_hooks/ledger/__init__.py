"""The ledger: what was asked, what was answered, what became of it.

It never holds a token, a name or a patient's id. A case is stored as the numbers that were computed with.
"""

from cds_hooks.ledger.records import CallRecord, FeedbackRecord, StoredRecommendation
from cds_hooks.ledger.store import Ledger

__all__ = ["CallRecord", "FeedbackRecord", "Ledger", "StoredRecommendation"]
