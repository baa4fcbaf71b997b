"""Match one group of export files against the hook definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.operators.lineage import facets_of, gather
from airflow_netmera_kinesis.operators.stats import AirflowStats
from airflow_netmera_kinesis.operators.terms import record_limits
from airflow_netmera_kinesis.operators.workplace import open_workplace, require_active, verdicts

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_netmera_kinesis.stages.lineage import Lineage

DEFAULT_CONN_ID = "netmera_kinesis_default"


class HookMatcherOperator(BaseOperator):
    """Read a group's files, match their events and stage a record for each firing; return the counts.

    A group that is staged and whole is not matched again. What can never be sent becomes a dead letter in the state
    folder; whether there are too many of them is for :class:`GateSliceOperator` to say.

    :param group: one of the references that :class:`PlanSliceOperator` returned: ``{"slice": id, "group": n}``
    :param exports: as for plan: a folder, a file or a glob; local path or URI: s3, sftp, ftp (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = ("group", "exports", "staging", "state", "netmera_kinesis_conn_id")

    def __init__(
        self,
        *,
        group: Any,
        exports: str | None = None,
        staging: str | None = None,
        state: str | None = None,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group = group
        self.exports = exports
        self.staging = staging
        self.state = state
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id
        self._lineage: Lineage | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow_netmera_kinesis.hash_key import fetch_keys
        from airflow_netmera_kinesis.stages.lineage import lineage_of_group
        from airflow_netmera_kinesis.stages.match import counts_of, match_group

        with verdicts():
            require_active(self.netmera_kinesis_conn_id)
            slice_id, group = group_of_slice(self.group)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            exports = at.open_exports().folder
            result = match_group(
                at.state,
                at.staging,
                exports,
                slice_id,
                group,
                at.who,
                self.log,
                limit_of=record_limits(self.netmera_kinesis_conn_id),
                keys_of=fetch_keys,
                metrics=AirflowStats(self.log, dag_id=context["ti"].dag_id),
            )
            self._lineage = gather(lambda: lineage_of_group(at.state, result), self.log)
        return {"slice": slice_id, "group": group, **counts_of(result)}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Name the files that were read."""
        return facets_of(self._lineage)


def group_of_slice(reference: Any) -> tuple[str, int]:
    """Read what plan returned for one match task."""
    if isinstance(reference, Mapping):
        slice_id, group = reference.get("slice"), reference.get("group")
        if isinstance(slice_id, str) and isinstance(group, int):
            return slice_id, group
    raise ConfigurationError(
        f"group is {reference!r}; allowed: one of the references that PlanSliceOperator returns, mapped by expand"
    )
