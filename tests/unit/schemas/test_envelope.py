"""Decoding domain events: both content modes, what is ignored, and that whatever breaks the contract is named, never a crash."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.envelope import MAX_PAYLOAD_BYTES, Headers, decode_event, encode_event
from schemas.errors import ContractViolation
from schemas.events import EVENT_TYPES, ClassCancelled, ClassDetailsChanged, StudentAdded
from tests.unit.schemas.records import STRUCTURED, bad_records, binary, good_events, structured

GOOD = good_events()


def cancelled(**data: Any) -> dict[str, Any]:
    return GOOD["class.cancelled/with_reason"] | {"data": {"class_id": "cls-42", "version": 9, **data}}


def violation(key: bytes | None, value: bytes | None, headers: Headers = STRUCTURED) -> ContractViolation:
    with pytest.raises(ContractViolation) as caught:
        decode_event(key, value, headers)
    return caught.value


def verdict(key: bytes | None, value: bytes | None, headers: Headers) -> str:
    """`decoded`, or the reason of the violation; any other error comes out."""
    try:
        decode_event(key, value, headers)
    except ContractViolation as found:
        return f"{found.code}: {found.reason}"
    return "decoded"


@pytest.mark.parametrize("bad", bad_records(), ids=lambda bad: bad.name)
def test_a_bad_record_is_refused_with_a_reason_that_names_the_field(bad: Any) -> None:
    found = violation(bad.key, bad.value, bad.headers)
    assert found.code == bad.code
    for word in bad.names:
        assert word in found.reason


@pytest.mark.parametrize("label", GOOD)
def test_structured_and_binary_mode_decode_to_the_same(label: str) -> None:
    envelope = {name: value for name, value in GOOD[label].items() if value is not None}
    assert decode_event(*structured(envelope)) == decode_event(*binary(envelope))


def test_every_type_has_an_example() -> None:
    assert {envelope["type"] for envelope in GOOD.values()} == set(EVENT_TYPES)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("content-type", b"application/cloudevents+json; charset=UTF-8"),),
        (("Content-Type", b"Application/CloudEvents+JSON"),),
        (("traceparent", b"00-abc"), ("content-type", None)),
        (("content-type", b"application/cloudevents+json"), ("ce_specversion", b"1.0"), ("ce_type", b"ignored")),
    ],
)
def test_structured_mode_is_recognised(headers: Headers) -> None:
    key, value, _ = structured(cancelled())
    assert decode_event(key, value, headers).event == ClassCancelled(class_id="cls-42", version=9)


def test_header_names_are_taken_in_any_case_and_the_last_of_a_name_counts() -> None:
    key, value, headers = binary(cancelled())
    shouted = [(name.upper(), content) for name, content in headers]
    assert decode_event(key, value, [("CE_ID", b"first"), *shouted]).id == cancelled()["id"]


def test_fields_that_nobody_knows_yet_are_ignored_one_called_type_too() -> None:
    envelope = cancelled(type="spinning", extra={"deep": [1, {"a": None}]}, huge=0) | {
        "dataschema": "https://x.example",
        "partitionkey": "7",
    }
    value = json.dumps(envelope).replace('"huge": 0', '"huge": 1' + "0" * 5000).encode()
    assert decode_event(b"cls-42", value).event == ClassCancelled(class_id="cls-42", version=9)


def test_data_in_base64_is_the_same_data() -> None:
    envelope = cancelled()
    data = base64.b64encode(json.dumps(envelope.pop("data")).encode()).decode()
    _, value, headers = structured(envelope | {"data_base64": data, "data": {"class_id": "cls-42"}})
    value = value.replace(b', "data": {"class_id": "cls-42"}', b"")
    assert decode_event(b"cls-42", value, headers) == decode_event(*structured(cancelled()))
    assert violation(b"cls-42", value.replace(data.encode(), b"e30="), headers).code == "bad_data"
    assert "data_base64" in violation(b"cls-42", value.replace(data.encode(), b"?"), headers).reason


def test_an_extension_of_any_name_disturbs_no_attribute() -> None:
    key, value, headers = binary(cancelled())
    assert decode_event(key, value, [*headers, ("ce_data", b"mine"), ("ce_database64", b"?"), ("ce_data_base64", b"?")])


def test_what_is_absent_differs_from_what_is_null() -> None:
    changed = GOOD["class.details_changed/link_taken_away"]
    absent = changed | {"data": {"class_id": "cls-42", "version": 8}}
    with_null, without = decode_event(*structured(changed)).event, decode_event(*structured(absent)).event
    assert isinstance(with_null, ClassDetailsChanged)
    assert isinstance(without, ClassDetailsChanged)
    assert (with_null.url, without.url) == (None, ClassDetailsChanged(class_id="c", version=1).url)
    assert with_null != without


def test_the_limit_is_a_limit_of_bytes_and_what_is_at_the_limit_passes() -> None:
    key, value, headers = structured(cancelled(reason=""))
    room = MAX_PAYLOAD_BYTES - len(value)
    fits = json.dumps(cancelled(reason="x" * room)).encode()
    assert len(fits) == MAX_PAYLOAD_BYTES
    assert decode_event(key, fits, headers)
    assert violation(key, fits + b" ").code == "too_large"
    wide = json.dumps(cancelled(reason="é" * (room // 2 + 1)), ensure_ascii=False).encode()
    assert violation(key, wide).code == "too_large"


@pytest.mark.parametrize("where", ["envelope", "data"])
def test_nesting_without_end_is_refused_not_a_crash(where: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    envelope = cancelled(deep="HERE") if where == "data" else cancelled() | {"deep": "HERE"}
    value = json.dumps(envelope).encode().replace(b'"HERE"', deep)
    assert violation(b"cls-42", value).code == "too_deep"


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_specversion", "ce_time"])
@pytest.mark.parametrize("content", [None, b"", b"\xff", b"7"])
def test_binary_attributes_are_checked_as_strictly_as_structured_ones(name: str, content: bytes | None) -> None:
    key, value, headers = binary(cancelled())
    spoilt = [(known, content if known == name else original) for known, original in headers]
    if (name, content) in (("ce_id", b"7"), ("ce_source", b"7"), ("ce_time", None)):
        assert decode_event(key, value, spoilt)
    else:
        found = violation(key, value, spoilt)
        assert found.code in ("bad_envelope", "unknown_type", "not_utf8")
        assert name.removeprefix("ce_") in found.reason


def test_a_key_that_is_not_text_is_a_mismatch() -> None:
    assert violation(b"\xff\xfe", structured(cancelled())[1]).code == "key_mismatch"


def test_a_reason_holds_no_student() -> None:
    event = GOOD["roster.student_added/joined"]
    for data in ({"student_id": ["stu-secret"]}, {"student_id": 7, "name": "stu-secret"}):
        found = violation(*structured(event | {"data": event["data"] | data}))
        assert "stu-secret" not in found.reason


def test_what_is_encoded_says_what_cloudevents_asks_for() -> None:
    value = encode_event(StudentAdded(class_id="c", version=3, student_id="s"), id="evt-1", time=datetime(2021, 10, 4, tzinfo=UTC))
    assert json.loads(value) == {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "/impact-feedback/booking",
        "type": "com.impactfeedback.booking.roster.student_added.v1",
        "subject": "c",
        "time": "2021-10-04T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"class_id": "c", "version": 3, "student_id": "s"},
    }


headers = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_data", "x"]),
        st.none() | st.binary(max_size=30) | st.sampled_from([b"1.0", b"application/cloudevents+json", *map(str.encode, EVENT_TYPES)]),
    ),
    max_size=9,
)


@given(key=st.none() | st.binary(max_size=20), value=st.none() | st.binary(max_size=400), headers=headers)
@example(key=b"", value=b"", headers=[])
def test_arbitrary_bytes_decode_or_break_the_contract_and_nothing_else(key: bytes | None, value: bytes | None, headers: Headers) -> None:
    assert verdict(key, value, headers)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["2021-10-11T09:30:00", "Europe/Berlin"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(label=st.sampled_from(list(GOOD)), data=st.data())
def test_a_good_event_with_any_field_replaced_by_anything_decodes_or_breaks_the_contract(label: str, data: st.DataObject) -> None:
    envelope = GOOD[label] | {"data": dict(GOOD[label]["data"])}
    part = data.draw(st.sampled_from([envelope, envelope["data"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(anything)
    assert verdict(b"cls-42", json.dumps(envelope).encode(), STRUCTURED)
