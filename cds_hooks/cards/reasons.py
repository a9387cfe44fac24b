"""Reasons for not following a card.

The six categories of the code list that CDS Hooks 3.0 (ballot) brings, in words for a prescriber; code and
system are the standard's, so answers can be compared between services.
"""

from __future__ import annotations

from cds_hooks.protocol.response import OverrideReason

SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"

OVERRIDE_REASONS: tuple[OverrideReason, ...] = tuple(
    OverrideReason(system=SYSTEM, code=code, display=display)
    for code, display in (
        ("cds-not-applicable", "Does not apply to this patient"),
        ("recipient-disagrees-evidence", "I disagree with the basis of the advice"),
        ("recipient-concerns-outcomes", "Risk outweighs benefit for this patient"),
        ("not-convenient-feasible", "Not feasible here or now"),
        ("does-not-align-preferences", "Patient prefers otherwise"),
        ("cds-suboptimal-context", "Wrong time or wrong person to ask"),
    )
)
