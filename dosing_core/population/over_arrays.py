"""The expression language read for whole arrays at once; see ``expressions`` for the language itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dosing_core.population.individual import FloatArray

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


def over_arrays(tree: ast.expr, values: Mapping[str, FloatArray]) -> FloatArray:
    """A checked syntax tree (``Expression.tree``), evaluated for arrays that broadcast; truth is 1.0 or 0.0.

    Both ways of a condition are worked out, so what numpy makes of an undefined operation may come from the
    one that is not taken: ``numpy.errstate`` decides what happens then.
    """
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
    raise TypeError(f"{ast.unparse(tree)!r} is not in the expression language")


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
