"""Whole runs by ``airflow dags test``, on the sample exports and a fake Kinesis: what a user of the DAG sees."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_netmera_kinesis.testing import FakeKinesis, Faults
from demo.airflow_process import AirflowProcess
from demo.export import events, firings

SAMPLES = Path(__file__).parent.parent / "samples"
EXPORTS = SAMPLES / "events"
STREAMS = {"netmera-purchases": 2, "netmera-carts": 2, "netmera-activity": 2, "netmera-message-logs": 1}
LOGIN, PASSWORD = "AKIADAGRUNDAGRUN", "s3cret/of/the+dag+run"
DAG_FILE = """
from airflow_netmera_kinesis.pipeline import events_to_kinesis

dag = events_to_kinesis("acme", partitions=2, min_age=0, default_args={"retries": 0})
"""


class Deployment:
    """An Airflow of the test's own; each has the database that was made once for all."""

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home / "printed.log"
        self.settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags")}

    def configure(self, **options: object) -> None:
        self.settings |= {f"AIRFLOW__NETMERA_KINESIS__{name.upper()}": str(value) for name, value in options.items()}

    def connect(self, endpoint_url: str, **extra: object) -> None:
        extras = {"region": "eu-central-1", "endpoint_url": endpoint_url, **extra}
        fields = {"conn_type": "netmera_kinesis", "login": LOGIN, "password": PASSWORD, "extra": extras}
        self.settings["AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT"] = json.dumps(fields)

    def run(self, **conf: object) -> tuple[int, str]:
        """Run the DAG once; return the exit status and what was printed."""
        self.log.write_bytes(b"")
        arguments = ["dags", "test", "acme", *(["--conf", json.dumps(conf)] if conf else [])]
        status = AirflowProcess(self.home, self.log, self.settings).run(*arguments)
        return status, self.log.read_text(encoding="utf-8")

    def backfill(self, days: int) -> tuple[dict[str, Any], str]:
        """Make a run of type backfill for each day, all at once; return how each ended and what was printed."""
        environment = {**os.environ, "AIRFLOW_HOME": str(self.home), **self.settings}
        command = [sys.executable, str(Path(__file__).with_name("backfill.py")), "acme", str(days)]
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


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    home = tmp_path_factory.mktemp("airflow")
    assert AirflowProcess(home, home / "printed.log", {}).run("db", "migrate") == 0
    return (home / "airflow.db").read_bytes()


@pytest.fixture
def deployment(tmp_path: Path, database: bytes) -> Deployment:
    (tmp_path / "airflow.db").write_bytes(database)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "acme.py").write_text(DAG_FILE)
    made = Deployment(tmp_path)
    data = tmp_path / "data"
    made.configure(exports=EXPORTS, hooks=SAMPLES / "hooks.yaml", staging=data / "staging", state=data / "state")
    return made


@pytest.fixture
def kinesis() -> Iterator[FakeKinesis]:
    with FakeKinesis(STREAMS) as fake:
        yield fake


def due(stream: str) -> dict[str, list[tuple[str, str]]]:
    expected: dict[str, list[tuple[str, str]]] = {}
    for firing in firings(sorted(EXPORTS.iterdir()), SAMPLES / "hooks.yaml"):
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


def test_matched_events_arrive_once_and_in_order_and_a_second_run_sends_nothing(
    deployment: Deployment, kinesis: FakeKinesis
) -> None:
    deployment.connect(kinesis.endpoint_url)
    status, printed = deployment.run()
    assert status == 0, printed
    assert_whole(kinesis)
    assert deployment.states() == {
        "plan": ["success"], "match": ["success"], "gate": ["success"], "send": ["success"] * 2, "commit": ["success"],
    }  # fmt: skip
    sent = requests(kinesis)

    status, printed = deployment.run()
    assert status == 0, printed
    assert requests(kinesis) == sent
    assert "nothing new in" in printed
    assert {state for states in deployment.states().values() for state in states} == {"skipped"}


def test_no_event_no_user_and_no_key_is_left_in_airflow(deployment: Deployment, kinesis: FakeKinesis) -> None:
    deployment.connect(kinesis.endpoint_url)
    status, printed = deployment.run()
    assert status == 0, printed
    assert_whole(kinesis)
    written = deployment.everything_written_by_airflow()
    personal = {value for file in sorted(EXPORTS.iterdir()) for event in events(file) for value in identities(event)}
    assert len(personal) > 2_000
    found = set(re.findall(rb"[\w@.-]+", written)) & {value.encode() for value in personal}
    assert found == set()
    assert LOGIN.encode() not in written
    assert PASSWORD.encode() not in written


def identities(event: dict[str, Any]) -> Iterator[str]:
    yield from (event["userId"], event["id"])
    yield from event["identities"].values()


def test_a_run_that_kinesis_cut_short_goes_on_where_it_stopped(deployment: Deployment, kinesis: FakeKinesis) -> None:
    deployment.connect(kinesis.endpoint_url)
    kinesis.core.inject(*[None] * 6)  # so many requests go well before the rights are taken away
    kinesis.faults = Faults(access_denied=1.0)
    status, printed = deployment.run()
    assert status != 0
    stored = sum(kinesis.books.counts(stream).stored for stream in STREAMS)
    assert 0 < stored < 471
    assert deployment.states()["commit"] == ["upstream_failed"]

    kinesis.faults = Faults()
    status, printed = deployment.run()
    assert status == 0, printed
    assert_whole(kinesis)
    assert sum(kinesis.books.counts(stream).stored for stream in STREAMS) == 471


def test_an_inactive_connector_skips_every_task_and_touches_nothing(
    deployment: Deployment, kinesis: FakeKinesis
) -> None:
    deployment.connect(kinesis.endpoint_url, active=False)
    status, printed = deployment.run()
    assert status == 0, printed
    assert "is inactive: nothing is read or sent" in printed
    assert {state for states in deployment.states().values() for state in states} == {"skipped"}
    assert requests(kinesis) == 0
    assert not (deployment.home / "data").exists()


def test_a_folder_that_is_not_set_fails_plan_by_name_and_a_param_can_set_it(
    deployment: Deployment, kinesis: FakeKinesis
) -> None:
    deployment.connect(kinesis.endpoint_url)
    del deployment.settings["AIRFLOW__NETMERA_KINESIS__EXPORTS"]
    status, printed = deployment.run()
    assert status != 0
    assert (
        "exports is not set: give the DAG the argument exports, or set exports in section [netmera_kinesis]" in printed
    )
    assert deployment.states()["plan"] == ["failed"]

    status, printed = deployment.run(exports=str(EXPORTS), partitions=3)
    assert status == 0, printed
    assert_whole(kinesis)
    assert deployment.states()["send"] == ["success"] * 3


def test_four_backfill_runs_at_once_are_each_refused_by_plan_without_a_retry(
    deployment: Deployment, kinesis: FakeKinesis
) -> None:
    deployment.connect(kinesis.endpoint_url)
    (deployment.home / "dags" / "acme.py").write_text(
        DAG_FILE.replace('default_args={"retries": 0}', 'schedule="@daily"')
    )
    runs, printed = deployment.backfill(days=4)
    assert len(runs) == 4
    for run_id, run in runs.items():
        assert (run["type"], run["state"]) == ("backfill", "failed")
        states = {task: state for task, (state, _) in run["tasks"].items()}
        assert states.pop("plan") == "failed", "the DAG has retries, and they are not used"
        assert run["tasks"]["plan"][1] == 1
        assert set(states.values()) == {"upstream_failed"}
        assert re.search(rf"run {re.escape(run_id)} is a backfill, .* trigger the DAG netmera_resend", printed)
    assert requests(kinesis) == 0
    assert not (deployment.home / "data").exists()
