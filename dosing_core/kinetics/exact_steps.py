"""Kernels of the exact solver between two items: exponentials that are kept, and what enters."""

from __future__ import annotations

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.exponential import ALL_LANES, LANES, POWERS, exponential, multiply
from dosing_core.kinetics.itinerary import BOLUS, START, STOP
from dosing_core.population.individual import FloatArray, IntArray

SLOTS = 6
"""Exponentials kept: a regular regimen repeats two or three, a cycle of several doses a few more."""

# Arrays are passed one by one, and a few quantities share one: a tuple of thirty arrays, handed from kernel
# to kernel, takes longer than the arithmetic, and minutes to compile. Names and shapes in all that follows:
#
# entries, products, of_state   of ``Machine``
# powers  [rows + 1, POWERS, n_entries, LANES]  as ``exponential.powers`` fills them; last, of mixed rows
# shift   [rows + 1, 2, LANES]                  as ``shifts`` fills them
# kept    [SLOTS + WORK, n_entries, LANES]      exponentials that are kept, then scratch
# known   [2, SLOTS, LANES]                     interval (h) and row of the exponentials that are kept
# value   [2, values, LANES]                    mg pushed in at once, and mg/h driven in
# delay   [delays, LANES]                       h
# row     [LANES]                               place in ``Itinerary.rows`` of the row in force
# running [size, LANES]                         infusions that run into each column
# slot    [1]                                   which exponential is replaced next
# x       [size, LANES]                         states, what drives, area


@compiled
def fill(to: FloatArray, number: float) -> None:
    """(Written out, as below: numba takes seconds to compile an assignment of whole rows.)"""
    for k in range(to.shape[0]):
        for lane in range(LANES):
            to[k, lane] = number


@compiled
def copy(source: FloatArray, to: FloatArray) -> None:
    for k in range(to.shape[0]):
        for lane in range(LANES):
            to[k, lane] = source[k, lane]


@compiled
def act(entries: IntArray, of_state: IntArray, matrix: FloatArray, x: FloatArray, result: FloatArray) -> None:
    """``result`` = matrix x, [size, LANES]."""
    multiply(of_state[1], entries[3], entries[1], matrix, x, ALL_LANES, result)


@compiled
def square_of(entries: IntArray, products: IntArray, matrix: FloatArray, result: FloatArray) -> None:
    multiply(entries[2], products[0], products[1], matrix, matrix, ALL_LANES, result)


@compiled
def kept_exponential(
    entries: IntArray,
    products: IntArray,
    of_state: IntArray,
    powers_of: FloatArray,
    shift: FloatArray,
    kept: FloatArray,
    known: FloatArray,
    row: IntArray,
    slot: IntArray,
    length: FloatArray,
) -> int:
    """The slot that holds exp(K length) of every lane, computed unless it is there already."""
    for k in range(SLOTS):
        same = True
        for lane in range(LANES):
            if known[0, k, lane] != length[lane] or known[1, k, lane] != row[lane]:
                same = False
                break
        if same:
            return k
    k = int(slot[0])
    slot[0] = (k + 1) % SLOTS
    use, last = row[0], len(shift) - 1
    for lane in range(LANES):
        known[0, k, lane], known[1, k, lane] = length[lane], row[lane]
        use = use if row[lane] == row[0] else last
    if use == last:
        for lane in range(LANES):
            for power in range(POWERS):
                for entry in range(powers_of.shape[2]):
                    powers_of[last, power, entry, lane] = powers_of[row[lane], power, entry, lane]
            for one in range(2):
                shift[last, one, lane] = shift[row[lane], one, lane]
    exponential(
        of_state[0],
        entries[2],
        products[0],
        products[1],
        powers_of[use],
        shift[use],
        length,
        kept[SLOTS:],
        kept[k],
    )
    return k


@compiled
def enter(
    kind: int,
    place: int,
    column: int,
    pushed: FloatArray,
    driven: FloatArray,
    start: int,
    stop: int,
    x: FloatArray,
    running: IntArray,
) -> None:
    """Let a bolus in, or start or stop an infusion, in some lanes; one that takes no time is a bolus."""
    if kind != STOP:
        for lane in range(start, stop):
            x[place, lane] += pushed[lane]
    if kind != BOLUS:
        sign, one = (1.0, 1) if kind == START else (-1.0, -1)
        for lane in range(start, stop):
            running[column, lane] += one if driven[lane] != 0.0 else 0
            # No residue of rounding is left running once every infusion has stopped.
            rate = max(x[column, lane] + sign * driven[lane], 0.0)
            x[column, lane] = rate if running[column, lane] > 0 else 0.0
