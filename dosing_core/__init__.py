"""The dosing core: one question in, one answer out, nothing else touched.

``recommend(case)`` takes a :class:`~dosing_core.case.Case` and returns a
:class:`~dosing_core.recommendation.Recommendation`. It reads no clock, no network and no patient
file, and the same case gives the same bytes on every run.
"""
