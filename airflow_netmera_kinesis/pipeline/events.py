"""Make a DAG of the operators: plan, preflight, match, gate, send, commit. One call makes one DAG."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_netmera_kinesis.operators.slice import PlanSliceOperator
from airflow_netmera_kinesis.pipeline.shared import DAG_ARGUMENTS, DEFAULT_ARGS, from_params, params_of
from airflow_netmera_kinesis.pipeline.wiring import wire_after

EVERY_FIVE_MINUTES = "*/5 * * * *"
DOC = """
### Netmera events to Amazon Kinesis
**plan** freezes what is new in `exports` into a slice, or takes up the one that is open. **preflight** checks
connection, streams and folders if definitions or connection changed. **match** reads the slice, one task
for each group of files, and stages the payloads of all hooks that fire. **gate** checks the counts before anything is
sent. **send** delivers, one task for each partition of the users, every user's events in order. **commit** advances
the checkpoint.

* Nothing new, or an inactive connector: all tasks are *skipped*, and the log of `plan` says why.
* A task that failed may be cleared or retried at any time: what is delivered is not sent again.
* Dead letters stand in the folder `state`, under `dead_letters`, each with its reason.
* *Trigger w/ config* runs it on another folder, another format or another connection.
"""


def events_to_kinesis(
    dag_id: str,
    schedule: Any = EVERY_FIVE_MINUTES,
    *,
    netmera_kinesis_conn_id: str | None = None,
    exports: str | None = None,
    hooks: str | list[dict[str, Any]] | None = None,
    staging: str | None = None,
    state: str | None = None,
    export_format: str | dict[str, Any] | None = None,
    partitions: int | None = None,
    max_files: int | None = None,
    start_after: str | None = None,
    min_age: int | None = None,
    order: str | None = None,
    on_bad_file: str | None = None,
    max_malformed: str | None = None,
    max_dead_letters: str | None = None,
    receipts: bool | None = None,
    default_args: dict[str, Any] | None = None,
    **dag_arguments: Any,
) -> DAG:
    """Make a DAG that sends what is new in ``exports`` to the streams that ``hooks`` name.

    An argument that is left out is taken from section ``[netmera_kinesis]`` of the configuration, and each is the
    default of the param of the same name, which a run may set to something else. A folder that is set nowhere fails
    the task ``plan``, not the import.

    :param dag_id: also the key of the DAG's state, so renaming it starts afresh
    :param schedule: any schedule of Airflow; what is new is found in the folder, not by the run's time
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis
    :param default_args: over the project's own: five retries with growing pauses
    :param dag_arguments: anything else that ``DAG`` takes, such as ``tags`` or ``start_date``

    The rest is described with the params, in :mod:`airflow_netmera_kinesis.dag_param`.
    """
    given = {
        "netmera_kinesis_conn_id": netmera_kinesis_conn_id,
        "exports": exports,
        "hooks": hooks,
        "staging": staging,
        "state": state,
        "export_format": export_format,
        "partitions": partitions,
        "max_files": max_files,
        "start_after": start_after,
        "min_age": min_age,
        "order": order,
        "on_bad_file": on_bad_file,
        "max_malformed": max_malformed,
        "max_dead_letters": max_dead_letters,
        "receipts": receipts,
    }
    with DAG(
        dag_id=dag_id,
        schedule=schedule,
        params=params_of(given),
        default_args={**DEFAULT_ARGS, **(default_args or {})},
        **{**DAG_ARGUMENTS, "doc_md": DOC, **dag_arguments},
    ) as dag:
        wire_tasks()
    return dag


def wire_tasks() -> None:
    """Each argument of a task is the param of its name."""
    places = from_params("exports", "staging", "state", "netmera_kinesis_conn_id")
    limits = from_params("on_bad_file", "max_malformed", "max_dead_letters")
    plan = PlanSliceOperator(
        task_id="plan",
        **places,
        **limits,
        **from_params("hooks", "export_format", "partitions", "max_files", "start_after", "min_age", "order"),
        **from_params("receipts", "abandon_slice"),
    )
    wire_after(plan, places, limits)
