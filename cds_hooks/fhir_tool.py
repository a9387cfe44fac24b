"""``dosewright chart`` and ``dosewright sandbox``: what an integrator sees of a FHIR server before anybody
is dosed from it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_hooks.errors import ConfigurationError
from cds_hooks.fhir_connection import add_connection, connect, quirks_of, server_url

if TYPE_CHECKING:
    from dosing_core.library.schema import DrugFile
    from fhir_adapters.chart import PatientChart
    from fhir_adapters.client import FhirClient

SAMPLES = Path("fixtures")
HOOK_SECONDS = 10.0
"""Longest that a trial call may wait for the server."""


def add_chart(commands: Any) -> None:
    """Add ``chart``."""
    parser = commands.add_parser(
        "chart",
        help="print what is read from a patient's record",
        description="Read a patient's record for one drug as a hook call would, and print each fact with its "
        "source, and what could not be used.",
    )
    add_connection(parser)
    _add_patient(parser)
    parser.add_argument("--json", action="store_true", help="the chart as JSON, for machines")
    parser.set_defaults(run=_chart)


def add_sandbox(commands: Any) -> None:
    """Add ``sandbox`` with its own subcommands."""
    parser = commands.add_parser(
        "sandbox",
        help="try the service against a FHIR server",
        description="Public FHIR servers, what can be read there, sample patients, a real hook call.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = inner.add_parser(
        "list", help="known public servers and the ways of asking", description="Known public servers."
    )
    listed.set_defaults(run=_list)
    check = inner.add_parser(
        "check",
        help="say what can be read from a server",
        description="Read the server's statement about itself and say which facts can be had there. "
        "Exit status 0: all; 1: something cannot.",
    )
    add_connection(check)
    check.set_defaults(run=_check)
    seed = inner.add_parser(
        "seed",
        help="write the sample patients to a server, or remove them",
        description="Write made-up patients to a server, under identifiers of our own; a repeat writes "
        "nothing twice. Public servers show them to everybody.",
    )
    add_connection(seed)
    seed.add_argument("--undo", action="store_true", help="remove what was written")
    seed.add_argument(
        "--only", metavar="NAME", action="append", help="only this sample patient; repeat for several"
    )
    seed.add_argument("--fixtures", type=Path, default=SAMPLES, metavar="DIR", help="default: fixtures")
    seed.set_defaults(run=_seed)
    tried = inner.add_parser(
        "try",
        help="run a hook call for a patient on a server",
        description="Order a drug for a patient on the server, run the hook as an EHR would, and print "
        "chart, findings and card. Nothing is written there.",
    )
    add_connection(tried)
    _add_patient(tried)
    tried.add_argument("--dose", type=float, metavar="MG", help="dose of the order, mg; else it is left open")
    tried.add_argument("--every", type=float, metavar="H", help="interval of the order, h")
    tried.set_defaults(run=_try)


def _add_patient(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patient", required=True, metavar="ID", help="id of the Patient on the server")
    parser.add_argument("--drug", required=True, metavar="NAME", help="a drug of `dosewright library list`")
    parser.add_argument(
        "--now", metavar="TIME", help="read as of this instant, with its offset (default: now)"
    )


def _chart(options: argparse.Namespace) -> int:
    drug_file = _drug(options.drug)
    chart = _gathered(connect(options), options, drug_file.drug)
    if options.json:
        print(json.dumps(chart.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        print("\n".join(chart_lines(chart)))
    return 0


def _drug(name: str) -> DrugFile:
    from dosing_core.errors import UnknownDrug
    from dosing_core.library import installed, load_drug

    try:
        return load_drug(name.lower())
    except UnknownDrug:
        raise ConfigurationError(
            f"--drug {name!r}: the library has {', '.join(installed().names())}"
        ) from None


def _now(options: argparse.Namespace) -> datetime:
    if options.now is None:
        return datetime.now(UTC)
    try:
        now = datetime.fromisoformat(options.now)
    except ValueError:
        now = datetime.min
    if now.tzinfo is None:
        raise ConfigurationError(f"--now {options.now!r}: not an instant with its offset, 2026-11-24T09:00Z")
    return now


def _gathered(client: FhirClient, options: argparse.Namespace, drug: str) -> PatientChart:
    from fhir_adapters.gather import gather

    return gather(options.patient, drug, None, client, _now(options))


def chart_lines(chart: PatientChart) -> Iterator[str]:
    """The chart for a reader: each fact with unit, time and source. Fields that hold nothing are named at
    the end, so that an empty one is not mistaken for one that was not looked for."""
    content = chart.model_dump(mode="json", exclude={"patient_id", "findings"})
    empty = []
    for name, value in content.items():
        if value in (None, [], ()):
            empty.append(name.replace("_", " "))
        elif isinstance(value, list):
            yield f"{name.replace('_', ' ')}:"
            yield from (f"  {_fact(one)}" for one in value)
        else:
            yield f"{name.replace('_', ' ')}: {value}"
    yield f"nothing on record: {', '.join(empty)}" if empty else "every field holds something"
    yield "findings:" if chart.findings else "findings: none"
    for finding in chart.findings:
        yield f"  {finding.kind} ({finding.about}): {finding.detail}{_from(finding.source)}"


def _fact(one: Any) -> str:
    """One entry of a list on one line."""
    if not isinstance(one, dict):
        return str(one)
    shown = {name: value for name, value in one.items() if value not in (None, [], "") and name != "source"}
    if doses := shown.pop("doses", None):
        shown["doses"] = len(doses)
    said = ", ".join(
        f"{name.replace('_', ' ')} {value:g}"
        if isinstance(value, float)
        else f"{name.replace('_', ' ')} {value}"
        for name, value in shown.items()
    )
    return f"{said}{_from(str(one.get('source', '')))}"


def _from(source: str) -> str:
    return f"  [{source}]" if source else ""


def _list(options: argparse.Namespace) -> int:
    from cds_hooks.library_tool import table
    from fhir_adapters.quirks import QUIRKS
    from fhir_adapters.sandboxes import SANDBOXES

    rows = [("name", "base URL", "quirks", "needs", "samples")]
    rows += [
        (one.name, one.base_url, one.quirks.name, one.needs, "can be written" if one.writes else "read only")
        for one in SANDBOXES
    ]
    print(table(rows))
    print()
    for one in SANDBOXES:
        print(f"{one.name}: {one.about}")
    print("\nWays of asking (--quirks):")
    print(table([("name", "what is peculiar"), *((one.name, one.about) for one in QUIRKS.values())]))
    return 0


def _check(options: argparse.Namespace) -> int:
    from cds_hooks.library_tool import table
    from fhir_adapters.prefetch import searches
    from fhir_adapters.reach import READABLE, reach

    client = connect(options)
    found = client.capabilities()
    version = f"{found.release or 'unknown release'} ({found.fhir_version or 'no version given'})"
    print(f"{found.software or 'a server without a name'}, FHIR {version}")
    print(_tokens(client))
    rows = [("question", "facts", "can be asked", "remark")]
    all_of_it = reach(found, searches())
    rows += [
        (one.what, ", ".join(one.about), "yes" if one.possible else "no", one.problem) for one in all_of_it
    ]
    print()
    print(table(rows))
    if found.release not in READABLE:
        print("\nThe readers do not know this release of FHIR.")
    return 0 if found.release in READABLE and all(one.possible for one in all_of_it) else 1


def _tokens(client: FhirClient) -> str:
    """Where the server's tokens are to be had, in words."""
    from fhir_adapters.errors import FhirError

    try:
        smart = client.smart_configuration()
    except FhirError as error:
        return f"no SMART configuration that can be used: {error}"
    if smart is None:
        return "no SMART configuration: the server does not say where tokens are to be had"
    can = "with a signed token" if smart.backend_services else "not with a signed token"
    return f"tokens from {smart.token_url}; background work: {can}"


def _seed(options: argparse.Namespace) -> int:
    from cds_hooks.progress import Progress
    from fhir_adapters import seeding

    samples, client = _samples(options), connect(options)
    progress = Progress("samples", len(samples), asked_for=True)
    for place, (name, resources) in enumerate(samples.items()):
        if options.undo:
            for kind, identifier in list(seeding.seeded(client, resources)):
                client.delete(kind, identifier)
        else:
            client.transact(seeding.transaction(resources))
            for identifier in seeding.patient_ids(client, resources).values():
                print(f"{name}: Patient/{identifier}")
        progress.at(place + 1)
    print(f"{len(samples)} sample patients {'removed' if options.undo else 'written'}")
    return 0


def _samples(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """The resources of each sample patient by its name."""
    paths = sorted((options.fixtures / "patients").glob("*.json"))
    if not paths:
        raise ConfigurationError(
            f"--fixtures {options.fixtures}: no sample patients in {options.fixtures}/patients"
        )
    unknown = set(options.only or ()) - {path.stem for path in paths}
    if unknown:
        known = ", ".join(path.stem for path in paths)
        raise ConfigurationError(f"--only {', '.join(sorted(unknown))}: there are {known}")
    return {
        path.stem: [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
        for path in paths
        if not options.only or path.stem in options.only
    }


def _try(options: argparse.Namespace) -> int:
    drug_file = _drug(options.drug)
    if (options.dose is None) != (options.every is None):
        raise ConfigurationError("--dose and --every belong together")
    client = connect(options)
    print("\n".join(chart_lines(_gathered(client, options, drug_file.drug))))
    answered = _hook_call(options, client, _order(options, drug_file))
    print()
    cards = answered.get("cards", [])
    if not cards:
        print("no card: there is nothing to say about this order")
    for card in cards:
        print(f"[{card['indicator']}] {card['summary']}\n\n{card.get('detail', '')}")
        for suggestion in card.get("suggestions", ()):
            print(f"  → {suggestion['label']}")
    return 0


def _order(options: argparse.Namespace, drug_file: DrugFile) -> dict[str, Any]:
    """A draft order as an EHR writes one."""
    from fhir_adapters.terminology.routes import preferred

    system = "http://www.nlm.nih.gov/research/umls/rxnorm"
    name = drug_file.display.drug_name
    coding = [{"system": system, "code": code, "display": name} for code in drug_file.identity.rxnorm[:1]]
    order: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": "trial",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"coding": coding, "text": name},
        "subject": {"reference": f"Patient/{options.patient}"},
    }
    if options.dose is not None:
        quantity = {"value": options.dose, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
        repeat = {"frequency": 1, "period": options.every, "periodUnit": "h"}
        order["dosageInstruction"] = [
            {
                "route": preferred(drug_file.main_route),
                "timing": {"repeat": repeat},
                "doseAndRate": [{"doseQuantity": quantity}],
            }
        ]
    return order


def _hook_call(options: argparse.Namespace, client: FhirClient, order: dict[str, Any]) -> dict[str, Any]:
    """Put the call to a service of our own that may read from this server only, with the client's token."""
    from uuid import uuid4

    from cds_hooks.app import create_app
    from cds_hooks.settings import Settings

    url, now = server_url(options), _now(options)
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            open=True,
            allow_fhir_servers=(url,),
            fhir_quirks={url: quirks_of(options).name},
            fhir_timeout=min(HOOK_SECONDS, options.seconds),
            ledger_url=f"sqlite:///{directory}/ledger.sqlite3",
        )
        body: dict[str, Any] = {
            "hook": "order-select",
            "hookInstance": str(uuid4()),
            "fhirServer": url,
            "context": {
                "userId": "Practitioner/trial",
                "patientId": options.patient,
                "selections": ["MedicationRequest/trial"],
                "draftOrders": {
                    "resourceType": "Bundle",
                    "type": "collection",
                    "entry": [{"resource": order}],
                },
            },
        }
        if (token := client.lent()) is not None:
            body["fhirAuthorization"] = {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 300,
                "scope": options.scope,
                "subject": "dosewright",
            }
        service = create_app(settings, clock=lambda: now).test_client()
        answered = service.post("/cds-services/dosewright-order-select", json=body)
        if answered.status_code != 200:
            print(answered.get_data(as_text=True), file=sys.stderr)
            raise ConfigurationError(f"the call was refused ({answered.status_code})")
        content: dict[str, Any] = answered.get_json()
        return content
