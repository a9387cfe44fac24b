"""What is aimed at, and how well a regimen gets there."""

from dosing_core.goals.attainment import Attainment, attainment, with_error
from dosing_core.goals.loss import losses, window_loss
from dosing_core.goals.target import choose_target

__all__ = ["Attainment", "attainment", "choose_target", "losses", "window_loss", "with_error"]
