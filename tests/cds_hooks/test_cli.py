"""The command line: options reach the settings, errors say what is wrong, dangerous doors stay shut."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hook_call import Service, hook_call, named
from scenario import FIXTURES

from cds_hooks import cli, serve
from cds_hooks.ledger import StoredRecommendation
from cds_hooks.settings import Settings
from dosing_core.case import Case
from dosing_core.recommendation import Recommendation

TWO_LEVELS = named("07")


def _stored(tmp_path: Path) -> tuple[str, str]:
    """A ledger with one answer: its URL and the answer's id."""
    service = Service(tmp_path, TWO_LEVELS.now)
    (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]
    service.ledger.close()
    return service.settings.ledger_url, card["links"][0]["url"].rpartition("/")[2]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings with which the server would have been started."""
    started: list[Settings] = []
    monkeypatch.setattr(serve, "serve", started.append)
    return started


def test_the_start_is_quick_because_nothing_heavy_is_loaded() -> None:
    heavy = "numba,numpy,scipy,fhir,flask,gunicorn,sqlalchemy,requests"
    script = (
        "import sys\nfrom cds_hooks import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [n for n in '{heavy}'.split(',') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout.endswith("loaded: []\n")


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["serve"],
        ["demo"],
        ["recommend"],
        ["schema"],
        ["replay"],
        ["calls"],
        ["library"],
        ["library", "check"],
    ],
)
def test_help_explains(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([*command, "--help"])

    assert left.value.code == 0
    assert len(capsys.readouterr().out) > 150


def test_every_option_of_serve_reaches_the_settings(served: list[Settings], tmp_path: Path) -> None:
    options = (
        "--port 9000 --host 10.1.2.3 --workers 3 --public-base-url https://cds.example.org/ "
        "--trust https://ehr.example.org?a=b=keys.json --trust https://b.example=b.json "
        "--allow-fhir-server https://ehr.example.org/fhir --allow-fhir-server https://b.example/r4 "
        "--allow-origin https://ehr.example.org --fhir-timeout 0.8 --ledger sqlite:///x.sqlite3 "
        "--timezone Europe/Berlin"
    )

    assert cli.main(["serve", *options.split()]) == 0
    assert served == [
        Settings(
            port=9000,
            host="10.1.2.3",
            workers=3,
            public_base_url="https://cds.example.org",
            trusted_clients={
                "https://ehr.example.org?a=b": Path("keys.json"),
                "https://b.example": Path("b.json"),
            },
            allow_fhir_servers=("https://ehr.example.org/fhir", "https://b.example/r4"),
            allow_origins=("https://ehr.example.org",),
            fhir_timeout=0.8,
            ledger_url="sqlite:///x.sqlite3",
            timezone="Europe/Berlin",
        )
    ]


def test_what_is_not_given_comes_from_the_environment(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOSEWRIGHT_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("DOSEWRIGHT_PORT", "9001")

    cli.main(["serve", "--open", "--port", "9002"])

    assert (served[0].timezone, served[0].port, served[0].open) == ("Europe/Berlin", 9002, True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--open --host 0.0.0.0", "loopback"),
        ("--demo --host 192.168.1.1", "loopback"),
        ("--open --public-base-url https://cds.example.org", "loopback"),
        ("--timezone Nowhere", "timezone"),
        ("--trust no-file", "ISSUER=FILE"),
        ("--trust =file", "ISSUER=FILE"),
        ("--allow-fhir-server ehr.example.org", "allow_fhir_servers"),
        ("--fhir-timeout 0", "fhir_timeout"),
        ("--port 99999", "port"),
    ],
)
def test_a_wrong_option_is_refused_in_plain_words(
    served: list[Settings], capsys: pytest.CaptureFixture[str], options: str, says: str
) -> None:
    assert cli.main(["serve", *options.split()]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said
    assert served == []


def test_a_service_that_nobody_could_call_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve"]) == 2
    assert "--trust" in capsys.readouterr().err


def test_listening_everywhere_needs_a_name_for_clients(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--host", "0.0.0.0", "--trust", "https://e=keys.json"]) == 2  # noqa: S104
    assert "--public-base-url" in capsys.readouterr().err


def test_a_key_file_that_cannot_be_read_stops_the_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ledger = f"sqlite:///{tmp_path}/l.sqlite3"

    assert cli.main(["serve", "--trust", f"https://e={tmp_path}/none.json", "--ledger", ledger]) == 2
    assert "none.json" in capsys.readouterr().err


def test_recommend_answers_a_case_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    url, identifier = _stored(tmp_path)
    service = Service(tmp_path, TWO_LEVELS.now)
    stored = service.ledger.recommendation(identifier)
    assert stored is not None
    file = tmp_path / "case.json"
    file.write_bytes(stored.case)

    for arguments, data in (([str(file)], None), (["-"], stored.case)):
        run = _run("recommend", *arguments, data=data)
        assert run.returncode == 0, run.stderr
        assert run.stdout == stored.recommendation + b"\n"
        Recommendation.from_bytes(run.stdout)
    assert url


@pytest.mark.parametrize("file", sorted((FIXTURES / "cases").glob("*.json")), ids=lambda file: file.stem)
def test_the_sample_cases_are_answered(file: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["recommend", str(file)]) == 0
    assert Recommendation.from_bytes(capfdbinary.readouterr().out).drug == file.stem.partition("-")[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "JSON"),
        ("{}", "subject"),
        ('{"now": "2026-11-24T09:00:00Z", "subject": {"sex": "x"}}', "subject.sex"),
        (None, "No such file"),
    ],
)
def test_a_case_that_is_none_is_refused_by_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, says: str
) -> None:
    file = tmp_path / "case.json"
    if content is not None:
        file.write_text(content)

    assert cli.main(["recommend", str(file)]) == 2
    assert says in capsys.readouterr().err


def test_a_case_for_a_drug_without_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = {
        "now": "2026-11-24T09:00:00Z", "subject": {}, "order": {"drug": "moonshine", "source": "x"}
    }  # fmt: skip
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case))

    assert cli.main(["recommend", str(file)]) == 2
    assert "moonshine" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "model"), [("case", Case), ("recommendation", Recommendation)])
def test_schemas_are_printed(capsys: pytest.CaptureFixture[str], value: str, model: Any) -> None:
    assert cli.main(["schema", value]) == 0
    schema = json.loads(capsys.readouterr().out)

    assert schema["title"] == model.__name__
    assert set(schema["required"]) <= set(model.model_fields)


def test_replay_confirms_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    url, identifier = _stored(tmp_path)
    run = _run("replay", identifier, "--ledger", url)

    assert run.returncode == 0, run.stdout + run.stderr
    assert b"same bytes" in run.stdout


def test_replay_tells_what_differs_and_by_which_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, identifier = _stored(tmp_path)
    service = Service(tmp_path, TWO_LEVELS.now)
    stored = service.ledger.recommendation(identifier)
    assert stored is not None
    changed = Recommendation.from_bytes(stored.recommendation).model_copy(
        update={"reason": "Something else.", "engine": "dosewright 0.0.1"}
    )
    older = {
        **vars(stored), "id": "older", "cards": (), "engine": "dosewright 0.0.1",
        "recommendation": changed.to_bytes(),
    }  # fmt: skip
    service.ledger.store_recommendation(type(stored)(**older))

    assert cli.main(["replay", "older", "--ledger", url]) == 1
    said = capsys.readouterr().out
    assert "not the same bytes" in said
    assert "dosewright 0.0.1" in said
    assert "differs in: reason" in said


def test_replay_of_what_an_unlike_version_stored_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(tmp_path, TWO_LEVELS.now)
    service.ledger.store_recommendation(
        StoredRecommendation(
            id="old", request_id="q", created_at=TWO_LEVELS.now, drug="vancomycin", outcome="agree",
            engine="dosewright 0.0.1", case=b'{"schema_version":"0"}', recommendation=b"{}",
        )
    )  # fmt: skip

    assert cli.main(["replay", "old", "--ledger", service.settings.ledger_url]) == 2
    assert "dosewright 0.0.1" in capsys.readouterr().err


def test_replay_of_an_unknown_id_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", "nothing", "--ledger", f"sqlite:///{tmp_path}/l.sqlite3"]) == 2
    assert "no recommendation 'nothing'" in capsys.readouterr().err


def test_the_last_calls_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url, _ = _stored(tmp_path)

    assert cli.main(["calls", "--ledger", url]) == 0
    assert "dosewright-order-sign" in capsys.readouterr().out


def test_the_demo_needs_its_patients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--fixtures", str(tmp_path)]) == 2
    assert "sample patients" in capsys.readouterr().err


def _run(*arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "cds_hooks.cli", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False)
