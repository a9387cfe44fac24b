"""Arithmetic on whole rows of ``W`` particles, each as one vector that stays in registers.

A program of instructions reads and writes rows by their numbers, which are data. Left to itself the compiler
then asks before each loop over particles whether the rows overlap, and takes five times as long over the
question as over the sum. Here they are loaded before anything is stored, so nothing has to be asked, and a
row may stand on both sides.

Arrays are [n_rows, W], contiguous; an operation takes an array and a row of it for each part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dosing_core.kinetics.compiled import LICENCE

W = 16
"""Particles side by side: four vectors of AVX2. More would share the cost of reading instructions, and the
steps of the worst of them."""

_VECTOR, _WORD = ir.VectorType(ir.DoubleType(), W), ir.IntType(64)
_FLAGS = tuple(sorted(LICENCE))


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array).data


def _row(builder: Any, data: Any, row: Any) -> Any:
    """Pointer to a row as one vector."""
    start = builder.gep(data, [builder.mul(row, ir.Constant(_WORD, W))])
    return builder.bitcast(start, _VECTOR.as_pointer())


def _load(builder: Any, data: Any, row: Any) -> Any:
    return builder.load(_row(builder, data, row), align=8)


def _everywhere(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), W), [0] * W))


def _generate(parts: int, make: Callable[..., Any]) -> Callable[..., Any]:
    """Code that stores ``make`` of ``parts`` rows in another; arguments are array and row by turns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where = [
            (_data(context, builder, signature.args[2 * at], arguments[2 * at]), arguments[2 * at + 1])
            for at in range(parts + 1)
        ]
        made = make(builder, *(_load(builder, data, row) for data, row in where[1:]))
        builder.store(made, _row(builder, *where[0]), align=8)
        return context.get_dummy_value()

    return generate


def _of_one(make: Callable[..., Any]) -> Any:
    def typed(_context: Any, to: Any, z: Any, x: Any, a: Any) -> Any:
        return types.void(to, types.int64, x, types.int64), _generate(1, make)

    return intrinsic(typed)


def _of_two(make: Callable[..., Any]) -> Any:
    def typed(_context: Any, to: Any, z: Any, x: Any, a: Any, y: Any, b: Any) -> Any:
        return types.void(to, types.int64, x, types.int64, y, types.int64), _generate(2, make)

    return intrinsic(typed)


def _of_three(make: Callable[..., Any]) -> Any:
    def typed(_context: Any, to: Any, z: Any, x: Any, a: Any, y: Any, b: Any, w: Any, c: Any) -> Any:
        place = types.int64
        return types.void(to, place, x, place, y, place, w, place), _generate(3, make)

    return intrinsic(typed)


def _plus(builder: Any, x: Any, y: Any) -> Any:
    return builder.fadd(x, y, flags=_FLAGS)


def _minus(builder: Any, x: Any, y: Any) -> Any:
    return builder.fsub(x, y, flags=_FLAGS)


def _times(builder: Any, x: Any, y: Any) -> Any:
    return builder.fmul(x, y, flags=_FLAGS)


def _root(builder: Any, x: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{W}f64")
    return builder.call(function, [x])


def _zero() -> Any:
    return ir.Constant(_VECTOR, [0.0] * W)


def _not_negative(builder: Any, x: Any) -> Any:
    """x, and 0 where it is below; NaN stays."""
    return builder.select(builder.fcmp_ordered("<", x, _zero()), _zero(), x)


copy = _of_one(lambda builder, x: x)
negate = _of_one(lambda builder, x: builder.fneg(x))
root = _of_one(_root)
root_of_amount = _of_one(lambda builder, x: _root(builder, _not_negative(builder, x)))
add = _of_two(_plus)
subtract = _of_two(_minus)
multiply = _of_two(_times)
divide = _of_two(lambda builder, x, y: builder.fdiv(x, y, flags=_FLAGS))
least = _of_two(lambda builder, x, y: builder.select(builder.fcmp_ordered("<", y, x), y, x))
most = _of_two(lambda builder, x, y: builder.select(builder.fcmp_ordered(">", y, x), y, x))
product_plus = _of_three(lambda builder, x, y, w: _plus(builder, _times(builder, x, y), w))
"""x y + w."""
product_less = _of_three(lambda builder, x, y, w: _minus(builder, _times(builder, x, y), w))
"""x y - w."""
less_product = _of_three(lambda builder, x, y, w: _minus(builder, w, _times(builder, x, y)))
"""w - x y."""
sum_times = _of_three(lambda builder, x, y, w: _times(builder, _plus(builder, x, y), w))
"""(x + y) w."""


@intrinsic  # type: ignore[untyped-decorator]
def combination(
    _context: Any, to: Any, z: Any, x: Any, start: Any, a: Any, every: Any, weights: Any, count: Any, h: Any
) -> Any:
    """Row z of ``to`` = row ``start`` of x (0 if ``start`` is -1) + h · sum over i < ``count`` of
    weights[i] · row (a + i · every) of x."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target = _data(context, builder, signature.args[0], arguments[0])
        source = _data(context, builder, signature.args[2], arguments[2])
        _, z, _, start, a, every, _, count, h = arguments
        factors = _data(context, builder, signature.args[6], arguments[6])
        total = cgutils.alloca_once_value(builder, _zero())
        with builder.if_then(builder.icmp_signed(">=", start, ir.Constant(_WORD, 0))):
            builder.store(_load(builder, source, start), total)
        with cgutils.for_range(builder, count, intp=_WORD) as each:
            weight = builder.fmul(h, builder.load(builder.gep(factors, [each.index])), flags=_FLAGS)
            row = _load(builder, source, builder.add(a, builder.mul(each.index, every)))
            part = _times(builder, row, _everywhere(builder, weight))
            builder.store(_plus(builder, builder.load(total), part), total)
        builder.store(builder.load(total), _row(builder, target, z), align=8)
        return context.get_dummy_value()

    place = types.int64
    return types.void(to, place, x, place, place, place, weights, place, types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def largest(_context: Any, x: Any, a: Any) -> Any:
    """The largest number of a row; a NaN is passed over."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row = _load(builder, _data(context, builder, signature.args[0], arguments[0]), arguments[1])
        kind = ir.FunctionType(ir.DoubleType(), [_VECTOR])
        name = f"llvm.vector.reduce.fmax.v{W}f64"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [row])

    return types.float64(x, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def none_above_one(_context: Any, x: Any, a: Any) -> Any:
    """True if every number of a row is at most 1, and none NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row = _load(builder, _data(context, builder, signature.args[0], arguments[0]), arguments[1])
        within = builder.fcmp_ordered("<=", row, ir.Constant(_VECTOR, [1.0] * W))
        word = ir.IntType(W)
        return builder.icmp_unsigned("==", builder.bitcast(within, word), ir.Constant(word, 2**W - 1))

    return types.boolean(x, types.int64), generate
