"""The safe language of covariate equations: arithmetic that a data file may contain, and nothing else.

Python's syntax for numbers, names, ``+ - * / **``, comparisons, ``and or not``, ``x if test else y`` and the
functions in ``FUNCTIONS``. A text is parsed once into a syntax tree, each node is checked against that list,
and the tree becomes a chain of closures over plain floats. Python's own evaluator never sees it.

Truth is 1.0 or 0.0, and every number but 0 is true. A power of a negative base with a fractional exponent,
a division by zero, an overflow and any result that is not finite raise ``InvalidExpression``.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dosing_core.errors import InvalidExpression

MAX_CHARACTERS = 400
MAX_NODES = 240
MAX_DEPTH = 25
"""Project policy: twice the size of the longest published covariate equation that was met so far, and small
enough that a reviewer can read it and that evaluation cannot exhaust the stack."""

BUILT_CHARACTERS = 4000
BUILT_NODES = 2400
"""The same for what a structural family writes: it repeats a free concentration wherever the drug acts, and
nobody has to read the sum. Ten times the limit of a file, which the longest family stays well below."""

PARTS_PER_CHARACTER = 2
"""No text has more parts a character: a name and that it is read, an operation and its sign. So short texts,
which most are, need no count."""

Values = Mapping[str, float]
_Node = Callable[[Values], float]

FUNCTIONS: dict[str, tuple[Callable[..., float], int, int | None]] = {
    "exp": (math.exp, 1, 1),
    "log": (math.log, 1, 1),
    "log10": (math.log10, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "tanh": (math.tanh, 1, 1),
    "cos": (math.cos, 1, 1),
    "sin": (math.sin, 1, 1),
    "floor": (math.floor, 1, 1),
    "abs": (abs, 1, 1),
    "round": (round, 1, 1),
    "min": (min, 2, None),
    "max": (max, 2, None),
}
"""Name: function, least and greatest number of arguments (None: any)."""

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: math.pow,
}

_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}


@dataclass(frozen=True)
class Expression:
    """One parsed expression. ``where`` is its place in the data file, for messages."""

    text: str
    where: str
    names: frozenset[str]
    """Every name that it reads."""
    tree: ast.expr = field(repr=False, compare=False)
    """Its checked syntax tree, for what reads it otherwise than by evaluating: solvers and derivatives."""
    _node: _Node = field(repr=False, compare=False)

    def evaluate(self, values: Values) -> float:
        """The value at these inputs. Raises ``InvalidExpression`` if it is not a finite number."""
        try:
            result = float(self._node(values))
        except KeyError as error:
            raise InvalidExpression(self.where, f"no value for {error.args[0]!r}") from error
        except (ArithmeticError, ValueError) as error:
            raise InvalidExpression(self.where, f"{self.text!r} cannot be computed: {error}") from error
        if not math.isfinite(result):
            raise InvalidExpression(self.where, f"{self.text!r} is not a finite number")
        return result


def parse(text: str, known: Iterable[str], where: str, *, built: bool = False) -> Expression:
    """Parse one expression that may read the names in ``known``; ``built``: by a family, not by a person.

    Raises ``InvalidExpression``, naming ``where`` and the reason, for whatever the language does not have.
    """
    characters, nodes = (BUILT_CHARACTERS, BUILT_NODES) if built else (MAX_CHARACTERS, MAX_NODES)
    if len(text) > characters:
        raise InvalidExpression(where, f"longer than {characters} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "1if" and the like: Python frowns, so does this language
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, Warning) as error:
        raise InvalidExpression(where, f"{text!r} is not an expression") from error
    if PARTS_PER_CHARACTER * len(text) > nodes and sum(1 for _ in ast.walk(tree)) > nodes:
        raise InvalidExpression(where, f"more than {nodes} parts")
    builder = _Builder(where, frozenset(known))
    node = builder.build(tree, 0)
    return Expression(text=text, where=where, names=frozenset(builder.names), tree=tree, _node=node)


class _Builder:
    """Turns a syntax tree into closures and collects the names that it reads."""

    def __init__(self, where: str, known: frozenset[str]) -> None:
        self.where = where
        self.known = known
        self.names: set[str] = set()

    def refuse(self, problem: str) -> InvalidExpression:
        return InvalidExpression(self.where, problem)

    def build(self, tree: ast.expr, depth: int) -> _Node:
        if depth > MAX_DEPTH:
            raise self.refuse(f"nested deeper than {MAX_DEPTH}")
        match tree:
            case ast.Constant():
                return self.constant(tree)
            case ast.Name(id=name):
                return self.name(name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _binary(_BINARY[type(op)], self.build(left, depth + 1), self.build(right, depth + 1))
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(op, self.build(operand, depth + 1))
            case ast.BoolOp(op=op, values=values):
                return _every_or_any(
                    [self.build(value, depth + 1) for value in values], isinstance(op, ast.And)
                )
            case ast.Compare():
                return self.compare(tree, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return _conditional(*(self.build(part, depth + 1) for part in (test, body, orelse)))
            case ast.Call():
                return self.call(tree, depth)
        raise self.refuse(f"{ast.unparse(tree)!r} is not in the expression language")

    def constant(self, tree: ast.Constant) -> _Node:
        if isinstance(tree.value, bool) or not isinstance(tree.value, int | float):
            raise self.refuse(f"{tree.value!r} is not a number")
        try:
            number = float(tree.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.refuse("a number that is not finite")
        return lambda values: number

    def name(self, name: str) -> _Node:
        if name not in self.known:
            raise self.refuse(f"unknown name {name!r}")
        self.names.add(name)
        return lambda values: values[name]

    def unary(self, op: ast.unaryop, operand: _Node) -> _Node:
        match op:
            case ast.USub():
                return lambda values: -operand(values)
            case ast.UAdd():
                return operand
            case ast.Not():
                return lambda values: 0.0 if operand(values) else 1.0
        raise self.refuse("'~' is not in the expression language")

    def compare(self, tree: ast.Compare, depth: int) -> _Node:
        if any(type(op) not in _COMPARE for op in tree.ops):
            raise self.refuse(f"{ast.unparse(tree)!r} is not in the expression language")
        operands = [self.build(part, depth + 1) for part in (tree.left, *tree.comparators)]
        tests = [_COMPARE[type(op)] for op in tree.ops]
        return _chain(tests, operands)

    def call(self, tree: ast.Call, depth: int) -> _Node:
        if not isinstance(tree.func, ast.Name) or tree.func.id not in FUNCTIONS:
            raise self.refuse(f"{ast.unparse(tree.func)!r} is not a function of the expression language")
        function, least, greatest = FUNCTIONS[tree.func.id]
        count = len(tree.args)
        if tree.keywords or any(isinstance(argument, ast.Starred) for argument in tree.args):
            raise self.refuse(f"{tree.func.id}: plain arguments only")
        if count < least or (greatest is not None and count > greatest):
            raise self.refuse(f"{tree.func.id}: wrong number of arguments")
        arguments = [self.build(argument, depth + 1) for argument in tree.args]
        return lambda values: float(function(*(argument(values) for argument in arguments)))


def _binary(function: Callable[[float, float], float], left: _Node, right: _Node) -> _Node:
    return lambda values: function(left(values), right(values))


def _conditional(test: _Node, body: _Node, orelse: _Node) -> _Node:
    return lambda values: body(values) if test(values) else orelse(values)


def _every_or_any(parts: Sequence[_Node], every: bool) -> _Node:
    if every:
        return lambda values: 1.0 if all(part(values) for part in parts) else 0.0
    return lambda values: 1.0 if any(part(values) for part in parts) else 0.0


def _chain(tests: Sequence[Callable[[float, float], bool]], operands: Sequence[_Node]) -> _Node:
    def chained(values: Values) -> float:
        left = operands[0](values)
        for test, operand in zip(tests, operands[1:], strict=True):
            right = operand(values)
            if not test(left, right):
                return 0.0
            left = right
        return 1.0

    return chained


@dataclass(frozen=True)
class Equations:
    """Named expressions in order; each may read the inputs and the names above it."""

    steps: tuple[tuple[str, Expression], ...]

    @classmethod
    def parse(cls, equations: Iterable[tuple[str, str]], known: Iterable[str], where: str) -> Equations:
        """Parse ``(name, text)`` pairs. Raises ``InvalidExpression``, also for a name defined twice."""
        visible = set(known)
        steps: list[tuple[str, Expression]] = []
        for name, text in equations:
            place = f"{where}.{name}"
            if name in visible or name in FUNCTIONS or not name.isidentifier():
                raise InvalidExpression(place, "the name is taken or is not a name")
            steps.append((name, parse(text, visible, place)))
            visible.add(name)
        return cls(tuple(steps))

    def evaluate(self, values: Values) -> dict[str, float]:
        """All values: the inputs and every equation's result. Raises ``InvalidExpression``."""
        result = dict(values)
        for name, expression in self.steps:
            result[name] = expression.evaluate(result)
        return result
