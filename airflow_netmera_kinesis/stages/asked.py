"""Open the slice that somebody has asked for: the same one for all tries of a run, and none that is sent already."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from airflow_netmera_kinesis.errors import SliceCommitted, SliceRefused
from airflow_netmera_kinesis.grouping import group_files
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.stages.abandoning import is_to_go
from airflow_netmera_kinesis.stages.closing import close_replaced, fence, still_open
from airflow_netmera_kinesis.stages.plan import LEASE
from airflow_netmera_kinesis.state.asked_run import forget_runs_of, runs_of, save_run, slice_of_run
from airflow_netmera_kinesis.state.carry import load_carry, remember, save_carry
from airflow_netmera_kinesis.state.checkpoint import Checkpoint, load_checkpoint
from airflow_netmera_kinesis.state.lease import Lease, hold
from airflow_netmera_kinesis.state.ledger import anything_sent
from airflow_netmera_kinesis.state.open_slice import begin_slice, mark_closing
from airflow_netmera_kinesis.state.slice import (
    ExportFile,
    Purpose,
    Slice,
    Terms,
    save_slice,
    slice_id,
)
from airflow_netmera_kinesis.storage import Folder


class Predecessor(msgspec.Struct, frozen=True):
    """What came before: the slice committed last, and the one given up last, which must not be taken for the next."""

    committed: str = ""
    given_up: str = ""


class Asking(msgspec.Struct, frozen=True):
    """What is asked: ``draft`` makes the slice, of which nothing is stored, or finds that there is nothing to send.

    ``before_giving_up`` is told the slice that ``abandon_slice`` names, before it is removed. ``finishes_others``: a
    slice that another run has sent in part is taken up, else it is refused. ``before_replacing`` is told the slice of
    which nothing was sent, before it is removed, and ``tidy`` the one that is open in the end.
    """

    draft: Callable[[Predecessor], Slice | None]
    before_giving_up: Callable[[Slice], None]
    run: str = ""
    abandon_slice: str = ""
    receipts: bool = False
    finishes_others: bool = False
    before_replacing: Callable[[Slice], None] = lambda current: None
    tidy: Callable[[Slice | None], None] = lambda planned: None


def open_asked(state: Folder, staging: Folder, asking: Asking, who: str, log: Log) -> Slice | None:
    """Return the slice to work on, or None if nothing is to be sent.

    :raises SliceCommitted: what this run asked for is sent already
    :raises SliceRefused: another run's slice is sent in part
    """
    with hold(state, LEASE, who) as lease:
        planned = _open(state, staging, asking, lease, log)
        asking.tidy(planned)
    return planned


def _open(state: Folder, staging: Folder, asking: Asking, lease: Lease, log: Log) -> Slice | None:
    checkpoint = load_checkpoint(state)
    current = still_open(state, staging, checkpoint, keep_receipts=asking.receipts)
    current = _give_up(state, staging, checkpoint, current, asking, log)
    mine = slice_of_run(state, asking.run)
    if mine and (current is None or current.id != mine):
        raise SliceCommitted(f"slice {mine}, which this run asked for, is sent: there is nothing left to do")
    if current and anything_sent(state, current.id) and (mine or asking.finishes_others):
        if not mine:
            log.warning(
                "slice %s was sent in part and comes first: what is asked for now is for the next run", current.id
            )
        return _go_on(state, current, asking, log)
    made = asking.draft(Predecessor(checkpoint.slice, " ".join(load_carry(state).abandoned[-1:])))
    lease.check()
    if current and made and made.id == current.id:
        return _go_on(state, current, asking, log)
    if current:
        _replace(state, staging, current, asking, log)
    return _freeze(state, made, asking) if made else None


def asked_slice(
    purpose: Purpose,
    key: str,
    exports: str,
    files: tuple[ExportFile, ...],
    terms: Terms,
    predecessor: Predecessor,
    now_ms: int,
    date: str,
) -> Slice:
    """Make a slice that takes its files whole; each commit makes the next one another slice, even of the same files."""
    return Slice(
        id=slice_id(key, files, terms, predecessor.committed, predecessor.given_up, date),
        exports=exports,
        files=files,
        groups=group_files([file.size for file in files]),
        hooks=terms.hooks,
        export_format=terms.export_format,
        partitions=terms.partitions,
        order=terms.order,
        target=terms.target,
        predecessor=predecessor.committed,
        created_ms=now_ms,
        purpose=purpose,
        hash_keys=terms.hash_keys,
    )


def _go_on(state: Folder, current: Slice, asking: Asking, log: Log) -> Slice:
    mark_closing(state, current.id, closing=False)  # a killed plan may have left it so
    others = [run for run in runs_of(state, current.id) if run != asking.run]
    log.info("slice %s is open%s: going on with it", current.id, f", asked for by {_listed(others)}" if others else "")
    save_run(state, asking.run, current.id)
    return current


def _replace(state: Folder, staging: Folder, current: Slice, asking: Asking, log: Log) -> None:
    if anything_sent(state, current.id):
        raise SliceRefused(
            f"slice {current.id} is sent in part, and this run asks for something else: first clear "
            f"{_listed(runs_of(state, current.id))}, or start a run with the params that it had; or give that slice up "
            f"with abandon_slice={current.id}"
        )
    fence(state, current.id)
    log.info("slice %s, of which nothing was sent yet, is replaced", current.id)
    asking.before_replacing(current)
    forget_runs_of(state, current.id)
    close_replaced(state, staging, current.id)


def _freeze(state: Folder, made: Slice, asking: Asking) -> Slice:
    save_slice(state, made)
    begin_slice(state, made)
    save_run(state, asking.run, made.id)
    return made


def _give_up(
    state: Folder, staging: Folder, checkpoint: Checkpoint, current: Slice | None, asking: Asking, log: Log
) -> Slice | None:
    """Return the slice that is still open; asked for again, as by a retry, nothing more happens."""
    if not is_to_go(state, checkpoint, current, asking.abandon_slice, log) or current is None:
        return current
    carry = load_carry(state)
    fence(state, current.id)
    asking.before_giving_up(current)
    forget_runs_of(state, current.id)
    save_carry(state, remember(carry, current.id, receipts=False))
    close_replaced(state, staging, current.id)
    return None


def _listed(runs: list[str]) -> str:
    return f"run {', '.join(runs)}" if runs else "the run that asked for it"
