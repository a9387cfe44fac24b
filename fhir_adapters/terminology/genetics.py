"""Codes and words by which genetic results are recognised (``genetics.json``); genes are CPIC's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from dosing_core.genetics.catalogue import genes
from fhir_adapters.elements import Coding, codings, wordings
from fhir_adapters.terminology.loinc import LOINC, SYSTEMS
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.words import any_word

Kind = Literal["genotype", "haplotype", "variant", "implication"]
_HGNC = re.compile(r"(?:HGNC:)?(\d{1,6})")


def known(name: str) -> Any:
    """One entry of the table."""
    return table("genetics")[name]


def is_code(concept: Any, name: str) -> bool:
    """Whether a concept has the LOINC code that the table calls ``name``."""
    return any(c.system in SYSTEMS and c.code == known(name) for c in codings(concept))


def kinds(found: Iterable[Coding]) -> set[Kind]:
    """What a genetic result of these codes is, as far as the code alone says so."""
    systems = {*SYSTEMS, known("guide_codes")}
    said = {c.code for c in found if c.system in systems or (c.system or "").endswith("/tbd-codes")}
    names: tuple[Kind, ...] = ("genotype", "haplotype", "variant", "implication")
    return {kind for kind in names if said & set(known(kind))}


def of_a_gene(found: Iterable[Coding]) -> tuple[dict[str, str], ...]:
    """The gene-specific tests among these codes: ``gene``, perhaps ``allele``, and ``display``."""
    tests: dict[str, dict[str, str]] = known("of_a_gene")
    return tuple(tests[c.code] for c in found if c.system in SYSTEMS and c.code in tests)


def answers(concept: Any) -> tuple[str, ...]:
    """A value in words: its text and displays, and what its answer codes mean."""
    meant: dict[str, str] = known("answers")
    coded = (meant[c.code] for c in codings(concept) if c.code in meant)
    return tuple(dict.fromkeys([*wordings(concept), *coded]))


def presence(written: Iterable[str]) -> bool | None:
    """True if the words say that something was found, False if they say that it was not, None if neither."""
    said = tuple(written)
    if any_word(said, tuple(known("absent"))):
        return False
    return True if any_word(said, tuple(known("there"))) else None


@cache
def _symbols() -> dict[str, str]:
    """HGNC number: symbol."""
    return {one.hgnc.removeprefix("HGNC:"): symbol for symbol, one in genes().items()}


def gene_of(concept: Any) -> tuple[set[str], bool]:
    """The genes that a gene concept names, and whether it names any gene at all.

    Ids come with the prefix ``HGNC:`` or, older, without; a display counts where no id is known.
    """
    found = codings(concept)
    by_id = {
        _symbols()[match[1]]
        for c in found
        if (match := _HGNC.fullmatch(c.code or "")) and match[1] in _symbols()
    }
    return by_id or symbols_in(wordings(concept)), bool(found or wordings(concept))


def symbols_in(written: Iterable[str]) -> set[str]:
    """Gene symbols that stand as words in these texts, in any case."""
    return {
        found.upper().replace("HLA ", "HLA-") for one in written for found in _spelt().findall(one)
    } & set(genes())


@cache
def _spelt() -> re.Pattern[str]:
    longest = sorted(genes(), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest))})(?![A-Za-z0-9-])", re.IGNORECASE)


def search_codes() -> tuple[str, ...]:
    """``system|code`` of every Observation that holds a genetic result."""
    plain = [*known("genotype"), *known("haplotype"), *known("variant"), *known("implication")]
    listed = [code for code in (*plain, *known("of_a_gene")) if code[0].isdigit()]
    return (
        *(f"{LOINC}|{code}" for code in sorted(set(listed))),
        f"{known('guide_codes')}|therapeutic-implication",
    )


def report_category() -> str:
    """``system|code`` of the category of genetic reports."""
    return f"{known('category')['system']}|{known('category')['code']}"
