"""Remove what a slice leaves behind, in an order that can be taken up again wherever it was killed."""

from __future__ import annotations

from airflow_netmera_kinesis.errors import LeaseTaken, SliceRefused
from airflow_netmera_kinesis.state.carry import load_carry, save_carry, without
from airflow_netmera_kinesis.state.checkpoint import Checkpoint
from airflow_netmera_kinesis.state.lease import holders
from airflow_netmera_kinesis.state.ledger import delete_ledgers
from airflow_netmera_kinesis.state.letter_archive import note_letters
from airflow_netmera_kinesis.state.open_slice import end_slice, mark_closing, open_slice
from airflow_netmera_kinesis.state.replay_file import FOLDER as REPLAYED_LETTERS
from airflow_netmera_kinesis.state.slice import Purpose, Slice, delete_slice, load_slice, saved_slices
from airflow_netmera_kinesis.storage import Folder


def still_open(state: Folder, staging: Folder, checkpoint: Checkpoint, *, keep_receipts: bool) -> Slice | None:
    """Return the slice that is to be finished first, if any, after removing one that a killed task had closed."""
    opened = open_slice(state)
    if opened is None:
        return None
    try:
        current = load_slice(state, opened.slice)
    except SliceRefused:
        _close(state, staging, opened.slice, keep_receipts=keep_receipts)
        return None
    if checkpoint.commit_of(current.id):
        close_committed(state, staging, current, keep_receipts=keep_receipts)
        return None
    if current.id in load_carry(state).abandoned:
        close_abandoned(state, staging, current.id, keep_receipts=keep_receipts)
        return None
    return current


def fence(state: Folder, slice_id: str) -> None:
    """Keep everybody from beginning to work on the slice; LeaseTaken if somebody does already."""
    mark_closing(state, slice_id, closing=True)
    # Twice: a folder that is read while a lease is renewed may show neither of its two files.
    busy = holders(state, f"{slice_id}/") or holders(state, f"{slice_id}/")
    if busy:
        mark_closing(state, slice_id, closing=False)
        raise LeaseTaken(
            f"slice {slice_id} is worked on by {busy[0]}"
            + (f" and {len(busy) - 1} more" if len(busy) > 1 else "")
            + ". Wait until it has finished, then run again; if it was killed, its lease expires within a minute"
        )


def close_replaced(state: Folder, staging: Folder, slice_id: str) -> None:
    """Remove a slice of which nothing was sent; match makes its dead letters again."""
    state.delete_tree(f"dead_letters/{slice_id}")
    _close(state, staging, slice_id, keep_receipts=False)


def close_abandoned(state: Folder, staging: Folder, slice_id: str, *, keep_receipts: bool) -> None:
    """Remove a slice that was given up; its dead letters stay."""
    _close(state, staging, slice_id, keep_receipts=keep_receipts)


def close_committed(state: Folder, staging: Folder, done: Slice, *, keep_receipts: bool) -> None:
    """Remove a slice that the checkpoint covers; its dead letters stay."""
    carry = load_carry(state)
    consumed = {*done.forgotten, *(file.name for file in done.files)}
    kept = without(carry, consumed)
    if kept != carry:
        save_carry(state, kept)
    note_letters(state, done)
    if done.purpose is Purpose.REPLAY:
        state.delete_tree(REPLAYED_LETTERS)
    _close(state, staging, done.id, keep_receipts=keep_receipts)


def clear_late(state: Folder, staging: Folder, checkpoint: Checkpoint) -> None:
    """Remove what a paused task that woke up later has left of slices that are closed; receipts to be kept stay."""
    left = {*state.child("leases").folders(), *state.child("ledgers").folders(), *saved_slices(state)}
    opened = open_slice(state)  # after they were listed: what was begun since is not among them
    for slice_id in left - {opened.slice if opened else ""}:
        delete_slice(state, slice_id)
        delete_ledgers(state, slice_id)
        state.delete_tree(f"leases/{slice_id}")
    carry = load_carry(state)
    for slice_id in staging.folders():  # which other DAGs may share
        if checkpoint.commit_of(slice_id) or slice_id in carry.abandoned:
            staging.delete_tree(slice_id)
    for slice_id in state.child("receipts").folders():
        done = checkpoint.commit_of(slice_id)
        if not done.receipts if done else slice_id in carry.abandoned and slice_id not in carry.receipts:
            state.delete_tree(f"receipts/{slice_id}")


def _close(state: Folder, staging: Folder, slice_id: str, *, keep_receipts: bool) -> None:
    staging.delete_tree(slice_id)
    delete_ledgers(state, slice_id)
    if not keep_receipts:
        state.delete_tree(f"receipts/{slice_id}")
    state.delete_tree(f"leases/{slice_id}")
    delete_slice(state, slice_id)
    end_slice(state, slice_id)
