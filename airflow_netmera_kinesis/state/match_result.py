"""Decide what match leaves behind for the gate and for send: counts, digests, and the parts by name."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from airflow_netmera_kinesis.errors import StagingError
from airflow_netmera_kinesis.state.staging import PartRef, check_part
from airflow_netmera_kinesis.storage import Folder


class FileResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file as it was read: ``lines`` = ``malformed`` + ``events``; blank lines and headers are not counted.

    ``last_line`` is the number of the last line, blank or not; ``open_end`` says that no newline follows it. ``digest``
    is the SHA-256 of the first ``size`` bytes that the slice has frozen. ``set_aside`` is why the file was not read.
    ``unmatched`` counts the commonest codes that no hook wants. ``notes`` and ``warnings`` are for the log.
    """

    file: int
    name: str
    lines: int
    malformed: int
    events: int
    digest: str
    last_line: int = 0
    open_end: bool = False
    set_aside: str = ""
    unmatched: Mapping[str, int] = {}
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class HookResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One hook's firings in a group: ``firings`` = ``staged`` + ``dead``, the latter by reason."""

    hook: int
    name: str
    firings: int
    staged: int
    dead: Mapping[str, int] = {}


class MatchResult(msgspec.Struct, frozen=True):
    """What one match task did; it is written once all its parts are whole."""

    slice: str
    group: int
    files: tuple[FileResult, ...]
    hooks: tuple[HookResult, ...]
    parts: tuple[PartRef, ...]


def save_result(staging: Folder, result: MatchResult) -> None:
    staging.write(_name(result.slice, result.group), msgspec.json.encode(result))


def load_result(staging: Folder, slice_id: str, group: int) -> MatchResult:
    """Raise StagingError if there is none."""
    name = _name(slice_id, group)
    try:
        return msgspec.json.decode(staging.read(name), type=MatchResult)
    except FileNotFoundError:
        raise StagingError(
            f"the result of match group {group}, {staging.uri}/{name}, is missing: staging must be shared by all "
            f"workers, and must not expire before commit. Clear the match tasks of this run, or start a new run"
        ) from None
    except msgspec.DecodeError as error:
        raise StagingError(
            f"the result of match group {group}, {staging.uri}/{name}, cannot be read ({error}): something else writes "
            f"files in staging. Delete it and start a new run"
        ) from None


def whole_result(staging: Folder, slice_id: str, group: int) -> MatchResult | None:
    """Return the result of a group that need not be matched again: it is there, and so are all its parts."""
    try:
        result = load_result(staging, slice_id, group)
        for part in result.parts:
            check_part(staging, part)
    except StagingError:
        return None
    return result


def _name(slice_id: str, group: int) -> str:
    return f"{slice_id}/results/{group:05d}.json"
