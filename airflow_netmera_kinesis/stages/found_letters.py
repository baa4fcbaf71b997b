"""Say of each dead letter in a state folder whether it is still open, and which letters are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

import msgspec

from airflow_netmera_kinesis.again_request import LetterFilter
from airflow_netmera_kinesis.exports.listing import glob_pattern
from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.dead_letter import StoredLetter
from airflow_netmera_kinesis.state.letter_archive import (
    SliceLetters,
    dag_of,
    letters_of,
    replay_key,
    slices_with_letters,
)
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.state.replayed import Mark, Outcome, load_marks
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
    finder = LetterFinder(root)
    for at in find_slices(root, wanted):
        yield from (found for found in finder.letters_of(at) if is_meant(found.letter))


class LetterFinder:
    """Finds the letters of one slice after another."""

    def __init__(self, root: Folder) -> None:
        self._root = root
        self._pending: dict[str, str] = {}

    def letters_of(self, at: SliceLetters) -> Iterator[FoundLetter]:
        """Yield all letters of a slice in their order."""
        key = replay_key(dag_of(at.key))
        marks = load_marks(self._root.child(key), at.origin, self._pending_in(key))
        for letter in letters_of(self._root.child(at.key), at):
            mark = marks.get(letter.place)
            yield FoundLetter(at, letter, _status(at, mark), mark)

    def _pending_in(self, key: str) -> str:
        """Return the replay that is marked but not committed: its commit was killed, and may still be replaced."""
        if key not in self._pending:
            replays = self._root.child(key)
            opened = open_slice(replays)
            committed = opened is None or load_checkpoint(replays).commit_of(opened.slice) is not None
            self._pending[key] = "" if opened is None or committed else opened.slice
        return self._pending[key]


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
