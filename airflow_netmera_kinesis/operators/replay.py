"""Plan a replay: dead letters are sent once more, by the present definitions and with their event ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_netmera_kinesis.location import open_folder
from airflow_netmera_kinesis.operators.terms import record_limits, terms_of
from airflow_netmera_kinesis.operators.workplace import (
    export_format_of,
    open_workplace,
    require_active,
    required,
    verdicts,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_netmera_kinesis.again_request import ReplayRequest
    from airflow_netmera_kinesis.connector import ConnectorSettings
    from airflow_netmera_kinesis.operators.workplace import Workplace

DEFAULT_CONN_ID = "netmera_kinesis_default"


class PlanReplayOperator(BaseOperator):
    """Freeze the dead letters that are to be replayed into a slice; in a dry run only say what that would come to.

    Returns one reference for each match task, as :class:`PlanSliceOperator` does. The task is skipped if there is
    nothing to replay, and in a dry run, which pushes its counts to XCom as ``would_send``. The tasks after it take
    ``dead-letters://<the DAG>`` as their exports.

    :param of_dag: the DAG whose dead letters are meant (templated)
    :param only_show: the dry run: count letters and matches, and send nothing (templated)
    :param reasons: only letters with these reasons (templated)
    :param letters_of_hooks: only letters of these hooks, by their names (templated)
    :param files: only letters of these exports, by name or glob (templated)
    :param slices: only letters of these slices, by their ids (templated)
    :param again: also letters that were replayed before (templated)
    :param hooks: the hook definitions: the URI of a YAML or JSON file, or the list itself (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder, which holds the dead letters (templated)
    :param export_format: a mapping, or the URI of a file; unset, each letter is read as its file was (templated)
    :param partitions: how many send tasks work side by side (templated)
    :param receipts: keep receipts after commit (templated)
    :param abandon_slice: id of a replay's open slice to give up (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "of_dag",
        "only_show",
        "reasons",
        "letters_of_hooks",
        "files",
        "slices",
        "again",
        "hooks",
        "staging",
        "state",
        "export_format",
        "partitions",
        "receipts",
        "abandon_slice",
        "netmera_kinesis_conn_id",
    )

    def __init__(
        self,
        *,
        of_dag: str,
        only_show: bool | str = True,
        reasons: str | Sequence[str] | None = None,
        letters_of_hooks: str | Sequence[str] | None = None,
        files: str | Sequence[str] | None = None,
        slices: str | Sequence[str] | None = None,
        again: bool | str = False,
        hooks: str | Sequence[Any] | None = None,
        staging: str | None = None,
        state: str | None = None,
        export_format: str | dict[str, Any] | None = None,
        partitions: int | str = 1,
        receipts: bool | str = False,
        abandon_slice: str | None = None,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.of_dag = of_dag
        self.only_show = only_show
        self.reasons = reasons
        self.letters_of_hooks = letters_of_hooks
        self.files = files
        self.slices = slices
        self.again = again
        self.hooks = hooks
        self.staging = staging
        self.state = state
        self.export_format = export_format
        self.partitions = partitions
        self.receipts = receipts
        self.abandon_slice = abandon_slice
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from airflow_netmera_kinesis.hash_key import fetch_keys
        from airflow_netmera_kinesis.plan_request import switch
        from airflow_netmera_kinesis.stages.replay import plan_replay, show_replay
        from airflow_netmera_kinesis.state.letter_archive import replay_place

        with verdicts():
            settings = require_active(self.netmera_kinesis_conn_id)
            place = replay_place(required(self.of_dag, "of_dag"))
            at = open_workplace(context, exports=place, staging=self.staging, state=self.state)
            request = self._request(at, settings, context["ti"].run_id)
            root = open_folder(at.given["state"], "state")
            limits, keys = record_limits(self.netmera_kinesis_conn_id), fetch_keys(request.terms.hooks)
            if switch(self.only_show, "dry_run"):
                shown = show_replay(root, request, limits, keys, self.log)
                context["ti"].xcom_push(key="would_send", value=shown.summary())
                raise AirflowSkipException(f"dry run: of {shown.chosen.letters} dead letters nothing is sent")
            at.refuse_unwritable()
            planned = plan_replay(root, at.staging, request, limits, keys, at.who, self.log)
        if planned is None:
            raise AirflowSkipException("no dead letter is to be replayed")
        return [{"slice": planned.id, "group": group} for group in range(len(planned.groups))]

    def _request(self, at: Workplace, settings: ConnectorSettings, run: str) -> ReplayRequest:
        from airflow_netmera_kinesis import plan_request as read
        from airflow_netmera_kinesis.again_param import REASONS
        from airflow_netmera_kinesis.again_request import LetterFilter, ReplayRequest, names
        from airflow_netmera_kinesis.exports.export_format import ExportFormat

        said = self.export_format not in (None, "", "None")
        return ReplayRequest(
            key=at.key,
            letters=LetterFilter(
                of_dag=required(self.of_dag, "of_dag"),
                reasons=names(self.reasons, "reasons", REASONS),
                hooks=names(self.letters_of_hooks, "letters_of_hooks"),
                files=names(self.files, "files"),
                slices=names(self.slices, "slices"),
                again=read.switch(self.again, "again"),
            ),
            terms=terms_of(self.hooks, ExportFormat(), self.partitions, "file", settings),
            export_format=export_format_of(self.export_format) if said else None,
            run=run,
            abandon_slice=read.text(self.abandon_slice, "abandon_slice"),
            receipts=read.switch(self.receipts, "receipts"),
        )
