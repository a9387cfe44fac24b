"""A dosage instruction that consists of words, put into code where they can be read in one way only.

``1000 mg intravenously every 12 h over 2 h`` says one thing. The whole text must be understood: a word that
is not, a range, a condition ("if needed"), a second dose, and a number that means different things in
different countries (``1,000 mg``, ``1.500 mg``) all leave the text unread.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from fhir_adapters.elements import Resource, text
from fhir_adapters.terminology.routes import spellings
from fhir_adapters.terminology.units import UCUM
from fhir_adapters.terminology.words import folded
from fhir_adapters.timing import frequencies

CODED = ("timing", "doseAndRate", "doseQuantity", "asNeededBoolean", "asNeededCodeableConcept", "route")
"""Members that say in code what an instruction is."""
_SHORT = ("bid", "tid", "qid")
"""Not ``qd``, which is misread, and not ``od``, which is also the right eye."""
_UNITS = {"mg": "mg", "g": "g", "microgram": "ug", "micrograms": "ug", "mcg": "ug"}
_LENGTHS = {"min": "min", "minutes": "min", "h": "h", "hour": "h", "hours": "h", "hr": "h", "hrs": "h"}


def only_words(instruction: Resource) -> bool:
    """True if an instruction says nothing in code."""
    return not any(instruction.get(name) for name in CODED) and bool(text(instruction.get("text")))


def in_code(instruction: Resource) -> dict[str, Any] | None:
    """What the words of an instruction without codes say, in code; None if it has codes, or if the words are
    not understood whole."""
    if not only_words(instruction):
        return None
    found = _grammar().fullmatch(folded(str(instruction.get("text"))).rstrip("."))
    if found is None:
        return None
    said = found.groupdict()
    routes = {said["before"], said["after"]} - {None}
    if len(routes) > 1:
        return None
    unit = _UNITS[said["unit"]]
    often = said["often"].upper() if said["often"] in _SHORT else said["often"]
    timing: dict[str, Any] = {"code": {"text": often}}
    if said["length"]:
        timing["repeat"] = {"duration": _number(said["length"]), "durationUnit": _LENGTHS[said["measure"]]}
    quantity = {"value": _number(said["dose"]), "unit": unit, "system": UCUM, "code": unit}
    coded: dict[str, Any] = {"timing": timing, "doseAndRate": [{"doseQuantity": quantity}]}
    return coded | ({"route": {"text": routes.pop()}} if routes else {})


def _number(written: str) -> int | float:
    return int(written) if written.isdecimal() else float(written)


@cache
def _grammar() -> re.Pattern[str]:
    """Verb, dose, route and frequency in either order, length. A number has no comma, and not just three
    decimals: both may be a thousand somewhere."""
    number = r"\d{1,5}(?:\.(?:\d{1,2}|\d{4,6}))?"
    route = rf"(?:{_any(spellings())})"
    often = rf"(?:{_any((*frequencies(), *_SHORT))})"
    return re.compile(
        rf"(?:(?:take|give|infuse|inject) )?(?P<dose>{number}) ?(?P<unit>{_any(tuple(_UNITS))})"
        rf"(?: (?P<before>{route}))?,? (?P<often>{often})(?: (?P<after>{route}))?"
        rf"(?:,? (?:each )?over (?P<length>{number}) ?(?P<measure>{_any(tuple(_LENGTHS))}))?"
    )


def _any(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
