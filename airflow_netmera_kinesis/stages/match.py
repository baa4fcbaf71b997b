"""Turn the files of one group into staged records: read, match, build the payload, set aside what can never be sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from logging import Logger

from airflow_netmera_kinesis.dead_letter import DeadLetterWriter
from airflow_netmera_kinesis.errors import CountsDisagree, ExportChanged, ExportError
from airflow_netmera_kinesis.exports.change import looks_untouched
from airflow_netmera_kinesis.lease import Lease
from airflow_netmera_kinesis.match_result import FileResult, MatchResult, save_result, whole_result
from airflow_netmera_kinesis.slice import ExportFile, Slice, load_slice
from airflow_netmera_kinesis.stages.file_match import FileMatch, GroupMatch
from airflow_netmera_kinesis.stages.firing import RecordLimit, sure_limit
from airflow_netmera_kinesis.stages.parts import Parts
from airflow_netmera_kinesis.stages.working import working_on
from airflow_netmera_kinesis.staging import PartRef
from airflow_netmera_kinesis.storage import Folder


class _Damaged(Exception):
    """A file turned out to be damaged as a whole after some of its records had been staged."""

    def __init__(self, file: FileResult) -> None:
        self.file = file


def match_group(
    state: Folder,
    staging: Folder,
    exports: Folder,
    slice_id: str,
    group: int,
    who: str,
    log: Logger,
    limit_of: RecordLimit = sure_limit,
) -> MatchResult:
    """Match one group of files, unless that was done already and its parts are whole.

    ``who`` tells others who works on the group; ``limit_of`` is asked for the size in bytes that a hook's stream takes
    when a record is larger than every stream takes. A file that is damaged as a whole is set aside with its reason, and none of its records is staged: the gate
    decides whether the run may go on without it. Raises ExportChanged for a file that is not what plan saw.
    """
    with working_on(state, slice_id, f"match-{group:05d}", who) as lease:
        done = whole_result(staging, slice_id, group)
        if done is not None:
            log.info(
                "slice %s, group %d was matched before and its parts are whole: not matched again", slice_id, group
            )
            return done
        current = load_slice(state, slice_id)
        result = _match_until_sound(current, group, state, staging, exports, lease, limit_of)
        _check_counts(result)
        lease.check()
        save_result(staging, result)
    _report(result, current, log)
    return result


def _match_until_sound(
    current: Slice,
    group: int,
    state: Folder,
    staging: Folder,
    exports: Folder,
    lease: Lease,
    limit_of: RecordLimit,
) -> MatchResult:
    """Begin again without a file that turned out to be damaged: its first records were staged beside the others'."""
    damaged: dict[int, FileResult] = {}
    while True:
        matching = GroupMatch(current, limit_of)
        try:
            with DeadLetterWriter(state, current.id, group) as dead_letters:
                files: list[FileResult] = []
                parts: list[PartRef] = []
                for number, indexes in _units(current, group):
                    with Parts(staging, current.id, number) as unit:
                        for index in indexes:
                            lease.check()
                            file = damaged.get(index) or _match_file(matching, index, exports, unit, dead_letters)
                            files.append(file)
                    parts.extend(unit.refs())
        except _Damaged as found:
            damaged[found.file.file] = found.file
        else:
            return MatchResult(current.id, group, tuple(files), matching.hook_results(), tuple(parts))


def _units(current: Slice, group: int) -> Iterator[tuple[int, Iterable[int]]]:
    """Yield what shares its parts: the files of a group, or each file alone where they are merged by time later."""
    indexes = current.groups[group]
    if current.order == "timestamp":
        yield from ((index, [index]) for index in indexes)
    else:
        yield group, indexes


def _match_file(
    matching: GroupMatch, index: int, exports: Folder, parts: Parts, dead_letters: DeadLetterWriter
) -> FileResult:
    planned = matching.current.files[index]
    _require_unchanged(exports, planned)
    with exports.open(planned.name) as opened:
        file = FileMatch(matching, index, opened, parts, dead_letters)
        try:
            return file.result()
        except ExportChanged:
            raise
        except ExportError as error:
            reason = str(error).removeprefix(f"{planned.name}: ")
            raise _Damaged(FileResult(index, planned.name, 0, 0, 0, file.digest(), set_aside=reason)) from error


def _require_unchanged(exports: Folder, planned: ExportFile) -> None:
    """A file that has grown since is read as far as it was planned; its tail is the next slice's."""
    try:
        now = exports.info(planned.name)
    except FileNotFoundError:
        raise ExportChanged(
            f"{exports.uri}/{planned.name} vanished after it had been planned: put it back, or start a new run"
        ) from None
    grew = now.size > planned.size
    if not grew and not looks_untouched(now, planned.size, planned.modified_ms, planned.etag):
        raise ExportChanged(
            f"{exports.uri}/{planned.name} changed after it had been planned (it has {now.size} bytes, planned were "
            f"{planned.size}): start a new run, which plans it anew"
        )


def _check_counts(result: MatchResult) -> None:
    staged = sum(hook.staged for hook in result.hooks)
    in_parts = sum(part.records for part in result.parts)
    if staged != in_parts:
        raise CountsDisagree(f"slice {result.slice}, group {result.group}: staged {staged}, in its parts {in_parts}")
    for file in result.files:
        if file.lines != file.malformed + file.events:
            raise CountsDisagree(
                f"{file.name}: read {file.lines} is not malformed {file.malformed} + events {file.events}"
            )
    for hook in result.hooks:
        dead = sum(hook.dead.values())
        if hook.firings != hook.staged + dead:
            raise CountsDisagree(
                f"hook {hook.name}: firings {hook.firings} is not staged {hook.staged} + dead letters {dead}"
            )


def counts_of(result: MatchResult) -> dict[str, int]:
    """Sum a result: read = malformed + events, firings = staged + dead_letters."""
    staged = sum(hook.staged for hook in result.hooks)
    firings = sum(hook.firings for hook in result.hooks)
    return {
        "files": len(result.files),
        "read": sum(file.lines for file in result.files),
        "malformed": sum(file.malformed for file in result.files),
        "events": sum(file.events for file in result.files),
        "firings": firings,
        "staged": staged,
        "dead_letters": firings - staged,
    }


def _report(result: MatchResult, current: Slice, log: Logger) -> None:
    for file in result.files:
        if file.set_aside:
            log.warning("%s is damaged as a whole, none of its records is staged: %s", file.name, file.set_aside)
    log.info(
        "slice %s, group %d: %d files, read %d = malformed %d + events %d; firings %d = staged %d + dead letters %d; "
        "hooks: %d active, %d inactive",
        result.slice, result.group, *counts_of(result).values(),
        len(result.hooks), len(current.hooks) - len(result.hooks),
    )  # fmt: skip
