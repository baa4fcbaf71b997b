"""Remove what a slice leaves behind, in an order that can be taken up again wherever it was killed."""

from __future__ import annotations

from airflow_netmera_kinesis.errors import LeaseTaken, SliceRefused
from airflow_netmera_kinesis.state.carry import load_carry, save_carry, without
from airflow_netmera_kinesis.state.checkpoint import Checkpoint
from airflow_netmera_kinesis.state.lease import holders
from airflow_netmera_kinesis.state.ledger import delete_ledgers
from airflow_netmera_kinesis.state.letter_archive import note_letters
from airflow_netmera_kinesis.state.replay_file import FOLDER as REPLAYED_LETTERS
from airflow_netmera_kinesis.state.slice import (
    OpenSlice,
    Purpose,
    Slice,
    delete_slice,
    load_slice,
    open_slice,
    set_open_slice,
)
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
    set_open_slice(state, OpenSlice(slice_id, closing=True))
    # Twice: a folder that is read while a lease is renewed may show neither of its two files.
    busy = holders(state, f"{slice_id}/") or holders(state, f"{slice_id}/")
    if busy:
        set_open_slice(state, OpenSlice(slice_id))
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


def clear_late_receipts(state: Folder, checkpoint: Checkpoint) -> None:
    """Remove what a paused task that woke up later has left of slices whose receipts are not kept."""
    for slice_id in {info.name.split("/")[1] for info in state.list("receipts/")}:
        done = checkpoint.commit_of(slice_id)
        if done and not done.receipts:
            state.delete_tree(f"receipts/{slice_id}")


def _close(state: Folder, staging: Folder, slice_id: str, *, keep_receipts: bool) -> None:
    staging.delete_tree(slice_id)
    delete_ledgers(state)
    if not keep_receipts:
        state.delete_tree(f"receipts/{slice_id}")
    state.delete_tree(f"leases/{slice_id}")
    delete_slice(state, slice_id)
    set_open_slice(state, None)
