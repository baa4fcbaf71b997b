"""Open what a task works with, and turn what went wrong into what Airflow should do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.errors import (
    ConfigurationError,
    CountsDisagree,
    ExportError,
    NotReady,
    NotReadyYet,
    OrderBroken,
    QuotaExceeded,
    RecordTooLarge,
    RestRefused,
    SliceCommitted,
    SliceRefused,
)
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.format_parsing import load_export_format, parse_export_format
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.location import (
    open_exports,
    open_folder,
    read_document,
    refuse_inside,
    refuse_unwritable,
)
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions, parse_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.plan_request import text
from airflow_netmera_kinesis.state.letter_archive import replay_key, replayed_dag
from airflow_netmera_kinesis.state.replay_file import FOLDER as LETTERS
from airflow_netmera_kinesis.state.slice import state_key
from airflow_netmera_kinesis.storage import Folder

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

# Trying again cannot mend these: somebody has to.
NOT_RETRIED = (
    ConfigurationError, ExportError, RestRefused, NotReady, RecordTooLarge, QuotaExceeded, CountsDisagree, OrderBroken,
    SliceRefused,
)  # fmt: skip


class Workplace(msgspec.Struct, frozen=True):
    """The folders of one DAG over one place of exports; ``who`` tells others who holds a lease.

    ``given`` is what the settings staging and state say; the DAG's own state lies in a folder of its own below that.
    """

    exports: str
    staging: Folder
    state: Folder
    key: str
    who: str
    given: Mapping[str, str]

    def open_exports(self) -> ExportPlace:
        if replayed_dag(self.exports):
            return ExportPlace(self.state.child(LETTERS))
        place = open_exports(self.exports)
        refuse_inside(place, self.staging, "staging", self.given["staging"])
        refuse_inside(place, self.state, "state", self.given["state"])
        return place

    def refuse_unwritable(self) -> None:
        refuse_unwritable(self.staging, "staging", self.given["staging"])
        refuse_unwritable(self.state, "state", self.given["state"])


def require_active(netmera_kinesis_conn_id: str) -> ConnectorSettings:
    """Return the connector's settings; skip the task, before anything is read, if it is switched off."""
    from airflow_netmera_kinesis.connection import NetmeraKinesisConnection

    settings = NetmeraKinesisConnection(netmera_kinesis_conn_id).settings
    if not settings.active:
        raise AirflowSkipException(
            f"the connector {netmera_kinesis_conn_id!r} is inactive: nothing is read or sent. What is new waits until "
            f"its extra 'active' is true"
        )
    return settings


def open_workplace(context: Context, *, exports: Any, staging: Any, state: Any) -> Workplace:
    """Open the folders that a task's arguments name; ConfigurationError for one that is not set."""
    dag_id = context["ti"].dag_id
    uri = required(exports, "exports")
    of_dag = replayed_dag(uri)
    key = replay_key(of_dag) if of_dag else state_key(dag_id, uri)
    given = {"staging": required(staging, "staging"), "state": required(state, "state")}
    return Workplace(
        exports=uri,
        staging=open_folder(given["staging"], "staging"),
        state=open_folder(given["state"], "state").child(key),
        key=key,
        who=_who(context),
        given=given,
    )


def required(value: Any, setting: str) -> str:
    given = text(value, setting)
    if not given:
        raise ConfigurationError(
            f"{setting} is not set: give the DAG the argument {setting}, or set {setting} in section [netmera_kinesis] "
            f"of the configuration (environment variable AIRFLOW__NETMERA_KINESIS__{setting.upper()})"
        )
    return given


def definitions_of(hooks: Any) -> tuple[HookDefinition, ...]:
    """Read the hook definitions from a file, by its URI, or from the list itself."""
    if isinstance(hooks, (list, tuple, Mapping)):
        return parse_definitions(hooks, "hooks")
    uri = required(hooks, "hooks")
    return load_definitions(read_document(uri, "hooks"), uri)


def export_format_of(export_format: Any) -> ExportFormat:
    """Read the export format from a file, by its URI, or from the mapping itself; unset, it is found out by itself."""
    if isinstance(export_format, Mapping):
        return parse_export_format(export_format)
    given = text(export_format, "export_format")
    if given.startswith("{"):  # a form or a command line may hand over an object as text
        return load_export_format(given.encode(), "export_format")
    return load_export_format(read_document(given, "export_format"), given) if given else ExportFormat()


def refuse_backfill(context: Context) -> None:
    """A backfill's runs are meant for dates in the past; what is new here has no date."""
    run = context["dag_run"]
    kind = getattr(run, "run_type", "")
    if getattr(kind, "value", kind) == "backfill":
        raise AirflowFailException(
            f"run {run.run_id} is a backfill, and this DAG sends what is new, whatever the date: nothing was done. To "
            f"send exports again that were sent before, trigger the DAG netmera_resend"
        )


def slice_of(reference: Any) -> str:
    """Read the slice's id from what another task returned: the id, a reference, or a list of references."""
    if isinstance(reference, str):
        return reference
    if isinstance(reference, Mapping) and isinstance(reference.get("slice"), str):
        return str(reference["slice"])
    if isinstance(reference, Sequence) and len(reference):
        return slice_of(reference[0])
    raise ConfigurationError(f"slice is {reference!r}; allowed: what PlanSliceOperator returns, or the id of a slice")


@contextmanager
def verdicts() -> Iterator[None]:
    """Fail without a retry what a retry cannot mend; skip a task whose slice is committed already."""
    try:
        yield
    except SliceCommitted as done:
        raise AirflowSkipException(str(done)) from done
    except NotReadyYet:
        raise
    except NOT_RETRIED as error:
        raise AirflowFailException(str(error)) from error


def _who(context: Context) -> str:
    ti = context["ti"]
    mapped = f"[{ti.map_index}]" if ti.map_index is not None and ti.map_index >= 0 else ""
    return f"task {ti.dag_id}.{ti.task_id}{mapped} of run {ti.run_id}, try {ti.try_number}"
