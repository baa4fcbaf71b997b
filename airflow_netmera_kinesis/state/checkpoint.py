"""Remember what was consumed, so that each file is sent once: a small pointer to a manifest kept in segments.

Commit moves the pointer on to its next generation, so the checkpoint can only advance. The manifest is a base and the
changes since; now and then they are merged, so that what a run reads and writes depends on what the folder lists, not
on all that was ever sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from airflow_netmera_kinesis.errors import SliceRefused, StateError
from airflow_netmera_kinesis.state.pointer import Overtaken, move_pointer, pointer_file, read_pointer
from airflow_netmera_kinesis.storage import Folder

REMEMBERED_COMMITS = 200
MERGED_SEGMENTS = 32
NAME = "checkpoint"


class Consumed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file that was sent: its first ``size`` bytes have this SHA-256. No digest: it was set aside."""

    name: str
    size: int
    modified_ms: int
    etag: str
    digest: str
    last_line: int
    open_end: bool


class Committed(msgspec.Struct, frozen=True):
    """A slice that is done, and what became of it; ``receipts`` says whether its receipts are kept."""

    slice: str
    at_ms: int
    counts: Mapping[str, int]
    receipts: bool = True


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the exports have been delivered; ``slice`` is the last one committed."""

    generation: int = 0
    slice: str = ""
    start_after: str = ""
    segments: tuple[str, ...] = ()
    base_files: int = 0
    changed_files: int = 0
    committed: tuple[Committed, ...] = ()

    def commit_of(self, slice_id: str) -> Committed | None:
        """Find a slice among the last commits."""
        return next((commit for commit in self.committed if commit.slice == slice_id), None)


class _Segment(msgspec.Struct, frozen=True):
    consumed: list[Consumed]
    forgotten: list[str] = []


def load_checkpoint(state: Folder) -> Checkpoint:
    """Return the highest generation, or an empty checkpoint before the first commit."""
    generation, content = read_pointer(state, NAME)
    try:
        return msgspec.json.decode(content, type=Checkpoint) if generation else Checkpoint()
    except msgspec.DecodeError as error:
        raise StateError(
            f"{state.uri}/{pointer_file(NAME, generation)} cannot be read ({error}): restore the file. Without the "
            f"checkpoint every export would be sent again"
        ) from None


def load_manifest(state: Folder, checkpoint: Checkpoint) -> dict[str, Consumed]:
    """Return all files that are remembered as sent, by name."""
    manifest: dict[str, Consumed] = {}
    try:
        contents = list(state.read_many(checkpoint.segments))
    except FileNotFoundError as error:
        raise StateError(
            f"a part of the manifest is missing in {state.uri} ({error}): restore it. Without it exports would be sent "
            f"again"
        ) from None
    for content in contents:
        segment = msgspec.msgpack.decode(content, type=_Segment)
        for name in segment.forgotten:
            manifest.pop(name, None)
        manifest.update((consumed.name, consumed) for consumed in segment.consumed)
    return manifest


def advance(
    state: Folder,
    before: Checkpoint,
    commit: Committed,
    consumed: Iterable[Consumed],
    forgotten: Iterable[str],
    start_after: str,
) -> Checkpoint:
    """Commit a slice on top of ``before``; SliceRefused if the checkpoint has moved on meanwhile."""
    after = _next(state, before, commit, _Segment(list(consumed), list(forgotten)), start_after)
    try:
        move_pointer(state, NAME, after.generation, msgspec.json.encode(after))
    except Overtaken as overtaken:
        raise SliceRefused(
            f"slice {commit.slice} cannot be committed: the checkpoint in {state.uri} has moved on from generation "
            f"{before.generation} to {overtaken.generation}. Nothing was changed; start a new run"
        ) from overtaken
    _tidy(state, after)
    return after


def _next(state: Folder, before: Checkpoint, commit: Committed, change: _Segment, start_after: str) -> Checkpoint:
    generation = before.generation + 1
    segments, base_files = before.segments, before.base_files
    changed_files = before.changed_files + len(change.consumed) + len(change.forgotten)
    if len(segments) >= MERGED_SEGMENTS or changed_files > max(base_files, 1_000):
        manifest = load_manifest(state, before)
        for name in change.forgotten:
            manifest.pop(name, None)
        manifest.update((consumed.name, consumed) for consumed in change.consumed)
        change = _Segment(list(manifest.values()))
        segments, base_files, changed_files = (), len(manifest), 0
    segment = f"manifests/{generation:08d}-{commit.slice}.msgpack"
    state.write(segment, msgspec.msgpack.encode(change))
    return Checkpoint(
        generation=generation,
        slice=commit.slice,
        start_after=start_after,
        segments=(*segments, segment),
        base_files=base_files,
        changed_files=changed_files,
        committed=(*before.committed[1 - REMEMBERED_COMMITS :], commit),
    )


def _tidy(state: Folder, current: Checkpoint) -> None:
    """Delete the segments that no pointer needs any more: what a kill left over, and what was merged."""
    for info in list(state.list("manifests/")):
        # Of a later commit this one knows nothing, if it was paused right here.
        generation = int(info.name.removeprefix("manifests/").partition("-")[0])
        if generation <= current.generation and info.name not in current.segments:
            state.delete(info.name)
