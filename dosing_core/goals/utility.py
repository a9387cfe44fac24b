"""What an exposure is worth to whoever asks: benefit - weight · harm, each a formula over exposures.

Benefit and harm are between 0 and 1, such as a chance of cure and a chance of injury, so that the weight
between them means something and the expectation exists. A formula that leaves that range is refused.

The formulas are those of the expression language; here they are read for whole arrays at once.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.case import Utility
from dosing_core.errors import InvalidExpression, UnusableGoal
from dosing_core.population.expressions import Expression, parse
from dosing_core.population.individual import FloatArray

NAMES = ("auc24", "trough", "peak", "average", "effect")
"""What the formulas may read: mg·h/L, mg/L and the unit of the target's output."""
_ROUNDING = 1e-9
_Operation = Callable[..., FloatArray]

_BINARY: dict[type[ast.operator], _Operation] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARE: dict[type[ast.cmpop], _Operation] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_FUNCTIONS: dict[str, _Operation] = {
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "cos": np.cos,
    "sin": np.sin,
    "floor": np.floor,
    "abs": np.abs,
    "round": np.round,
}
_SEVERAL: dict[str, np.ufunc] = {"min": np.minimum, "max": np.maximum}


@dataclass(frozen=True)
class Worth:
    """A utility whose formulas were read."""

    benefit: Expression
    harm: Expression
    weight: float

    @property
    def names(self) -> frozenset[str]:
        """The exposures that the formulas read."""
        return self.benefit.names | self.harm.names

    def loss(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """-(benefit - weight · harm), in the shape of the values. Raises ``UnusableGoal``."""
        benefit = _within(self.benefit, values, "benefit")
        return self.weight * _within(self.harm, values, "harm") - benefit


def worth(utility: Utility) -> Worth:
    """Read the formulas. Raises ``UnusableGoal`` with the reason if one is not allowed."""
    try:
        benefit = parse(utility.benefit, NAMES, "utility.benefit")
        harm = parse(utility.harm, NAMES, "utility.harm")
    except InvalidExpression as error:
        raise UnusableGoal(f"The utility cannot be used: {error}.") from error
    if not benefit.names:
        raise UnusableGoal("The utility cannot be used: its benefit is the same for every dose.")
    return Worth(benefit, harm, utility.weight)


def _within(expression: Expression, values: Mapping[str, FloatArray], what: str) -> FloatArray:
    shape = np.broadcast_shapes(*(value.shape for value in values.values())) if values else ()
    with np.errstate(all="ignore"):
        result = np.broadcast_to(np.asarray(over_arrays(expression.tree, values), dtype=np.float64), shape)
    if not np.isfinite(result).all():
        raise UnusableGoal(
            f"The utility cannot be used: its {what} is not a finite number for some exposure."
        )
    least, most = float(result.min(initial=0.0)), float(result.max(initial=0.0))
    if least < -_ROUNDING or most > 1.0 + _ROUNDING:
        text = f"its {what} must stay between 0 and 1, and reaches {least if least < 0.0 else most:.3g}"
        raise UnusableGoal(f"The utility cannot be used: {text}.")
    return result


def over_arrays(tree: ast.expr, values: Mapping[str, FloatArray]) -> FloatArray:
    """A checked syntax tree, evaluated for arrays that broadcast; truth is 1.0 or 0.0."""
    match tree:
        case ast.Constant(value=number):
            return np.asarray(number, dtype=np.float64)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](over_arrays(left, values), over_arrays(right, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return np.where(over_arrays(operand, values) != 0.0, 0.0, 1.0)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -over_arrays(operand, values)
        case ast.UnaryOp(operand=operand):
            return over_arrays(operand, values)
        case ast.BoolOp(op=op, values=parts):
            truths = [over_arrays(part, values) != 0.0 for part in parts]
            joined = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return _folded(joined, truths).astype(np.float64)
        case ast.Compare():
            return _compared(tree, values)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            held = over_arrays(test, values) != 0.0
            return np.where(held, over_arrays(body, values), over_arrays(orelse, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            parts_ = [over_arrays(argument, values) for argument in arguments]
            return _folded(_SEVERAL[name], parts_) if name in _SEVERAL else _FUNCTIONS[name](*parts_)
    raise UnusableGoal("The utility cannot be used: it holds something that is not in the language.")


def _compared(tree: ast.Compare, values: Mapping[str, FloatArray]) -> FloatArray:
    operands = [over_arrays(part, values) for part in (tree.left, *tree.comparators)]
    tests = [
        _COMPARE[type(op)](one, other)
        for op, one, other in zip(tree.ops, operands[:-1], operands[1:], strict=True)
    ]
    return _folded(np.logical_and, tests).astype(np.float64)


def _folded(function: np.ufunc, parts: Sequence[FloatArray]) -> FloatArray:
    result: FloatArray = parts[0]
    for part in parts[1:]:
        result = function(result, part)
    return result
