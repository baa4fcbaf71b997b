"""A DAG of the operators among TaskFlow functions: one makes the hook definitions, one takes the counts."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import dag, task

from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator, PlanSliceOperator

CODES = {"purchases": "n:ph", "carts": "n:acp"}


@dag(schedule=None, catchup=False, max_active_runs=1, params={"work": "/srv/acme"})
def acme_taskflow() -> None:
    places = {name: f"{{{{ params.work }}}}/{name}" for name in ("exports", "staging", "state")}

    @task
    def hooks() -> list[dict[str, str]]:
        return [
            {"name": name, "trigger_type": "EVENT", "event_code": code, "stream_name": f"netmera-{name}"}
            for name, code in CODES.items()
        ]

    @task
    def tell(counts: dict[str, Any]) -> str:
        return f"{counts['delivered']} of {counts['firings']}"

    definitions: Any = hooks()
    plan = PlanSliceOperator(task_id="plan", hooks=definitions, min_age=0, **places)
    match = HookMatcherOperator.partial(task_id="match", **places).expand(group=plan.output)
    gate = GateSliceOperator(task_id="gate", slice=plan.output, **places)
    send = KinesisHookSenderOperator.partial(task_id="send", **places).expand(partition=gate.output)
    commit = CommitSliceOperator(task_id="commit", slice=plan.output, **places)
    match >> gate
    send >> commit
    counts: Any = commit.output
    tell(counts)


acme_taskflow()
