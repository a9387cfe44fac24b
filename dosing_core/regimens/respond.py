"""The response of a schedule, by whichever way its kinetics allows."""

from __future__ import annotations

from collections.abc import Sequence

from dosing_core.inference.particles import Particles
from dosing_core.regimens.past import past_of
from dosing_core.regimens.responses import Response, Schedule, responses
from dosing_core.regimens.scored import Question
from dosing_core.regimens.simulated import SimulatedResponse


def respond(
    question: Question, schedules: Sequence[Schedule], particles: Particles | None = None
) -> tuple[Response | SimulatedResponse, ...]:
    """One response a schedule, in the same order; of the question's particles unless others are given."""
    asked = question.particles if particles is None else particles
    if question.superposes:
        return responses(asked, schedules, question.first_h, question.history)
    past = question.past if particles is None else past_of(asked, question.history, question.first_h)
    return tuple(SimulatedResponse(schedule, past, question.horizon_h) for schedule in schedules)
