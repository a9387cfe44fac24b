"""Diplotypes and haplotypes in the words of laboratories: which alleles a value names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.diplotype import read_allele, read_diplotype
from dosing_core.genetics.named import named_phenotype, results_named
from dosing_core.genetics.phenotype import GeneResult

_ALLELE = r"\*\d{1,3}[A-Z]?(?:\.\d+)?(?:\s?[x×]\s?(?:N|[≥>]?=?\d+\+?))?"
_PAIR = re.compile(
    rf"(?<![*/\w.])({_ALLELE})\s?[/|]\s?(?:[A-Za-z0-9-]+\s?(?=\*))?({_ALLELE})(?![\w.]|\s?[*/|]|\s?\)\s?[x×])"
)
_STATES = re.compile(r"\b(poor|intermediate|normal|extensive|rapid|ultra-?rapid)\b")
_DOUBT = re.compile(
    r"\b(or|vs|versus|possibl[ey]|likely|probabl[ey]|ambig\w*|dup\w*|multipl\w*|copies|copy|hybrid|cannot"
    r"|undetermined|indeterminate|inconclusive|failed|pending|not|no|negative|absent|undetected)\b|\?",
    re.IGNORECASE,
)
"""Words beside a diplotype that leave it open."""
_QUOTES = re.compile("[\"'`“”„‘’«»]")


def without_quotes(written: str) -> str:
    """The text without quotation marks, which exports leave behind."""
    return " ".join(_QUOTES.sub("", written).split())


def diplotype_in(gene: str, said: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The alleles of the one diplotype that these texts name, in order, and what is to be said about it.

    Raises ``UnreadableGenotype`` if they name none, or several.
    """
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    problem: UnreadableGenotype | None = None
    for one in said:
        text = without_quotes(one)
        if "*" in text and (doubt := _DOUBT.search(_without_names(gene, text))):
            problem = UnreadableGenotype(gene, text, f'"{doubt.group(0)}" leaves it open')
            continue
        try:
            readings = [read_diplotype(gene, text)]
        except UnreadableGenotype as error:
            problem = problem or error
            pairs = dict.fromkeys("/".join(pair) for pair in _PAIR.findall(text))
            try:
                readings = [read_diplotype(gene, pair) for pair in pairs]
            except UnreadableGenotype as inner:
                problem = inner
                continue
        for read in readings:
            found.setdefault(in_order(read.alleles), (*read.notes, *_spelling(gene, one)))
    if len(found) == 1:
        return next(iter(found.items()))
    if found:
        named = " and ".join("/".join(alleles) for alleles in found)
        raise UnreadableGenotype(gene, "; ".join(said), f"it names {named}")
    raise problem or UnreadableGenotype(gene, "; ".join(said), "nothing is written")


def haplotype_in(gene: str, said: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The one allele that these texts name. Raises ``UnreadableGenotype``."""
    problem: UnreadableGenotype | None = None
    found: dict[str, tuple[str, ...]] = {}
    for one in said:
        try:
            allele, notes = read_allele(gene, without_quotes(one))
            found.setdefault(allele, (*notes, *_spelling(gene, one)))
        except UnreadableGenotype as error:
            problem = problem or error
    if len(found) == 1:
        return next(iter(found.items()))
    raise problem or UnreadableGenotype(gene, "; ".join(found), "it names no single allele")


def phenotype_in(gene: str, said: Iterable[str]) -> GeneResult | None:
    """The phenotype that these texts name, the longest where one holds another (``Possible Intermediate``);
    None if they name none. Raises ``UnreadableGenotype`` if they name one that the gene does not have."""
    found: dict[str, GeneResult] = {}
    for one in said:
        words = " ".join(_without_gene(gene, without_quotes(one)).split())
        try:
            result = named_phenotype(gene, words)
            found[result.phenotype] = result
            continue
        except UnreadableGenotype as error:
            inside = [name for name in results_named(gene) if _holds(words, name)]
            inside = [name for name in inside if not any(name != more and name in more for more in inside)]
            if not inside and re.search(r"metaboli[sz]er\b", words, re.IGNORECASE):
                raise error from None
        rest = words.casefold()
        for name in inside:
            rest = rest.replace(name.casefold().split()[0], "", 1)
        if inside and _STATES.search(rest):
            raise UnreadableGenotype(gene, words, "it names more than one phenotype")
        found |= {name: named_phenotype(gene, name) for name in inside}
    if len(found) > 1:
        raise UnreadableGenotype(gene, "; ".join(said), f"it names {' and '.join(sorted(found))}")
    return next(iter(found.values()), None)


def _holds(words: str, name: str) -> bool:
    """Whether a text holds a result's name as words. Bare ``Normal`` or ``Indeterminate`` count only when
    nothing else is said, which ``named_phenotype`` has looked at."""
    if " " not in name:
        return False
    text = words.casefold().replace("metaboliser", "metabolizer").replace("extensive", "normal")
    text = re.sub(r"ultra[ -]rapid", "ultrarapid", text)
    return re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?!\w)", text) is not None


def _without_names(gene: str, text: str) -> str:
    """The text without the gene's results, whose names hold words of doubt (``Likely Poor Metabolizer``)."""
    names = "|".join(re.escape(name) for name in sorted(results_named(gene), key=len, reverse=True))
    return re.sub(names, "", text, flags=re.IGNORECASE) if names else text


def _without_gene(gene: str, written: str) -> str:
    return re.sub(rf"^{re.escape(gene)}\b[\s:,-]*", "", written, flags=re.IGNORECASE)


def _spelling(gene: str, written: str) -> tuple[str, ...]:
    notes = []
    if _QUOTES.search(written):
        notes.append(f"quotation marks around a {gene} genotype were left out")
    spelt = re.search(re.escape(gene), written, re.IGNORECASE)
    if spelt and spelt.group(0) != gene:
        notes.append(f"{spelt.group(0)} was read as {gene}")
    return tuple(notes)


def in_order(alleles: Iterable[str]) -> tuple[str, ...]:
    """Alleles as they stand in CPIC's list of the gene: the reference first, stars by number."""

    def place(name: str) -> tuple[int, int, str]:
        number = re.match(r"\*(\d+)", name)
        return (0 if name.startswith(("Reference", "*")) else 1, int(number[1]) if number else 0, name)

    return tuple(sorted(alleles, key=place))


def counted(gene: str, alleles: tuple[str, ...], copies: int | None) -> tuple[str, ...]:
    """The diplotype when the number of copies of the gene is reported beside it.

    Raises ``UnreadableGenotype`` if the number does not fit, or leaves open which allele is multiplied.
    """
    if copies is None or copies == len(alleles) or any("x" in one for one in alleles):
        return alleles
    text = f"{'/'.join(alleles)} with {copies} copies"
    if copies == 1 and gene == "CYP2D6" and "*5" in alleles:  # the allele that is missing
        return alleles
    if len(set(alleles)) == 1 and copies == 1 and gene == "CYP2D6":
        return (alleles[0], "*5")
    if len(set(alleles)) == 1 and copies > 2:
        return in_order(read_diplotype(gene, f"{alleles[0]}x{copies - 1}/{alleles[0]}").alleles)
    raise UnreadableGenotype(gene, text, "which allele is multiplied or missing is left open")
