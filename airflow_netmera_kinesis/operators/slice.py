"""The tasks around match and send: plan a slice, let the gate judge it, commit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_netmera_kinesis.operators.lineage import facets_of, gather
from airflow_netmera_kinesis.operators.terms import terms_of
from airflow_netmera_kinesis.operators.workplace import (
    export_format_of,
    open_workplace,
    refuse_backfill,
    require_active,
    slice_of,
    verdicts,
)
from airflow_netmera_kinesis.quota import parse_quota

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_netmera_kinesis.connector import ConnectorSettings
    from airflow_netmera_kinesis.exports.listing import ExportPlace
    from airflow_netmera_kinesis.operators.workplace import Workplace
    from airflow_netmera_kinesis.plan_request import PlanRequest
    from airflow_netmera_kinesis.stages.gate import Limits
    from airflow_netmera_kinesis.stages.lineage import Lineage

DEFAULT_CONN_ID = "netmera_kinesis_default"


class PlanSliceOperator(BaseOperator):
    """Freeze what is new into a slice, or return the one that is open; skip the task if there is nothing new.

    Returns one reference for each match task: a list of ``{"slice": id, "group": n}``.

    :param exports: where the exports are: a folder, a file or a glob; local path or URI: s3, sftp, ftp (templated)
    :param hooks: the hook definitions: the URI of a YAML or JSON file, or the list itself (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param export_format: a mapping, or the URI of a YAML or JSON file (templated)
    :param partitions: how many send tasks work side by side (templated)
    :param max_files: how many files one slice takes at most, the oldest first (templated)
    :param start_after: leave out for good what is older than this date (templated)
    :param min_age: leave files for the next run until they are this old: seconds, or text such as ``60 s`` (templated)
    :param order: ``file`` or ``timestamp`` (templated)
    :param on_bad_file: as for gate, and here only checked, before anything is read (templated)
    :param max_malformed: as for gate, and here only checked (templated)
    :param max_dead_letters: as for gate, and here only checked (templated)
    :param receipts: keep receipts after commit (templated)
    :param abandon_slice: id of an open slice to give up (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "exports",
        "hooks",
        "staging",
        "state",
        "export_format",
        "partitions",
        "max_files",
        "start_after",
        "min_age",
        "order",
        "on_bad_file",
        "max_malformed",
        "max_dead_letters",
        "receipts",
        "abandon_slice",
        "netmera_kinesis_conn_id",
    )

    def __init__(
        self,
        *,
        exports: str | None = None,
        hooks: str | Sequence[Any] | None = None,
        staging: str | None = None,
        state: str | None = None,
        export_format: str | dict[str, Any] | None = None,
        partitions: int | str = 1,
        max_files: int | str = 500,
        start_after: str | None = None,
        min_age: int | str = 60,
        order: str = "file",
        on_bad_file: str = "fail",
        max_malformed: str | int = "1%, 100",
        max_dead_letters: str | int = "1%, 100",
        receipts: bool | str = False,
        abandon_slice: str | None = None,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.exports = exports
        self.hooks = hooks
        self.staging = staging
        self.state = state
        self.export_format = export_format
        self.partitions = partitions
        self.max_files = max_files
        self.start_after = start_after
        self.min_age = min_age
        self.order = order
        self.on_bad_file = on_bad_file
        self.max_malformed = max_malformed
        self.max_dead_letters = max_dead_letters
        self.receipts = receipts
        self.abandon_slice = abandon_slice
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from airflow_netmera_kinesis.stages.plan import plan

        refuse_backfill(context)
        with verdicts():
            settings = require_active(self.netmera_kinesis_conn_id)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            request = self._request(at, settings)
            limits_of(self)  # a slip of the pen is better told now than after all files are matched
            place = self.open_place(at)
            at.refuse_unwritable()
            planned = plan(at.state, at.staging, place, request, at.who, self.log)
        if planned is None:
            raise AirflowSkipException(f"nothing new in {at.exports}")
        return [{"slice": planned.id, "group": group} for group in range(len(planned.groups))]

    def open_place(self, at: Workplace) -> ExportPlace:
        """Return the exports that count."""
        return at.open_exports()

    def _request(self, at: Workplace, settings: ConnectorSettings) -> PlanRequest:
        from airflow_netmera_kinesis import plan_request as read

        terms = terms_of(self.hooks, export_format_of(self.export_format), self.partitions, self.order, settings)
        return read.PlanRequest(
            key=at.key,
            exports=at.exports,
            terms=terms,
            max_files=read.whole_number(self.max_files, "max_files"),
            start_after=read.moment(self.start_after, "start_after", read.zone_of(terms.export_format)),
            min_age_ms=read.milliseconds(self.min_age, "min_age"),
            abandon_slice=read.text(self.abandon_slice, "abandon_slice"),
            receipts=read.switch(self.receipts, "receipts"),
        )


class GateSliceOperator(BaseOperator):
    """Check what the match tasks did before a single record is sent.

    Returns one reference for each send task: a list of ``{"slice": id, "partition": n}``.

    :param slice: what :class:`PlanSliceOperator` returned, or the id of the slice (templated)
    :param exports: as for plan: the state is kept for each place of exports (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param on_bad_file: ``fail`` or ``set_aside`` (templated)
    :param max_malformed: how many of a file's lines may be unreadable, such as ``1%, 100`` (templated)
    :param max_dead_letters: how many of a hook's firings may be set aside, such as ``1%, 100`` (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "slice",
        "exports",
        "staging",
        "state",
        "on_bad_file",
        "max_malformed",
        "max_dead_letters",
        "netmera_kinesis_conn_id",
    )

    def __init__(
        self,
        *,
        slice: Any,  # noqa: A002 - what users call it
        exports: str | None = None,
        staging: str | None = None,
        state: str | None = None,
        on_bad_file: str = "fail",
        max_malformed: str | int = "1%, 100",
        max_dead_letters: str | int = "1%, 100",
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.slice = slice
        self.exports = exports
        self.staging = staging
        self.state = state
        self.on_bad_file = on_bad_file
        self.max_malformed = max_malformed
        self.max_dead_letters = max_dead_letters
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from airflow_netmera_kinesis.stages.gate import pass_gate

        with verdicts():
            require_active(self.netmera_kinesis_conn_id)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            slice_id = slice_of(self.slice)
            partitions = pass_gate(at.state, at.staging, slice_id, limits_of(self), self.log)
        return [{"slice": slice_id, "partition": partition} for partition in range(partitions)]


class CommitSliceOperator(BaseOperator):
    """Advance the checkpoint over a slice that is sent, and remove what it needed; returns its counts.

    A slice that is committed already is left alone, and its counts are returned again.

    :param slice: what :class:`PlanSliceOperator` returned, or the id of the slice (templated)
    :param exports: as for plan: the state is kept for each place of exports (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param max_dead_letters: how many of a hook's firings may be set aside, such as ``1%, 100`` (templated)
    :param receipts: keep receipts after commit (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "slice",
        "exports",
        "staging",
        "state",
        "max_dead_letters",
        "receipts",
        "netmera_kinesis_conn_id",
    )

    def __init__(
        self,
        *,
        slice: Any,  # noqa: A002 - what users call it
        exports: str | None = None,
        staging: str | None = None,
        state: str | None = None,
        max_dead_letters: str | int = "1%, 100",
        receipts: bool | str = False,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.slice = slice
        self.exports = exports
        self.staging = staging
        self.state = state
        self.max_dead_letters = max_dead_letters
        self.receipts = receipts
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id
        self._lineage: Lineage | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow_netmera_kinesis.plan_request import switch
        from airflow_netmera_kinesis.stages.commit import commit
        from airflow_netmera_kinesis.stages.lineage import lineage_of_slice

        with verdicts():
            require_active(self.netmera_kinesis_conn_id)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            slice_id = slice_of(self.slice)
            allowed = parse_quota(self.max_dead_letters, "max_dead_letters")
            keep = switch(self.receipts, "receipts")
            lineage = gather(lambda: lineage_of_slice(at.state, slice_id), self.log)
            counts = commit(at.state, at.staging, slice_id, allowed, at.who, self.log, keep_receipts=keep)
            self._lineage = lineage
            self.after_commit(at)
        return {"slice": slice_id, **counts}

    def after_commit(self, at: Workplace) -> None:
        """Do what is left to do once a slice is committed: nothing, where the exports are somebody else's."""

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Name the files of the slice and the streams that got their records."""
        return facets_of(self._lineage)


class Limited(Protocol):
    """A task that knows what the gate allows."""

    max_malformed: str | int
    max_dead_letters: str | int
    on_bad_file: str


def limits_of(task: Limited) -> Limits:
    """Read what the gate allows."""
    from airflow_netmera_kinesis.plan_request import ON_BAD_FILE, choice
    from airflow_netmera_kinesis.stages.gate import Limits

    return Limits(
        max_malformed=parse_quota(task.max_malformed, "max_malformed"),
        max_dead_letters=parse_quota(task.max_dead_letters, "max_dead_letters"),
        on_bad_file=choice(task.on_bad_file, "on_bad_file", ON_BAD_FILE),
    )
