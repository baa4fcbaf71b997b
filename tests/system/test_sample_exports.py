"""The good samples, whatever their shape, are counted as expected.json says and arrive as Netmera's payloads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from sample_exports import (
    CSV_EVENTS,
    EXPECTED,
    HOOKS,
    SAMPLES,
    Arrival,
    SampleDeployment,
    arrivals,
    by_hook,
    dead_letters,
)

from airflow_netmera_kinesis.exports.format_parsing import parse_export_format
from airflow_netmera_kinesis.testing import judge_order
from demo.export import definitions, events, firings

EVENTS = sorted((SAMPLES / "events").iterdir())
CSVS = sorted((SAMPLES / "csv").iterdir())
HOOK_OF = {hook["event_code"]: hook for hook in definitions(HOOKS) if hook["trigger_type"] == "EVENT"}
# What the wide layout needs: a column for each parameter and attribute, and the time as a wall clock in Istanbul.
WIDE = parse_export_format(
    {
        "columns": {"city": "profile.city", "age": "profile.age"},
        "types": {"duration": "number", "es": "number", "age": "integer"},
        "time_format": "%Y-%m-%d %H:%M:%S",
        "time_zone": "Europe/Istanbul",
    }
)
MESSAGE_LOGS = parse_export_format({"record_type": "MESSAGE_LOG"})


def payload_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write a canonical event's payload as the documentation has it, without the provider's code."""
    data = {"name": event["eventName"], "timestamp": event["timestamp"], "params": event["params"]}
    if "revenue" in event:
        data["revenue"] = event["revenue"]
    return {
        "hookName": HOOK_OF[event["eventCode"]]["name"], "hookType": "KINESIS", "triggerType": "EVENT",
        "eventCode": event["eventCode"], "userId": event["userId"], "eventId": event["id"], "eventData": data,
        "userAttributes": event["profile"], "identities": {"userId": event["userId"], **event["identities"]},
    }  # fmt: skip


def fired(made: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [event for event in made if HOOK_OF.get(event["eventCode"], {"active": False}).get("active", True)]


def key_and_time(arrival: Arrival) -> tuple[str, str, int]:
    payload = arrival.payload
    return payload["userId"], payload["hookName"], payload["eventData"]["timestamp"]


@pytest.mark.parametrize("partitions", [1, 3])
def test_events_arrive_once_and_each_users_in_order(deployment: SampleDeployment, partitions: int) -> None:
    deployment.take(*EVENTS)
    counts = deployment.counted(partitions=partitions)
    found = arrivals(deployment.kinesis)
    assert counts["read"] == sum(file["read"] for file in EXPECTED["files"].values())
    assert by_hook(found) == EXPECTED["hooks"]
    for stream in {arrival.stream for arrival in found}:
        due: dict[str, list[tuple[str, str]]] = {}
        for firing in firings(EVENTS, HOOKS):
            if firing.stream == stream:
                due.setdefault(firing.user, []).append((firing.hook, firing.event_id))
        came = [(each.key, json.dumps(each.payload).encode()) for each in found if each.stream == stream]
        verdict = judge_order(came, due)
        assert verdict.clean, verdict
        assert verdict.duplicates == 0


@pytest.mark.parametrize("file", EVENTS, ids=lambda path: path.name)
def test_each_file_is_counted_by_hook(deployment: SampleDeployment, file: Any) -> None:
    deployment.take(file)
    counts = deployment.counted()
    assert counts["read"] == EXPECTED["files"][file.name]["read"]
    assert by_hook(arrivals(deployment.kinesis)) == EXPECTED["files"][file.name]["hooks"]


def test_a_payload_holds_all_of_its_event_and_nothing_else(deployment: SampleDeployment) -> None:
    deployment.take(*EVENTS)
    deployment.counted()
    due = {event["id"]: payload_of(event) for file in EVENTS for event in fired(events(file))}
    assert {arrival.payload["eventId"]: arrival.payload for arrival in arrivals(deployment.kinesis)} == due


@pytest.mark.parametrize("file", CSVS, ids=lambda path: path.stem)
def test_a_csv_is_counted_by_hook_whatever_its_delimiter_and_layout(deployment: SampleDeployment, file: Any) -> None:
    deployment.take(file)
    asked = {"export_format": WIDE} if "wide" in file.name else {}
    counts = deployment.counted(**asked)
    found = arrivals(deployment.kinesis)
    assert (counts["read"], counts["malformed"]) == (EXPECTED["csv"]["read"], 0)
    assert by_hook(found) == EXPECTED["csv"]["hooks"]
    assert len({arrival.payload["eventId"] for arrival in found}) == len(found)
    assert dead_letters(deployment.state) == []


@pytest.mark.parametrize("delimiter", ["comma", "tilde", "caret"])
def test_a_csv_with_a_column_of_json_arrives_as_the_same_events(deployment: SampleDeployment, delimiter: str) -> None:
    deployment.take(SAMPLES / "csv" / f"demoapp_EVENT_DATA_{delimiter}_json.csv")
    deployment.counted()
    due = {}
    for event in fired(CSV_EVENTS):
        payload = payload_of(event)
        payload["identities"] = {k: v for k, v in payload["identities"].items() if k in ("userId", "extId", "email")}
        payload["eventData"].pop("revenue", None)
        del payload["userAttributes"], payload["eventId"]
        due[event["userId"], payload["hookName"], event["timestamp"]] = payload
    found = {key_and_time(arrival): arrival.payload for arrival in arrivals(deployment.kinesis)}
    for payload in found.values():
        del payload["eventId"]
    assert found == due


@pytest.mark.parametrize("delimiter", ["pipe", "broken_pipe", "semicolon"])
def test_a_wide_csv_keeps_types_and_the_local_time_and_leaves_missing_cells_out(
    deployment: SampleDeployment, delimiter: str
) -> None:
    deployment.take(SAMPLES / "csv" / f"demoapp_EVENT_DATA_{delimiter}_wide.csv")
    deployment.counted(export_format=WIDE)
    found = sorted(
        (*key_and_time(arrival), json.dumps(content_of_wide(arrival.payload), sort_keys=True))
        for arrival in arrivals(deployment.kinesis)
    )
    assert found == sorted(wide_row(event) for event in fired(CSV_EVENTS))


def content_of_wide(payload: Mapping[str, Any]) -> list[Any]:
    return [payload["eventData"].get("params", {}), payload["userAttributes"], payload["identities"]]


def wide_row(event: Mapping[str, Any]) -> tuple[str, str, int, str]:
    columns = ("screen", "duration", "es", "currency")
    params = {name: event["params"][name] for name in columns if name in event["params"]}
    profile = {name: event["profile"][name] for name in ("city", "age")}
    identities = {"userId": event["userId"], "extId": event["identities"]["extId"]}
    second = event["timestamp"] // 1000 * 1000
    content = json.dumps([params, profile, identities], sort_keys=True)
    return event["userId"], HOOK_OF[event["eventCode"]]["name"], second, content


def test_message_logs_arrive_by_user_and_those_without_any_id_are_set_aside(deployment: SampleDeployment) -> None:
    pages = sorted((SAMPLES / "push_results").iterdir())
    rows = [row for page in pages for row in json.loads(page.read_text(encoding="utf-8"))["list"]]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    deployment.exports.write("demoapp_PUSH_RESULTS_20260907.ndjson", "\n".join(lines).encode() + b"\n")
    counts = deployment.counted(export_format=MESSAGE_LOGS)
    assert counts["read"] == EXPECTED["push_results"]["read"]
    found = arrivals(deployment.kinesis)
    assert len(found) == EXPECTED["push_results"]["delivered"]
    assert {arrival.stream for arrival in found} == {"netmera-message-logs"}
    assert Counter(arrival.key for arrival in found) == Counter(row["extId"] for row in rows if "extId" in row)
    assert sorted(map(row_of, found), key=str) == sorted((row for row in rows if "extId" in row), key=str)

    letters = dead_letters(deployment.state)
    assert Counter(letter["reason"] for letter in letters) == {
        "MISSING_USER_ID": EXPECTED["push_results"]["missing_user"]
    }
    assert {letter["message"] for letter in letters} == {"the event has no userId and no extId"}
    assert [letter["event"] for letter in letters] == [row for row in rows if "extId" not in row]


def row_of(arrival: Arrival) -> dict[str, Any]:
    """Put a message log's row together again, in its own order."""
    data, ids = dict(arrival.payload["eventData"]), arrival.payload["identities"]
    row = {"timeStamp": data.pop("timestamp"), **data, **ids}
    order = ("platform", "status", "installationId", "timeStamp", "msgTitle", "msgText", "extId")
    assert set(row) == set(order)
    return {name: row[name] for name in order}
