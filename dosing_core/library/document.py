"""The YAML of a drug file: read once, as plain data of which every place is still known by its line.

Narrower than YAML: text, numbers, truth values, lists and mappings, each written out. A key that appears
twice, an alias and a tag are refused, for of those a reader sees one thing and a program another.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from dosing_core.errors import InvalidDrugFile, InvalidExpression
from dosing_core.population.model import STRUCTURE_KINDS
from dosing_core.population.short_forms import Contradiction

LARGEST = 10**18
"""Project policy: no whole number of a drug file is beyond; larger ones overflow what reads them."""
Location = Sequence[int | str]
_PLAIN = "plain"
_MAY_MEAN_MORE = frozenset(Resolver.yaml_implicit_resolvers)
"""What a scalar begins with that may be more than its text."""
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Reader(_Base):  # type: ignore[misc]
    """Composes nodes without asking of each scalar what it means, which would take longer than all the rest:
    ``_scalar`` asks of the few that may mean more than their text."""

    def resolve(self, kind: type[yaml.Node], _: str | None, implicit: Any) -> str:
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else ""

    # Called for every node. Where it stands makes no difference here, so these do nothing, as fast as can be.
    descend_resolver, ascend_resolver = staticmethod(operator.is_), staticmethod(bool)


class Document:
    """One YAML text: ``content`` is what it says."""

    def __init__(self, text: str, name: str) -> None:
        """``name`` is what errors call the file. Raises ``InvalidDrugFile``, with the line, for what is no
        YAML or more than is read here."""
        self.name = name
        self._root: yaml.Node | None = None
        try:
            self._root = _Reader(text).get_single_node()
            if self._root is not None and "&" in text:  # else there is nothing that an alias could repeat
                self._refuse_aliases(self._root, set())
            self.content = None if self._root is None else self._read(self._root)
        except Contradiction as error:
            raise self.refusal(error.path, str(error)) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise _no_yaml(error, name) from error

    def refusal(self, location: Location, problem: str) -> InvalidDrugFile:
        """The error of a place in the file; of a nearer one if the problem begins with it
        (``iiv.ka: ...``)."""
        said, _, rest = problem.partition(": ")
        nearer = _parts(said)
        node, found = _walk(self._root, location)
        inner, more = _walk(node, nearer)
        if rest and more:
            line, where, problem = _line_of(inner), ".".join(map(str, (*found, *nearer))), rest
        else:
            missing = [str(part) for part in location[-1:] if part not in (*found, *STRUCTURE_KINDS)]
            line, where = _line_of(node), ".".join([*map(str, found), *missing]) or "the file"
        return InvalidDrugFile(f"{self.name}:{line}: {where}", problem)

    def refused_expression(self, error: InvalidExpression) -> InvalidExpression:
        """The same error with file and line. Its place reads ``drug.model equations.CL``."""
        model, _, place = error.where.partition(" ")
        node = self._root
        if isinstance(models := _below(node, "models"), yaml.SequenceNode):
            own = (one for one in models.value if getattr(_below(one, "id"), "value", None) == model)
            node = next(own, models)
        inner, _ = _walk(node, _parts(place))
        return InvalidExpression(f"{self.name}:{_line_of(inner)}: {error.where}", error.problem)

    def _read(self, node: yaml.Node) -> Any:
        """What a node says. Raises ``Contradiction`` with the path from it to what is no data, and
        ``InvalidDrugFile`` for a key that appears twice: YAML readers keep the last one in silence, and in a
        drug file that may be a dose."""
        if type(node) is yaml.ScalarNode:
            return _scalar(node)
        if node.tag:
            raise Contradiction((), f"only plain data, not {node.tag}")
        if type(node) is yaml.SequenceNode:
            return self._listed(node)
        mapped: dict[str, Any] = {}
        for key, value in node.value:
            part = key.value
            if type(key) is not yaml.ScalarNode or (key.tag and _meaning(part) != part):
                raise Contradiction((), f"the key {part!r} is not text: put it in quotation marks")
            if part in mapped:
                raise InvalidDrugFile(f"{self.name}:{_line_of(key)}: {part}", "appears twice")
            try:
                mapped[part] = _scalar(value) if type(value) is yaml.ScalarNode else self._read(value)
            except Contradiction as error:
                raise Contradiction((part, *error.path), str(error)) from error
        return mapped

    def _listed(self, node: yaml.Node) -> list[Any]:
        listed = []
        for place, item in enumerate(node.value):
            try:
                listed.append(self._read(item))
            except Contradiction as error:
                raise Contradiction((place, *error.path), str(error)) from error
        return listed

    def _refuse_aliases(self, node: yaml.Node, met: set[int]) -> None:
        """A few aliases can stand for a file without end."""
        if id(node) in met:
            raise InvalidDrugFile(f"{self.name}:{_line_of(node)}", "used again by an alias; write it out")
        met.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for pair in node.value:
                for below in pair:
                    self._refuse_aliases(below, met)
        elif isinstance(node, yaml.SequenceNode):
            for below in node.value:
                self._refuse_aliases(below, met)


def _scalar(node: yaml.Node) -> Any:
    """What a scalar says. Raises ``Contradiction``."""
    text = node.value
    if node.tag is _PLAIN:
        return _meaning(text) if text[:1] in _MAY_MEAN_MORE else text
    if node.tag:
        raise Contradiction((), f"only plain data, not {node.tag}")
    return text


_resolver, _constructor = Resolver(), SafeConstructor()


@lru_cache(maxsize=4096)
def _meaning(text: str) -> Any:
    """What an unquoted scalar says by the rules of YAML 1.1. Raises ``Contradiction`` for dates, for numbers
    that are not finite and the like."""
    tag = _resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    construct = SafeConstructor.yaml_constructors.get(tag)
    if construct is None:
        raise Contradiction((), f"{text!r} stands for something else; put it in quotation marks")
    try:
        value = construct(_constructor, yaml.ScalarNode(tag, text))
    except (ValueError, TypeError) as error:
        raise Contradiction((), f"{text!r} cannot be read: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise Contradiction((), f"{value} is not a finite number")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Contradiction((), "a number too large to count")
    if not isinstance(value, str | int | float | None):
        kind = type(value).__name__
        raise Contradiction((), f"only text, numbers, truth values, lists and mappings, not {kind}")
    return value


def _no_yaml(error: Exception, name: str) -> InvalidDrugFile:
    """What the reader of YAML could not read, with its line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = [getattr(error, part, None) or "" for part in ("context", "problem")]
    problem = " ".join((" ".join(said) if any(said) else str(error)).split())
    return InvalidDrugFile(f"{name}:{1 if mark is None else mark.line + 1}", f"no YAML: {problem}")


def _parts(place: str) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in place.split(".")]


def _below(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    """What stands under a key, a place in a list, or, in a list of pairs or of named things, a name."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode):
        if isinstance(part, int):
            return node.value[part] if part < len(node.value) else None
        for item in node.value:
            first = (
                item.value[0] if isinstance(item, yaml.SequenceNode) and item.value else _below(item, "name")
            )
            if (
                isinstance(item, yaml.SequenceNode | yaml.MappingNode)
                and getattr(first, "value", None) == part
            ):
                return item
    return None


def _walk(node: yaml.Node | None, location: Location) -> tuple[yaml.Node | None, list[int | str]]:
    """The innermost node of a place that exists, and the parts that led there.

    What the schema adds to a place (which kind of a structure was read) is not in the file."""
    found: list[int | str] = []
    for part in location:
        below = _below(node, part)
        if below is not None:
            node = below
            found.append(part)
    return node, found


def _line_of(node: yaml.Node | None) -> int:
    return 1 if node is None else int(node.start_mark.line) + 1
