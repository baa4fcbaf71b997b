"""Check everything that a run needs before it reads and sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_netmera_kinesis.operators.workplace import (
    definitions_of,
    open_workplace,
    require_active,
    slice_of,
    verdicts,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
    from airflow_netmera_kinesis.operators.workplace import Workplace
    from airflow_netmera_kinesis.preflight.check import Findings
    from airflow_netmera_kinesis.preflight.flow import Subject

DEFAULT_CONN_ID = "netmera_kinesis_default"


class NetmeraPreflightOperator(BaseOperator):
    """Check connection, definitions, every active hook's stream and the folders, a line of the log each.

    A fault fails the task without a retry, unless it may pass by itself; a warning does not. Nothing is ever written
    to a stream. It needs no right beyond that to put records: what it may not ask is a warning.

    With ``slice`` it checks what that slice needs, and only if its definitions or the connection changed since it last
    found them good. Without it, it always checks what ``hooks`` says. Returns how many checks and warnings there were.

    :param slice: what :class:`PlanSliceOperator` returned, or the id of the slice (templated)
    :param hooks: without a slice, the hook definitions: the URI of a file, or the list itself (templated)
    :param exports: where the exports are: a folder, a file or a glob; local path or URI: s3, sftp, ftp (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = ("slice", "hooks", "exports", "staging", "state", "netmera_kinesis_conn_id")

    def __init__(
        self,
        *,
        slice: Any = None,  # noqa: A002 - what users call it
        hooks: str | Sequence[Any] | None = None,
        exports: str | None = None,
        staging: str | None = None,
        state: str | None = None,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.slice = slice
        self.hooks = hooks
        self.exports = exports
        self.staging = staging
        self.state = state
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow_netmera_kinesis.stages.preflight import check_all, check_changes, open_slice_of

        with verdicts():
            require_active(self.netmera_kinesis_conn_id)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            if not self.slice:
                subject = self._subject(at, lambda: definitions_of(self.hooks))
                return counts_of(check_all(subject, self.log))
            current = open_slice_of(at.state, slice_of(self.slice))
            subject = self._subject(at, lambda: current.hooks)
            findings = check_changes(at.state, current, subject, int(time.time() * 1000), self.log)
            return {"slice": current.id, **counts_of(findings)}

    def _subject(self, at: Workplace, read_definitions: Callable[[], tuple[HookDefinition, ...]]) -> Subject:
        from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
        from airflow_netmera_kinesis.hash_key import fetch_keys
        from airflow_netmera_kinesis.location import refuse_unwritable
        from airflow_netmera_kinesis.preflight.flow import Subject

        return Subject(
            conn_id=self.netmera_kinesis_conn_id,
            connector=NetmeraKinesisConnection(self.netmera_kinesis_conn_id),
            read_definitions=read_definitions,
            fetch_hash_keys=fetch_keys,
            open_exports=at.open_exports,
            probe_staging=lambda: refuse_unwritable(at.staging, "staging", at.given["staging"]),
            probe_state=lambda: refuse_unwritable(at.state, "state", at.given["state"]),
        )


def counts_of(findings: Findings | None) -> dict[str, int]:
    """Return what there was to check: nothing, where nothing had changed."""
    if findings is None:
        return {"checks": 0, "warnings": 0}
    return {"checks": len(findings.checks), "warnings": findings.warnings}
