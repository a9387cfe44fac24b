"""Gathers one patient's chart: what was prefetched first, then what is missing from the FHIR server.

A key that was not prefetched is asked for; null means that there is no such data; an OperationOutcome means
that the client tried and failed. Whatever cannot be read becomes an ``unreachable`` finding, and the rest
is still read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from dosing_core.library import names_in
from fhir_adapters.chart import PatientChart
from fhir_adapters.client import FhirClient, Found, next_link, shortfall
from fhir_adapters.elements import Resource, items, member, referenced
from fhir_adapters.errors import AdapterError, BadAnswer, FhirError, NothingToRead, TooSlow, Unreachable
from fhir_adapters.prefetch import PATIENT, Search, searches
from fhir_adapters.reading import Answers, read_chart
from fhir_adapters.releases import as_r4

REQUIRED = (PATIENT, "labs", "vitals")
"""Without these keys and without a server no dose can be worked out for anybody."""
EITHER = ("administrations", "requests")
"""One of these must be there too: what runs already decides about loading doses."""
GENETIC = frozenset({PATIENT, "genotypes", "reports", "requests", "allergies"})
"""What is asked for a drug of which only guidelines on genes speak."""

HOLDING_MEDICATIONS = (
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationDispense",
    "MedicationStatement",
)
_MOST_IDS = 50
MOST_AT_ONCE = 16
"""Questions that one call asks a server at the same time; all of them fit. Project policy."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    """The answer to one question."""

    resources: tuple[Resource, ...] = ()
    problem: AdapterError | None = None
    """Why it is missing or perhaps not whole."""


def gather(
    patient_id: str,
    drug: str,
    prefetch: Mapping[str, Any] | None,
    client: FhirClient | None,
    now: datetime,
    zone: tzinfo = UTC,
) -> PatientChart:
    """The chart of one patient for one drug of the library. Hours of the day are read as of ``zone``.

    Raises ``NothingToRead`` if what every answer needs was neither prefetched nor can be fetched.
    Everything else that goes wrong is a finding of the chart.
    """
    sent = prefetch or {}
    given = bool(_first_page(sent.get("administrations")))
    without = {key for key, one in _by_key().items() if one.stands_in and key not in sent}
    if client is not None:  # what is said to be taken tells of other drugs too
        without = without - {"statements" if names_in(drug) else ""} if given else set()
    keys = frozenset({PATIENT, *_by_key()} - without)
    return read_chart(
        patient_id, drug, now, _ask(patient_id, drug, prefetch, client, now, keys, REQUIRED), zone
    )


def gather_genes(
    patient_id: str, prefetch: Mapping[str, Any] | None, client: FhirClient | None, now: datetime
) -> Answers:
    """What the record says of genes, reactions and other drugs: all that an answer without a dose needs. What
    cannot be read is among the problems."""
    return _ask(patient_id, None, prefetch, client, now, GENETIC, ())


def _ask(
    patient_id: str,
    drug: str | None,
    prefetch: Mapping[str, Any] | None,
    client: FhirClient | None,
    now: datetime,
    keys: frozenset[str],
    required: tuple[str, ...],
) -> Answers:
    """The record's answers to the questions with these keys. Raises ``NothingToRead`` if a required one was
    neither prefetched nor can be fetched."""
    sent = {key: value for key, value in (prefetch or {}).items() if key in keys}
    held = {key: _prefetched(key, sent[key]) for key in (PATIENT, *_by_key()) if key in sent}
    asked = [PATIENT] if PATIENT in keys else []
    asked += [key for key, one in _by_key().items() if key in keys and one.needed_for(drug)]
    open_keys = [key for key in asked if key not in held or held[key] is None]
    if client is not None:
        open_keys += [
            key
            for key in asked[1:]
            if key not in open_keys and key in sent and _lost(key, sent[key]) is not None
        ]
    elif required:
        missing = tuple(key for key in required if key in open_keys)
        if not missing and all(key in open_keys for key in EITHER):
            missing = EITHER
        if missing:
            raise NothingToRead(missing)
    fetched = _fetch(patient_id, drug, sent, open_keys, client, now)
    whole = {key: answer for key, answer in held.items() if answer is not None} | fetched
    return Answers(
        resources={key: answer.resources for key, answer in whole.items()},
        problems={key: str(answer.problem) for key, answer in whole.items() if answer.problem},
        about={search.key: search.about_for(drug) for search in searches()} | {PATIENT: ("age", "sex")},
    )


def _by_key() -> dict[str, Search]:
    return {search.key: search for search in searches()}


def _prefetched(key: str, value: Any) -> _Answer | None:
    """What a prefetched value says; None if it is of no use and has to be asked for."""
    kind = member(value, "resourceType")
    if value is None:
        return _Answer()
    if kind == "OperationOutcome":
        return _Answer(problem=Unreachable("the EHR could not read it"))
    if key == PATIENT:
        return _Answer((value,)) if kind == "Patient" else None
    if kind == "Bundle":
        return _Answer(_first_page(value), _lost(key, value))
    return _Answer((value,)) if kind == _by_key()[key].resource else None


def _lost(key: str, value: Any) -> Unreachable | None:
    """Why a prefetched Bundle is not the whole answer although it names no further page."""
    if member(value, "resourceType") != "Bundle" or next_link(value) is not None:
        return None
    short = shortfall(value, _by_key()[key].resource, _first_page(value))
    return Unreachable("only a part of it was sent along") if short is not None else None


def _fetch(
    patient_id: str,
    drug: str | None,
    sent: Mapping[str, Any],
    open_keys: list[str],
    client: FhirClient | None,
    now: datetime,
) -> dict[str, _Answer]:
    """Ask the server for what is open, for further pages and for medications, all at once."""
    if client is None:
        unsent = Unreachable("it was not sent along and there is no server to ask")
        answers = {key: _Answer(problem=unsent) for key in open_keys}
        paged = {key for key in _by_key() if key not in open_keys and next_link(sent.get(key)) is not None}
        cut = Unreachable("only the first page was sent along")
        return answers | {
            key: _Answer(answer.resources, cut)
            for key in sorted(paged)
            if (answer := _prefetched(key, sent[key])) is not None
        }
    executor = ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="fhir")
    try:
        jobs: dict[str, Future[Found]] = {}
        for key in open_keys:
            if key == PATIENT:
                jobs[key] = executor.submit(_read_patient, client, patient_id)
            else:
                search = _by_key()[key]
                jobs[key] = executor.submit(
                    client.search, search.resource, search.query(patient_id, now, drug)
                )
        for key, search in _by_key().items():
            if search.needed_for(drug) and key not in open_keys and next_link(sent.get(key)) is not None:
                jobs[key] = executor.submit(client.continued, sent[key])
        wanted = _unresolved({key: _Answer(_first_page(sent.get(key))) for key in EITHER})
        if wanted:
            jobs["medications"] = executor.submit(client.search, "Medication", (("_id", ",".join(wanted)),))
        wait(jobs.values(), timeout=client.remaining())
        answers = {
            key: _outcome(job, _first_page(sent.get(key)), anew=key in open_keys) for key, job in jobs.items()
        }
        if left := _unresolved(answers, but=wanted):  # the server did not include them
            job = executor.submit(client.search, "Medication", (("_id", ",".join(left)),))
            wait((job,), timeout=client.remaining())
            before = answers.get("medications", _Answer())
            found = _outcome(job, before.resources, anew=False)
            answers["medications"] = replace(found, problem=before.problem or found.problem)
        return answers
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _read_patient(client: FhirClient, patient_id: str) -> Found:
    return Found((client.read("Patient", patient_id),))


def _first_page(bundle: Any) -> tuple[Resource, ...]:
    """The resources of a prefetched Bundle."""
    entries = (entry.get("resource") for entry in items(member(bundle, "entry")))
    return tuple(as_r4(one) for one in entries if isinstance(one, dict))


def _outcome(job: Future[Found], sent: tuple[Resource, ...], *, anew: bool) -> _Answer:
    """What a job found, behind what was sent along unless all was asked for ``anew``; if it failed, what was
    sent along and why it failed."""
    if not job.done():
        return _Answer(sent, TooSlow("no answer within the deadline"))
    try:
        found = job.result()
    except FhirError as error:
        return _Answer(sent, error)
    except Exception as error:
        logger.warning("reading from the server failed: %s", type(error).__name__)
        return _Answer(sent, BadAnswer("the answer could not be read"))
    if anew and found.problem is None:
        return _Answer(found.resources)
    return _Answer((*sent, *found.resources), found.problem)


def _unresolved(answers: Mapping[str, _Answer], but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Ids of Medications that orders and administrations refer to without bringing them along."""
    resources = [one for answer in answers.values() for one in answer.resources]
    held = {str(one.get("id")) for one in resources if one.get("resourceType") == "Medication"} | {*but}
    asking = (one for one in resources if one.get("resourceType") in HOLDING_MEDICATIONS)
    wanted = {referenced(one.get("medicationReference"), "Medication") for one in asking} - {None}
    return tuple(sorted(str(one) for one in wanted if one not in held)[:_MOST_IDS])
