"""Whole runs of the DAG, on the sample exports and a fake Kinesis: what a user of the DAG sees.

One is Airflow's own command, ``airflow dags test``; the others are made by an Airflow that is started once.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from airflow_session import AirflowSession, Workplace
from sample_exports import HOOKS, SAMPLES

from airflow_netmera_kinesis.testing import FakeKinesis, Faults
from demo.airflow_process import AirflowProcess
from demo.export import events, firings

EXPORTS = SAMPLES / "events"
EVENTS = sorted(EXPORTS.iterdir())
STREAMS = {"netmera-purchases": 2, "netmera-carts": 2, "netmera-activity": 2, "netmera-message-logs": 1}
LOGIN, PASSWORD = "AKIADAGRUNDAGRUN", "s3cret/of/the+dag+run"
DAG_FILE = """
from airflow_netmera_kinesis.pipeline import events_to_kinesis

dag = events_to_kinesis("acme", partitions=2, min_age=0, default_args={"retries": 0})
"""
BACKFILLED = """
from airflow_netmera_kinesis.pipeline import events_to_kinesis

local = events_to_kinesis(dag_id="acme", schedule="@daily", partitions=2, min_age=0)
on_s3 = events_to_kinesis(
    dag_id="acme_on_s3", schedule="@daily", exports="{root}/exports", staging="{root}/staging", state="{root}/state"
)
"""


class Deployment:
    """An Airflow of the test's own; each has the database that was made once for all."""

    def __init__(self, home: Path, database: bytes) -> None:
        self.home, self.log = home, home / "printed.log"
        (home / "airflow.db").write_bytes(database)
        (home / "dags").mkdir()
        (home / "dags" / "acme.py").write_text(DAG_FILE)
        data = home / "data"
        places = {"exports": EXPORTS, "hooks": HOOKS, "staging": data / "staging", "state": data / "state"}
        configured = {f"AIRFLOW__NETMERA_KINESIS__{name.upper()}": str(place) for name, place in places.items()}
        self.settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"), **configured}

    def connect(self, endpoint_url: str) -> None:
        extras = {"region": "eu-central-1", "endpoint_url": endpoint_url}
        fields = {"conn_type": "netmera_kinesis", "login": LOGIN, "password": PASSWORD, "extra": extras}
        self.settings["AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT"] = json.dumps(fields)

    def run(self) -> int:
        """Run the DAG once; return the exit status."""
        return AirflowProcess(self.home, self.log, self.settings).run("dags", "test", "acme")

    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def backfill(self, days: int, *dag_ids: str) -> tuple[dict[str, Any], str]:
        """Make a run of type backfill for each day, a DAG's all at once; return how each ended and what was printed."""
        environment = {**os.environ, "AIRFLOW_HOME": str(self.home), **self.settings}
        command = [sys.executable, str(Path(__file__).with_name("backfill.py")), str(days), *dag_ids]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout), process.stderr

    def states(self) -> dict[str, list[str]]:
        """Return the states of the last run's tasks."""
        with sqlite3.connect(self.home / "airflow.db") as database:
            (run_id,) = database.execute("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1").fetchone()
            rows = database.execute("SELECT task_id, state FROM task_instance WHERE run_id = ?", (run_id,)).fetchall()
        found: dict[str, list[str]] = {}
        for task, state in rows:
            found.setdefault(task, []).append(state)
        return found

    def everything_written_by_airflow(self) -> bytes:
        files = [path for path in self.home.rglob("*") if path.is_file() and self.home / "data" not in path.parents]
        return b"\n".join(path.read_bytes() for path in files)


@pytest.fixture
def deployment(tmp_path: Path, airflow: AirflowSession) -> Deployment:
    return Deployment(tmp_path, airflow.empty_database)


@pytest.fixture
def kinesis() -> Iterator[FakeKinesis]:
    with FakeKinesis(STREAMS) as fake:
        yield fake


class Command(NamedTuple):
    """One run by Airflow's own command: where, against which Kinesis, and its exit status."""

    deployment: Deployment
    kinesis: FakeKinesis
    status: int


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, airflow: AirflowSession) -> Iterator[Command]:
    deployment = Deployment(tmp_path_factory.mktemp("deployment"), airflow.empty_database)
    with FakeKinesis(STREAMS) as kinesis:
        deployment.connect(kinesis.endpoint_url)
        yield Command(deployment, kinesis, deployment.run())


def due(stream: str) -> dict[str, list[tuple[str, str]]]:
    expected: dict[str, list[tuple[str, str]]] = {}
    for firing in firings(EVENTS, HOOKS):
        if firing.stream == stream:
            expected.setdefault(firing.user, []).append((firing.hook, firing.event_id))
    return expected


def assert_whole(kinesis: FakeKinesis, duplicates: int = 0) -> None:
    for stream in STREAMS:
        verdict = kinesis.books.judge_order(stream, due(stream))
        assert verdict.clean, (stream, verdict)
        assert verdict.duplicates <= duplicates


def requests(kinesis: FakeKinesis) -> int:
    return sum(kinesis.books.counts(stream).requests for stream in STREAMS)


def stored(kinesis: FakeKinesis) -> int:
    return sum(kinesis.books.counts(stream).stored for stream in STREAMS)


def test_by_airflows_own_command_matched_events_arrive_once_and_in_order(command: Command) -> None:
    assert command.status == 0, command.deployment.printed()
    assert_whole(command.kinesis)
    assert command.deployment.states() == {
        "plan": ["success"], "preflight": ["success"], "match": ["success"], "gate": ["success"],
        "send": ["success"] * 2, "commit": ["success"],
    }  # fmt: skip


def test_each_send_task_leaves_what_its_links_need(command: Command) -> None:
    with sqlite3.connect(command.deployment.home / "airflow.db") as database:
        query = "SELECT map_index, value FROM xcom WHERE task_id = 'send' AND key = 'netmera_kinesis_links'"
        kept = {task: json.loads(links) for task, links in database.execute(query)}
    assert sorted(kept) == [0, 1]
    assert all(links["dead_letters"].startswith("file:///") for links in kept.values())


def test_no_event_no_user_and_no_key_is_left_in_airflow(command: Command) -> None:
    assert command.status == 0, command.deployment.printed()
    written = command.deployment.everything_written_by_airflow()
    personal = {value for file in EVENTS for event in events(file) for value in identities(event)}
    assert len(personal) > 2_000
    found = set(re.findall(rb"[\w@.-]+", written)) & {value.encode() for value in personal}
    assert found == set()
    assert LOGIN.encode() not in written
    assert PASSWORD.encode() not in written


def identities(event: dict[str, Any]) -> Iterator[str]:
    yield from (event["userId"], event["id"])
    yield from event["identities"].values()


def test_a_second_run_sends_nothing(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    run = workplace.run()
    assert run.state == "success", run.log
    assert_whole(workplace.kinesis)
    sent = workplace.requests()

    run = workplace.run()
    assert run.state == "success", run.log
    assert workplace.requests() == sent
    assert "nothing new in" in run.log
    assert {state for states in run.tasks.values() for state in states} == {"skipped"}


def test_a_run_that_kinesis_cut_short_goes_on_where_it_stopped(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    workplace.kinesis.core.inject(*[None] * 6)  # so many requests go well before the rights are taken away
    workplace.kinesis.faults = Faults(access_denied=1.0)
    run = workplace.run(partitions=2)
    assert run.state == "failed"
    assert "preflight: there was no good one before" in run.log
    assert 0 < stored(workplace.kinesis) < 471
    assert run.tasks["commit"] == ["upstream_failed"]

    workplace.kinesis.faults = Faults()
    run = workplace.run(partitions=2)
    assert run.state == "success", run.log
    assert "preflight: definitions and connection are as they were when they were last found good" in run.log
    assert_whole(workplace.kinesis)
    assert stored(workplace.kinesis) == 471


def test_an_inactive_connector_skips_every_task_and_touches_nothing(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    workplace.connect(active=False)
    run = workplace.run()
    assert run.state == "success", run.log
    assert "is inactive: nothing is read or sent" in run.log
    assert {state for states in run.tasks.values() for state in states} == {"skipped"}
    assert workplace.requests() == 0
    assert sorted(workplace.root.iterdir()) == [workplace.exports]


def test_a_folder_that_is_not_set_fails_plan_by_name_and_params_can_set_it_and_another_connection(
    workplace: Workplace,
) -> None:
    workplace.take(*EVENTS)
    places = {"hooks": HOOKS, "staging": workplace.root / "staging", "state": workplace.root / "state"}
    configured = {f"AIRFLOW__NETMERA_KINESIS__{name.upper()}": str(place) for name, place in places.items()}
    environment = {**workplace.environment, **configured}
    run = workplace.airflow.run("acme_once", environment)
    assert run.state == "failed"
    assert (
        "exports is not set: give the DAG the argument exports, or set exports in section [netmera_kinesis]" in run.log
    )
    assert run.tasks["plan"] == ["failed"]

    workplace.connect("4711")  # native rendering makes a number of it
    environment = {**workplace.environment, **configured}
    del environment["AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT"]
    params = {"exports": str(workplace.exports), "partitions": 3, "netmera_kinesis_conn_id": "4711"}
    run = workplace.airflow.run("acme_once", environment, **params)
    assert run.state == "success", run.log
    assert_whole(workplace.kinesis)
    assert run.tasks["send"] == ["success"] * 3


def test_four_backfill_runs_at_once_are_each_refused_by_plan_without_a_retry(
    deployment: Deployment, kinesis: FakeKinesis, s3: Any, aws_connection: str
) -> None:
    deployment.connect(kinesis.endpoint_url)
    deployment.settings["AIRFLOW_CONN_ON_S3"] = aws_connection
    root = f"exports-and-state/{uuid.uuid4().hex}"
    s3.pipe_file(f"{root}/exports/{EVENTS[0].name}", EVENTS[0].read_bytes())
    (deployment.home / "dags" / "acme.py").write_text(BACKFILLED.format(root=f"s3://on_s3@{root}"))
    found, printed = deployment.backfill(4, "acme", "acme_on_s3")
    for runs in found.values():
        assert len(runs) == 4
        for run_id, run in runs.items():
            assert (run["type"], run["state"]) == ("backfill", "failed")
            states = {task: state for task, (state, _) in run["tasks"].items()}
            assert states.pop("plan") == "failed", "the DAG has retries, and they are not used"
            assert run["tasks"]["plan"][1] == 1
            assert set(states.values()) == {"upstream_failed"}
            assert re.search(rf"run {re.escape(run_id)} is a backfill, .* trigger the DAG netmera_resend", printed)
    assert len(re.findall("is a backfill, ", printed)) >= 8
    assert requests(kinesis) == 0
    assert not (deployment.home / "data").exists()
    assert len(s3.find(root)) == 1
