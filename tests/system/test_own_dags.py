"""DAGs that users write with the operators alone work as those of the factory do."""

from __future__ import annotations

import shutil
import uuid
from typing import Any

from airflow_session import AirflowSession, Workplace
from sample_exports import EXPECTED, HOOKS, SAMPLES, arrivals, by_hook

EVENTS = sorted((SAMPLES / "events").iterdir())


def test_every_dag_is_loaded_without_an_error(airflow: AirflowSession) -> None:
    assert airflow.loaded["import_errors"] == {}
    assert {"netmera_events_to_kinesis", "acme_once", "acme_classic", "acme_taskflow"} <= set(airflow.loaded["dags"])


def test_a_dag_in_classic_style_sends_the_samples(workplace: Workplace) -> None:
    workplace.take(*EVENTS)
    shutil.copy(HOOKS, workplace.root)
    workplace.connect("acme_kinesis")
    del workplace.environment["AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT"]
    run = workplace.run("acme_classic", work=str(workplace.root))
    assert run.state == "success", run.log
    assert run.tasks["send"] == ["success"] * 2
    assert by_hook(arrivals(workplace.kinesis)) == EXPECTED["hooks"]
    assert f"told of {sum(EXPECTED['hooks'].values())} records" in run.log

    again = workplace.run("acme_classic", work=str(workplace.root))
    assert again.state == "success"
    assert {state for states in again.tasks.values() for state in states} == {"skipped"}


def test_a_dag_in_taskflow_style_sends_what_its_own_definitions_say_with_everything_on_s3(
    workplace: Workplace, s3: Any, aws_connection: str
) -> None:
    root = f"exports-and-state/{uuid.uuid4().hex}"
    for path in EVENTS:
        s3.pipe_file(f"{root}/exports/{path.name}", path.read_bytes())
    workplace.environment["AIRFLOW_CONN_ON_S3"] = aws_connection
    run = workplace.run("acme_taskflow", work=f"s3://on_s3@{root}")
    assert run.state == "success", run.log
    due = {name: EXPECTED["hooks"][name] for name in ("purchases", "carts")}
    assert by_hook(arrivals(workplace.kinesis)) == due
    assert not s3.find(f"{root}/staging")
    assert s3.find(f"{root}/state")
    assert any(f"{sum(due.values())} of {sum(due.values())}" in row for row in workplace.airflow.rows("xcom"))
