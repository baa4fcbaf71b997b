"""A DAG of the operators alone, in classic style: templated places, a connection of its own, a task at the end."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator, PlanSliceOperator

PLACES = {
    "exports": "{{ params.work }}/exports",
    "staging": "{{ params.work }}/staging",
    "state": "{{ params.work }}/state",
    "netmera_kinesis_conn_id": "acme_kinesis",
}


class TellOperator(BaseOperator):
    """Say how many records the run delivered."""

    def execute(self, context: Any) -> None:
        self.log.info("told of %d records", context["ti"].xcom_pull(task_ids="commit")["delivered"])


with DAG("acme_classic", schedule=None, catchup=False, max_active_runs=1, params={"work": "/srv/acme"}) as dag:
    plan = PlanSliceOperator(task_id="plan", hooks="{{ params.work }}/hooks.yaml", partitions=2, min_age=0, **PLACES)
    match = HookMatcherOperator.partial(task_id="match", **PLACES).expand(group=plan.output)
    gate = GateSliceOperator(task_id="gate", slice=plan.output, **PLACES)
    send = KinesisHookSenderOperator.partial(task_id="send", **PLACES).expand(partition=gate.output)
    commit = CommitSliceOperator(task_id="commit", slice=plan.output, **PLACES)
    match >> gate
    send >> commit >> TellOperator(task_id="tell")
