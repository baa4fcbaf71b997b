from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.json_line import JsonLines
from airflow_netmera_kinesis.netmera.event import ABSENT, Event, Identities, Malformed, MessageLog, OpenIdentities
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType

MIDNIGHT = 1_788_728_400_000


def read(line: dict[str, Any] | bytes, export_format: ExportFormat = ExportFormat()) -> Event | MessageLog:  # noqa: B008
    data = line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()
    return JsonLines(export_format).read(data)


def event(line: dict[str, Any] | bytes, **said: Any) -> Event:
    found = read(line, ExportFormat(**said))
    assert isinstance(found, Event)
    return found


def log(line: dict[str, Any]) -> MessageLog:
    found = read(line, ExportFormat(record_type=TriggerType.MESSAGE_LOG))
    assert isinstance(found, MessageLog)
    return found


def value(raw: Raw) -> Any:
    return None if raw is ABSENT else json.loads(bytes(raw))


def why(line: dict[str, Any] | bytes) -> str:
    with pytest.raises(Malformed) as error:
        read(line)
    return str(error.value)


@pytest.mark.parametrize("alias", ["eventCode", "code", "Event Code"])
def test_a_code_goes_by_its_aliases(alias: str) -> None:
    assert event({alias: "n:ph"}).event_code == "n:ph"


@pytest.mark.parametrize("alias", ["eventName", "name", "event", "Event", "Event Name"])
def test_a_name_goes_by_its_aliases(alias: str) -> None:
    assert event({alias: "Purchase"}).event_name == "Purchase"


@pytest.mark.parametrize("alias", ["timestamp", "timeStamp", "ts", "Timestamp", "Date"])
def test_a_time_goes_by_its_aliases(alias: str) -> None:
    assert event({alias: MIDNIGHT}).time_ms == MIDNIGHT
    assert event({alias: "2026-09-07 00:00:00"}).time_ms == MIDNIGHT


@pytest.mark.parametrize("alias", ["userId", "uid", "User ID"])
def test_a_user_goes_by_its_aliases(alias: str) -> None:
    assert event({alias: "u1"}).user_id == "u1"


@pytest.mark.parametrize(
    ("alias", "field"),
    [
        *((alias, "ext_id") for alias in ("extId", "externalId", "extID", "xid", "External ID")),
        *((alias, "installation_id") for alias in ("installationId", "iid")),
        *((alias, "device_id") for alias in ("deviceId", "did")),
        *((alias, "session_id") for alias in ("sessionId", "sid")),
        ("email", "email"),
        ("msisdn", "msisdn"),
    ],
)
def test_an_identity_goes_by_its_aliases_at_the_top_and_inside_identities(alias: str, field: str) -> None:
    for line in ({alias: "x1"}, {"identities": {alias: "x1"}}, {alias: "x1", "identities": {alias: "x1"}}):
        assert event(line).identities == Identities(**{field: "x1"})


@pytest.mark.parametrize("alias", ["params", "parameters", "eventData", "prms"])
def test_parameters_go_by_their_aliases(alias: str) -> None:
    assert value(event({alias: {"a": 1}}).params) == {"a": 1}


@pytest.mark.parametrize("alias", ["profile", "userAttributes"])
def test_a_profile_goes_by_its_aliases(alias: str) -> None:
    assert value(event({alias: {"city": "Muğla"}}).profile) == {"city": "Muğla"}


def test_of_several_aliases_the_first_with_a_value_wins_and_the_others_become_parameters() -> None:
    found = event({"Event Code": "c", "code": "b", "eventCode": "  ", "uid": "u2", "userId": "u1"})
    assert (found.event_code, found.user_id) == ("b", "u1")
    assert value(found.params) == {"Event Code": "c", "uid": "u2"}


def test_a_second_alias_inside_identities_stays_there() -> None:
    found = event({"identities": {"externalId": "b", "extId": "a", "crm": [1]}}).identities
    assert isinstance(found, OpenIdentities)
    assert found.ext_id == "a"
    assert {name: value(raw) for name, raw in found.more.items()} == {"externalId": "b", "crm": [1]}


def test_flat_rest_style_makes_parameters_of_what_is_unknown() -> None:
    found = event({"extId": "CRM-1", "name": "Purchase", "itemId": "4234", "channel": "Facebook", "note": "null"})
    assert (found.identities.ext_id, found.event_name) == ("CRM-1", "Purchase")
    assert value(found.params) == {"itemId": "4234", "channel": "Facebook", "note": "null"}


def test_unknown_keys_join_the_parameters_that_are_there() -> None:
    assert value(event({"params": {"a": 1}, "b": 2}).params) == {"a": 1, "b": 2}
    assert value(event({"params": {"a": 1}, "a": 1}).params) == {"a": 1}


def test_a_name_in_the_parameters_and_beside_them_says_the_same_or_the_line_is_malformed() -> None:
    assert value(event(b'{"params":{"a":{"x":1,"y":"\\u015f"}},"a":{"y":"\xc5\x9f","x":1}}').params) == {
        "a": {"x": 1, "y": "ş"}
    }
    assert why({"params": {"a": 1}, "a": 2}) == "a name stands in params and beside it with different values"


def test_an_identity_that_stands_twice_says_the_same_or_the_line_is_malformed() -> None:
    assert event({"uid": 7, "identities": {"userId": "7"}}).user_id == "7"
    assert why({"extId": "a", "identities": {"xid": "b"}}) == (
        "extId stands in identities and beside it with different values"
    )


@pytest.mark.parametrize("missing", ["", None, "null", "  ", "\t"])
def test_a_missing_value_is_no_value_in_any_field_that_is_read(missing: Any) -> None:
    names = ["id", "appKey", "eventCode", "eventName", "timestamp", "userId", "params", "revenue", "profile",
             "identities", "device", "extId", "email", "msisdn", "installationId", "deviceId", "sessionId"]  # fmt: skip
    assert event(dict.fromkeys(names, missing)) == Event()
    assert event({"recordType": missing}) == Event()
    assert event({"identities": {"email": missing, "extId": missing}}) == Event()


def test_nested_values_pass_unchanged() -> None:
    line = b'{"params":{"note":"","n":null,"t":"null","d":1.10,"e":1E5,"s":"\\u0131 \\/"},"profile":{"a":[ ]}}'
    found = event(line)
    assert bytes(found.params) == b'{"note":"","n":null,"t":"null","d":1.10,"e":1E5,"s":"\\u0131 \\/"}'
    assert bytes(found.profile) == b'{"a":[]}'


@pytest.mark.parametrize("number", ["5", "12345678901234567890", "98765432109876543210987654321", "-7", "1.50", "1e3"])
def test_a_number_as_id_becomes_its_text_digit_by_digit(number: str) -> None:
    line = f'{{"userId": {number}, "id": {number}, "extId": {number}, "identities": {{"msisdn": {number}}}}}'
    found = event(line.encode())
    assert (found.user_id, found.id, found.identities.ext_id, found.identities.msisdn) == (number,) * 4


@pytest.mark.parametrize("wrong", [True, {"a": 1}, ["u1"]])
def test_an_id_that_is_neither_text_nor_number_is_malformed(wrong: Any) -> None:
    assert why({"userId": wrong}) == "userId is neither text nor a number"


@pytest.mark.parametrize("wrong", ["yesterday", -1, 1e300, True, [1]])
def test_a_time_that_cannot_be_read_is_malformed_but_an_absent_one_is_left_out(wrong: Any) -> None:
    assert "timestamp is " in why({"timestamp": wrong})
    assert event({"userId": "u1"}).time_ms is None


def test_other_record_types_are_malformed() -> None:
    assert why({"recordType": "PUSH"}) == "recordType is not one of EVENT, MESSAGE_LOG"


@pytest.mark.parametrize("line", [b"[]", b"42", b'"x"', b"null"])
def test_json_that_is_no_object_is_malformed(line: bytes) -> None:
    assert why(line) == "the line is JSON but not an object"


@pytest.mark.parametrize("line", [b"{", b'{"a":}', b"a,b,c", b'{"a":1}{"a":1}', b'{"a":"\x01"}', b"[" * 100_000])
def test_what_is_not_json_is_malformed(line: bytes) -> None:
    assert why(line) == "the line is not JSON"


def test_identities_must_be_an_object() -> None:
    assert why({"identities": ["u1"]}) == "identities is not a JSON object"
    assert why({"params": [1], "a": 1}) == "params is not a JSON object"


def test_no_message_shows_a_value() -> None:
    for line in ({"userId": {"secret": 1}}, {"timestamp": "secret"}, {"recordType": "secret"}, b'{"a": secret}'):
        assert "secret" not in why(line)


def test_constants_fill_what_is_lacking() -> None:
    found = event({"userId": "u1", "appKey": "b"}, constants={"appKey": "a", "eventCode": "n:ph", "revenue": 1.5})
    assert (found.app_key, found.event_code, value(found.revenue)) == ("b", "n:ph", 1.5)


def test_the_time_format_and_zone_of_the_export_are_used() -> None:
    found = event({"ts": "06.09.2026 21:00"}, time_format="%d.%m.%Y %H:%M", time_zone="UTC")
    assert found.time_ms == MIDNIGHT


RESULT = {
    "platform": "IOS", "status": "FAILED", "errorCode": "8", "installationId": "i-1", "timeStamp": MIDNIGHT,
    "msgTitle": "", "extId": "CRM-1", "notificationKey": 7,
}  # fmt: skip


def test_a_push_result_is_a_message_log_with_its_own_fields() -> None:
    found = log(RESULT)
    assert (found.time_ms, found.event_code, found.user_id) == (MIDNIGHT, None, None)
    assert found.identities == Identities(ext_id="CRM-1", installation_id="i-1")
    assert {name: value(raw) for name, raw in found.item.items()} == {
        "platform": "IOS", "status": "FAILED", "errorCode": "8", "msgTitle": "", "notificationKey": 7,
    }  # fmt: skip


def test_a_record_says_its_own_type_over_that_of_the_file() -> None:
    assert isinstance(read({**RESULT, "recordType": "MESSAGE_LOG"}), MessageLog)
    assert isinstance(read({"recordType": "EVENT"}, ExportFormat(record_type=TriggerType.MESSAGE_LOG)), Event)


def test_objects_of_a_message_log_keep_their_names() -> None:
    found = log({"params": {"a": 1}, "device": {"b": 2}, "profile": {"c": 3}})
    assert {name: value(raw) for name, raw in found.item.items()} == {"params": {"a": 1}, "device": {"b": 2}}
    assert value(found.profile) == {"c": 3}


def test_a_message_log_does_not_say_its_name_twice() -> None:
    assert log({"eventName": "x", "name": "x"}).item == {}
    with pytest.raises(Malformed, match="eventName is given twice with different values"):
        log({"eventName": "x", "name": "y"})
