"""Make the DAG that sends exports again, when somebody asks for it, beside the DAG that sends what is new."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_netmera_kinesis.again_param import RESEND_PARAMS
from airflow_netmera_kinesis.operators.resend import PlanResendOperator
from airflow_netmera_kinesis.pipeline.shared import DAG_ARGUMENTS, DEFAULT_ARGS, from_params, params_of
from airflow_netmera_kinesis.pipeline.wiring import wire_after

DOC = """
### Send Netmera exports again
*Trigger w/ config*, and say what: `from_date` and `to_date`, which both belong to the period, or `files`. A file is of
a day by the date in its name, else by its modification time.

1. With `dry_run` on, as it is unless you say otherwise, `plan` logs how many files, events and matches that would be,
   per hook (also in XCom, `would_send`), and nothing is sent.
2. With `dry_run` off all of them are sent again, with the same `eventId`, in order, and a task that fails goes on from
   its ledger. A run that has finished sends nothing when it is cleared; a new run does.

It has a state of its own: the checkpoint of the DAG that sends what is new stays as it is, and both may run at once.
Between the two there is no order: newer events of the same users may have been sent already.
"""


def resend(
    dag_id: str,
    *,
    of_dag: str | None = None,
    netmera_kinesis_conn_id: str | None = None,
    exports: str | None = None,
    hooks: str | list[dict[str, Any]] | None = None,
    staging: str | None = None,
    state: str | None = None,
    export_format: str | dict[str, Any] | None = None,
    partitions: int | None = None,
    min_age: int | None = None,
    order: str | None = None,
    on_bad_file: str | None = None,
    max_malformed: str | None = None,
    max_dead_letters: str | None = None,
    receipts: bool | None = None,
    default_args: dict[str, Any] | None = None,
    **dag_arguments: Any,
) -> DAG:
    """Make a DAG that sends exports again when somebody triggers it and says which.

    Arguments are the defaults of the params of the same names, as for ``events_to_kinesis``.

    :param dag_id: also the key of the DAG's own state
    :param of_dag: the DAG that sends these exports as they come; its checkpoint is read, never written
    :param default_args: over the project's own: five retries with growing pauses
    :param dag_arguments: anything else that ``DAG`` takes, such as ``tags``
    """
    given = {
        "of_dag": of_dag,
        "netmera_kinesis_conn_id": netmera_kinesis_conn_id,
        "exports": exports,
        "hooks": hooks,
        "staging": staging,
        "state": state,
        "export_format": export_format,
        "partitions": partitions,
        "min_age": min_age,
        "order": order,
        "on_bad_file": on_bad_file,
        "max_malformed": max_malformed,
        "max_dead_letters": max_dead_letters,
        "receipts": receipts,
    }
    with DAG(
        dag_id=dag_id,
        schedule=None,
        params=params_of(given, RESEND_PARAMS),
        default_args={**DEFAULT_ARGS, **(default_args or {})},
        **{**DAG_ARGUMENTS, "doc_md": DOC, **dag_arguments},
    ) as dag:
        places = from_params("exports", "staging", "state", "netmera_kinesis_conn_id")
        limits = from_params("on_bad_file", "max_malformed", "max_dead_letters")
        plan = PlanResendOperator(
            task_id="plan",
            only_show="{{ params.dry_run }}",
            **places,
            **limits,
            **from_params("from_date", "to_date", "files", "of_dag", "hooks", "export_format", "partitions", "min_age"),
            **from_params("order", "receipts", "abandon_slice"),
        )
        wire_after(plan, places, limits)
    return dag
