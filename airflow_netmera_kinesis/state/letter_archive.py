"""Find the dead letters of a state folder, slice by slice, in the order in which their events were to be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import BinaryIO

import msgspec

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.state.dead_letter import Place, StoredLetter
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.state.slice import Slice, state_key
from airflow_netmera_kinesis.storage import Folder

NOTE = "slice.json"
PLACE = "dead-letters://"
REPLAY_OF = "replay-of-"
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


def letters_of(state: Folder, found: SliceLetters) -> Iterator[StoredLetter]:
    """Yield the letters of one slice in the order of its files and lines, each event and hook once: the last word.

    An event that was refused twice, since its task was killed in between, has two letters. Memory holds a place in the
    files for each letter, not the letters.
    """
    ranks = {name: rank for rank, name in enumerate(found.note.files if found.note else ())}
    with ExitStack() as files:
        opened = [files.enter_context(state.open(name)) for name in found.files]
        last: dict[Place, tuple[int, int]] = {}
        for number, file in enumerate(opened):
            for begin, letter in _with_places(file):
                last[letter.place] = number, begin
        for place in sorted(
            last, key=lambda place: (ranks.get(place[0], len(ranks)), place[0], place[1], place[2] or "")
        ):
            number, begin = last[place]
            opened[number].seek(begin)
            yield _decode(opened[number].readline())


def _with_places(file: BinaryIO) -> Iterator[tuple[int, StoredLetter]]:
    """Leave out a last line that a kill cut short: its event was dealt with again."""
    begin = 0
    for line in file:
        if line.endswith(b"\n"):
            yield begin, _decode(line)
        begin += len(line)


def _in_state(state: Folder, key: str) -> Iterator[SliceLetters]:
    names: dict[str, list[str]] = {}
    for info in state.list("dead_letters/"):
        _, slice_id, _ = info.name.split("/", 2)
        names.setdefault(slice_id, []).append(info.name)
    opened = open_slice(state) if names else None
    notes = _notes(state, names)
    for slice_id, found in names.items():
        letters = tuple(sorted(name for name in found if name.endswith(".ndjson")))
        yield SliceLetters(key, slice_id, letters, notes.get(slice_id), opened is not None and opened.slice == slice_id)


def _notes(state: Folder, names: Mapping[str, Iterable[str]]) -> dict[str, SliceNote]:
    noted = [slice_id for slice_id, found in names.items() if f"dead_letters/{slice_id}/{NOTE}" in found]
    contents = state.read_many(f"dead_letters/{slice_id}/{NOTE}" for slice_id in noted)
    return {
        slice_id: msgspec.json.decode(content, type=SliceNote)
        for slice_id, content in zip(noted, contents, strict=True)
    }
