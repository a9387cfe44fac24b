"""Reading a diplotype as laboratories write it: ``*1/*4``, ``CYP2D6*1x2/*4``, ``*2|*17``,
``Reference/c.1905+1G>A``.

Names become CPIC's. What cannot be read raises ``UnreadableGenotype`` with the reason; nothing is guessed.
HLA typings have a reader of their own (``hla``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import Gene, gene

RETIRED: dict[str, dict[str, str | None]] = {
    "NUDT15": {"*2": "*3"},
    "SLCO1B1": dict.fromkeys(("*3", "*7", "*12", "*13", "*38", "*46")),
    "DPYD": {"c.1236G>A": "c.1129-5923C>G, c.1236G>A (HapB3)"},
}
"""Names that CPIC has withdrawn (2025), and the one that took their place; None: none did. c.1236G>A is the
variant by which laboratories find HapB3 (rs56038477, ``data/variants.json``)."""
_REFERENCE = ("reference", "ref", "wild type", "wild-type", "wildtype", "wt")
_MINUS_STRAND = {"A": "T", "G": "C"}
"""VKORC1 lies on the minus strand: -1639 G and A are genomic C and T."""
_SUB_ALLELE = re.compile(r"^(\*\d+[A-Z]?)\.\d+")
_COPIES = re.compile(r"^(\*\d+)\s*[x×]\s*(N|\d+|[≥>]=?\s*\d+|\d+\+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Diplotype:
    """What was found of one gene, by CPIC's allele names."""

    gene: str
    alleles: tuple[str, ...]
    """Two; one on the only X of a man or of mitochondria; more where variants are listed without phase."""
    notes: tuple[str, ...] = ()
    """What was read in another way than it was written, in words."""


def read_diplotype(symbol: str, text: str) -> Diplotype:
    """The alleles that ``text`` names of this gene.

    Raises ``UnreadableGenotype`` for a gene without content, a name that does not exist, a copy number that
    is left open, another gene's name, or more alleles than there are copies.
    """
    known = gene(symbol)
    if known is None:
        raise UnreadableGenotype(symbol, text, "there is no content for this gene")
    notes: list[str] = []
    tokens = [_without_gene(known, token, text) for token in _split(known, text)]
    names = tuple(_named(known, token, text, notes) for token in tokens)
    if known.symbol == "VKORC1" and _mixes_strands(tokens):
        raise UnreadableGenotype(known.symbol, text, "its two bases are read from different strands")
    most = 1 if known.method == "single_allele" else 2
    if known.symbol != "DPYD" and len(names) > most:
        raise UnreadableGenotype(known.symbol, text, f"{len(names)} alleles where there are {most} copies")
    if len(names) < 2 and most == 2 and not known.x_linked:
        raise UnreadableGenotype(known.symbol, text, "one allele says nothing about the other copy")
    return Diplotype(known.symbol, names, tuple(notes))


def read_allele(symbol: str, text: str) -> tuple[str, tuple[str, ...]]:
    """CPIC's name of the one allele that ``text`` names, and what was read in another way than it was
    written. Raises ``UnreadableGenotype``."""
    known = gene(symbol)
    if known is None:
        raise UnreadableGenotype(symbol, text, "there is no content for this gene")
    tokens = _split(known, text)
    if len(tokens) != 1:
        raise UnreadableGenotype(known.symbol, text, f"{len(tokens)} alleles where one is asked for")
    notes: list[str] = []
    return _named(known, _without_gene(known, tokens[0], text), text, notes), tuple(notes)


def _split(known: Gene, text: str) -> list[str]:
    """The parts of the text that stand for one allele each."""
    cleaned = text.strip().strip("\"'").strip()
    if not cleaned:
        raise UnreadableGenotype(known.symbol, text, "nothing is written")
    if re.fullmatch(r"\(.*\)\s*[x×]\s*N", cleaned, re.IGNORECASE):
        raise UnreadableGenotype(
            known.symbol, text, "which allele is multiplied, and how often, is left open"
        )
    if known.method == "single_variant" and (letters := _letters(cleaned)):
        return letters
    whole = re.split(r"\s*[/|;]\s*", cleaned)
    parts = [part for one in whole for part in ([one] if _is_name(known, one) else re.split(r"\s*,\s*", one))]
    if len(parts) == 1 and cleaned.upper().count(known.symbol) == 2:
        parts = re.split(rf"\s*\+\s*(?={known.symbol})", cleaned, flags=re.IGNORECASE)
    if any(not part for part in parts):
        raise UnreadableGenotype(known.symbol, text, "an allele is missing")
    return parts


def _is_name(known: Gene, token: str) -> bool:
    """Whether a token with a comma in it names one allele (``c.1129-5923C>G, c.1236G>A (HapB3)``)."""
    bare = re.sub(rf"^{known.symbol}\s*[:_]?\s*", "", token, flags=re.IGNORECASE)
    return "," in token and _folded(bare) in _names(known.symbol)


def _letters(text: str) -> list[str] | None:
    """The two bases of a single variant: ``C/T``, ``-1639 AG``, ``rs9923231 T/T``; None if it is not one."""
    found = re.search(r"(?:^|[\s:(])([ACGT])\s*[/|>]?\s*([ACGT])\)?$", text.upper())
    return [found.group(1), found.group(2)] if found and ">" not in text else None


def _mixes_strands(bases: list[str]) -> bool:
    """True if one base can only be of the gene's strand and the other only of the genome's."""
    named = {one.strip().upper() for one in bases}
    return bool(named & set(_MINUS_STRAND)) and bool(named & set(_MINUS_STRAND.values()))


def _without_gene(known: Gene, token: str, text: str) -> str:
    """The allele's own name. Raises if it names another gene."""
    found = re.match(r"^(HLA-)?([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)?)\s*[:_]?\s*(?=\*)", token)
    if found and found.group(0).strip(" :_").upper() != known.symbol:
        raise UnreadableGenotype(known.symbol, text, f"{token!r} is an allele of another gene")
    if token.upper().startswith(known.symbol):
        return token[len(known.symbol) :].lstrip(" :_")
    return token[found.end() :] if found else token


def _named(known: Gene, token: str, text: str, notes: list[str]) -> str:
    """CPIC's name of one allele as written."""
    token = token.strip()
    if known.method == "single_variant":
        return _variant(known, token, text)
    retired = RETIRED.get(known.symbol, {})
    if token in retired:
        replaced = retired[token]
        if replaced is None:
            raise UnreadableGenotype(
                known.symbol, text, f"{token} is no longer an allele (withdrawn by CPIC)"
            )
        notes.append(f"{known.symbol}{token} is now part of {replaced}")
        return replaced
    if found := _names(known.symbol).get(_folded(token)):
        return found
    if sub := _SUB_ALLELE.match(token):
        notes.append(f"{token} is read as {sub.group(1)}")
        return _named(known, sub.group(1), text, notes)
    if copies := _COPIES.match(token):
        return _multiplied(known, copies.group(1), copies.group(2), text)
    raise UnreadableGenotype(known.symbol, text, f"{known.symbol} has no allele {token!r}")


def _multiplied(known: Gene, allele: str, count: str, text: str) -> str:
    """The name of several copies of an allele, such as ``*1x2`` or ``*1x≥3``."""
    if count.upper() == "N":
        raise UnreadableGenotype(known.symbol, text, "the number of copies is left open")
    digits = int(re.sub(r"\D", "", count))
    if digits == 1 and count.isdigit():
        return _named(known, allele, text, [])
    for name in (f"{allele}x{digits}" if count.isdigit() else "", f"{allele}x≥3" if digits >= 3 else ""):
        if name in known.alleles:
            return name
    single = known.alleles.get(allele)
    if single is not None and single.activity in ("0.0", "0"):
        return allele  # Copies of nothing make nothing.
    raise UnreadableGenotype(known.symbol, text, f"CPIC assigns no function to {allele}x{count}")


def _variant(known: Gene, token: str, text: str) -> str:
    """The name of one base of a single-variant gene."""
    base = token.upper()
    if known.symbol == "VKORC1":
        base = _MINUS_STRAND.get(base, base)
    for name in known.alleles:
        if name.endswith(f"({base})"):
            return name
    raise UnreadableGenotype(known.symbol, text, f"{token!r} is not a base of this variant")


@cache
def _names(symbol: str) -> dict[str, str]:
    """Folded spelling: CPIC's name. Legacy star names in parentheses and HGVS alone count too."""
    known = gene(symbol)
    found: dict[str, str] = {}
    for name in known.alleles if known else ():
        found[_folded(name)] = name
        if legacy := re.fullmatch(r"(.*?)\s*\((\*\w+|HapB3)\)", name):
            found[_folded(legacy.group(1))] = name
            found[_folded(legacy.group(2))] = name
        if name == "Reference":
            found |= {_folded(word): name for word in _REFERENCE}
            found.setdefault(_folded("*1"), name)
    return found


def _folded(name: str) -> str:
    return re.sub(r"\s+", " ", name.replace("×", "x").replace(">=", "≥")).strip().casefold()
