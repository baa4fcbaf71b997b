"""Make the DAG that pulls message logs over REST every minute, and sends them as exports are sent."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_netmera_kinesis.message_log_param import MESSAGE_LOG_PARAMS
from airflow_netmera_kinesis.operators.push_results import (
    CommitPushResultsOperator,
    PlanPushResultsOperator,
    PullPushResultsOperator,
)
from airflow_netmera_kinesis.pipeline.shared import DAG_ARGUMENTS, DEFAULT_ARGS, from_params, params_of
from airflow_netmera_kinesis.pipeline.wiring import wire_after

try:
    from airflow.sdk import CronDataIntervalTimetable
except ImportError:  # Airflow 2, where a bare cron means the same
    from airflow.timetables.interval import (  # type: ignore[assignment,no-redef,unused-ignore]
        CronDataIntervalTimetable,
    )

EVERY_MINUTE = "* * * * *"
DOC = """
### Netmera message logs to Amazon Kinesis
**pull** asks Netmera's REST API (`getPushResult`) for the results up to the end of the run's data interval, and once
more for those of the last `look_back`, since results come late. What is new is kept in the folder `state` as files;
**plan** and the tasks after it then send these as they send any export, and **commit** deletes them.

* Nothing new: the tasks after `pull` are *skipped*. An inactive connector: all tasks are, and nothing is pulled.
* A run that failed may be cleared or retried at any time: what was pulled is not pulled again, what is delivered is
  not sent again. Time in which nothing ran is caught up, as long as Netmera gives the results: two weeks.
* Message logs carry no user id by themselves: name `partition_key` with fallbacks in the hook definition. Those without
  any of its ids are dead letters in the folder `state`.
"""


def message_logs_to_kinesis(
    dag_id: str,
    schedule: Any = EVERY_MINUTE,
    *,
    netmera_kinesis_conn_id: str | None = None,
    netmera_rest_conn_id: str | None = None,
    hooks: str | list[dict[str, Any]] | None = None,
    staging: str | None = None,
    state: str | None = None,
    notification_keys: str | list[str] | None = None,
    look_back: str | int | None = None,
    max_window: str | int | None = None,
    page_size: int | None = None,
    start_after: str | None = None,
    partitions: int | None = None,
    max_malformed: str | None = None,
    max_dead_letters: str | None = None,
    receipts: bool | None = None,
    default_args: dict[str, Any] | None = None,
    **dag_arguments: Any,
) -> DAG:
    """Make a DAG that sends new message logs to the streams of the MESSAGE_LOG hooks among ``hooks``.

    As for :func:`~airflow_netmera_kinesis.pipeline.events_to_kinesis`, what is left out is taken from section
    ``[netmera_kinesis]`` of the configuration, and each argument is the default of the param of its name.

    :param dag_id: with the base URL and ``notification_keys`` the key of the DAG's state, so renaming it starts afresh
    :param schedule: a cron expression, whose data intervals end the windows, or any schedule of Airflow
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis
    :param netmera_rest_conn_id: id of the connection of type netmera_rest
    :param default_args: over the project's own: five retries with growing pauses
    :param dag_arguments: anything else that ``DAG`` takes, such as ``tags`` or ``start_date``

    The rest is described with the params, in :mod:`airflow_netmera_kinesis.message_log_param`.
    """
    given = {
        "netmera_kinesis_conn_id": netmera_kinesis_conn_id,
        "netmera_rest_conn_id": netmera_rest_conn_id,
        "hooks": hooks,
        "staging": staging,
        "state": state,
        "notification_keys": notification_keys,
        "look_back": look_back,
        "max_window": max_window,
        "page_size": page_size,
        "start_after": start_after,
        "partitions": partitions,
        "max_malformed": max_malformed,
        "max_dead_letters": max_dead_letters,
        "receipts": receipts,
    }
    with DAG(
        dag_id=dag_id,
        # A bare cron has an empty data interval in Airflow 3.
        schedule=CronDataIntervalTimetable(schedule, timezone="UTC") if isinstance(schedule, str) else schedule,
        params=params_of(given, MESSAGE_LOG_PARAMS),
        default_args={**DEFAULT_ARGS, **(default_args or {})},
        **{**DAG_ARGUMENTS, "doc_md": DOC, **dag_arguments},
    ) as dag:
        wire_tasks()
    return dag


def wire_tasks() -> None:
    """Where the pulled files lie is known to ``pull`` alone, which asks its connection; it tells all the others."""
    places = from_params("staging", "state", "netmera_kinesis_conn_id")
    pull = PullPushResultsOperator(
        task_id="pull",
        **places,
        **from_params("netmera_rest_conn_id", "notification_keys", "look_back", "max_window", "page_size"),
        **from_params("start_after", "max_malformed"),
    )
    places["exports"] = pull.output
    limits = from_params("max_malformed", "max_dead_letters")
    plan = PlanPushResultsOperator(
        task_id="plan", **places, **limits, **from_params("hooks", "partitions", "receipts", "abandon_slice")
    )
    wire_after(plan, places, limits, CommitPushResultsOperator)
