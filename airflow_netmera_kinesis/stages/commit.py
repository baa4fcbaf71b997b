"""Close a slice: check the counts, then advance the checkpoint, and only then remove what the slice needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from airflow_netmera_kinesis.errors import CountsDisagree, SliceRefused
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.stages.closing import clear_late, close_committed, still_open
from airflow_netmera_kinesis.stages.gate import Matched, check_dead_letters, load_matched
from airflow_netmera_kinesis.stages.marking import mark_replayed
from airflow_netmera_kinesis.stages.plan import LEASE
from airflow_netmera_kinesis.stages.working import require_open
from airflow_netmera_kinesis.state.checkpoint import (
    Checkpoint,
    Committed,
    Consumed,
    advance,
    load_checkpoint,
    load_manifest,
)
from airflow_netmera_kinesis.state.lease import hold
from airflow_netmera_kinesis.state.ledger import LedgerCounts, done_counts
from airflow_netmera_kinesis.state.slice import Purpose, Slice, load_slice
from airflow_netmera_kinesis.storage import Folder


def commit(
    state: Folder,
    staging: Folder,
    slice_id: str,
    max_dead_letters: Quota,
    who: str,
    log: Log,
    *,
    keep_receipts: bool = False,
) -> Mapping[str, int]:
    """Advance the checkpoint over a slice that is sent, and return its counts.

    Committing it again changes nothing and returns the same. Raises SliceRefused if it is not the open slice, or its
    predecessor is not the last one committed; CountsDisagree or QuotaExceeded if it may not be committed.
    """
    with hold(state, LEASE, who) as lease:
        checkpoint = load_checkpoint(state)
        still_open(state, staging, checkpoint, keep_receipts=keep_receipts)  # what a killed commit has left is removed
        done = checkpoint.commit_of(slice_id)
        if done:
            log.info("slice %s is committed already: nothing was changed", slice_id)
            return done.counts
        require_open(state, slice_id)
        current = load_slice(state, slice_id)
        matched = _require_gate(state, current)
        ledgers = _require_done(state, current, matched)
        counts = _check(current, matched, ledgers, max_dead_letters)
        if current.purpose is Purpose.REPLAY:
            counts |= mark_replayed(state, current)
        lease.check()
        done = Committed(slice_id, state.now_ms(), counts, keep_receipts)
        checkpoint = advance(
            state,
            checkpoint,
            done,
            _consumed(state, checkpoint, current, matched),
            current.forgotten,
            current.start_after,
        )
        close_committed(state, staging, current, keep_receipts=keep_receipts)
        clear_late(state, staging, checkpoint)
    log.info("committed slice %s: %s", slice_id, ", ".join(f"{name} {number}" for name, number in counts.items()))
    return counts


def _require_gate(state: Folder, current: Slice) -> Matched:
    matched = load_matched(state, current.id)
    if matched is None:
        raise SliceRefused(f"slice {current.id} has not passed the gate after match: run its tasks in their order")
    return matched


def _require_done(state: Folder, current: Slice, matched: Matched) -> LedgerCounts:
    """Sum the ledgers; each partition of each stream must be finished, with as many firings as were staged for it."""
    delivered: Counter[int] = Counter()
    dead: Counter[int] = Counter()
    carried: Counter[int] = Counter()
    unknown = 0
    for stream, partitions in matched.staged.items():
        for partition, staged in partitions.items():
            counts = done_counts(state, current.id, stream, partition)
            if counts is None:
                raise SliceRefused(
                    f"slice {current.id}: partition {partition} of stream {stream} is not sent to its end"
                )
            if counts.settled != staged:
                raise CountsDisagree(
                    f"stream {stream}, partition {partition}: staged {staged} is not delivered "
                    f"{sum(counts.delivered.values())} + delivered by an abandoned slice "
                    f"{sum(counts.carried.values())} + dead letters {sum(counts.dead.values())}"
                )
            delivered.update(counts.delivered)
            dead.update(counts.dead)
            carried.update(counts.carried)
            unknown += counts.unknown
    return LedgerCounts(delivered, dead, carried, unknown)


def _check(current: Slice, matched: Matched, ledgers: LedgerCounts, max_dead_letters: Quota) -> dict[str, int]:
    """Check each hook, staged = delivered + dead letters, and the dead letters of both stages against their limit."""
    for hook in matched.hooks:
        delivered, carried = ledgers.delivered.get(hook.hook, 0), ledgers.carried.get(hook.hook, 0)
        dead = ledgers.dead.get(hook.hook, 0)
        if hook.staged != delivered + carried + dead:
            raise CountsDisagree(
                f"hook {hook.name}: staged {hook.staged} is not delivered {delivered} + delivered by an abandoned "
                f"slice {carried} + dead letters {dead}"
            )
        check_dead_letters(hook.name, sum(hook.dead.values()) + dead, hook.firings, max_dead_letters)
    return {
        "files": len(current.files),
        "files_again": sum(file.again for file in current.files),
        "files_set_aside": sum(bool(file.set_aside) for file in matched.files),
        **matched.counts,
        "delivered": sum(ledgers.delivered.values()),
        "delivered_before": sum(ledgers.carried.values()),
        "dead_letters": sum(sum(hook.dead.values()) for hook in matched.hooks) + sum(ledgers.dead.values()),
        "answers_lost": ledgers.unknown,
    }


def _consumed(state: Folder, checkpoint: Checkpoint, current: Slice, matched: Matched) -> Iterator[Consumed]:
    """Describe the files that were sent, and those that were found to hold nothing new under their new time.

    A resend or a replay consumes nothing: the next one may take the same files again.
    """
    if current.purpose is not Purpose.NEW:
        return
    for file, result in zip(current.files, matched.files, strict=True):
        digest = "" if result.set_aside else result.digest
        yield Consumed(file.name, file.size, file.modified_ms, file.etag, digest, result.last_line, result.open_end)
    manifest = load_manifest(state, checkpoint) if current.known else {}
    for file in current.known:
        yield msgspec.structs.replace(manifest[file.name], modified_ms=file.modified_ms, etag=file.etag)
