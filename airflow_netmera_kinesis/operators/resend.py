"""Plan a resend: exports that were sent before are sent once more, with the same event ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_netmera_kinesis.location import open_folder
from airflow_netmera_kinesis.operators.slice import limits_of
from airflow_netmera_kinesis.operators.terms import record_limits, terms_of
from airflow_netmera_kinesis.operators.workplace import export_format_of, open_workplace, require_active, verdicts

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_netmera_kinesis.again_request import ResendRequest
    from airflow_netmera_kinesis.connector import ConnectorSettings
    from airflow_netmera_kinesis.operators.workplace import Workplace
    from airflow_netmera_kinesis.storage import Folder

DEFAULT_CONN_ID = "netmera_kinesis_default"


class PlanResendOperator(BaseOperator):
    """Freeze the exports that are to be sent again into a slice; in a dry run only say what that would come to.

    Returns one reference for each match task, as :class:`PlanSliceOperator` does. In a dry run the task is skipped, and
    all after it, once it has pushed its counts to XCom as ``would_send``.

    :param from_date: the first day, or time, whose files are sent again (templated)
    :param to_date: the last day, or time, which belongs to them (templated)
    :param files: names or globs of files, relative to exports, instead of a period (templated)
    :param only_show: the dry run: count files, events and matches, and send nothing (templated)
    :param of_dag: the DAG that sends these exports as they come; its checkpoint is read, never written (templated)
    :param exports: where the exports are: a folder, a file or a glob; local path or URI: s3, sftp, ftp (templated)
    :param hooks: the hook definitions: the URI of a YAML or JSON file, or the list itself (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param export_format: a mapping, or the URI of a YAML or JSON file (templated)
    :param partitions: how many send tasks work side by side (templated)
    :param min_age: leave out files younger than this: seconds, or text such as ``60 s`` (templated)
    :param order: ``file`` or ``timestamp`` (templated)
    :param on_bad_file: as for gate, and here only checked, before anything is read (templated)
    :param max_malformed: as for gate, and here only checked (templated)
    :param max_dead_letters: as for gate, and here only checked (templated)
    :param receipts: keep receipts after commit (templated)
    :param abandon_slice: id of a resend's open slice to give up (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "from_date",
        "to_date",
        "files",
        "only_show",
        "of_dag",
        "exports",
        "hooks",
        "staging",
        "state",
        "export_format",
        "partitions",
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
        from_date: str | None = None,
        to_date: str | None = None,
        files: str | Sequence[str] | None = None,
        only_show: bool | str = True,
        of_dag: str | None = None,
        exports: str | None = None,
        hooks: str | Sequence[Any] | None = None,
        staging: str | None = None,
        state: str | None = None,
        export_format: str | dict[str, Any] | None = None,
        partitions: int | str = 1,
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
        self.from_date = from_date
        self.to_date = to_date
        self.files = files
        self.only_show = only_show
        self.of_dag = of_dag
        self.exports = exports
        self.hooks = hooks
        self.staging = staging
        self.state = state
        self.export_format = export_format
        self.partitions = partitions
        self.min_age = min_age
        self.order = order
        self.on_bad_file = on_bad_file
        self.max_malformed = max_malformed
        self.max_dead_letters = max_dead_letters
        self.receipts = receipts
        self.abandon_slice = abandon_slice
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from airflow_netmera_kinesis.plan_request import switch
        from airflow_netmera_kinesis.stages.resend import plan_resend

        with verdicts():
            settings = require_active(self.netmera_kinesis_conn_id)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            request = self._request(at, settings, context["ti"].run_id)
            limits_of(self)  # a slip of the pen is better told now than after all files are matched
            if switch(self.only_show, "dry_run"):
                shown = self._show(at, request)
                context["ti"].xcom_push(key="would_send", value=shown)
                raise AirflowSkipException(f"dry run: of {shown['matches']} matches nothing is sent")
            place = at.open_exports()
            at.refuse_unwritable()
            planned = plan_resend(at.state, at.staging, place, request, self._state_of_dag(at), at.who, self.log)
        return [{"slice": planned.id, "group": group} for group in range(len(planned.groups))]

    def _show(self, at: Workplace, request: ResendRequest) -> dict[str, Any]:
        from airflow_netmera_kinesis.hash_key import fetch_keys
        from airflow_netmera_kinesis.stages.resend import show_resend

        keys, limits = fetch_keys(request.terms.hooks), record_limits(self.netmera_kinesis_conn_id)
        return show_resend(at.open_exports(), request, self._state_of_dag(at), limits, keys, self.log)

    def _state_of_dag(self, at: Workplace) -> Folder | None:
        """Return where the DAG that sends these exports as they come keeps its state."""
        from airflow_netmera_kinesis.plan_request import text
        from airflow_netmera_kinesis.state.slice import state_key

        of_dag = text(self.of_dag, "of_dag")
        return open_folder(at.given["state"], "state").child(state_key(of_dag, at.exports)) if of_dag else None

    def _request(self, at: Workplace, settings: ConnectorSettings, run: str) -> ResendRequest:
        from airflow_netmera_kinesis import plan_request as read
        from airflow_netmera_kinesis.again_request import ResendRequest, names, period_of

        export_format = export_format_of(self.export_format)
        return ResendRequest(
            key=at.key,
            exports=at.exports,
            terms=terms_of(self.hooks, export_format, self.partitions, self.order, settings),
            period=period_of(self.from_date, self.to_date, read.zone_of(export_format)),
            files=names(self.files, "files"),
            min_age_ms=read.milliseconds(self.min_age, "min_age"),
            run=run,
            abandon_slice=read.text(self.abandon_slice, "abandon_slice"),
            receipts=read.switch(self.receipts, "receipts"),
        )
