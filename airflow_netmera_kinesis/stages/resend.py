"""Decide what a resend sends: all of the exports that were asked for, whatever was sent of them before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from airflow_netmera_kinesis.again_request import Period, ResendRequest
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.asked_files import files_named, files_of_period
from airflow_netmera_kinesis.exports.listing import ExportPlace, sending_order
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.netmera.hashing import HashKeys
from airflow_netmera_kinesis.stages.asked import Asking, Predecessor, asked_slice, open_asked
from airflow_netmera_kinesis.stages.counting import count, tell
from airflow_netmera_kinesis.stages.firing import RecordLimit
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint, load_manifest
from airflow_netmera_kinesis.state.ledger import sent_firings
from airflow_netmera_kinesis.state.slice import ExportFile, Purpose, Slice
from airflow_netmera_kinesis.storage import FileInfo, Folder


class SentBefore(msgspec.Struct, frozen=True):
    """What another DAG has sent of the same exports: how many of the chosen files, and how many newer ones."""

    chosen: int
    newer: int


def choose_exports(place: ExportPlace, request: ResendRequest, log: Log) -> list[FileInfo]:
    """Return the files to send, in order; ConfigurationError if there are none."""
    listed = list(place.files())
    if request.files and request.period != Period():
        raise ConfigurationError("from_date or to_date is given, and files too; allowed: a period, or names of files")
    if request.files:
        return _old_enough(place, files_named(listed, request.files, request.zone), request, log)
    if request.period == Period():
        raise ConfigurationError("it is not said what to send again: give from_date and to_date, or files")
    found = files_of_period(listed, request.period.since, request.period.until, request.zone)
    if not found:
        raise ConfigurationError(
            f"no file of {request.exports} is from the period that from_date and to_date ask for, by the date in its "
            f"name or else its modification time; files listed {len(listed)}"
        )
    return _old_enough(place, found, request, log)


def draft_resend(files: Sequence[FileInfo], request: ResendRequest, predecessor: Predecessor, now_ms: int) -> Slice:
    """Make the slice; each commit makes the next one another slice, even of the same files."""
    frozen = tuple(ExportFile(info.name, info.size, info.modified_ms, info.etag, again=True) for info in files)
    moment, _, _ = sending_order(files[0], request.zone)
    return asked_slice(
        Purpose.RESEND, request.key, request.exports, frozen, request.terms, predecessor, now_ms, f"{moment:%Y%m%d}"
    )


def plan_resend(
    state: Folder, staging: Folder, place: ExportPlace, request: ResendRequest, of: Folder | None, who: str, log: Log
) -> Slice:
    """Return the slice of this run: the one that an earlier try has opened, or a new one.

    :raises SliceCommitted: this run has sent it already
    :raises SliceRefused: another resend is sent in part
    """

    def draft(predecessor: Predecessor) -> Slice:
        files = choose_exports(place, request, log)
        _warn(files, request, of, log)
        return draft_resend(files, request, predecessor, state.now_ms())

    def give_up(current: Slice) -> None:
        delivered, perhaps = sent_firings(state, current.id)
        log.warning(
            "gave up resend %s: %d of its firings were already sent, of %d more the answer was lost; a new resend of "
            "its files sends all of them again",
            current.id, len(delivered), perhaps,
        )  # fmt: skip

    asking = Asking(draft, give_up, request.run, request.abandon_slice, request.receipts)
    planned = open_asked(state, staging, asking, who, log)
    assert planned is not None, "there is something to send, or choose_exports has raised"
    log.info(
        "resend %s: files %d, bytes %d, groups %d, partitions %d", planned.id, len(planned.files),
        sum(file.size for file in planned.files), len(planned.groups), planned.partitions,
    )  # fmt: skip
    return planned


def show_resend(
    place: ExportPlace, request: ResendRequest, of: Folder | None, limit_of: RecordLimit, keys: HashKeys, log: Log
) -> dict[str, Any]:
    """Count what the resend would send, and return the counts; nothing is sent, staged or written."""
    files = choose_exports(place, request, log)
    log.info("dry run, nothing is sent: files from %s to %s", files[0].name, files[-1].name)

    @contextmanager
    def opened(index: int) -> Iterator[Export]:
        info = files[index]
        with place.folder.open(info.name) as file:
            yield Export(file, info.name, info.size, request.terms.export_format)

    counted = count(draft_resend(files, request, Predecessor(), 0), opened, limit_of, keys)
    tell(counted, log)
    before = _warn(files, request, of, log)
    more = {"sent_before": before.chosen, "newer_files_sent": before.newer} if before else {}
    log.info("to send them, run again with dry_run=false")
    return {**counted.summary(), **more}


def sent_before(of: Folder, files: Sequence[FileInfo], request: ResendRequest) -> SentBefore | None:
    """Read, and only read, what the DAG whose state is ``of`` has sent; None if it never sent anything from there."""
    checkpoint = load_checkpoint(of)
    if not checkpoint.generation:
        return None
    manifest = load_manifest(of, checkpoint)
    chosen = {info.name for info in files}
    last = sending_order(files[-1], request.zone)
    others = (FileInfo(sent.name, sent.size, sent.modified_ms) for sent in manifest.values() if sent.name not in chosen)
    newer = sum(sending_order(info, request.zone) > last for info in others)
    return SentBefore(len(chosen & manifest.keys()), newer)


def _warn(files: Sequence[FileInfo], request: ResendRequest, of: Folder | None, log: Log) -> SentBefore | None:
    """Say what a consumer must be ready for."""
    log.warning(
        "consumers get these events again, with the same eventId, and newer events of the same users may have been "
        "sent already: a consumer that keeps a user's latest state must compare the events' times"
    )
    if of is None:
        return None
    before = sent_before(of, files, request)
    if before is None:
        log.warning("nothing of these exports was sent by the DAG that of_dag names: %s has no checkpoint", of.uri)
        return None
    log.warning(
        "by the state in %s: sent before are %d of these %d files, and %d newer ones",
        of.uri, before.chosen, len(files), before.newer,
    )  # fmt: skip
    return before


def _old_enough(place: ExportPlace, found: list[FileInfo], request: ResendRequest, log: Log) -> list[FileInfo]:
    """Leave out what may still be uploaded, where the store tells the time, and say so."""
    now_ms = place.folder.now_ms() if request.min_age_ms else None
    if now_ms is None:
        return found
    old = [info for info in found if info.modified_ms <= now_ms - request.min_age_ms]
    if not old:
        raise ConfigurationError(
            f"all {len(found)} files that were asked for are younger than min_age: run again later"
        )
    if len(old) < len(found):
        log.warning(
            "left out, since they may still be uploaded (min_age): files %d of %d", len(found) - len(old), len(found)
        )
    return old
