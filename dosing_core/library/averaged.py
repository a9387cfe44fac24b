"""Models that speak beside a drug file's default one."""

from __future__ import annotations

from dosing_core.library.sourced import Number, Part, Text


class AveragedModel(Part):
    """A model that speaks beside the default one."""

    model: Text
    """Id."""
    prior_weight: Number
    """Its weight before applicability and levels; the default's is 1."""
