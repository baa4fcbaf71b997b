"""Say of each dead letter in a state folder whether it is still open, and which letters are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

import msgspec

from airflow_netmera_kinesis.again_request import LetterFilter
from airflow_netmera_kinesis.exports.listing import glob_pattern
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.dead_letter import Place, StoredLetter
from airflow_netmera_kinesis.state.letter_archive import (
    SliceLetters,
    dag_of,
    letters_in,
    opened_in_order,
    replay_key,
    slices_with_letters,
)
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.state.replayed import Mark, Outcome, load_marks, names_of_marks
from airflow_netmera_kinesis.storage import Folder


class Status(str, Enum):
    """What may be done about a letter: only an open one is replayed without being asked for again."""

    OPEN = "open"
    DELIVERED = "delivered by a replay"
    UNMATCHED = "replayed, and no hook wants it now"
    REPLACED = "set aside again by a replay"
    WAITING = "its slice is still open"
    GIVEN_UP = "its slice was given up"


_OF_OUTCOME = {
    Outcome.DELIVERED: Status.DELIVERED,
    Outcome.DEAD_LETTER: Status.REPLACED,
    Outcome.UNMATCHED: Status.UNMATCHED,
}


class FoundLetter(msgspec.Struct, frozen=True):
    """A letter, where it lies, and what became of it."""

    at: SliceLetters
    letter: StoredLetter
    status: Status
    mark: Mark | None = None


def find_slices(root: Folder, wanted: LetterFilter) -> list[SliceLetters]:
    """Return the slices that are meant."""
    found = slices_with_letters(root, wanted.of_dag)
    return [each for each in found if not wanted.slices or each.slice in wanted.slices]


def find_letters(root: Folder, wanted: LetterFilter) -> Iterator[FoundLetter]:
    """Yield the letters that are meant, in the order in which they would be sent again."""
    is_meant = meant_by(wanted)
    for _, letters in letters_by_slice(root, find_slices(root, wanted)):
        yield from (found for found in letters if is_meant(found.letter))


def letters_by_slice(
    root: Folder, slices: Iterable[SliceLetters]
) -> Iterator[tuple[SliceLetters, Iterator[FoundLetter]]]:
    """Yield the slices, each with all its letters in their order."""
    marks = _AllMarks(root)
    for at, files in opened_in_order(root, slices):
        yield at, _judged(at, letters_in(at, files), marks.of(at))


def _judged(at: SliceLetters, letters: Iterator[StoredLetter], marks: Mapping[Place, Mark]) -> Iterator[FoundLetter]:
    for letter in letters:
        mark = marks.get(letter.place)
        yield FoundLetter(at, letter, _status(at, mark), mark)


class _AllMarks:
    """The marks of all replays, listed once for each DAG."""

    def __init__(self, root: Folder) -> None:
        self._root = root
        self._names: dict[str, dict[str, list[str]]] = {}
        self._pending: dict[str, str] = {}

    def of(self, at: SliceLetters) -> Mapping[Place, Mark]:
        key = replay_key(dag_of(at.key))
        replays = self._root.child(key)
        if key not in self._names:
            self._names[key] = names_of_marks(replays)
            self._pending[key] = _pending_in(replays)
        return load_marks(replays, self._names[key].get(at.origin, ()), self._pending[key])


def _pending_in(replays: Folder) -> str:
    """Return the replay that is marked but not committed: its commit was killed, and may still be replaced."""
    opened = open_slice(replays)
    committed = opened is None or load_checkpoint(replays).commit_of(opened.slice) is not None
    return "" if opened is None or committed else opened.slice


def meant_by(wanted: LetterFilter) -> Callable[[StoredLetter], bool]:
    """Return who tells whether a letter is meant by its reason, its hook and its file."""
    files = [glob_pattern(glob) for glob in wanted.files]

    def is_meant(letter: StoredLetter) -> bool:
        return (
            (not wanted.reasons or letter.reason.value in wanted.reasons)
            and (not wanted.hooks or letter.hook in wanted.hooks)
            and (not files or letter.file in wanted.files or any(each.fullmatch(letter.file) for each in files))
        )

    return is_meant


def _status(at: SliceLetters, mark: Mark | None) -> Status:
    if at.note is None:
        return Status.WAITING if at.is_open else Status.GIVEN_UP
    return Status.OPEN if mark is None else _OF_OUTCOME[mark.outcome]
