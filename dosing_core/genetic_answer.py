"""The answer that genes and earlier reactions give: not this drug, another one first, a test before it.

A drug that is forbidden gets no dose, however good its kinetics look. Beside a dose, what guidelines say is
shown. A drug that has no file here, and of which only a guideline on genes speaks, gets an answer of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from dosing_core import phrases
from dosing_core.case import Case, Finding, Reaction
from dosing_core.genetics.advice import Advice, Verdict, rows_of
from dosing_core.genetics.catalogue import NO_RESULT, NOT_ASSIGNED
from dosing_core.genetics.heard import Heard, forbids, hear, other_first
from dosing_core.genetics.known import Known
from dosing_core.library.schema import DrugFile
from dosing_core.recommendation import Display, GuidelineAdvice, Outcome, Recommendation, Reference, UsedFact

GRAVITY: tuple[Verdict, ...] = ("avoid", "alternative", "adjust", "none", "standard")
CPIC = "CPIC"
ASKED = {
    "alternative": "another drug is advised first",
    "adjust": "another dose or closer watching is advised",
}


def _display(case: Case) -> Display:
    """A drug without a file has a name and no levels."""
    return Display(drug_name=case.order.drug, concentration_unit="mg/L", concentration_factor=1.0)


def heard_of(case: Case, drug_file: DrugFile | None) -> Heard:
    """What genes and reactions say of the order's drug, under any of its names."""
    identity = drug_file.identity if drug_file is not None else None
    return hear(case, (*identity.rxnorm, *identity.names) if identity is not None else ())


def avoided(case: Case, heard: Heard, drug_file: DrugFile | None) -> Recommendation | None:
    """The answer that forbids the drug; None if nothing does."""
    name = _name(case, drug_file)
    severe, rows = heard.severe, heard.forbidding
    if not severe and not rows:
        return None
    if severe:
        reason = _of_reaction(severe[0])
    else:
        said = next((one for one in rows[0].implications.values() if one != NOT_ASSIGNED), rows[0].text)
        reason = f"{_deciding(rows[0], heard)}: {_lower(said)}"
        if heard.unless_taken_long:
            reason = f"{reason.rstrip('. ')}, unless taken for over 3 months already"
    red = tuple(f"{phrases.capital(_of_reaction(one))}." for one in severe[1:])
    return Recommendation(
        outcome="avoid",
        drug=case.order.drug,
        display=drug_file.as_display if drug_file is not None else _display(case),
        reason=f"{phrases.capital(reason.rstrip('. '))}.",
        advice=_shown(heard.advice),
        why=_why(heard, name),
        used=_used(heard),
        missing=_findings(case, heard),
        warnings=(*heard.conversions, *red),
        references=_references(heard.advice),
        engine="",
    )


def beside(case: Case, said: Recommendation, heard: Heard) -> Recommendation:
    """A dose, with what guidelines on genes say of the drug beside it."""
    warnings = list(heard.conversions)
    name = said.display.drug_name if said.display is not None else said.drug
    for one in heard.reactions:
        warnings.append(f"{phrases.capital(_of_reaction(one))}; it is not called severe.")
    for row in heard.advice:
        if row.verdict in ("avoid", "alternative"):
            label = "" if row.population == "general" else f", {row.population}"
            warnings.append(f"{_states(row)}: {CPIC} ({row.strength.lower()}{label}): {row.text}")
    if heard.untested and not case.order.running:
        warnings.append(_test_sentence(heard, name))
    known = {(fact.name, fact.source) for fact in said.used}
    used = tuple(fact for fact in _used(heard) if (fact.name, fact.source) not in known)
    held = {(one.kind, one.about, one.detail) for one in said.missing}
    more = tuple(one for one in heard.findings if (one.kind, one.about, one.detail) not in held)
    if not (warnings or used or more or heard.advice):
        return said
    return said.model_copy(
        update={
            "advice": _shown(heard.advice),
            "warnings": (*said.warnings, *dict.fromkeys(warnings)),
            "used": (*said.used, *used),
            "missing": (*said.missing, *more),
            "references": (*said.references, *_references(heard.advice)),
        }
    )


def tested_first(case: Case, own: Recommendation, heard: Heard) -> Recommendation | None:
    """The answer where a test is required before a first dose and there is no result; None elsewhere.

    ``own``: the file's answer, of which everything but the dose stays.
    """
    required = any(one.word == "required" for one in heard.untested)
    if not required or case.order.running or case.doses:
        return None
    told = beside(case, own, heard)
    name = own.display.drug_name if own.display is not None else own.drug
    reason = _test_sentence(heard, name)
    return Recommendation(
        outcome="insufficient",
        drug=own.drug,
        display=own.display,
        reason=reason,
        broken_limits=own.broken_limits,
        advice=told.advice,
        why=(*_why(heard, name), *((own.reason,) if own.outcome == "insufficient" else ())),
        used=told.used,
        missing=told.missing,
        left_out=own.left_out,
        requests=own.requests,
        gains=own.gains,
        rules=own.rules,
        speaks=own.speaks,
        warnings=tuple(one for one in told.warnings if one != reason),
        red_flags=own.red_flags,
        references=told.references,
        engine="",
    )


def guided(case: Case, heard: Heard) -> Recommendation:
    """The answer about a drug that has no file here: what genes say of it, and no dose.

    ``agree`` without options: nothing that is known speaks against the drug or its usual dose.
    """
    outcome, reason = _guided(case, heard)
    return Recommendation(
        outcome=outcome,
        drug=case.order.drug,
        display=_display(case),
        reason=reason,
        advice=_shown(heard.advice),
        why=_why(heard, case.order.drug),
        used=_used(heard),
        missing=_findings(case, heard),
        warnings=heard.conversions,
        references=_references(heard.advice),
        engine="",
    )


def _guided(case: Case, heard: Heard) -> tuple[Outcome, str]:
    name = phrases.capital(case.order.drug)
    for verdict in ("avoid", "alternative", "adjust"):
        for row in heard.advice:
            asked: Literal["alternative", "adjust"] = "adjust" if verdict == "adjust" else "alternative"
            if row.verdict == verdict:
                label = "" if row.population == "general" else f", {row.population}"
                return "recommend", f"{name}: {_states(row)}; {ASKED[asked]} ({CPIC}, {row.strength}{label})."
    if heard.untested and not case.order.running:
        return "insufficient", _test_sentence(heard, case.order.drug)
    return "agree", f"{name}: no guideline on genes asks for another drug or another dose."


def _test_sentence(heard: Heard, name: str) -> str:
    """Which tests are asked for, and why there is no result."""
    asked = heard.untested
    what = phrases.listed([one.what for one in asked])
    typed = any(one.result.gene == test.gene for one in heard.known for test in asked)
    verb = "is" if len(asked) == 1 else "are"
    state = "could not be read" if heard.unread else f"{verb} not {'settled' if typed else 'tested'}"
    word = "required" if any(one.word == "required" for one in asked) else "recommended"
    text = f"{phrases.capital(name)}: {what} {state}; a test before the first dose is {word} (label)"
    return f"{text}, whatever the ancestry."


def _why(heard: Heard, name: str) -> tuple[str, ...]:
    """The guideline's words, row by row, then what a test could show."""
    said = []
    for row in _ordered(heard.advice):
        label = "" if row.population == "general" else f" for {row.population}"
        if row.verdict != "none":
            said.append(f"{CPIC}{label} ({row.strength.lower()}): {row.text}")
    for one in heard.untested:
        if one.could_show:
            said.append(f"What a test of {one.what} could show: {one.could_show}.")
    return tuple(dict.fromkeys(said))


def _deciding(row: Advice, heard: Heard) -> str:
    """As ``_states``, with the allele where it says more than the result's name (a mitochondrial variant)."""
    known = [one for one in heard.known if one.result.gene in row.genes]
    if len(known) == 1 and len(known[0].result.alleles) == 1 and not known[0].result.gene.startswith("HLA-"):
        return f"{known[0].result.gene} {known[0].result.alleles[0]}"
    return _states(row)


def _states(row: Advice) -> str:
    """``HLA-B *15:02 positive``: the results that decide, those without a result left out."""
    told = [f"{symbol} {value}" for symbol, value in row.genes.items() if value != NO_RESULT]
    return phrases.listed(told) if told else "No result"


def _of_reaction(reaction: Reaction) -> str:
    what = f" ({reaction.manifestation})" if reaction.manifestation else ""
    sure = "" if reaction.confirmed else ", not confirmed"
    grave = "a severe reaction" if reaction.severe else "an earlier reaction"
    return f"{grave} to {reaction.substance} is on record{what}{sure}"


def _ordered(rows: Iterable[Advice]) -> list[Advice]:
    """The gravest first; one that forbids before one that asks for another drug first."""
    return sorted(rows, key=lambda row: (not forbids(row), GRAVITY.index(row.verdict), other_first(row)))


def _shown(rows: Sequence[Advice]) -> tuple[GuidelineAdvice, ...]:
    return tuple(
        GuidelineAdvice(
            population=row.population,
            genes=tuple(f"{symbol} {value}" for symbol, value in row.genes.items()),
            verdict=row.verdict,
            strength=row.strength,
            text=row.text,
            implications=tuple(row.implications.values()),
            comments=row.comments,
            guideline=row.guideline.name,
            url=row.guideline.url,
            pmids=row.guideline.pmids,
        )
        for row in _ordered(rows)
    )


def _used(heard: Heard) -> tuple[UsedFact, ...]:
    genes = tuple(
        UsedFact(name=one.result.gene, value=_said(one, heard), time=one.time, source=one.source)
        for one in heard.known
    )
    reactions = tuple(
        UsedFact(
            name=f"Reaction to {one.substance}",
            value=one.manifestation or ("severe" if one.severe else "not called severe"),
            time=one.time,
            source=one.source,
        )
        for one in heard.reactions
    )
    return (*genes, *reactions)


def _said(known: Known, heard: Heard) -> str:
    """A gene's result; of an HLA typing only the statuses that matter to the drug."""
    if heard.drug is None or not known.result.gene.startswith("HLA-"):
        return known.said
    matter = {key for row in rows_of(heard.drug.name) for key in row.genes.values()} & known.result.keys
    alleles = "/".join(known.result.alleles)
    return f"{alleles} ({', '.join(sorted(matter))})" if alleles and matter else known.said


def _findings(case: Case, heard: Heard) -> tuple[Finding, ...]:
    reactions = tuple(one for one in case.findings if one.about == "reactions")
    return (*heard.findings, *reactions)


def _references(rows: Iterable[Advice]) -> tuple[Reference, ...]:
    found = {
        row.guideline.url: Reference(
            text=f"CPIC guideline: {row.guideline.name} (PMID {', '.join(row.guideline.pmids)})",
            url=row.guideline.url,
        )
        for row in rows
    }
    return tuple(found.values())


def _name(case: Case, drug_file: DrugFile | None) -> str:
    return drug_file.display.drug_name if drug_file is not None else case.order.drug


def _lower(sentence: str) -> str:
    """A sentence as the second half of another."""
    first, rest = sentence[:1], sentence[1:]
    keeps = rest[:1].isupper() or not rest[:1].isalpha()
    return f"{first if keeps else first.lower()}{rest}".rstrip(". ")
