"""Options: typed, checked at the start, and closed by default."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cds_hooks.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_open_is_accepted_on_loopback(host: str) -> None:
    assert Settings(host=host, open=True, demo=True).open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "cds.example.org", ""])  # noqa: S104
@pytest.mark.parametrize("unguarded", ["open", "demo"])
def test_letting_everybody_in_is_refused_elsewhere(host: str, unguarded: str) -> None:
    with pytest.raises(ValidationError, match="loopback"):
        Settings.model_validate({"host": host, unguarded: True})


def test_letting_everybody_in_is_refused_behind_a_public_name() -> None:
    """A proxy on the same machine would hand the open door to the world."""
    with pytest.raises(ValidationError, match="loopback"):
        Settings(open=True, public_base_url="https://cds.example.org")


def test_nobody_is_let_in_by_default() -> None:
    settings = Settings()

    assert not settings.open
    assert not settings.demo
    assert settings.trusted_clients == {}
    assert settings.allowed_fhir_server("https://ehr.example.org/fhir") is None


@pytest.mark.parametrize(
    ("named", "allowed"),
    [
        ("https://ehr.example.org/fhir", True),
        ("https://EHR.example.org/fhir/", True),
        (" HTTPS://ehr.example.org/fhir", True),
        ("https://ehr.example.org/fhir2", False),
        ("https://ehr.example.org/fhir/../admin", False),
        ("https://ehr.example.org", False),
        ("http://ehr.example.org/fhir", False),
        ("https://ehr.example.org.evil.example/fhir", False),
        ("https://ehr.example.org@evil.example/fhir", False),
        ("https://user:secret@ehr.example.org/fhir", False),
        ("https://ehr.example.org:8443/fhir", False),
        ("https://ehr.example.org/fhir?x=1", False),
        ("https://[ehr.example.org/fhir", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_servers_on_the_list_may_be_contacted(named: str, allowed: bool) -> None:
    """Whatever a call writes, what is contacted is the address that the list holds."""
    settings = Settings(allow_fhir_servers=("https://ehr.example.org/fhir/",))

    assert settings.allowed_fhir_server(named) == ("https://ehr.example.org/fhir" if allowed else None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Mars/Olympus"},
        {"port": 70000},
        {"fhir_timeout": 0},
        {"fhir_timeout": 60},
        {"allow_fhir_servers": ("ehr.example.org",)},
        {"public_base_url": "ftp://x"},
        {"workers": 0},
        {"colour": "red"},
    ],
)
def test_a_wrong_option_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOSEWRIGHT_TRUSTED_CLIENTS", f'{{"https://ehr.example.org": "{tmp_path}/keys.json"}}')
    monkeypatch.setenv("DOSEWRIGHT_PAGES_PASSWORD", "a long one")
    monkeypatch.setenv("DOSEWRIGHT_PUBLIC_BASE_URL", "https://cds.example.org/")

    settings = Settings()

    assert settings.trusted_clients == {"https://ehr.example.org": tmp_path / "keys.json"}
    assert settings.base_url == "https://cds.example.org"
    assert "a long one" not in repr(settings)
