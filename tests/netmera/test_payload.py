from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.json_line import JsonLines
from airflow_netmera_kinesis.netmera.event import Event, Identities, MessageLog, OpenIdentities
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, TriggerType
from airflow_netmera_kinesis.netmera.payload import body_of, event_of, opening_of

PURCHASES = HookDefinition("ödemeler", event_code="n:ph", stream_name="s")
LOGS = HookDefinition("logs", TriggerType.MESSAGE_LOG, stream_name="s", partition_key=("extId",))


def payload(event: Event | MessageLog, hook: HookDefinition = PURCHASES) -> str:
    return (opening_of(hook) + body_of(event, event.event_code, "e1")).decode()


def test_the_payload_is_what_netmera_documents_key_by_key() -> None:
    event = Event(
        event_code="n:ph",
        event_name="Purchase",
        time_ms=1_788_728_400_000,
        user_id="u-ayşe",
        params=Raw(b'{"ea":"","eb":"null","ec":1.50}'),
        revenue=Raw(b"12.50"),
        profile=Raw('{"city":"İstanbul"}'.encode()),
        identities=Identities("CRM-1", "ayse@example.invalid", "905000000001", "i-1", "d-1", "s-1"),
        device=Raw(b'{"lang":"tr"}'),
    )
    assert payload(event) == (
        '{"hookName":"ödemeler","hookType":"KINESIS","triggerType":"EVENT","eventCode":"n:ph","userId":"u-ayşe",'
        '"eventId":"e1","eventData":{"name":"Purchase","timestamp":1788728400000,"revenue":12.50,'
        '"params":{"ea":"","eb":"null","ec":1.50},"device":{"lang":"tr"}},"userAttributes":{"city":"İstanbul"},'
        '"identities":{"userId":"u-ayşe","extId":"CRM-1","email":"ayse@example.invalid","msisdn":"905000000001",'
        '"installationId":"i-1","deviceId":"d-1","sessionId":"s-1"}}'
    )


def test_what_is_absent_is_left_out() -> None:
    event = Event(event_code="n:cl", user_id="u1")
    assert payload(event) == (
        '{"hookName":"ödemeler","hookType":"KINESIS","triggerType":"EVENT","eventCode":"n:cl","userId":"u1",'
        '"eventId":"e1","identities":{"userId":"u1"}}'
    )


def test_an_event_without_a_user_names_its_other_ids() -> None:
    event = Event(event_name="Purchase", identities=Identities(ext_id="CRM-1"))
    assert json.loads(payload(event))["identities"] == {"extId": "CRM-1"}
    assert "userId" not in payload(event)
    assert "identities" not in payload(Event(identities=Identities()))


def test_ids_of_the_customers_own_follow_the_known_ones() -> None:
    event = Event(user_id="u1", identities=OpenIdentities(email="a@example.invalid", more={"crm": Raw(b"7")}))
    assert payload(event).endswith('"identities":{"userId":"u1","email":"a@example.invalid","crm":7}}')


def test_a_message_log_says_its_own_fields_and_no_event_code() -> None:
    log = MessageLog(
        time_ms=1_788_728_400_000,
        item={"status": Raw(b'"FAILED"'), "msgText": Raw('"Bugün %10 indirim"'.encode())},
        identities=Identities(ext_id="CRM-1"),
    )
    assert payload(log, LOGS) == (
        '{"hookName":"logs","hookType":"KINESIS","triggerType":"MESSAGE_LOG","eventId":"e1","eventData":'
        '{"timestamp":1788728400000,"status":"FAILED","msgText":"Bugün %10 indirim"},"identities":{"extId":"CRM-1"}}'
    )


def test_a_message_log_with_a_code_says_it() -> None:
    assert json.loads(payload(MessageLog(event_code="x"), LOGS))["eventCode"] == "x"


@pytest.mark.parametrize(
    "line",
    [
        {"recordType": "EVENT", "eventCode": "n:ph", "userId": "ayse", "timestamp": 1_788_000_000_000},
        {
            "eventName": "Login", "timestamp": 1_788_000_000_000, "userId": "u", "revenue": 1.25, "params": {"a": [1]},
            "profile": {"city": "İzmir"}, "device": {"mdl": "x"}, "identities": {"extId": "CRM-1", "custom": 7},
        },
        {"recordType": "MESSAGE_LOG", "timestamp": 1_788_000_000_000, "status": "SENT", "extId": "CRM-1"},
        {"recordType": "MESSAGE_LOG", "eventName": "Push", "params": {"x": 1}, "userId": "ayse", "revenue": 3},
        {"recordType": "MESSAGE_LOG", "name": 7, "extId": "CRM-1"},
        {"recordType": "EVENT"},
    ],
)  # fmt: skip
def test_a_payload_tells_the_event_that_it_was_made_of(line: dict[str, Any]) -> None:
    event = JsonLines(ExportFormat()).read(json.dumps({**line, "id": "e1"}).encode())
    written = payload(event, LOGS if isinstance(event, MessageLog) else PURCHASES)
    again = event_of(written.encode())
    assert again == event
    assert payload(again, LOGS if isinstance(again, MessageLog) else PURCHASES) == written
