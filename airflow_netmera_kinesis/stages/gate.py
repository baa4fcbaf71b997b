"""Decide, between match and send, whether a slice may be sent: counts that add up, and not too much that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from airflow_netmera_kinesis.errors import CountsDisagree, ExportError, QuotaExceeded
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.stages.working import require_open
from airflow_netmera_kinesis.state.ledger import anything_sent
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult, MatchResult, load_result
from airflow_netmera_kinesis.state.slice import Purpose, Slice, load_slice
from airflow_netmera_kinesis.storage import Folder

COMMONEST_CODES = 5


class Limits(msgspec.Struct, frozen=True):
    """What a run tolerates; never frozen, so that a retry may tolerate more."""

    max_malformed: Quota
    max_dead_letters: Quota
    on_bad_file: str = "fail"


class Matched(msgspec.Struct, frozen=True):
    """A slice as match left it, kept in the state folder: staging may expire before commit has counted.

    ``staged`` counts the records of each stream and partition.
    """

    files: tuple[FileResult, ...]
    hooks: tuple[HookResult, ...]
    staged: Mapping[str, Mapping[int, int]]

    @property
    def counts(self) -> dict[str, int]:
        return {
            "read": sum(file.lines for file in self.files),
            "malformed": sum(file.malformed for file in self.files),
            "events": sum(file.events for file in self.files),
            "firings": sum(hook.firings for hook in self.hooks),
            "staged": sum(hook.staged for hook in self.hooks),
        }


def pass_gate(state: Folder, staging: Folder, slice_id: str, limits: Limits, log: Log) -> int:
    """Check the results of all match tasks and return the number of partitions to send; nothing is sent before.

    Raises QuotaExceeded, ExportError for a damaged file that may not be set aside, CountsDisagree or StagingError.
    """
    require_open(state, slice_id)
    current = load_slice(state, slice_id)
    matched = _sum(current, [load_result(staging, slice_id, group) for group in range(len(current.groups))])
    _check_same_content(state, current, matched)
    _check_bad_files(matched.files, limits.on_bad_file, log)
    for file in matched.files:
        _check_malformed(file, limits.max_malformed, current.purpose)
    for hook in matched.hooks:
        check_dead_letters(hook.name, sum(hook.dead.values()), hook.firings, limits.max_dead_letters)
    _warn_of_dead_letters(slice_id, matched, log)
    _warn_of_no_match(matched, log)
    state.write(_name(slice_id), msgspec.json.encode(matched))
    dead = sum(sum(hook.dead.values()) for hook in matched.hooks)
    log.info(
        "slice %s: files %d, read %d = malformed %d + events %d; firings %d = staged %d + dead letters %d",
        slice_id, len(matched.files), *matched.counts.values(), dead,
    )  # fmt: skip
    return current.partitions


def load_matched(state: Folder, slice_id: str) -> Matched | None:
    """Return what the gate let pass, or None if it has not yet."""
    try:
        return msgspec.json.decode(state.read(_name(slice_id)), type=Matched)
    except FileNotFoundError:
        return None


def check_dead_letters(hook: str, dead: int, firings: int, allowed: Quota) -> None:
    if allowed.is_exceeded(dead, firings):
        raise QuotaExceeded(
            f"hook {hook}: {dead} of {firings} firings became dead letters, more than max_dead_letters ({allowed}) "
            f"allows. The definitions or the mapping are probably wrong: the reasons stand in the state folder under "
            f"dead_letters. Mend them, or raise max_dead_letters"
        )


def _name(slice_id: str) -> str:
    return f"slices/{slice_id}.gate.json"


def _sum(current: Slice, results: Iterable[MatchResult]) -> Matched:
    files: dict[int, FileResult] = {}
    firings: Counter[int] = Counter()
    staged: Counter[int] = Counter()
    dead: dict[int, Counter[str]] = {}
    parts: dict[str, Counter[int]] = {}
    for result in results:
        files.update((file.file, file) for file in result.files)
        for hook in result.hooks:
            firings[hook.hook] += hook.firings
            staged[hook.hook] += hook.staged
            dead.setdefault(hook.hook, Counter()).update(hook.dead)
        for part in result.parts:
            parts.setdefault(part.stream, Counter())[part.partition] += part.records
    hooks = tuple(
        HookResult(index, current.hooks[index].name, firings[index], staged[index], dict(dead[index]))
        for index in sorted(dead)
    )
    matched = Matched(tuple(files[index] for index in sorted(files)), hooks, {s: dict(p) for s, p in parts.items()})
    _check_counts(current, matched)
    return matched


def _check_counts(current: Slice, matched: Matched) -> None:
    if [file.file for file in matched.files] != list(range(len(current.files))):
        raise CountsDisagree(
            f"slice {current.id} has {len(current.files)} files, but {len(matched.files)} were matched"
        )
    for file in matched.files:
        if file.lines != file.malformed + file.events:
            raise CountsDisagree(
                f"{file.name}: read {file.lines} is not malformed {file.malformed} + events {file.events}"
            )
    of_streams: Counter[str] = Counter()
    for hook in matched.hooks:
        dead = sum(hook.dead.values())
        if hook.firings != hook.staged + dead:
            raise CountsDisagree(
                f"hook {hook.name}: firings {hook.firings} is not staged {hook.staged} + dead letters {dead}"
            )
        of_streams[current.hooks[hook.hook].stream] += hook.staged
    for stream in {*of_streams, *matched.staged}:
        in_parts = sum(matched.staged.get(stream, {}).values())
        if of_streams[stream] != in_parts:
            raise CountsDisagree(f"stream {stream}: staged {of_streams[stream]}, but its parts hold {in_parts} records")


def _check_same_content(state: Folder, current: Slice, matched: Matched) -> None:
    """A slice that is sent in part may be matched again, but only from the same content: the ledger goes by line."""
    before = load_matched(state, current.id)
    if before is None or not anything_sent(state, current.id):
        return
    for then, now in zip(before.files, matched.files, strict=True):
        if then.digest != now.digest:
            raise ExportError(
                f"{current.exports}: {now.name} has changed since a part of it was sent. Restore the file and run "
                f"again, or run once with abandon_slice={current.id}: then the changed file is sent as a new one"
            )


def _check_bad_files(files: Iterable[FileResult], on_bad_file: str, log: Log) -> None:
    bad = [file for file in files if file.set_aside]
    if bad and on_bad_file == "fail":
        raise ExportError(
            "; ".join(f"{file.name}: {file.set_aside}" for file in bad)
            + ". Replace the file or mend export_format, or set on_bad_file to set_aside"
        )
    for file in bad:
        log.warning("set aside %s: %s", file.name, file.set_aside)


def _warn_of_dead_letters(slice_id: str, matched: Matched, log: Log) -> None:
    for file in matched.files:
        if file.malformed:
            log.warning(
                "%s: %d of %d lines are malformed; see dead_letters/%s in the state folder",
                file.name, file.malformed, file.lines, slice_id,
            )  # fmt: skip
    for hook in matched.hooks:
        if hook.dead:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(hook.dead.items()))
            log.warning(
                "hook %s: %d of %d firings became dead letters (%s); see dead_letters/%s in the state folder",
                hook.name, sum(hook.dead.values()), hook.firings, reasons, slice_id,
            )  # fmt: skip


def _check_malformed(file: FileResult, allowed: Quota, purpose: Purpose) -> None:
    # A replay may well find nothing but lines that still cannot be read; exports in the right format never do.
    if file.lines and not file.events and purpose is not Purpose.REPLAY:
        raise QuotaExceeded(
            f"{file.name}: not one line could be read, of {file.lines}. The format is probably wrong: see export_format"
        )
    if allowed.is_exceeded(file.malformed, file.lines):
        raise QuotaExceeded(
            f"{file.name}: {file.malformed} of {file.lines} lines malformed, more than max_malformed ({allowed}) "
            f"allows. The format is probably wrong: see export_format, or raise max_malformed"
        )


def _warn_of_no_match(matched: Matched, log: Log) -> None:
    counts = matched.counts
    if not counts["events"] or counts["firings"]:
        return
    codes: Counter[str] = Counter()
    for file in matched.files:
        codes.update(file.unmatched)
    common = ", ".join(f"{code} ({number})" for code, number in codes.most_common(COMMONEST_CODES)) or "none has a code"
    log.warning("%d events matched no hook; the commonest codes: %s", counts["events"], common)
