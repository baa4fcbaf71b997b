"""Keep the dead letters that a replay sends in one file, which is what the replay's slice reads."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.state.dead_letter import Reason, StoredLetter
from airflow_netmera_kinesis.storage import ReadableFolder

FOLDER = "letters"
FIRST_LINE = 2  # after the head


class Head(msgspec.Struct, frozen=True):
    """The first line: the formats of the files that the letters are from."""

    formats: tuple[ExportFormat, ...]


class ReplayLetter(msgspec.Struct, frozen=True):
    """One line: a letter, the number of its format, and where it lies (``key/slice``)."""

    origin: str
    format: int
    letter: StoredLetter


_head = msgspec.json.Decoder(Head).decode
_letter = msgspec.json.Decoder(ReplayLetter).decode


def write_head(file: BinaryIO, formats: Sequence[ExportFormat]) -> None:
    file.write(msgspec.json.encode(Head(tuple(formats))) + b"\n")


def write_letters(file: BinaryIO, letters: Iterable[ReplayLetter]) -> None:
    file.writelines(msgspec.json.encode(letter) + b"\n" for letter in letters)


def read_head(line: bytes) -> Head:
    return _head(line)


def read_letter(line: bytes) -> ReplayLetter:
    return _letter(line)


def numbered_letters(folder: ReadableFolder, name: str) -> Iterator[tuple[int, ReplayLetter]]:
    """Yield the letters with their line numbers."""
    with folder.open(name) as file:
        file.readline()
        for number, line in enumerate(file, FIRST_LINE):
            yield number, _letter(line)


def following(
    found: ReplayLetter,
    reason: Reason,
    message: str,
    hook: str | None = None,
    stream: str | None = None,
    event_id: str | None = None,
) -> StoredLetter:
    """Return the letter that stands for one which failed again."""
    before = found.letter
    return msgspec.structs.replace(
        before,
        reason=reason,
        message=message,
        hook=hook or before.hook,
        stream=stream or before.stream,
        event_id=event_id or before.event_id,
        replay_of=found.origin,
    )


class LetterFile:
    """Finds letters by their line numbers, without holding them."""

    def __init__(self, folder: ReadableFolder, name: str) -> None:
        self._folder, self._name = folder, name
        self._begins = array("Q", [0])
        with folder.open(name) as file:
            for line in file:
                self._begins.append(self._begins[-1] + len(line))

    def letter(self, number: int) -> ReplayLetter:
        with self._folder.open(self._name) as file:
            file.seek(self._begins[number - 1])
            return _letter(file.readline())
