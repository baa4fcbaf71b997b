"""Draft a new slice from what is new, with all that will decide how it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from airflow_netmera_kinesis.exports.change import looks_untouched
from airflow_netmera_kinesis.exports.listing import ExportPlace, is_older, sending_order
from airflow_netmera_kinesis.exports.selection import Rules, Selection, select
from airflow_netmera_kinesis.exports.settling import clock_for
from airflow_netmera_kinesis.grouping import group_files
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.state.carry import Carry, fingerprint, firings_of, load_carry
from airflow_netmera_kinesis.state.checkpoint import Checkpoint, Consumed, load_manifest
from airflow_netmera_kinesis.state.firing_set import FiringSet
from airflow_netmera_kinesis.state.ledger import save_carried
from airflow_netmera_kinesis.state.open_slice import begin_slice
from airflow_netmera_kinesis.state.plan_memory import load_memory, save_memory
from airflow_netmera_kinesis.state.slice import (
    ExportFile,
    Slice,
    Terms,
    save_slice,
    slice_id,
)
from airflow_netmera_kinesis.storage import FileInfo, Folder


class Draft(msgspec.Struct, frozen=True):
    """A slice that is not open yet, and what was delivered of its files before."""

    slice: Slice
    carried: FiringSet


def draft(
    state: Folder,
    place: ExportPlace,
    listed: Mapping[str, FileInfo],
    checkpoint: Checkpoint,
    request: PlanRequest,
    log: Log,
) -> Draft | None:
    """Select the new files, or say that there are none."""
    manifest = load_manifest(state, checkpoint)
    memory = load_memory(state)
    rules = Rules(request.max_files, start_after(request, checkpoint), request.min_age_ms, request.zone)
    clock = clock_for(place.folder, state) if request.min_age_ms else None
    selection = select(place.folder, listed.values(), manifest, memory, rules, clock)
    save_memory(state, memory, selection.memory)
    left = "; ".join(f"{number} {reason}" for reason, number in selection.left.items()) or "none left out"
    if not selection.files:
        log.info("nothing new in %s: files listed %d; %s", request.exports, len(listed), left)
        return None
    carry = load_carry(state)
    carried, changed = firings_of(carry, place.folder, selection.files, request.terms.hooks)
    fresh = _slice(request, selection, manifest, listed, checkpoint, carry, carried, state.now_ms())
    _tell(fresh, left, carried, changed, log)
    return Draft(fresh, carried)


def freeze(state: Folder, made: Draft) -> Slice:
    """Open the slice: from now on it is finished before anything new."""
    save_slice(state, made.slice)
    if made.carried:
        save_carried(state, made.slice.id, made.carried)
    begin_slice(state, made.slice)
    return made.slice


def why_replace(
    current: Slice, listed: Mapping[str, FileInfo], checkpoint: Checkpoint, request: PlanRequest
) -> str | None:
    """Say what has changed of all that a slice has frozen; new files alone do not count."""
    if current.predecessor != checkpoint.slice:
        return "another slice was committed since it was planned"
    changed = differences(current.terms, request.terms)
    if changed:
        return f"{', '.join(changed)} changed"
    if len(current.files) > request.max_files:
        return "max_files is smaller now"
    since = start_after(request, checkpoint)
    for file in current.files:
        info = listed.get(file.name)
        if info is None:
            return f"{file.name} vanished"
        if not looks_untouched(info, file.size, file.modified_ms, file.etag):
            return f"{file.name} changed"
        if since and is_older(info, since, request.zone):
            return f"{file.name} is older than start_after"
    return None


def differences(frozen: Terms, asked: Terms) -> list[str]:
    """Name the terms that differ, with the asked values of those that are short."""
    told = {"partitions": f"partitions ({asked.partitions})", "order": f"order ({asked.order})"}
    names = [name for name in Terms.__struct_fields__ if getattr(frozen, name) != getattr(asked, name)]
    return [told.get(name, name) for name in names]


def start_after(request: PlanRequest, checkpoint: Checkpoint) -> datetime | None:
    """Return the later of what is asked and what was committed: what it left out is left out for good."""
    committed = datetime.fromisoformat(checkpoint.start_after) if checkpoint.start_after else None
    return max(filter(None, (request.start_after, committed)), default=None)


def _slice(
    request: PlanRequest,
    selection: Selection,
    manifest: Mapping[str, Consumed],
    listed: Mapping[str, FileInfo],
    checkpoint: Checkpoint,
    carry: Carry,
    carried: FiringSet,
    now_ms: int,
) -> Slice:
    terms, files = request.terms, selection.files
    # A slice that was abandoned must never be mistaken for the one that follows it.
    history = f"{fingerprint(carried)} {carry.abandoned[-1] if carry.abandoned else ''}"
    since = start_after(request, checkpoint)
    return Slice(
        id=slice_id(request.key, files, terms, checkpoint.slice, history, _date(files, request)),
        exports=request.exports,
        files=files,
        groups=group_files([file.size for file in files]),
        hooks=terms.hooks,
        export_format=terms.export_format,
        partitions=terms.partitions,
        order=terms.order,
        target=terms.target,
        predecessor=checkpoint.slice,
        created_ms=now_ms,
        start_after=since.isoformat() if since else "",
        known=selection.known,
        forgotten=tuple(name for name in manifest if name not in listed),
        hash_keys=terms.hash_keys,
    )


def _date(files: tuple[ExportFile, ...], request: PlanRequest) -> str:
    oldest = files[0]
    moment, _, _ = sending_order(FileInfo(oldest.name, oldest.size, oldest.modified_ms), request.zone)
    return moment.strftime("%Y%m%d")


def _tell(fresh: Slice, left: str, carried: FiringSet, changed: tuple[str, ...], log: Log) -> None:
    log.info(
        "new slice %s: files %d, bytes %d, groups %d, partitions %d; %s",
        fresh.id, len(fresh.files), sum(file.size for file in fresh.files), len(fresh.groups), fresh.partitions, left,
    )  # fmt: skip
    again = [file.name for file in fresh.files if file.again]
    if again:
        log.warning("other content under a name that was sent before: files %d (%s)", len(again), _few(again))
    if carried:
        log.info("delivered by an abandoned slice, and not sent again: firings %d", len(carried))
    if changed:
        log.warning("changed since an abandoned slice, and sent anew: files %d (%s)", len(changed), _few(changed))


def _few(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
