"""Whatever JSON comes in, a valid answer goes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hook_call import (
    FIRST_DOSE,
    NOW,
    SELECT,
    SIGN,
    TWO_LEVELS,
    Service,
    hook_call,
    refusal,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_hooks.ledger import CallRecord

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4)
    ),
    max_leaves=12,
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from _places(child, (*place, key))


def _with(value: Any, place: tuple[Any, ...], put: Any) -> Any:
    if not place:
        return put
    changed = deepcopy(value)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = put
    return changed


FUZZED = {hook: hook_call(scenario) for hook, scenario in ((SELECT, FIRST_DOSE), (SIGN, TWO_LEVELS))}
RECORDED: list[CallRecord] = []
PLACES = {hook: list(_places(body)) for hook, body in FUZZED.items()}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("fuzz"), NOW)
    made.ledger.record_call = RECORDED.append  # type: ignore[method-assign]
    yield made
    made.ledger.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_anywhere_in_a_call_gets_a_valid_answer(fuzzed: Service, data: st.DataObject) -> None:
    """Real peers die on ordinary input: None among entries, strings in FHIR's places, deep nesting."""
    hook = data.draw(st.sampled_from([SELECT, SIGN]))
    place = data.draw(st.sampled_from(PLACES[hook]))
    body = _with(FUZZED[hook], place, data.draw(JSON))
    answered = fuzzed.client.post(hook, data=json.dumps(body), content_type="application/json")

    assert answered.status_code in {200, 400, 412}, place
    assert answered.is_json
    if answered.status_code == 200:
        assert isinstance(answered.get_json()["cards"], list)
        assert RECORDED[-1].outcome in {"cards", "silent"}, (place, RECORDED[-1].error_class)
    else:
        refusal(answered)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
def test_any_json_at_all_gets_a_valid_answer(fuzzed: Service, body: Any) -> None:
    for path in (SELECT, SIGN, f"{SIGN}/feedback"):
        answered = fuzzed.client.post(path, data=json.dumps(body), content_type="application/json")
        assert answered.status_code in {200, 400}
        assert answered.is_json
