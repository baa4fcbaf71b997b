"""Put preflight, match, gate, send and commit after whatever plans a slice: each slice goes the same way."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.preflight import NetmeraPreflightOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator
from airflow_netmera_kinesis.pipeline.shared import from_params


def wire_after(
    plan: BaseOperator,
    places: dict[str, Any],
    limits: dict[str, Any],
    commit_operator: type[CommitSliceOperator] = CommitSliceOperator,
) -> None:
    """Tasks hand on references and counts; ``commit`` needs every partition, so its rule stays ``all_success``.

    Preflight always runs, and returns at once where nothing changed: one that is skipped would skip all after it.

    :param places: exports, staging, state and connection, as all tasks need them
    :param limits: on_bad_file, max_malformed and max_dead_letters, as gate needs them
    :param commit_operator: one that does more than to commit
    """
    dead_letters = {"max_dead_letters": limits["max_dead_letters"]}
    preflight = NetmeraPreflightOperator(task_id="preflight", slice=plan.output, **places)
    match = HookMatcherOperator.partial(task_id="match", **places).expand(group=plan.output)
    gate = GateSliceOperator(task_id="gate", slice=plan.output, **places, **limits)
    send = KinesisHookSenderOperator.partial(task_id="send", **places, **dead_letters).expand(partition=gate.output)
    commit = commit_operator(task_id="commit", slice=plan.output, **places, **dead_letters, **from_params("receipts"))
    preflight >> match >> gate
    send >> commit
