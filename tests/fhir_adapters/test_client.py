"""The FHIR client against servers that behave badly: in time, from one server only, the token kept."""

from __future__ import annotations

import gzip
import json
import logging
import time
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any

import pytest
from charting import bundle, observation, patient
from scripted_server import Script, sends, server

from fhir_adapters import client as client_module
from fhir_adapters import exchange
from fhir_adapters.client import FhirClient
from fhir_adapters.errors import (
    BadAnswer,
    FhirError,
    NotHeld,
    NotUnderstood,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from fhir_adapters.quirks import QUIRKS

TOKEN = "never-to-be-seen-anywhere"  # noqa: S105 - not a secret
WEIGHT = observation("29463-7", 80, "kg", "2026-11-24T06:00:00Z")


def search(base: str, deadline: float = 5.0) -> Any:
    return FhirClient(base, TOKEN, deadline).search("Observation", (("patient", "Patient/somebody"),))


def test_the_token_goes_into_the_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), server(sends(bundle(WEIGHT))) as (base, asked):
        client = FhirClient(base, TOKEN, 5.0)
        found = client.search("Observation", (("patient", "Patient/somebody"),))

    assert asked.tokens == [f"Bearer {TOKEN}"]
    assert asked.paths == ["/fhir/Observation?patient=Patient%2Fsomebody"]
    assert found.resources[0]["id"] == WEIGHT["id"]
    assert TOKEN not in caplog.text + repr(client) + repr(vars(client))


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (sends({}, 401), Refused),
        (sends({}, 403), Refused),
        (sends({}, 404), NotHeld),
        (sends({}, 410), NotHeld),
        (sends({}, 400), NotUnderstood),
        (sends({}, 429), Overloaded),
        (sends({}, 500), Overloaded),
        (sends({}, 503), Overloaded),
        (sends({}, 204), FhirError),
        (sends(b"<html>login</html>"), BadAnswer),
        (sends(b""), BadAnswer),
        (sends(b"[" * 100_000), BadAnswer),
        (sends([]), BadAnswer),
        (sends({"resourceType": "OperationOutcome"}), BadAnswer),
        (sends(patient()), BadAnswer),
    ],
)
def test_every_bad_answer_is_one_of_our_errors_and_tells_nothing(
    script: Script, error: type[FhirError]
) -> None:
    with server(script) as (base, _), pytest.raises(error) as raised:
        search(base)

    assert TOKEN not in str(raised.value)
    assert "somebody" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_nobody_there_is_unreachable() -> None:
    with server(sends({})) as (base, _):
        pass

    with pytest.raises(Unreachable):
        search(base)


def test_a_redirect_is_not_followed() -> None:
    with server(sends(bundle(WEIGHT))) as (elsewhere, stolen):
        script = sends({}, 302, Location=f"{elsewhere}/Observation")
        with server(script) as (base, _), pytest.raises(BadAnswer):
            search(base)

    assert stolen.paths == []


def test_a_next_page_on_another_server_is_not_followed() -> None:
    with server(sends(bundle(WEIGHT))) as (elsewhere, stolen):
        page = bundle(WEIGHT, link=[{"relation": "next", "url": f"{elsewhere}/Observation?page=2"}])
        with server(sends(page)) as (base, _):
            found = search(base)

    assert stolen.paths == []
    assert len(found.resources) == 1
    assert isinstance(found.problem, BadAnswer)


@pytest.mark.parametrize("link", ["http://[", "ftp://x/y", "//127.0.0.2/fhir", 5, ""])
def test_a_next_link_that_leads_nowhere_ends_the_search(link: Any) -> None:
    with server(sends(bundle(WEIGHT, link=[{"relation": "next", "url": link}]))) as (base, asked):
        assert len(search(base).resources) == 1

    assert len(asked.paths) == 1


def pages(count: int, *, broken_after: int | None = None) -> Script:
    """``count`` pages of one weight each, linked by relative URLs; the last one is empty."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        page = int(handler.path.partition("page=")[2] or 0)
        if broken_after is not None and page > broken_after:
            sends({}, 500)(handler)
        elif page >= count:
            sends(bundle())(handler)
        else:
            link = [{"relation": "next", "url": f"Observation?page={page + 1}"}]
            sends(bundle(WEIGHT | {"id": f"w{page}"}, link=link))(handler)

    return script


def test_pages_are_followed_to_the_empty_last_one() -> None:
    with server(pages(4)) as (base, _):
        found = search(base)

    assert [one["id"] for one in found.resources] == ["w0", "w1", "w2", "w3"]
    assert found.problem is None


def test_a_page_that_fails_leaves_the_others_and_a_problem() -> None:
    with server(pages(4, broken_after=1)) as (base, _):
        found = search(base)

    assert len(found.resources) == 2
    assert isinstance(found.problem, Overloaded)


def test_endless_pages_end() -> None:
    with server(pages(10_000)) as (base, asked):
        found = search(base)

    assert len(asked.paths) == client_module.MOST_PAGES
    assert isinstance(found.problem, BadAnswer)


def test_pages_that_lead_in_a_circle_end() -> None:
    with server(sends(bundle(WEIGHT, link=[{"relation": "next", "url": "Observation?page=1"}]))) as (
        base,
        asked,
    ):
        assert isinstance(search(base).problem, BadAnswer)

    assert len(asked.paths) == 2


def test_a_body_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LARGEST_BODY", 100_000)
    bomb = gzip.compress(b" " * 5_000_000)

    with server(sends(bomb, Content_Encoding="gzip")) as (base, _), pytest.raises(BadAnswer):
        search(base)


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(json.dumps(bundle(WEIGHT)).encode())

    with server(sends(body, Content_Encoding="gzip")) as (base, _):
        assert len(search(base).resources) == 1


def test_a_chunked_answer_is_read() -> None:
    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        data = json.dumps(bundle(WEIGHT)).encode()
        for part in (data[:50], data[50:]):
            handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    with server(script) as (base, _):
        assert len(search(base).resources) == 1


def test_a_server_that_says_nothing_is_too_slow() -> None:
    done = Event()
    try:
        with server(lambda handler: done.wait(20) and None) as (base, _), pytest.raises(TooSlow):
            search(base, deadline=0.3)
    finally:
        done.set()


def test_a_trickle_does_not_outlast_the_deadline() -> None:
    """A byte now and then keeps a plain read timeout from ever firing."""
    done = Event()

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not done.wait(0.05):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    try:
        with server(script) as (base, _), pytest.raises(TooSlow):
            search(base, deadline=0.5)
    finally:
        done.set()


def test_without_time_left_nothing_is_asked() -> None:
    with server(sends(bundle(WEIGHT))) as (base, asked), pytest.raises(TooSlow):
        search(base, deadline=0.0)

    assert asked.paths == []


def test_cookies_are_not_carried_from_call_to_call() -> None:
    with server(sends(bundle(WEIGHT), Set_Cookie="session=another-patient; Path=/")) as (base, asked):
        search(base)
        search(base)

    assert asked.cookies == [None, None]


def test_a_server_that_does_not_know_sorting_is_asked_again_without() -> None:
    def script(handler: BaseHTTPRequestHandler) -> None:
        sends({}, 400)(handler) if "_sort" in handler.path else sends(bundle(WEIGHT))(handler)

    with server(script) as (base, asked):
        client = FhirClient(base, TOKEN, 5.0)
        found = client.search("Observation", (("patient", "x"), ("_sort", "-date"), ("_include", "a:b")))

    assert len(found.resources) == 1
    assert asked.paths[-1] == "/fhir/Observation?patient=x"


def test_numbers_arrive_as_written() -> None:
    with server(sends(b'{"resourceType": "Patient", "id": "a", "x": 0.1}')) as (base, _):
        read = FhirClient(base, None, 5.0).read("Patient", "a")

    assert str(read["x"]) == "0.1"


def test_without_a_token_none_is_sent() -> None:
    with server(sends(patient())) as (base, asked):
        FhirClient(base, None, 5.0).read("Patient", "somebody")

    assert asked.tokens == [None]


def test_a_read_of_another_kind_is_a_bad_answer() -> None:
    with server(sends(WEIGHT)) as (base, _), pytest.raises(BadAnswer):
        FhirClient(base, TOKEN, 5.0).read("Patient", "somebody")


def busy(times: int, status: int = 503, **headers: str) -> Script:
    """Fail so many times, then answer."""
    failures = iter(range(times))

    def script(handler: BaseHTTPRequestHandler) -> None:
        answer = sends({}, status, **headers) if next(failures, None) is not None else sends(bundle(WEIGHT))
        answer(handler)

    return script


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(status: int) -> None:
    with server(busy(2, status)) as (base, asked):
        assert len(search(base).resources) == 1

    assert len(asked.paths) == 3


def test_a_server_that_stays_busy_is_left_alone_after_three_tries() -> None:
    with server(busy(100)) as (base, asked), pytest.raises(Overloaded):
        search(base)

    assert len(asked.paths) == exchange.MOST_TRIES


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 501])
def test_a_server_that_says_no_is_not_asked_the_same_again(status: int) -> None:
    with server(busy(1, status)) as (base, asked), pytest.raises(FhirError):
        search(base)

    assert len(asked.paths) == 1


@pytest.mark.parametrize(
    "asked_to_wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 21 Oct 2099 07:28:00"]
)
def test_no_longer_pause_is_made_than_there_is_time(asked_to_wait: str) -> None:
    """The answer comes at once: waiting would have helped nobody."""
    with server(busy(1, 429, Retry_After=asked_to_wait)) as (base, asked), pytest.raises(Overloaded):
        search(base)

    assert len(asked.paths) == 1


@pytest.mark.parametrize("asked_to_wait", ["0", "-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", ""])
def test_a_pause_that_is_over_or_makes_no_sense_does_not_stop_the_second_try(asked_to_wait: str) -> None:
    with server(busy(1, 429, Retry_After=asked_to_wait)) as (base, asked):
        assert len(search(base).resources) == 1

    assert len(asked.paths) == 2


def test_the_pause_that_the_server_asks_for_is_made() -> None:
    moments: list[float] = []

    def script(handler: BaseHTTPRequestHandler) -> None:
        moments.append(time.monotonic())
        answer = sends({}, 429, Retry_After="1") if len(moments) == 1 else sends(bundle(WEIGHT))
        answer(handler)

    with server(script) as (base, _):
        search(base)

    assert moments[1] - moments[0] >= 1.0


def test_a_connection_that_breaks_is_opened_again() -> None:
    failures = iter(range(1))

    def script(handler: BaseHTTPRequestHandler) -> None:
        if next(failures, None) is None:
            sends(bundle(WEIGHT))(handler)
        else:
            handler.connection.close()

    with server(script) as (base, asked):
        assert len(search(base).resources) == 1

    assert len(asked.paths) == 2


def test_a_search_goes_by_post_where_no_patient_may_stand_in_a_url() -> None:
    with server(sends(bundle(WEIGHT))) as (base, asked):
        client = FhirClient(base, TOKEN, 5.0, QUIRKS["post"])
        found = client.search("Observation", (("patient", "Patient/somebody"), ("code", "a,b")))

    assert len(found.resources) == 1
    assert asked.paths == ["/fhir/Observation/_search"]
    assert asked.bodies == ["patient=Patient%2Fsomebody&code=a%2Cb"]


def test_a_search_too_long_for_a_url_goes_by_post() -> None:
    codes = ",".join(f"http://loinc.org|{number}-1" for number in range(200))
    with server(sends(bundle(WEIGHT))) as (base, asked):
        FhirClient(base, TOKEN, 5.0).search("Observation", (("code", codes),))

    assert asked.paths == ["/fhir/Observation/_search"]


@pytest.mark.parametrize(
    ("quirks", "path"),
    [
        ("plain", "/fhir/Observation?patient=Patient%2Fp1&_sort=-date&_count=500&_include=a%3Ab"),
        ("bare", "/fhir/Observation?patient=p1&_sort=-date&_count=500&_include=a%3Ab"),
        ("epic", "/fhir/Observation?patient=Patient%2Fp1&_count=500"),
        ("oracle", "/fhir/Observation?patient=Patient%2Fp1&_count=200"),
        (
            "dstu2",
            "/fhir/Observation?patient=Patient%2Fp1&_sort%3Adesc=date&_count=500&_include=a%3Ab",
        ),
    ],
)
def test_each_server_is_asked_in_its_way(quirks: str, path: str) -> None:
    asked_for = (("patient", "Patient/p1"), ("_sort", "-date"), ("_count", "500"), ("_include", "a:b"))
    with server(sends(bundle(WEIGHT))) as (base, asked):
        FhirClient(base, TOKEN, 5.0, QUIRKS[quirks]).search("Observation", asked_for)

    assert asked.paths == [path]


def test_a_server_of_dstu2_is_asked_for_orders_and_doses_by_their_old_names() -> None:
    with server(sends(bundle())) as (base, asked):
        client = FhirClient(base, TOKEN, 5.0, QUIRKS["dstu2"])
        client.search("MedicationRequest", (("_include", "MedicationRequest:medication"),))
        client.search(
            "MedicationAdministration", (("_sort", "-effective-time"), ("effective-time", "ge2026"))
        )

    assert asked.paths == [
        "/fhir/MedicationOrder?_include=MedicationOrder%3Amedication",
        "/fhir/MedicationAdministration?_sort%3Adesc=effectivetime&effectivetime=ge2026",
    ]
