"""Decide what a run sends: the slice that is open, or a new one of the files that are new, or nothing."""

from __future__ import annotations

from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.stages.abandoning import abandon
from airflow_netmera_kinesis.stages.closing import close_replaced, fence, still_open
from airflow_netmera_kinesis.stages.drafting import differences, draft, freeze, why_replace
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.lease import hold
from airflow_netmera_kinesis.state.ledger import anything_sent
from airflow_netmera_kinesis.state.open_slice import mark_closing
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder

# Plan and commit both move slices, so they exclude each other.
LEASE = "plan-and-commit"


def plan(state: Folder, staging: Folder, place: ExportPlace, request: PlanRequest, who: str, log: Log) -> Slice | None:
    """Return the slice to work on, or None if there is nothing new; ``who`` tells others who plans.

    An open slice comes first. Until something of it is sent it gives way to a new plan if what it has frozen changed.
    """
    with hold(state, LEASE, who) as lease:
        checkpoint = load_checkpoint(state)
        current = still_open(state, staging, checkpoint, keep_receipts=request.receipts)
        current = abandon(state, staging, checkpoint, current, request, log)
        if current and anything_sent(state, current.id):
            return _finish(state, current, request, log)
        listed = {info.name: info for info in place.files()}
        why = why_replace(current, listed, checkpoint, request) if current else None
        if current and why is None:
            return _go_on(state, current, log)
        made = draft(state, place, listed, checkpoint, request, log)
        lease.check()
        if current:
            fence(state, current.id)
            log.info("slice %s, of which nothing was sent yet, is replaced: %s", current.id, why)
            close_replaced(state, staging, current.id)
        return freeze(state, made) if made else None


def _go_on(state: Folder, current: Slice, log: Log) -> Slice:
    mark_closing(state, current.id, closing=False)  # a killed plan may have left it so
    log.info("slice %s is open: going on with it, files %d", current.id, len(current.files))
    return current


def _finish(state: Folder, current: Slice, request: PlanRequest, log: Log) -> Slice:
    mark_closing(state, current.id, closing=False)
    log.info(
        "slice %s is sent in part: finishing it as frozen, files %d, hooks %d, partitions %d, order %s, region %s",
        current.id, len(current.files), len(current.hooks), current.partitions, current.order, current.target.region,
    )  # fmt: skip
    changed = differences(current.terms, request.terms)
    if changed:
        log.warning(
            "what is asked now differs in %s, and holds from the next slice on; to give this one up instead, run once "
            "with abandon_slice=%s",
            ", ".join(changed), current.id,
        )  # fmt: skip
    return current
