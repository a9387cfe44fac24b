"""Which drug a medication is, in which strength, and whether it is a product that the drug file means.

EHRs send products, ingredients, local codes and plain text. A drug is recognised by the codes and names of
the drug library; a name counts only as a whole word. An ointment or a modified-release capsule of the same
drug is another question, and two drugs in one medication are no question that can be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import Any

from dosing_core.case import LONGEST_INFUSION_H, Route
from dosing_core.genetics import guided_drug, guided_drugs
from dosing_core.library import drugs, load_drug, names_in
from fhir_adapters.elements import Resource, codings, items, member, referenced, text, wordings
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.units import NO_UNIT, Quantity, quantity, unit
from fhir_adapters.terminology.words import any_word, words_in

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"

_STRENGTH = re.compile(
    r"(?<![\d.,/])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s?(micrograms?|mg|mcg|g|ug|µg|μg)(?![\w])"
    r"(\s*/\s*(\d+(?:\.\d+)?)?\s?(ml|millilitre|milliliter)?(?![\w]))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Product:
    """A medication as far as dosing needs it."""

    name: str | None
    """The one known medicine in it, of the drug library, of ``medicines.json`` or of a guideline on genes."""
    names: tuple[str, ...] = ()
    """What the record calls it."""
    problem: str | None = None
    """Why it is not the product that the drug file means, although it holds the drug."""
    mg_each: Decimal | None = None
    """mg in one tablet or capsule, where the record states it."""
    mg_per_ml: Decimal | None = None
    route: Route | None = None
    """The route that the product's name implies."""
    modified_release: bool = False
    """True if ``problem`` is that it releases the drug slowly or is made otherwise: the right drug in another
    product."""
    local: bool = False
    """True for ointments, drops and the like, which hardly reach the blood."""
    holds: frozenset[str] = frozenset()
    """Every known medicine that it names; more than one makes it unusable."""
    unidentified: bool = False
    """True if the record says what it is only by a reference that leads nowhere."""

    @property
    def drug(self) -> str | None:
        """Its name in the drug library; None if the library does not hold it."""
        return self.name if self.name in _library() else None

    @property
    def guided(self) -> str | None:
        """Its name if the library does not hold it but a guideline on genes speaks of it. Local preparations
        do not count, but for gases that are breathed in (those of malignant hyperthermia)."""
        known = guided_drug(self.name) if self.name is not None and self.drug is None else None
        if known is None or (self.local and "RYR1" not in known.genes):
            return None
        return self.name


WORDS_ONLY = frozenset(
    {"non-modified", "nonmodified", "suspension", "chewable", "chewable tablet", "chewable tablets"}
)
"""Words that tell a formulation and no drug."""


@cache
def _library() -> frozenset[str]:
    return frozenset(drug.drug for drug in drugs())


@cache
def _codes() -> Mapping[tuple[str, str], str]:
    library = [(d.drug, d.identity.rxnorm, d.identity.atc, d.identity.snomed) for d in drugs()]
    others = [(m["name"], m["rxnorm"], m["atc"], ()) for m in table("medicines")["medicines"]]
    guided = [(d.name, (d.rxnorm,), d.atc, ()) for d in guided_drugs()]
    made = table("products")["other_formulations"]
    others += [(one["drug"], one["rxnorm"], [], ()) for one in made if one["drug"] in _library()]
    return {
        (system, code): name
        for name, rxnorm, atc, snomed in (*guided, *others, *library)
        for system, known in ((RXNORM, rxnorm), (ATC, atc), (SNOMED, snomed))
        for code in known
    }


@cache
def _names() -> Mapping[str, str]:
    others = {name: name for drug in drugs() for name in names_in(drug.drug)}
    others |= {d.name.lower(): _codes()[(RXNORM, d.rxnorm)] for d in guided_drugs()}
    others |= {name: m["name"] for m in table("medicines")["medicines"] for name in m["names"]}
    released: dict[str, str] = table("products")["modified_release_names"]
    library = {name: drug.drug for drug in drugs() for name in drug.identity.names}
    formulations = {
        name: one["drug"]
        for one in table("products")["other_formulations"]
        for name in one["names"]
        if one["drug"] in _library() and name not in WORDS_ONLY
    }
    return (
        others
        | {name: drug for name, drug in released.items() if drug in _library()}
        | formulations
        | library
    )


@cache
def synonyms(name: str) -> tuple[str, ...]:
    """Every name of a known medicine, its own first."""
    return (name, *(spelling for spelling, known in _names().items() if known == name and spelling != name))


@cache
def _spellings() -> tuple[str, ...]:
    return tuple(_names())


@cache
def _words(*lists: str) -> tuple[str, ...]:
    """Word lists of ``products.json``, together."""
    return tuple(word for name in lists for word in table("products")[name])


def medicines_named(concept: Any) -> frozenset[str]:
    """The known medicines that a concept names, by code or in words."""
    return frozenset(_recognised(items(concept), wordings(concept)))


def atc_of(name: str) -> tuple[str, ...]:
    """The ATC codes of a known medicine."""
    return tuple(code for (system, code), known in _codes().items() if system == ATC and known == name)


def product(resource: Resource, medications: Mapping[str, Resource] | None = None) -> Product:
    """The medication of a request or an administration.

    ``medications`` are Medication resources by id that came along; contained ones are looked up first.
    """
    concept = resource.get("medicationCodeableConcept")
    reference = resource.get("medicationReference")
    medication = _resolved(resource, reference, medications or {})
    concepts = [*items(concept), *items(member(medication, "code"))]
    names = tuple(
        dict.fromkeys([*_all_wordings(concepts), *filter(None, [text(member(reference, "display"))])])
    )
    ingredients = items(member(medication, "ingredient"))
    held = [item for ingredient in ingredients for item in items(ingredient.get("itemCodeableConcept"))]
    found = _recognised([*concepts, *held], (*names, *_all_wordings(held)))
    if len(found) != 1:
        problem = f"it names more than one drug ({', '.join(sorted(found))})" if found else None
        return Product(
            None,
            names,
            problem,
            holds=frozenset(found),
            unidentified=reference is not None and medication is None and not names,
        )
    name = next(iter(found))
    strengths = [i for i in ingredients if name in _recognised(items(i.get("itemCodeableConcept")), ())] or [
        i for i in ingredients if name in _recognised((), wordings(i.get("itemCodeableConcept")))
    ]
    each, per_ml = _stated_strength(strengths)
    if each is None and per_ml is None:
        each, per_ml = _strength_in_words(names)
    said = (*names, *wordings(member(medication, "form")))
    slow = _slow(name, said)
    other = _otherwise_made(name, said, [*concepts, *held])
    topical = any_word(said, _words("not_systemic"))
    return Product(
        name,
        names,
        (topical and f'it is a local preparation ("{topical}")')
        or (slow and f'it is a prolonged-release product ("{slow}"), which is not interchangeable')
        or (other and f"{other}, which is not interchangeable"),
        each,
        per_ml,
        _implied_route(names),
        modified_release=(slow is not None or other is not None) and topical is None,
        local=topical is not None,
        holds=frozenset({name}),
    )


def _otherwise_made(name: str, said: tuple[str, ...], concepts: Iterable[Any]) -> str | None:
    """What the product is, where the drug is in it in another form than the drug file means."""
    coded = {c.code for concept in concepts for c in codings(concept) if c.system == RXNORM}
    for one in table("products")["other_formulations"]:
        named = any_word(said, tuple(one["names"])) or coded & set(one["rxnorm"])
        if one["drug"] == name and named and not any_word(said, tuple(one["unless"])):
            is_: str = one["is"]
            return is_
    return None


def usual_infusion_h(drug: str, amount_mg: float) -> float | None:
    """Hours that this dose takes at the drug file's fastest rate, in its steps; None if it is not infused."""
    infusion = load_drug(drug).infusion
    if infusion is None:
        return None
    shortest = max(
        Decimal(str(infusion.min_duration.value)), _exact(amount_mg / infusion.max_rate.value / 60.0)
    )
    step = Decimal(str(infusion.step.value))
    return float((shortest / step).to_integral_value(ROUND_CEILING) * step)


A_DAY_H = 24.0
"""A repeated dose runs at most so long (project policy: a longer one is a charting fault)."""


def longest_infusion_h(drug: str) -> float:
    """Hours that one dose of the drug may run: a week where single doses are given, else a day."""
    return LONGEST_INFUSION_H if "single" in load_drug(drug).orders else A_DAY_H


def _exact(hours: float) -> Decimal:
    return Decimal(repr(round(hours, 6)))


def _resolved(resource: Resource, reference: Any, medications: Mapping[str, Resource]) -> Resource | None:
    target = member(reference, "reference")
    if isinstance(target, str) and target in medications:
        return medications[target]
    if isinstance(target, str) and target.startswith("#"):
        contained = items(resource.get("contained"))
        return next((one for one in contained if one.get("id") == target[1:]), None)
    wanted = referenced(reference, "Medication")
    return medications.get(wanted) if wanted else None


def _all_wordings(concepts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for concept in concepts for word in wordings(concept)))


def _recognised(concepts: Iterable[Any], names: Iterable[str]) -> set[str]:
    known = _codes()
    by_code = {
        known[(c.system or "", c.code or "")]
        for concept in concepts
        for c in codings(concept)
        if (c.system or "", c.code or "") in known
    }
    return by_code | {_names()[word] for one in names for word in words_in(one, _spellings())}


def _slow(name: str, said: tuple[str, ...]) -> str | None:
    """The word by which the record calls a product of the drug a slow one.

    Short words (``MR``, ``24 h``) count only for drugs of which there is such a product: beside an infusion
    they mean something else. Where the slow product is the usual one, it is the one that the models mean.
    """
    lists = table("products")
    if name in lists["slow_is_usual"]:
        return None
    short = _words("modified_release_short") if name in lists["modified_release_drugs"] else ()
    return any_word(said, (*_words("modified_release", "modified_release_names"), *short))


def _implied_route(names: tuple[str, ...]) -> Route | None:
    oral, intravenous = any_word(names, _words("oral")), any_word(names, _words("iv"))
    if oral and not intravenous:
        return "oral"
    return "iv" if intravenous and not oral else None


def _stated_strength(ingredients: Iterable[Resource]) -> tuple[Decimal | None, Decimal | None]:
    """mg a piece and mg/mL of the only ingredient that is the drug."""
    strengths = [strength for one in ingredients for strength in items(one.get("strength"))]
    if len(strengths) != 1:
        return None, None
    numerator, denominator = (
        quantity(strengths[0].get("numerator")),
        quantity(strengths[0].get("denominator")),
    )
    amount = numerator.in_dimension("mass") if numerator else None
    if amount is None or amount <= 0 or denominator is None or denominator.value <= 0:
        return None, None
    millilitres = denominator.in_dimension("volume")
    if millilitres:
        return None, amount / millilitres
    return (amount / denominator.value, None) if _counts_pieces(denominator) else (None, None)


def _counts_pieces(denominator: Quantity) -> bool:
    known = denominator.unit
    if known is None:
        return denominator.problem == NO_UNIT
    return known.dimension == "dose form" or known.code == "1"


def _strength_in_words(names: tuple[str, ...]) -> tuple[Decimal | None, Decimal | None]:
    """mg a piece, or mg/mL, where the names state exactly one strength: ``tacrolimus 1 MG Oral Capsule``,
    ``phenytoin 25 mg/mL oral suspension``, ``120mg/5ml``."""
    found: set[tuple[Decimal, Decimal | None]] = set()
    for name in names:
        for number, written, per, millilitres, measure in _STRENGTH.findall(name):
            known = unit(written.lower())
            if known is None or (per and not measure):
                return None, None
            mass = Decimal(number.replace(",", "")) * known.factor
            volume = Decimal(millilitres or "1") if per else None
            if mass <= 0 or volume == 0:
                return None, None
            found.add((mass, volume))
    if len(found) != 1:
        return None, None
    ((mass, volume),) = found
    return (mass, None) if volume is None else (None, mass / volume)
