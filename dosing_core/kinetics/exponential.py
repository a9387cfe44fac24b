"""exp(K t) of rate matrices, many side by side, without subtracting anything.

A rate matrix of compartments has no negative entry off its diagonal. So with c its fastest outflow, K + c I
has none at all, and in ::

    exp(K t) = (e^{-c h} exp((K + c I) h))^(2^s),    h = t / 2^s

(uniformisation) the series and the squarings only add and multiply numbers that are not negative: each entry
of the result is right by itself, to about c t rounding errors, whether the eigenvalues of K are far apart,
equal or defective. A matrix with a negative entry off its diagonal takes the same path and is right in the
norm. Sources: Jensen, Skand Aktuarietidskr 36 (1953) 87 on uniformisation; Higham, SIAM J Matrix Anal Appl
26 (2005) 1179 on scaling and squaring; Paterson, Stockmeyer, SIAM J Comput 2 (1973) 60 on the polynomial.

Entries that are zero in every exponential (nothing flows from there to here) are never stored: a ``Pattern``
lists what is left, and which products make it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.lockstep import decay
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

LANES = 16
"""Matrices side by side: four vectors of AVX2, and a matrix of ten states still fits the nearest cache."""
ALL_LANES = np.ones(LANES, dtype=np.int64)
NORM = 0.75
"""c h after scaling: term 17 of the series is then below 0.75^17 / 17! = 2e-17."""
MOST_SQUARINGS = 64

POWERS = 8
"""Powers of a matrix that are kept, so that the series of any time takes one more product."""
WORK = 3
"""Matrices of scratch."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where exponentials of a family of matrices may be other than zero, row by row."""

    size: int
    row: IntArray
    """[n] of each entry kept."""
    column: IntArray
    """[n]."""
    diagonal: IntArray
    """[size] place of each diagonal entry."""
    ends: IntArray
    """[n] where the products that make up each entry of a matrix product end in the next two."""
    left: IntArray
    """Entry of the left factor."""
    right: IntArray
    """Entry of the right factor."""

    def place(self, row: int, column: int) -> int:
        """Place of an entry. Raises ``KeyError`` if it is always zero."""
        found = np.flatnonzero((self.row == row) & (self.column == column))
        if len(found) == 0:
            raise KeyError((row, column))
        return int(found[0])


def pattern(links: NDArray[np.bool_]) -> Pattern:
    """The pattern of matrices with entries where ``links`` [size, size] is true, and on the diagonal."""
    size = len(links)
    reach = links | np.eye(size, dtype=np.bool_)
    for middle in range(size):
        reach = reach | (reach[:, middle : middle + 1] & reach[middle : middle + 1, :])
    row, column = np.nonzero(reach)
    place = np.full((size, size), -1)
    place[row, column] = np.arange(len(row))
    through = [np.flatnonzero(reach[i] & reach[:, j]) for i, j in zip(row, column, strict=True)]
    left = [place[i, through[entry]] for entry, i in enumerate(row)]
    right = [place[through[entry], j] for entry, j in enumerate(column)]
    return Pattern(
        size=size,
        row=row.astype(np.int64),
        column=column.astype(np.int64),
        diagonal=np.ascontiguousarray(np.diagonal(place)).astype(np.int64),
        ends=np.cumsum([len(some) for some in through]).astype(np.int64),
        left=np.concatenate(left).astype(np.int64),
        right=np.concatenate(right).astype(np.int64),
    )


@intrinsic  # type: ignore[untyped-decorator]
def _add_products(
    _context: Any,
    ends: Any,
    left_entry: Any,
    right_entry: Any,
    left: Any,
    right: Any,
    going: Any,
    product: Any,
) -> Any:
    """The loop of ``multiply`` with the lanes as one vector, whose sum stays in registers.

    Left to itself the compiler asks before each product of lanes whether the arrays overlap, which takes ten
    times as long as the product.
    """
    lanes = ir.VectorType(ir.DoubleType(), LANES)

    def loop(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ends, left_entry, right_entry, left, right, going, product = (
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args, arguments, strict=True)
        )
        count = builder.extract_value(
            context.make_array(signature.args[0])(context, builder, arguments[0]).shape, 0
        )
        word = ir.IntType(64)

        def lanes_at(base: Any, entry: Any) -> Any:
            start = builder.gep(base, [builder.mul(entry, ir.Constant(word, LANES))])
            return builder.bitcast(start, lanes.as_pointer())

        total = cgutils.alloca_once(builder, lanes)
        flags = builder.load(builder.bitcast(going, ir.VectorType(word, LANES).as_pointer()), align=8)
        goes = builder.icmp_signed("!=", flags, ir.Constant(ir.VectorType(word, LANES), [0] * LANES))
        start = cgutils.alloca_once_value(builder, ir.Constant(word, 0))
        with cgutils.for_range(builder, count, intp=word) as entry:
            builder.store(ir.Constant(lanes, [0.0] * LANES), total)
            end = builder.load(builder.gep(ends, [entry.index]))
            with cgutils.for_range_slice(builder, builder.load(start), end, ir.Constant(word, 1), word) as (
                k,
                _,
            ):
                a = lanes_at(left, builder.load(builder.gep(left_entry, [k])))
                b = lanes_at(right, builder.load(builder.gep(right_entry, [k])))
                both = builder.fmul(builder.load(a, align=8), builder.load(b, align=8))
                builder.store(builder.fadd(builder.load(total), both), total)
            stays = builder.load(lanes_at(left, entry.index), align=8)
            builder.store(
                builder.select(goes, builder.load(total), stays), lanes_at(product, entry.index), align=8
            )
            builder.store(end, start)
        return context.get_dummy_value()

    return types.void(ends, left_entry, right_entry, left, right, going, product), loop


@compiled
def multiply(
    ends: IntArray,
    left_entry: IntArray,
    right_entry: IntArray,
    left: FloatArray,
    right: FloatArray,
    going: IntArray,
    product: FloatArray,
) -> None:
    """Fill ``product`` [n, LANES], another array, with the matrix products; with ``left`` where ``going``
    [LANES] is 0."""
    _add_products(ends, left_entry, right_entry, left, right, going, product)


@intrinsic  # type: ignore[untyped-decorator]
def _combine(_context: Any, factor: Any, known: Any, result: Any) -> Any:
    """``result`` [n, LANES] = sum over k of factor[k, lane] · known[k], with the lanes as one vector."""
    lanes = ir.VectorType(ir.DoubleType(), LANES)

    def loop(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        factor, known, result = (array.data for array in arrays)
        word = ir.IntType(64)
        count = builder.extract_value(arrays[2].shape, 0)

        def lanes_at(base: Any, entry: Any) -> Any:
            start = builder.gep(base, [builder.mul(entry, ir.Constant(word, LANES))])
            return builder.bitcast(start, lanes.as_pointer())

        with cgutils.for_range(builder, count, intp=word) as entry:
            total: Any = None
            for k in range(POWERS):
                place = builder.add(builder.mul(count, ir.Constant(word, k)), entry.index)
                one = builder.fmul(
                    builder.load(lanes_at(factor, ir.Constant(word, k)), align=8),
                    builder.load(lanes_at(known, place), align=8),
                )
                total = one if total is None else builder.fadd(total, one)
            builder.store(total, lanes_at(result, entry.index), align=8)
        return context.get_dummy_value()

    return types.void(factor, known, result), loop


@compiled
def shifts(row: IntArray, column: IntArray, diagonal: IntArray, rates: FloatArray, shift: FloatArray) -> None:
    """Fill ``shift`` [2, LANES] for ``rates`` [n, LANES]: c, and what is scaled to ``NORM``.

    For compartments both are the fastest outflow, since no eigenvalue is larger. Otherwise the norm is
    scaled.
    """
    totals, odd = np.zeros((len(diagonal), LANES)), np.zeros(LANES)
    shift[:] = 0.0
    for k in range(len(row)):
        own = row[k] == column[k]
        for lane in range(LANES):
            rate = rates[k, lane]
            totals[column[k], lane] += abs(rate)
            odd[lane] = max(odd[lane], rate if own else -rate)
            shift[0, lane] = max(shift[0, lane], -rate if own else 0.0)
    for lane in range(LANES):
        shift[1, lane] = shift[0, lane]
        if odd[lane] > 0.0:
            for j in range(len(diagonal)):
                shift[1, lane] = max(shift[1, lane], totals[j, lane], 2.0 * shift[0, lane])


@compiled
def powers(
    diagonal: IntArray,
    ends: IntArray,
    left_entry: IntArray,
    right_entry: IntArray,
    rates: FloatArray,
    shift: FloatArray,
    result: FloatArray,
) -> None:
    """Fill ``result`` [POWERS, n, LANES] with the powers of rates + c I, the first to the eighth."""
    one = result[0]
    for k in range(len(rates)):
        for lane in range(LANES):
            one[k, lane] = rates[k, lane]
    for i in range(len(diagonal)):
        for lane in range(LANES):
            one[diagonal[i], lane] += shift[0, lane]
    for k in range(1, POWERS):
        multiply(ends, left_entry, right_entry, result[k - 1], one, ALL_LANES, result[k])


@compiled
def _terms(step: FloatArray, first: int, term: FloatArray, terms: FloatArray) -> None:
    """Fill ``terms`` [POWERS, LANES] with the series' factors step^k / k! times what ``term`` begins with."""
    for k in range(POWERS):
        share = 1.0 / (first + k + 1)
        for lane in range(LANES):
            term[lane] *= step[lane] * share
            terms[k, lane] = term[lane]


@compiled
def exponential(
    diagonal: IntArray,
    ends: IntArray,
    left_entry: IntArray,
    right_entry: IntArray,
    known: FloatArray,
    shift: FloatArray,
    times: FloatArray,
    work: FloatArray,
    result: FloatArray,
) -> None:
    """Fill ``result`` [n, LANES] with exp(rates · times), ``times`` [LANES] h >= 0.

    ``known`` [POWERS, n, LANES] and ``shift`` of the rates are from ``powers`` and ``shifts``; ``work``
    [WORK, n, LANES] is scratch. Each lane is scaled and squared as it alone needs, so its bits do not depend
    on its neighbours.
    """
    n = len(result)
    squarings, going = np.zeros(LANES, dtype=np.int64), np.ones(LANES, dtype=np.int64)
    low, high = np.empty((POWERS, LANES)), np.empty((POWERS, LANES))
    step, least, term = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    most = 0
    for lane in range(LANES):
        scaled, share = shift[1, lane] * times[lane], 1.0
        while scaled > NORM and squarings[lane] < MOST_SQUARINGS:
            scaled *= 0.5
            share *= 0.5
            squarings[lane] += 1
        most = max(most, squarings[lane])
        step[lane] = times[lane] * share
    for lane in range(LANES):
        left, _ = decay(shift[0, lane] * step[lane])
        least[lane] = left
        term[lane] = left
    _terms(step, 0, term, low)
    _terms(step, POWERS, term, high)
    # Between two arrays, to end in ``result``.
    source, target = (result, work[0]) if most % 2 == 0 else (work[0], result)
    part = work[1]
    _combine(high, known, part)
    multiply(ends, left_entry, right_entry, part, known[POWERS - 1], going, source)
    _combine(low, known, part)
    for k in range(n):
        for lane in range(LANES):
            source[k, lane] += part[k, lane]
    for i in range(len(diagonal)):
        for lane in range(LANES):
            source[diagonal[i], lane] += least[lane]
    for count in range(most):
        for lane in range(LANES):
            going[lane] = 1 if count < squarings[lane] else 0
        multiply(ends, left_entry, right_entry, source, source, going, target)
        source, target = target, source


@compiled
def exponentials(
    row: IntArray,
    column: IntArray,
    diagonal: IntArray,
    ends: IntArray,
    left_entry: IntArray,
    right_entry: IntArray,
    rates: FloatArray,
    times: FloatArray,
) -> FloatArray:
    """exp(rates · times) [N, n] of rates [N, n] over times [N]: the plain way in, for checks and set-up."""
    count, n = rates.shape
    result = np.empty((count, n))
    lanes, shift, length = np.empty((n, LANES)), np.empty((2, LANES)), np.empty(LANES)
    work, filled, known = np.empty((WORK, n, LANES)), np.empty((n, LANES)), np.empty((POWERS, n, LANES))
    for first in range(0, count, LANES):
        for lane in range(LANES):
            particle = min(first + lane, count - 1)
            length[lane] = times[particle]
            for k in range(n):
                lanes[k, lane] = rates[particle, k]
        shifts(row, column, diagonal, lanes, shift)
        powers(diagonal, ends, left_entry, right_entry, lanes, shift, known)
        exponential(diagonal, ends, left_entry, right_entry, known, shift, length, work, filled)
        for lane in range(min(LANES, count - first)):
            for k in range(n):
                result[first + lane, k] = filled[k, lane]
    return result


def dense(pattern: Pattern, entries: FloatArray) -> FloatArray:
    """Matrices [..., size, size] of entries [..., n]."""
    result = np.zeros((*entries.shape[:-1], pattern.size, pattern.size))
    result[..., pattern.row, pattern.column] = entries
    return result


__all__ = ["BoolArray", "Pattern", "dense", "exponential", "exponentials", "multiply", "pattern", "shifts"]
