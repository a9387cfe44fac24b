"""Programs: expressions as a list of instructions over registers, which one compiled kernel runs.

A drug file may spell any equations, and a server must not call a compiler for them: that takes seconds. So
the kernel is compiled once, and an expression becomes data for it. Each register holds one value for each of
``W`` particles ("lanes"), so that reading an instruction is paid once for all of them and the arithmetic runs
in vector instructions.

Instructions that read only what stays the same for a while (parameters, not states or time) come first; a
solver runs them once a row of covariates and the rest at every stage of every step.

Both sides of a condition are computed and one is taken, so what is not finite in the other does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosing_core.kinetics import rows
from dosing_core.kinetics.compiled import compiled, inlined
from dosing_core.kinetics.graph import ADD, CONSTANT, MUL, NAME, POW, SQRT, SUB, Graph
from dosing_core.kinetics.lockstep import _power_of_two, exponent_of
from dosing_core.kinetics.rows import W
from dosing_core.population.expressions import Expression
from dosing_core.population.individual import FloatArray

POW_OF_AMOUNT, SQRT_OF_AMOUNT = 28, 29
"""Beside the nodes of a graph: the base counts as 0 where it is negative."""
PRODUCT_PLUS, LESS_PRODUCT, PRODUCT_LESS = 30, 31, 32
"""Two nodes in one instruction: a b + c, c - a b, a b - c, with the bits of both one after the other."""

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUND = 6755399441055744.0
"""1.5 · 2^52: adding it and taking it away again rounds to an integer."""
_LEAST, _MOST = -708.0, 709.0
"""Powers of e beyond these are 0 and infinite: they would not be normal numbers."""
_SMALLEST, _LARGEST = 2.3e-308, 8.9e307
"""Between these a number is normal, and so is one over its power of two."""
_SQRT_2 = 1.4142135623730951


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions and where they stand. Registers: names, then constants, then results."""

    names: tuple[str, ...]
    """What the first registers hold."""
    constants: FloatArray
    """[n_constants] what the next registers hold."""
    code: NDArray[np.int64]
    """[n_instructions, 5] what to do, register of the result, registers of up to three parts."""
    steady: int
    """So many first instructions read nothing that varies."""
    outputs: NDArray[np.int64]
    """[n_outputs] registers of the results."""
    registers: int
    """How many there are."""

    def evaluate(self, inputs: FloatArray) -> FloatArray:
        """Results [n_outputs, n] for ``inputs`` [n_names, n]; not finite where the language would refuse."""
        inputs = np.ascontiguousarray(inputs, dtype=np.float64)
        if inputs.ndim != 2 or len(inputs) != len(self.names):
            raise ValueError(f"a program over {len(self.names)} names got {inputs.shape}")
        results: FloatArray = evaluate(self.constants, self.code, self.outputs, self.registers, inputs)
        return results


class Tape(NamedTuple):
    """A ``Program`` as kernels take it."""

    constants: FloatArray
    code: NDArray[np.int64]
    outputs: NDArray[np.int64]
    names: int
    registers: int
    steady: int


def tape_of(program: Program) -> Tape:
    """The same program for kernels."""
    return Tape(
        constants=program.constants,
        code=program.code,
        outputs=program.outputs,
        names=len(program.names),
        registers=program.registers,
        steady=program.steady,
    )


def compile_expressions(
    expressions: Iterable[Expression],
    names: Sequence[str],
    varying: Iterable[str] = (),
    *,
    amounts: bool = False,
) -> Program:
    """The program that computes ``expressions`` from values of ``names``; see ``compile_nodes``."""
    graph = Graph()
    places = [graph.expression(expression) for expression in expressions]
    return compile_nodes(graph, places, names, varying, amounts=amounts)


def compile_nodes(
    graph: Graph,
    places: Sequence[int],
    names: Sequence[str],
    varying: Iterable[str] = (),
    *,
    amounts: bool = False,
) -> Program:
    """The program that computes the nodes ``places`` of a graph.

    ``varying``: names whose values change more often than the others'. ``amounts``: take powers and roots of
    something negative as those of 0; a solver's error may leave an empty state at -1e-12, whose power would
    be NaN. Raises ``KeyError`` for a name that is read but not given.
    """
    changes = frozenset(varying)
    reached = graph.reached(places)
    register = {graph.name(name): place for place, name in enumerate(names)}
    constants: list[float] = []
    for at in reached:
        node = graph.nodes[at]
        if node.what == NAME and at not in register:
            raise KeyError(node.name)
        if node.what == CONSTANT:
            register[at] = len(names) + len(constants)
            constants.append(node.value)
    fused = _fused(graph, reached, frozenset(places), changes)
    inside = {product for product, _, _ in fused.values()}
    computed = [at for at in reached if at not in register and at not in inside]
    computed.sort(key=lambda at: bool(graph.reads(at) & changes))  # stable: parts stay before wholes
    inputs = len(names) + len(constants)
    register |= {at: inputs + line for line, at in enumerate(computed)}
    code = np.zeros((len(computed), 5), dtype=np.int64)
    for line, at in enumerate(computed):
        what, parts = (_what(graph, at) if amounts else graph.nodes[at].what), graph.nodes[at].parts
        if at in fused:
            product, what, rest = fused[at]
            parts = (*graph.nodes[product].parts, rest)
        parts += parts[-1:] * (3 - len(parts))
        code[line] = (what, register[at], *(register[part] for part in parts))
    return Program(
        names=tuple(names),
        constants=np.array(constants, dtype=np.float64),
        code=code,
        steady=sum(1 for at in computed if not graph.reads(at) & changes),
        outputs=np.array([register[place] for place in places], dtype=np.int64),
        registers=inputs + len(computed),
    )


def _fused(
    graph: Graph, reached: Sequence[int], wanted: frozenset[int], changes: frozenset[str]
) -> dict[int, tuple[int, int, int]]:
    """Sums with a product that nothing else reads: the product, the instruction for both, the other part."""
    uses: dict[int, int] = {}
    for at in reached:
        for part in graph.nodes[at].parts:
            uses[part] = uses.get(part, 0) + 1
    found: dict[int, tuple[int, int, int]] = {}
    for at in reached:
        node = graph.nodes[at]
        if node.what not in (ADD, SUB):
            continue
        for place, (product, rest) in enumerate((node.parts, node.parts[::-1])):
            alone = graph.nodes[product].what == MUL and uses[product] == 1 and product not in wanted
            # A product that stays the same is computed once and must not move to where the sum is.
            if alone and bool(graph.reads(product) & changes) == bool(graph.reads(at) & changes):
                what = PRODUCT_PLUS if node.what == ADD else (PRODUCT_LESS, LESS_PRODUCT)[place]
                found[at] = (product, what, rest)
                break
    return found


def _what(graph: Graph, at: int) -> int:
    node = graph.nodes[at]
    if node.what == SQRT:
        return SQRT_OF_AMOUNT
    if node.what == POW:
        exponent = graph.value(node.parts[1])
        return POW if exponent is not None and exponent == int(exponent) else POW_OF_AMOUNT
    return node.what


@inlined
def exponential(x: float) -> float:
    """e^x to an ulp or two, the same alone and in a vector; 0 or infinite beyond normal numbers.

    e^x = 2^k e^r with |r| <= ln 2 / 2 and e^r by its series (Cody and Waite's reduction).
    """
    inside = _MOST if x > _MOST else x
    inside = _LEAST if inside < _LEAST else inside
    k = (inside * _LOG2_E + _ROUND) - _ROUND
    r = (inside - k * _LN2_HIGH) - k * _LN2_LOW
    q = 1.6059043836821613e-10 * r + 2.08767569878681e-09  # 1/13!, 1/12!, and so on
    q = q * r + 2.505210838544172e-08
    q = q * r + 2.755731922398589e-07
    q = q * r + 2.7557319223985893e-06
    q = q * r + 2.48015873015873e-05
    q = q * r + 0.0001984126984126984
    q = q * r + 0.001388888888888889
    q = q * r + 0.008333333333333333
    q = q * r + 0.041666666666666664
    q = q * r + 0.16666666666666666
    q = q * r + 0.5
    power = _power_of_two(k)
    result = power + power * (r + r * r * q)
    result = 0.0 if x < _LEAST else result
    return np.inf if x > _MOST else result


@compiled
def _other(what: int, a: float, b: float, c: float) -> float:
    """What is rare or has no vector instruction, a lane at a time: thirty vector loops compile for long."""
    if what == 6:
        return float(a**b)
    if what == 9:
        return float(np.log(a))
    if what == 10:
        return float(np.log10(a))
    if what == 12:
        return float(np.tanh(a))
    if what == 13:
        return float(np.floor(a))
    if what == 14:
        return abs(a)
    if what == 15:
        return float(np.rint(a))
    if what == 18:
        return 1.0 if a < b else 0.0
    if what == 19:
        return 1.0 if a <= b else 0.0
    if what == 20:
        return 1.0 if a == b else 0.0
    if what == 21:
        return 1.0 if a != b else 0.0
    if what == 22:
        return 1.0 if a != 0.0 and b != 0.0 else 0.0
    if what == 23:
        return 1.0 if a != 0.0 or b != 0.0 else 0.0
    if what == 24:
        return 1.0 if a == 0.0 else 0.0
    if what == 25:
        return b if a != 0.0 else c
    if what == 26:
        return float(np.sin(a))
    return float(np.cos(a))


@inlined
def power_of_amount(amount: float, exponent: float) -> float:
    """amount^exponent as e to the exponent times its logarithm, the amount 0 where it is negative.

    To about 1e-15 times the size of that product. ``ln`` as in Sun's fdlibm, ``e_log.c``: with the amount
    2^k m and m between half and double the root of 2, ln m is a series in s = (m - 1) / (m + 1).
    """
    inside = amount if amount > _SMALLEST else _SMALLEST
    inside = inside if inside < _LARGEST else _LARGEST
    k = exponent_of(inside)
    m = inside * _power_of_two(-k)
    above = m > _SQRT_2
    m = 0.5 * m if above else m
    k = k + 1.0 if above else k
    f = m - 1.0
    t = f / (2.0 + f)
    z = t * t
    q = 1.479819860511658591e-01 * z + 1.531383769920937332e-01
    q = q * z + 1.818357216161805012e-01
    q = q * z + 2.222219843214978396e-01
    q = q * z + 2.857142874366239149e-01
    q = q * z + 3.999999999940941908e-01
    q = q * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    logarithm = k * _LN2_HIGH - ((half - (t * (half + q * z) + k * _LN2_LOW)) - f)
    result = exponential(exponent * logarithm)
    # What is not a normal number: 0 and less, infinite, NaN.
    nothing = 1.0 if exponent == 0.0 else (0.0 if exponent > 0.0 else np.inf)
    result = nothing if amount < _SMALLEST else result
    everything = 1.0 if exponent == 0.0 else (np.inf if exponent > 0.0 else 0.0)
    result = everything if amount > _LARGEST else result
    return result if amount == amount else amount


@compiled
def run_tape(code: NDArray[np.int64], first: int, last: int, registers: FloatArray) -> None:
    """Run the instructions from ``first`` up to ``last`` on ``registers`` [n_registers, W]."""
    for line in range(first, last):
        what, z, x, y, w = code[line, 0], code[line, 1], code[line, 2], code[line, 3], code[line, 4]
        r = registers
        if what == 2:
            rows.add(r, z, r, x, r, y)
        elif what == 3:
            rows.subtract(r, z, r, x, r, y)
        elif what == 4:
            rows.multiply(r, z, r, x, r, y)
        elif what == 5:
            rows.divide(r, z, r, x, r, y)
        elif what == 30:
            rows.product_plus(r, z, r, x, r, y, r, w)
        elif what == 31:
            rows.less_product(r, z, r, x, r, y, r, w)
        elif what == 32:
            rows.product_less(r, z, r, x, r, y, r, w)
        elif what == 7:
            rows.negate(r, z, r, x)
        elif what == 11:
            rows.root(r, z, r, x)
        elif what == 29:
            rows.root_of_amount(r, z, r, x)
        elif what == 16:
            rows.least(r, z, r, x, r, y)
        elif what == 17:
            rows.most(r, z, r, x, r, y)
        elif what == 8:
            for lane in range(W):
                r[z, lane] = exponential(r[x, lane])
        elif what == 28:
            for lane in range(W):
                r[z, lane] = power_of_amount(r[x, lane], r[y, lane])
        else:
            for lane in range(W):
                r[z, lane] = _other(what, r[x, lane], r[y, lane], r[w, lane])


@compiled
def evaluate(
    constants: FloatArray,
    code: NDArray[np.int64],
    outputs: NDArray[np.int64],
    n_registers: int,
    inputs: FloatArray,
) -> FloatArray:
    """Results [n_outputs, n] of a program for ``inputs`` [n_names, n]."""
    n_names, n = inputs.shape
    results = np.empty((len(outputs), n))
    registers = np.zeros((n_registers, W))
    for place in range(len(constants)):
        registers[n_names + place, :] = constants[place]
    first = 0
    while first < n:
        lanes = min(W, n - first)
        for place in range(n_names):
            for lane in range(lanes):
                registers[place, lane] = inputs[place, first + lane]
        run_tape(code, 0, len(code), registers)
        for place in range(len(outputs)):
            for lane in range(lanes):
                results[place, first + lane] = registers[outputs[place], lane]
        first += lanes
    return results
