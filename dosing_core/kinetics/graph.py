"""Expressions as one graph in which equal parts are one node: what derivatives and programs are made from.

Every node is made by ``Graph.add``, which folds constants, drops what changes nothing (x + 0, 1 x) and finds
the node again if it was made before. So a derivative comes out simplified, and a program made from several
expressions computes what they share once.

Truth is 1.0 or 0.0 and every number but 0 is true, as in the language of expressions. What the language
refuses (a division by zero) is here infinite or NaN, because a solver asks about a thousand particles at once
and one of them must not stop the others. Zero times anything is zero.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from dosing_core.errors import InvalidExpression
from dosing_core.population.expressions import Expression

(
    NAME,
    CONSTANT,
    ADD,
    SUB,
    MUL,
    DIV,
    POW,
    NEG,
    EXP,
    LOG,
    LOG10,
    SQRT,
    TANH,
    FLOOR,
    ABS,
    ROUND,
    MIN,
    MAX,
    LT,
    LE,
    EQ,
    NE,
    AND,
    OR,
    NOT,
    SELECT,
    SIN,
    COS,
) = range(28)
"""What a node does. ``SELECT`` takes a test, the value if it is true, and the value if it is not."""

JUMPS = frozenset({FLOOR, ROUND, LT, LE, EQ, NE, AND, OR, NOT})
"""Nodes that jump: their derivative is 0 almost everywhere although they are not constant."""

_BINARY: dict[type[ast.operator], int] = {
    ast.Add: ADD,
    ast.Sub: SUB,
    ast.Mult: MUL,
    ast.Div: DIV,
    ast.Pow: POW,
}
_CALLS = {
    "exp": EXP,
    "log": LOG,
    "log10": LOG10,
    "sqrt": SQRT,
    "tanh": TANH,
    "floor": FLOOR,
    "abs": ABS,
    "round": ROUND,
    "min": MIN,
    "max": MAX,
    "sin": SIN,
    "cos": COS,
}
_COMPARE: dict[type[ast.cmpop], tuple[int, bool]] = {
    ast.Lt: (LT, False),
    ast.LtE: (LE, False),
    ast.Gt: (LT, True),
    ast.GtE: (LE, True),
    ast.Eq: (EQ, False),
    ast.NotEq: (NE, False),
}
"""Node, and whether its sides change places."""

_MOST_PRODUCTS = 4
"""Whole powers up to this one are written as products, which is exact to an ulp and ten times as fast."""


@dataclass(frozen=True)
class Node:
    """One part of an expression; ``parts`` are places in the graph of what it is made from."""

    what: int
    parts: tuple[int, ...]
    value: float = 0.0
    """Of a ``CONSTANT``."""
    name: str = ""
    """Of a ``NAME``."""


class Graph:
    """Nodes in an order in which each comes after its parts."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._places: dict[Node, int] = {}
        self._reads: list[frozenset[str]] = []
        self._derivatives: dict[tuple[int, str], int] = {}

    def name(self, name: str) -> int:
        """The node that reads ``name``."""
        return self._place(Node(NAME, (), name=name))

    def constant(self, value: float) -> int:
        """The node of a number."""
        return self._place(Node(CONSTANT, (), value=float(value)))

    def expression(self, expression: Expression) -> int:
        """The node of a whole expression."""
        return self._tree(expression.tree)

    def reads(self, place: int) -> frozenset[str]:
        """Every name on which the node's value depends."""
        return self._reads[place]

    def value(self, place: int) -> float | None:
        """The number that a node is, or None if it is not constant."""
        node = self.nodes[place]
        return node.value if node.what == CONSTANT else None

    def add(self, what: int, *parts: int) -> int:
        """The node that does ``what`` to ``parts``, or a simpler one with the same value."""
        values = [self.value(part) for part in parts]
        known = [value for value in values if value is not None]
        if len(known) == len(parts):
            return self.constant(_folded(what, known))
        simpler = self._simpler(what, parts, values)
        if simpler is not None:
            return simpler
        if what in (ADD, MUL, EQ, NE):
            parts = (min(parts), max(parts))
        return self._place(Node(what, parts))

    def derivative(self, place: int, name: str) -> int:
        """The node of the derivative with respect to ``name``; where a node jumps, that of either side."""
        if name not in self._reads[place]:
            return self.constant(0.0)
        key = (place, name)
        if key not in self._derivatives:
            self._derivatives[key] = self._derive(place, name)
        return self._derivatives[key]

    def replaced(self, place: int, values: Mapping[str, int]) -> int:
        """The node with other nodes in the place of some names."""
        done: dict[int, int] = {}

        def visit(at: int) -> int:
            if not self._reads[at] & values.keys():
                return at
            if at not in done:
                node = self.nodes[at]
                if node.what == NAME:
                    done[at] = values[node.name]
                else:
                    done[at] = self.add(node.what, *(visit(part) for part in node.parts))
            return done[at]

        return visit(place)

    def reached(self, places: Iterable[int]) -> list[int]:
        """Every node that ``places`` need, themselves included, in order."""
        seen: set[int] = set()
        ahead = list(places)
        while ahead:
            at = ahead.pop()
            if at not in seen:
                seen.add(at)
                ahead += self.nodes[at].parts
        return sorted(seen)

    def _place(self, node: Node) -> int:
        if node not in self._places:
            self._places[node] = len(self.nodes)
            self.nodes.append(node)
            reads = frozenset({node.name} if node.what == NAME else ())
            self._reads.append(reads.union(*(self._reads[part] for part in node.parts)))
        return self._places[node]

    def _simpler(self, what: int, parts: tuple[int, ...], values: list[float | None]) -> int | None:
        first, last = parts[0], parts[-1]
        first_value, last_value = values[0], values[-1]
        if what == ADD and first_value == 0.0:
            return last
        if what in (ADD, SUB) and last_value == 0.0:
            return first
        if what == SUB and first == last:
            return self.constant(0.0)
        if what == SUB and first_value == 0.0:
            return self.add(NEG, last)
        if what == MUL and 0.0 in (first_value, last_value):
            return self.constant(0.0)
        if what == MUL and first_value == 1.0:
            return last
        if what in (MUL, DIV) and last_value == 1.0:
            return first
        if what == DIV and first_value == 0.0:
            return first
        if what == POW:
            return self._power(first, last_value)
        if what == NEG and self.nodes[first].what == NEG:
            return self.nodes[first].parts[0]
        if what == SELECT and first_value is not None:
            return parts[1] if first_value != 0.0 else parts[2]
        if what == SELECT and parts[1] == parts[2]:
            return parts[1]
        return None

    def _power(self, base: int, exponent: float | None) -> int | None:
        if exponent is None:
            return None
        if exponent == 0.0:
            return self.constant(1.0)
        if exponent == 0.5:
            return self.add(SQRT, base)
        if exponent < 0.0 and (exponent == -0.5 or -exponent in range(1, _MOST_PRODUCTS + 1)):
            return self.add(DIV, self.constant(1.0), self.add(POW, base, self.constant(-exponent)))
        if exponent not in range(1, _MOST_PRODUCTS + 1):
            return None
        result = base
        for _ in range(int(exponent) - 1):
            result = self.add(MUL, result, base)
        return result

    def _derive(self, place: int, name: str) -> int:
        node = self.nodes[place]
        if node.what == NAME:
            return self.constant(1.0)
        if node.what in JUMPS:
            return self.constant(0.0)
        parts = node.parts
        slopes = tuple(self.derivative(part, name) for part in parts)
        if node.what in (ADD, SUB, NEG):
            return self.add(node.what, *slopes)
        if node.what == MUL:
            return self.add(ADD, self.add(MUL, slopes[0], parts[1]), self.add(MUL, parts[0], slopes[1]))
        if node.what == DIV:
            # (a / b)' = (a' - (a / b) b') / b: a quotient by a constant stays one.
            return self.add(DIV, self.add(SUB, slopes[0], self.add(MUL, place, slopes[1])), parts[1])
        if node.what == POW:
            return self._power_slope(place, slopes)
        if node.what in (MIN, MAX):
            second_is_it = self.add(LT, *(parts[::-1] if node.what == MIN else parts))
            return self.add(SELECT, second_is_it, slopes[1], slopes[0])
        if node.what == SELECT:
            return self.add(SELECT, parts[0], slopes[1], slopes[2])
        return self.add(MUL, self._outer_slope(node.what, place, parts[0]), slopes[0])

    def _power_slope(self, place: int, slopes: tuple[int, ...]) -> int:
        base, exponent = self.nodes[place].parts
        less = self.add(POW, base, self.add(SUB, exponent, self.constant(1.0)))
        by_base = self.add(MUL, self.add(MUL, exponent, less), slopes[0])
        if self.value(slopes[1]) == 0.0:
            return by_base
        by_exponent = self.add(MUL, self.add(MUL, place, self.add(LOG, base)), slopes[1])
        return self.add(ADD, by_base, by_exponent)

    def _outer_slope(self, what: int, place: int, inner: int) -> int:
        """Derivative of a function of one argument with respect to that argument."""
        one = self.constant(1.0)
        if what == EXP:
            return place
        if what == LOG:
            return self.add(DIV, one, inner)
        if what == LOG10:
            return self.add(DIV, self.constant(1.0 / math.log(10.0)), inner)
        if what == SQRT:
            return self.add(DIV, self.constant(0.5), place)
        if what == TANH:
            return self.add(SUB, one, self.add(MUL, place, place))
        if what == SIN:
            return self.add(COS, inner)
        if what == COS:
            return self.add(NEG, self.add(SIN, inner))
        return self.add(SELECT, self.add(LT, inner, self.constant(0.0)), self.constant(-1.0), one)

    def _tree(self, tree: ast.expr) -> int:
        match tree:
            case ast.Constant(value=value) if isinstance(value, int | float):
                return self.constant(float(value))
            case ast.Name(id=name):
                return self.name(name)
            case ast.BinOp(left=left, op=op, right=right):
                return self.add(_BINARY[type(op)], self._tree(left), self._tree(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.add(NEG, self._tree(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.add(NOT, self._tree(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._tree(operand)
            case ast.BoolOp(op=op, values=values):
                return self._chained(AND if isinstance(op, ast.And) else OR, map(self._tree, values))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [self._tree(side) for side in (left, *comparators)]
                tests = []
                for test, one, other in zip(ops, sides, sides[1:], strict=False):
                    what, swapped = _COMPARE[type(test)]
                    tests.append(self.add(what, other, one) if swapped else self.add(what, one, other))
                return self._chained(AND, tests)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.add(SELECT, *(self._tree(part) for part in (test, body, orelse)))
            case ast.Call(func=ast.Name(id=function), args=arguments) if function in _CALLS:
                places = [self._tree(argument) for argument in arguments]
                what = _CALLS[function]
                return self.add(what, *places) if len(places) == 1 else self._chained(what, places)
        raise InvalidExpression("", f"{ast.unparse(tree)!r} cannot be compiled")

    def _chained(self, what: int, parts: Iterable[int]) -> int:
        """A node of any number of parts as a chain of nodes of two."""
        return reduce(lambda result, part: self.add(what, result, part), parts)


def _folded(what: int, values: list[float]) -> float:
    """What constants come to; infinite or NaN where the language would refuse."""
    a, b = values[0], values[-1]
    if what == SELECT:
        return values[1] if a != 0.0 else values[2]
    try:
        return float(_FOLD[what](a, b))
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        if what == DIV and a != 0.0:
            return math.copysign(math.inf, a)
        return -math.inf if what in (LOG, LOG10) and a == 0.0 else math.nan


_FOLD: dict[int, Callable[[float, float], float]] = {
    ADD: lambda a, b: a + b,
    SUB: lambda a, b: a - b,
    MUL: lambda a, b: a * b,
    DIV: lambda a, b: a / b,
    POW: math.pow,
    NEG: lambda a, _: -a,
    EXP: lambda a, _: math.exp(a),
    LOG: lambda a, _: math.log(a),
    LOG10: lambda a, _: math.log10(a),
    SQRT: lambda a, _: math.sqrt(a),
    TANH: lambda a, _: math.tanh(a),
    FLOOR: lambda a, _: math.floor(a),
    ABS: lambda a, _: abs(a),
    ROUND: lambda a, _: round(a),
    MIN: lambda a, b: b if b < a else a,
    MAX: lambda a, b: b if b > a else a,
    LT: lambda a, b: a < b,
    LE: lambda a, b: a <= b,
    EQ: lambda a, b: a == b,
    NE: lambda a, b: a != b,
    AND: lambda a, b: a != 0.0 and b != 0.0,
    OR: lambda a, b: a != 0.0 or b != 0.0,
    NOT: lambda a, _: a == 0.0,
    SIN: lambda a, _: math.sin(a),
    COS: lambda a, _: math.cos(a),
}
