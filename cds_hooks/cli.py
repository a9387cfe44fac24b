"""The ``dosewright`` command.

What takes time to load (compiled kernels, FHIR models, the server) is imported by the subcommand that needs
it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cds_hooks import fhir_tool, library_tool, pharmacometrics
from cds_hooks.errors import ConfigurationError, ServiceError
from fhir_adapters.errors import AdapterError

if TYPE_CHECKING:
    from cds_hooks.settings import Settings

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""How many threads a linear algebra library uses changes the order of its sums, and so the last digit."""


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, keeps line breaks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ServiceError, AdapterError, _Unreadable) as error:
        print(f"dosewright: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


class _Unreadable(Exception):
    """A file on the command line is not what it should be; the text says where."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dosewright",
        description="Precision dosing inside the EHR: a CDS Hooks service that individualises doses.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_demo(commands)
    _add_recommend(commands)
    _add_schema(commands)
    _add_replay(commands)
    _add_calls(commands)
    library_tool.add_library(commands)
    pharmacometrics.add_fit(commands)
    pharmacometrics.add_simulate(commands)
    fhir_tool.add_chart(commands)
    fhir_tool.add_sandbox(commands)
    return parser


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser(
        "serve",
        help="start the hook service",
        formatter_class=_Help,
        description="Start the CDS Hooks service.\n\nWhat is not given here comes from the environment "
        "(DOSEWRIGHT_ and the option's name,\ne.g. DOSEWRIGHT_PUBLIC_BASE_URL), else the default holds.",
        argument_default=argparse.SUPPRESS,
    )
    add = serve.add_argument
    add("--port", type=int, metavar="N", help="port to listen on (default: 8080)")
    add("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    add("--workers", type=int, metavar="N", help="worker processes, each with four threads (default: 2)")
    add(
        "--public-base-url",
        metavar="URL",
        help="URL under which clients reach the service, behind a proxy: client tokens must be issued for it "
        "and links on cards start with it (default: http://HOST:PORT)",
    )
    add(
        "--trust",
        action="append",
        metavar="ISSUER=FILE",
        help="a client that may call: the issuer (iss) of its tokens and the file with its public keys (JSON "
        "Web Key Set), read again when it changes; repeat for several",
    )
    add(
        "--open",
        action="store_true",
        help="let every client call without a token; only on the loopback address, for trials",
    )
    add(
        "--demo",
        action="store_true",
        help="show recommendation pages without a password; only on the loopback address. Otherwise they "
        "ask for the password in DOSEWRIGHT_PAGES_PASSWORD, and nobody sees them without one",
    )
    add(
        "--allow-fhir-server",
        action="append",
        metavar="URL",
        help="base URL of a FHIR server that may be contacted, if a call names it and lends a token; no "
        "other server ever is; repeat for several",
    )
    add(
        "--fhir-quirks",
        action="append",
        metavar="URL=NAME",
        help="how one of these servers wants to be asked: a name of `dosewright sandbox list`",
    )
    add(
        "--allow-origin",
        action="append",
        metavar="ORIGIN",
        help="origin whose pages in a browser may call, e.g. https://ehr.example.org; repeat for several",
    )
    add(
        "--fhir-timeout",
        type=float,
        metavar="S",
        help="seconds that reading a patient's record may take in all (default: 1.2)",
    )
    add(
        "--library",
        action="append",
        metavar="DIR",
        help="directory with the hospital's own drug files, laid over the package's (see `dosewright "
        "library`); repeat for several, the last wins",
    )
    add(
        "--allow-low-confidence",
        action="append",
        metavar="DRUG",
        help="let the drug's models and rules of low confidence speak, which nothing does by default; repeat "
        "for several",
    )
    add(
        "--ledger",
        metavar="URL",
        help="SQLAlchemy URL of the ledger (default: sqlite:///var/ledger.sqlite3)",
    )
    add(
        "--timezone",
        metavar="NAME",
        help="zone in which cards write times, e.g. Europe/Berlin (default: UTC)",
    )
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    from cds_hooks.serve import serve

    serve(_settings(options))
    return 0


NAMES = {"allow_fhir_server": "allow_fhir_servers", "allow_origin": "allow_origins", "ledger": "ledger_url"}


def _settings(options: argparse.Namespace) -> Settings:
    """What was given on the command line, over environment and defaults. Raises ``ConfigurationError``."""
    from cds_hooks.settings import Settings

    given = {NAMES.get(name, name): value for name, value in vars(options).items() if name != "run"}
    if "trust" in given:
        pairs = (_pair(text, "--trust ISSUER=FILE") for text in given.pop("trust"))
        given["trusted_clients"] = {issuer: Path(path) for issuer, path in pairs}
    if "fhir_quirks" in given:
        given["fhir_quirks"] = dict(_pair(text, "--fhir-quirks URL=NAME") for text in given["fhir_quirks"])
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigurationError(_named_problems(error)) from None


def _pair(text: str, wanted: str) -> tuple[str, str]:
    """Both sides of the last equals sign. ``wanted``: the option with the form of its value."""
    left, equals, right = text.rpartition("=")
    if not (left and equals and right):
        option, _, form = wanted.partition(" ")
        raise ConfigurationError(f"{option} takes {form}, not {text!r}")
    return left, right


def _named_problems(error: ValidationError) -> str:
    """Each wrong field with what is wrong about it."""
    details = error.errors(include_url=False, include_input=False)
    return "; ".join(
        ": ".join(
            filter(None, (".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, ")))
        )
        for detail in details
    )


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        help="start a sample EHR with the service behind it",
        formatter_class=_Help,
        description="Start a sample EHR at PORT and the hook service at PORT + 1, on this machine only. "
        "Ctrl-C ends both.",
    )
    demo.add_argument("--port", type=int, default=8080, metavar="PORT", help="port of the sample EHR")
    demo.add_argument(
        "--fixtures",
        type=Path,
        default=Path("fixtures"),
        metavar="DIR",
        help="directory with the sample patients",
    )
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from cds_hooks.demo import demo

    return demo(options.port, options.fixtures)


def _add_recommend(commands: Any) -> None:
    parser = commands.add_parser(
        "recommend",
        help="answer one case from a file",
        description="Read a Case as JSON and print the Recommendation as JSON.",
    )
    parser.add_argument("case", metavar="CASE.json", help="file with the case; - reads standard input")
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="directory with drug files laid over the package's; repeat for several, the last wins",
    )
    _add_low_confidence(parser, [])
    parser.set_defaults(run=_recommend)


def _add_low_confidence(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        "--allow-low-confidence",
        action="append",
        metavar="DRUG",
        default=default,
        help="let the drug's models and rules of low confidence speak; repeat for several",
    )


def _recommend(options: argparse.Namespace) -> int:
    from cds_hooks.drug_library import install_library
    from dosing_core.case import Case
    from dosing_core.errors import DosingError

    install_library(options.library, options.allow_low_confidence)
    try:
        data = sys.stdin.buffer.read() if options.case == "-" else Path(options.case).read_bytes()
        case = Case.from_bytes(data)
    except OSError as error:
        raise _Unreadable(f"{options.case}: {error.strerror}") from None
    except ValidationError as error:
        raise _Unreadable(f"{options.case} is not a case: {_named_problems(error)}") from None
    from dosing_core import recommend

    try:
        recommendation = recommend(case)
    except DosingError as error:
        raise _Unreadable(f"{options.case}: {error}") from None
    sys.stdout.buffer.write(recommendation.to_bytes() + b"\n")
    return 0


def _add_schema(commands: Any) -> None:
    parser = commands.add_parser(
        "schema", help="print a JSON Schema", description="Print the JSON Schema of a value that travels."
    )
    parser.add_argument("value", choices=("case", "recommendation"), help="which value")
    parser.set_defaults(run=_schema)


def _schema(options: argparse.Namespace) -> int:
    import json

    from dosing_core.case import Case
    from dosing_core.recommendation import Recommendation
    from dosing_core.value import Value

    values: dict[str, type[Value]] = {"case": Case, "recommendation": Recommendation}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **values[options.value].model_json_schema(),
    }
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0


def _add_ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ledger",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="SQLAlchemy URL of the ledger (default: DOSEWRIGHT_LEDGER_URL, else sqlite:///var/ledger.sqlite3)",
    )


def _add_replay(commands: Any) -> None:
    parser = commands.add_parser(
        "replay",
        help="recompute a stored recommendation",
        description="Recompute a stored case and compare the bytes with what was answered then. "
        "Exit status 0: the same; 1: not.",
    )
    parser.add_argument("id", help="id of the recommendation, as in the link on its card")
    _add_ledger(parser)
    parser.add_argument(
        "--library",
        action="append",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="directory with the hospital's drug files that the answer was computed from; repeat for several",
    )
    _add_low_confidence(parser, argparse.SUPPRESS)
    parser.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    from cds_hooks.drug_library import install_library
    from cds_hooks.ledger import Ledger
    from cds_hooks.replay import replay

    identifier = vars(options).pop("id")
    settings = _settings(options)
    install_library(settings.library, settings.allow_low_confidence)
    replayed = replay(Ledger(settings.ledger_url), identifier)
    if replayed.same:
        print(f"same bytes, computed by {replayed.engine}")
        return 0
    print("not the same bytes")
    if replayed.engine != replayed.stored_engine:
        print(f"then: {replayed.stored_engine}\nnow:  {replayed.engine}")
    print(f"differs in: {', '.join(replayed.differs_in) or 'nothing but the engine'}")
    return 1


def _add_calls(commands: Any) -> None:
    parser = commands.add_parser(
        "calls", help="list the last calls", description="List the last calls in the ledger, newest first."
    )
    parser.add_argument("--last", type=int, default=20, metavar="N", help="how many (default: 20)")
    _add_ledger(parser)
    parser.set_defaults(run=_calls)


def _calls(options: argparse.Namespace) -> int:
    from cds_hooks.ledger import Ledger

    last = vars(options).pop("last")
    for call in Ledger(_settings(options).ledger_url).calls(last):
        print(
            f"{call.received_at:%Y-%m-%d %H:%M:%SZ} {call.status} {call.outcome:9} "
            f"{call.duration_ms:7.1f} ms {call.service or '-'} {call.error_class or '-'} {call.request_id}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
