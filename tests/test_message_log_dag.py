"""Whole runs of the DAG that pulls message logs, against a getPushResult on a loopback port and a fake Kinesis."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from airflow_session import Run, Workplace
from netmera_server import KEY, FakeNetmera, error, served
from sample_exports import EXPECTED, HOOKS, SAMPLES, Arrival, arrivals

SAMPLE_ROWS = [
    row
    for page in sorted((SAMPLES / "push_results").iterdir())
    for row in json.loads(page.read_text(encoding="utf-8"))["list"]
]
DAG = "netmera_message_logs_to_kinesis"
MINUTE_MS = 60_000


class MessageLogs:
    """A workplace with a connection to a Netmera that answers as the test wants."""

    def __init__(self, workplace: Workplace, netmera: FakeNetmera) -> None:
        self.workplace, self.netmera = workplace, netmera
        netmera.now_ms = int(time.time() * 1000) + 24 * 60 * MINUTE_MS
        connection = {"conn_type": "netmera_rest", "password": KEY, "host": netmera.origin}
        workplace.environment["AIRFLOW_CONN_NETMERA_REST_DEFAULT"] = json.dumps(connection)

    def run(self, dag: str = "acme_message_logs") -> Run:
        root = self.workplace.root
        places = {"staging": str(root / "staging"), "state": str(root / "state"), "hooks": str(HOOKS)}
        return self.workplace.airflow.run(dag, self.workplace.environment, **places)

    def arrived(self) -> list[Arrival]:
        return [arrival for arrival in arrivals(self.workplace.kinesis) if arrival.stream == "netmera-message-logs"]

    def dead_letters(self) -> list[dict[str, Any]]:
        files = (self.workplace.root / "state").glob("*/dead_letters/*/*.ndjson")
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def waiting_files(self) -> list[str]:
        return [path.name for path in self.workplace.root.rglob("push_results_*.ndjson")]


@pytest.fixture
def message_logs(workplace: Workplace) -> Iterator[MessageLogs]:
    netmera = FakeNetmera(page_limit=10)
    with served(netmera):
        yield MessageLogs(workplace, netmera)


def recent(rows: list[dict[str, Any]], minutes_ago: int = 30) -> list[dict[str, Any]]:
    """Return the rows as if they had come some time ago, a second after each other."""
    start = int(time.time() * 1000) - minutes_ago * MINUTE_MS
    return [{**row, "timeStamp": start + number * 1000} for number, row in enumerate(rows)]


def test_the_shipped_dag_sends_every_message_log_that_has_an_id_and_sets_the_others_aside(
    message_logs: MessageLogs,
) -> None:
    rows = recent(SAMPLE_ROWS)
    message_logs.netmera.add(*rows)
    run = message_logs.run(DAG)
    assert run.state == "success", run.log
    assert {"pull", "plan", "match", "gate", "send", "commit"} <= set(run.tasks)
    assert {state for states in run.tasks.values() for state in states} == {"success"}

    arrived = message_logs.arrived()
    due = {row["extId"]: row for row in rows if "extId" in row}
    assert Counter(arrival.key for arrival in arrived) == Counter(list(due))
    for arrival in arrived:
        row, payload = due[arrival.key], arrival.payload
        assert (payload["hookName"], payload["triggerType"]) == ("message-logs", "MESSAGE_LOG")
        assert payload["eventData"]["timestamp"] == row["timeStamp"]
        assert payload["eventData"]["status"] == row["status"]
        assert payload["identities"] == {"extId": row["extId"], "installationId": row["installationId"]}
    assert len({arrival.payload["eventId"] for arrival in arrived}) == EXPECTED["push_results"]["delivered"]
    letters = message_logs.dead_letters()
    assert {(letter["reason"], letter["message"]) for letter in letters} == {
        ("MISSING_USER_ID", "the event has no userId and no extId"),
    }
    assert len(letters) == EXPECTED["push_results"]["missing_user"]
    assert message_logs.waiting_files() == [], "what is sent is not kept"


def test_a_run_that_failed_and_one_that_finds_nothing_new_send_nothing_twice(message_logs: MessageLogs) -> None:
    rows = recent([row for row in SAMPLE_ROWS if "extId" in row])
    message_logs.netmera.add(*rows)
    message_logs.netmera.faults.extend([None, error(400, 5022, f"Quota of {KEY} exceeded")])
    run = message_logs.run()
    assert run.state == "failed"
    assert "Netmera answered 400, code 5022: Quota of *** exceeded. The quota of the REST API is used up" in run.log
    assert run.tasks["send"] == ["upstream_failed"]

    run = message_logs.run()
    assert run.state == "success", run.log
    assert Counter(arrival.key for arrival in message_logs.arrived()) == Counter(row["extId"] for row in rows)

    run = message_logs.run()
    assert run.state == "success", run.log
    assert run.tasks.pop("pull") == ["success"]
    assert {state for states in run.tasks.values() for state in states} == {"skipped"}
    assert "nothing new in" in run.log
    assert len(message_logs.arrived()) == len(rows)
    assert_nothing_personal_is_left_in_airflow(message_logs, rows)


def assert_nothing_personal_is_left_in_airflow(message_logs: MessageLogs, rows: list[dict[str, Any]]) -> None:
    written = message_logs.workplace.airflow.written()
    offsets = {asked["offset"] for asked in message_logs.netmera.asked if "offset" in asked}
    personal = {row[name] for row in rows for name in ("extId", "installationId")}
    assert offsets
    assert [each for each in (KEY, *offsets, *personal) if each.encode() in written] == []
