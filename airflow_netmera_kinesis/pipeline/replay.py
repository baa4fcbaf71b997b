"""Make the DAG that replays another DAG's dead letters, when somebody asks for it."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_netmera_kinesis.again_param import REPLAY_PARAMS
from airflow_netmera_kinesis.operators.replay import PlanReplayOperator
from airflow_netmera_kinesis.pipeline.shared import DAG_ARGUMENTS, DEFAULT_ARGS, from_params, params_of
from airflow_netmera_kinesis.pipeline.wiring import wire_after

DOC = """
### Replay dead letters
*Trigger w/ config*. Without anything else it means all dead letters of the DAG `of_dag` that were not replayed yet;
`reasons`, `letters_of_hooks`, `files` and `slices` narrow that.

1. With `dry_run` on, as it is unless you say otherwise, `plan` logs how many letters that are, what they would come to
   per hook, how many users they belong to and which are perhaps stored already (also in XCom, `would_send`). Nothing is
   sent.
2. With `dry_run` off they are sent by the present definitions, with the same `eventId`. What was replayed is marked and
   not replayed again, however often a task or a run is cleared; what fails again is one open dead letter again.

Newer events of the same users may have been sent already. `netmera-kinesis dead-letters` does the same from a command
line.
"""
# What fails again is a dead letter again: however many do, nothing is lost.
NO_LIMITS = {"on_bad_file": "fail", "max_malformed": "100%", "max_dead_letters": "100%"}


def replay_dead_letters(
    dag_id: str,
    *,
    of_dag: str | None = None,
    netmera_kinesis_conn_id: str | None = None,
    hooks: str | list[dict[str, Any]] | None = None,
    staging: str | None = None,
    state: str | None = None,
    export_format: str | dict[str, Any] | None = None,
    partitions: int | None = None,
    receipts: bool | None = None,
    default_args: dict[str, Any] | None = None,
    **dag_arguments: Any,
) -> DAG:
    """Make a DAG that replays dead letters when somebody triggers it and says which.

    Arguments are the defaults of the params of the same names, as for ``events_to_kinesis``.

    :param of_dag: the DAG whose dead letters are meant; give ``hooks`` and the connection as that DAG has them
    :param default_args: over the project's own: five retries with growing pauses
    :param dag_arguments: anything else that ``DAG`` takes, such as ``tags``
    """
    given = {
        "of_dag": of_dag,
        "netmera_kinesis_conn_id": netmera_kinesis_conn_id,
        "hooks": hooks,
        "staging": staging,
        "state": state,
        "export_format": export_format,
        "partitions": partitions,
        "receipts": receipts,
    }
    with DAG(
        dag_id=dag_id,
        schedule=None,
        params=params_of(given, REPLAY_PARAMS),
        default_args={**DEFAULT_ARGS, **(default_args or {})},
        **{**DAG_ARGUMENTS, "doc_md": DOC, **dag_arguments},
    ) as dag:
        folders = from_params("staging", "state", "netmera_kinesis_conn_id")
        plan = PlanReplayOperator(
            task_id="plan",
            only_show="{{ params.dry_run }}",
            **folders,
            **from_params("of_dag", "reasons", "letters_of_hooks", "files", "slices", "again", "hooks"),
            **from_params("export_format", "partitions", "receipts", "abandon_slice"),
        )
        wire_after(plan, {"exports": "dead-letters://{{ params.of_dag }}", **folders}, NO_LIMITS)
    return dag
