"""Find the dead letters of a state folder, slice by slice, in the order in which their events were to be sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import BinaryIO

import msgspec

from airflow_netmera_kinesis.errors import StateError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.state.dead_letter import Place, StoredLetter
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.state.slice import Slice, state_key
from airflow_netmera_kinesis.storage import Folder

NOTE = "slice.json"
PLACE = "dead-letters://"
REPLAY_OF = "replay-of-"
FETCHED_BYTES = 16 * 1024 * 1024
_KEY = re.compile(r"(?P<name>.+)-[0-9a-f]{12}")
_decode = msgspec.json.Decoder(StoredLetter).decode


class SliceNote(msgspec.Struct, frozen=True):
    """What is remembered of a committed slice that has dead letters; ``files`` are in their order."""

    exports: str
    committed_ms: int
    export_format: ExportFormat
    files: tuple[str, ...]


class SliceLetters(msgspec.Struct, frozen=True):
    """The files of letters of one slice. Without a ``note`` it was never committed: it is open, or was given up."""

    key: str
    slice: str
    files: tuple[str, ...]
    bytes: int
    note: SliceNote | None
    is_open: bool

    @property
    def origin(self) -> str:
        """Name it within the state folder."""
        return f"{self.key}/{self.slice}"


def replay_place(of_dag: str) -> str:
    """Name the dead letters of a DAG where a task is told a place of exports."""
    return f"{PLACE}{of_dag}"


def replayed_dag(exports: str) -> str:
    """Return the DAG whose dead letters a place of exports stands for; empty for exports proper."""
    return exports.removeprefix(PLACE) if exports.startswith(PLACE) else ""


def replay_key(of_dag: str) -> str:
    """Name the state of all replays of one DAG's dead letters: only one of them can be open at a time."""
    name = name_in_keys(of_dag)
    digest = state_key(f"{REPLAY_OF}{name}", "dead_letters").rpartition("-")[2]
    return f"{REPLAY_OF}{name}-{digest}"


def dag_of(key: str) -> str:
    """Return whose dead letters a state holds: those of a replay belong to the DAG that it replays."""
    match = _KEY.fullmatch(key)
    name = match["name"] if match else key
    replayed = name.removeprefix(REPLAY_OF)
    return replayed if replayed != name and key == replay_key(replayed) else name


def note_letters(state: Folder, done: Slice) -> None:
    """Write down that a slice is committed, if it has dead letters: from now on they may be replayed."""
    if next(iter(state.list(f"dead_letters/{done.id}/")), None) is None:
        return
    note = SliceNote(done.exports, state.now_ms(), done.export_format, tuple(file.name for file in done.files))
    state.write(f"dead_letters/{done.id}/{NOTE}", msgspec.json.encode(note))


def slices_with_letters(root: Folder, of_dag: str = "") -> list[SliceLetters]:
    """Find them in the state of one DAG, or of all; the oldest committed first, those that are not committed last."""
    keys = [key for key in root.folders() if not of_dag or dag_of(key) == name_in_keys(of_dag)]
    found = [each for key in keys for each in _in_state(root.child(key), key)]
    return sorted(found, key=lambda each: (each.note is None, each.note.committed_ms if each.note else 0, each.origin))


def name_in_keys(dag_id: str) -> str:
    """Write a DAG's id as the keys of its states begin."""
    return state_key(dag_id, "").rpartition("-")[0]


def opened_in_order(root: Folder, slices: Iterable[SliceLetters]) -> Iterator[tuple[SliceLetters, Sequence[BinaryIO]]]:
    """Yield each slice with its files opened; small ones, as most are, are fetched many at a time."""
    batch: list[SliceLetters] = []
    for at in slices:
        if sum(each.bytes for each in batch) + at.bytes > FETCHED_BYTES:
            yield from _fetched(root, batch)
            batch = []
        if at.bytes <= FETCHED_BYTES:
            batch.append(at)
            continue
        with ExitStack() as files:
            yield at, [files.enter_context(root.open(f"{at.key}/{name}")) for name in at.files]
    yield from _fetched(root, batch)


def letters_in(at: SliceLetters, files: Sequence[BinaryIO]) -> Iterator[StoredLetter]:
    """Yield the letters of one slice in the order of its files and lines, each event and hook once: the last word.

    An event that was refused twice, since its task was killed in between, has two letters. Memory holds a place in the
    files for each letter, not the letters.
    """
    ranks = {name: rank for rank, name in enumerate(at.note.files if at.note else ())}
    last: dict[Place, tuple[int, int]] = {}
    for number, file in enumerate(files):
        for begin, letter in _with_places(file, f"{at.key}/{at.files[number]}"):
            last[letter.place] = number, begin
    for place in sorted(last, key=lambda place: (ranks.get(place[0], len(ranks)), place[0], place[1], place[2] or "")):
        number, begin = last[place]
        files[number].seek(begin)
        yield _decode(files[number].readline())


def _fetched(root: Folder, batch: Sequence[SliceLetters]) -> Iterator[tuple[SliceLetters, Sequence[BinaryIO]]]:
    contents = root.read_many([f"{at.key}/{name}" for at in batch for name in at.files])
    for at in batch:
        yield at, [BytesIO(next(contents)) for _ in at.files]


def _with_places(file: BinaryIO, name: str) -> Iterator[tuple[int, StoredLetter]]:
    """Leave out a last line that a kill cut short: its event was dealt with again."""
    begin = 0
    for number, line in enumerate(file, 1):
        if line.endswith(b"\n"):
            try:
                yield begin, _decode(line)
            except msgspec.DecodeError as error:
                raise StateError(f"{name} in the state folder, line {number}, is no dead letter: {error}") from None
        begin += len(line)


def _in_state(state: Folder, key: str) -> Iterator[SliceLetters]:
    sizes: dict[str, dict[str, int]] = {}
    for info in state.list("dead_letters/"):
        _, slice_id, _ = info.name.split("/", 2)
        sizes.setdefault(slice_id, {})[info.name] = info.size
    opened = open_slice(state) if sizes else None
    notes = _notes(state, sizes)
    for slice_id, found in sizes.items():
        letters = tuple(sorted(name for name in found if name.endswith(".ndjson")))
        size, is_open = sum(found[name] for name in letters), opened is not None and opened.slice == slice_id
        yield SliceLetters(key, slice_id, letters, size, notes.get(slice_id), is_open)


def _notes(state: Folder, names: Mapping[str, Collection[str]]) -> dict[str, SliceNote]:
    noted = [slice_id for slice_id, found in names.items() if f"dead_letters/{slice_id}/{NOTE}" in found]
    contents = state.read_many(f"dead_letters/{slice_id}/{NOTE}" for slice_id in noted)
    return {
        slice_id: msgspec.json.decode(content, type=SliceNote)
        for slice_id, content in zip(noted, contents, strict=True)
    }
