"""Give up an open slice when a run asks for it, and carry what it has delivered over to the next."""

from __future__ import annotations

from airflow_netmera_kinesis.errors import SliceRefused
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.stages.closing import close_abandoned, fence
from airflow_netmera_kinesis.stages.gate import load_matched
from airflow_netmera_kinesis.state.carry import carry_over, load_carry, remember, save_carry
from airflow_netmera_kinesis.state.checkpoint import Checkpoint
from airflow_netmera_kinesis.state.ledger import sent_firings
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder


def is_to_go(state: Folder, checkpoint: Checkpoint, current: Slice | None, wanted: str, log: Log) -> bool:
    """Say whether ``current`` is to be given up; SliceRefused if another slice was meant."""
    if not wanted:
        return False
    if wanted in load_carry(state).abandoned or checkpoint.commit_of(wanted):
        log.info("slice %s is not open any more: there is nothing to abandon", wanted)
        return False
    if current is None or wanted != current.id:
        raise SliceRefused(
            f"abandon_slice is {wanted!r}, but "
            + (f"the open slice is {current.id}" if current else "no slice is open")
            + ". Give the id of the open slice, or leave the param empty"
        )
    return True


def abandon(
    state: Folder, staging: Folder, checkpoint: Checkpoint, current: Slice | None, request: PlanRequest, log: Log
) -> Slice | None:
    """Return the slice that is still open; asked for again, as by a retry or a clear, nothing more happens."""
    if not is_to_go(state, checkpoint, current, request.abandon_slice, log) or current is None:
        return current
    carry = load_carry(state)
    fence(state, current.id)
    delivered, perhaps = sent_firings(state, current.id)
    matched = load_matched(state, current.id)
    digests = [file.digest for file in matched.files] if matched else []
    carry = carry_over(remember(carry, current.id, receipts=request.receipts), current, delivered, digests)
    save_carry(state, carry)
    close_abandoned(state, staging, current.id, keep_receipts=request.receipts)
    log.warning(
        "abandoned slice %s: %d of its firings were already sent and will not be sent again; of %d more the answer was "
        "lost, so they may arrive twice; new again: files %d",
        current.id, len(delivered), perhaps, len(current.files),
    )  # fmt: skip
    return None
