"""Pull push results, plan a slice of what was pulled, and delete it once it is committed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.operators.slice import DEFAULT_CONN_ID, CommitSliceOperator, PlanSliceOperator
from airflow_netmera_kinesis.operators.workplace import (
    open_workplace,
    refuse_backfill,
    require_active,
    required,
    verdicts,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_netmera_kinesis.exports.listing import ExportPlace
    from airflow_netmera_kinesis.operators.workplace import Workplace
    from airflow_netmera_kinesis.push_results.collecting import Terms
    from airflow_netmera_kinesis.push_results.window import Reach
    from airflow_netmera_kinesis.rest_connection import NetmeraRestConnection

DEFAULT_REST_CONN_ID = "netmera_rest_default"


class PullPushResultsOperator(BaseOperator):
    """Pull what is new of getPushResult up to the end of the run's data interval, as files in the state folder.

    Returns the place of these files, which is what the other tasks take as ``exports``. A pull without new results
    succeeds all the same, since an earlier one's may still wait to be sent.

    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param notification_keys: of which notifications: a list, or text with commas; None for all (templated)
    :param look_back: how late a result may come: seconds, or text such as ``3 h`` (templated)
    :param max_window: how much time one question covers at most: seconds, or text such as ``6 h`` (templated)
    :param page_size: how many results to ask for in one request (templated)
    :param start_after: leave out for good the results of before this date (templated)
    :param max_malformed: how many rows of a window may be no message logs, such as ``1%, 100`` (templated)
    :param netmera_rest_conn_id: id of the connection of type netmera_rest (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "staging",
        "state",
        "notification_keys",
        "look_back",
        "max_window",
        "page_size",
        "start_after",
        "max_malformed",
        "netmera_rest_conn_id",
        "netmera_kinesis_conn_id",
    )

    def __init__(
        self,
        *,
        staging: str | None = None,
        state: str | None = None,
        notification_keys: str | Sequence[str] | None = None,
        look_back: int | str = "3 h",
        max_window: int | str = "6 h",
        page_size: int | str = 100,
        start_after: str | None = None,
        max_malformed: str | int = "1%, 100",
        netmera_rest_conn_id: str = DEFAULT_REST_CONN_ID,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.staging = staging
        self.state = state
        self.notification_keys = notification_keys
        self.look_back = look_back
        self.max_window = max_window
        self.page_size = page_size
        self.start_after = start_after
        self.max_malformed = max_malformed
        self.netmera_rest_conn_id = netmera_rest_conn_id
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

    def execute(self, context: Context) -> str:
        from airflow_netmera_kinesis.location import open_folder
        from airflow_netmera_kinesis.push_results.place import pulled_place
        from airflow_netmera_kinesis.stages.pull import pull

        refuse_backfill(context)
        with verdicts():
            connection = connect(self.netmera_kinesis_conn_id, self.netmera_rest_conn_id)
            terms, reach = self._terms(), self._reach(context)
            root = required(self.state, "state")
            pulled = pulled_place(root, context["ti"].dag_id, connection.address.base_url, terms.notification_keys)
            at = open_workplace(context, exports=pulled, staging=self.staging, state=root)
            at.refuse_unwritable()
            counts = pull(at.state, open_folder(pulled), connection.client(), reach, terms, at.who, self.log)
        context["ti"].xcom_push(key="counts", value=dict(counts))
        return pulled

    def _terms(self) -> Terms:
        from airflow_netmera_kinesis import pull_request as read
        from airflow_netmera_kinesis.push_results.collecting import Terms
        from airflow_netmera_kinesis.quota import parse_quota

        return Terms(
            look_back_ms=read.look_back(self.look_back),
            page_size=read.page_size(self.page_size),
            notification_keys=read.notification_keys(self.notification_keys),
            max_malformed=parse_quota(self.max_malformed, "max_malformed"),
        )

    def _reach(self, context: Mapping[str, Any]) -> Reach:
        """A run ends its windows with its data interval; one without an interval, or of the future, ends them now."""
        from airflow_netmera_kinesis import pull_request as read
        from airflow_netmera_kinesis.push_results.window import Reach

        now_ms = int(time.time() * 1000)
        interval_end = context.get("data_interval_end")
        return Reach(
            end_ms=min(int(interval_end.timestamp() * 1000), now_ms) if interval_end else now_ms,
            look_back_ms=read.look_back(self.look_back),
            max_window_ms=read.max_window(self.max_window),
            start_after_ms=read.start_after(self.start_after),
        )


class PlanPushResultsOperator(PlanSliceOperator):
    """Freeze what was pulled into a slice, all of it merged by event time; skip the task if nothing new was pulled.

    :param exports: what :class:`PullPushResultsOperator` returned (templated)
    """

    def __init__(self, **kwargs: Any) -> None:
        given = {
            "min_age": 0,
            "order": "timestamp",
            "export_format": {"format": "ndjson", "record_type": "MESSAGE_LOG"},
        }
        super().__init__(**{**given, **kwargs})

    def open_place(self, at: Workplace) -> ExportPlace:
        """Leave out the files that a killed pull has left: their rows were pulled again."""
        from airflow_netmera_kinesis.location import open_folder
        from airflow_netmera_kinesis.push_results.pull_state import load_pull_state
        from airflow_netmera_kinesis.push_results.pulled_file import PulledPlace

        return PulledPlace(open_folder(at.exports), waiting=frozenset(load_pull_state(at.state).waiting))


class CommitPushResultsOperator(CommitSliceOperator):
    """Commit the slice, then delete the pulled files that it has sent: Netmera keeps them, and so do the streams.

    :param exports: what :class:`PullPushResultsOperator` returned (templated)
    """

    def after_commit(self, at: Workplace) -> None:
        from airflow_netmera_kinesis.location import open_folder
        from airflow_netmera_kinesis.stages.pull import forget_sent

        forget_sent(at.state, open_folder(at.exports), at.who)


def connect(netmera_kinesis_conn_id: str, netmera_rest_conn_id: str) -> NetmeraRestConnection:
    """Return the connection to Netmera; skip the task if the connector is switched off.

    :raises ConfigurationError: with the faults of both connections
    """
    from airflow_netmera_kinesis.rest_connection import NetmeraRestConnection

    connection = NetmeraRestConnection(netmera_rest_conn_id)
    faults: list[str] = []
    for look in (lambda: require_active(netmera_kinesis_conn_id), lambda: connection.address):
        try:
            look()
        except ConfigurationError as error:  # noqa: PERF203 - both are to be told
            faults.append(str(error))
    if faults:
        raise ConfigurationError("; ".join(faults))
    return connection
