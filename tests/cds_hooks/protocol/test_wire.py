"""Bodies: what is JSON, what is not, and what could not be written back."""

from __future__ import annotations

import pytest

from cds_hooks.errors import MalformedRequest
from cds_hooks.protocol.wire import Incoming, path, read, read_json


class Sample(Incoming):
    """A part of a request with one required and one optional field."""

    patient_id: str
    weights: tuple[float, ...] = ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": NaN}', "not finite"),
        (b'{"a": -Infinity}', "not finite"),
        (b'{"a": 1e999}', "not finite"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b"[" * 101 + b"]" * 101, "nested too deeply"),
        (b"[" * 200_000, "nested too deeply"),
        (b"1" * 5000, "not JSON"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(MalformedRequest, match=says):
        read_json(body)


def test_a_byte_order_mark_is_tolerated() -> None:
    assert read_json(b"\xef\xbb\xbf" + '{"a": "ü"}'.encode()) == {"a": "ü"}


def test_a_hundred_levels_are_read() -> None:
    assert read_json(b"[" * 100 + b"]" * 100)


def test_each_wrong_field_is_named_as_its_sender_wrote_it() -> None:
    with pytest.raises(MalformedRequest) as refused:
        read(Sample, {"weights": [1, "heavy"]})

    assert [problem.field for problem in refused.value.problems] == ["patientId", "weights[1]"]


def test_a_refusal_never_quotes_a_value() -> None:
    with pytest.raises(MalformedRequest) as refused:
        read(Sample, {"patientId": ["Erika Mustermann"], "weights": "Erika Mustermann"})

    assert "Mustermann" not in str(refused.value)


@pytest.mark.parametrize("body", [None, [], "text", 1, True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(MalformedRequest, match="must be a JSON object"):
        read(Sample, body)


def test_a_place_is_written_as_a_path() -> None:
    assert path(["context", "draftOrders", "entry", 2, "resource"]) == "context.draftOrders.entry[2].resource"
