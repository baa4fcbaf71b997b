"""Set an event aside with its reason, as one line of JSON that a person can read and a replay can use."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from enum import Enum
from types import TracebackType
from typing import Any, BinaryIO

import msgspec

from airflow_netmera_kinesis.exports.row import Row
from airflow_netmera_kinesis.netmera.event import ABSENT
from airflow_netmera_kinesis.netmera.payload_rules import PayloadRules
from airflow_netmera_kinesis.storage import Folder

Place = tuple[str, int, str | None]  # file, line, hook


class Reason(str, Enum):
    """Why an event will not be sent as it is."""

    MALFORMED = "MALFORMED"
    MISSING_USER_ID = "MISSING_USER_ID"
    TOO_LARGE = "TOO_LARGE"
    REFUSED = "REFUSED"


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event set aside; ``file`` is the export's name, ``line`` its line number from 1.

    ``event`` is the event itself: JSON as it came, a row as a mapping, or text that is neither. ``event_base64`` stands
    in its place if the bytes are not UTF-8. A row has the ``columns`` of its table, and one that could not be taken
    apart its ``delimiter``. With ``is_payload`` the event is the payload that Kinesis refused, ``key`` its partition
    key, and ``rules`` what had shaped it. ``hook`` and ``stream`` are absent if the line never became an event.
    ``perhaps_stored`` marks a record that was refused after an answer was lost; ``replay_of`` names where the letter
    lies that was replayed.
    """

    reason: Reason
    message: str
    file: str
    line: int
    hook: str | None = None
    stream: str | None = None
    event: Any = None
    event_base64: str | None = None
    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    is_payload: bool = False
    key: str | None = None
    rules: PayloadRules | None = None
    event_id: str | None = None
    perhaps_stored: bool = msgspec.field(default=False, name="PERHAPS_STORED")
    replay_of: str | None = None


class StoredLetter(DeadLetter, frozen=True, omit_defaults=True):
    """A dead letter as a replay reads it: its event stays the JSON that it is, digit by digit."""

    event: msgspec.Raw = ABSENT

    @property
    def place(self) -> Place:
        """What tells this letter from all others of its slice."""
        return self.file, self.line, self.hook


class DeadLetterWriter:
    """Write the dead letters of one match group; matched again, they replace the earlier ones.

    They appear when the block ends well. A group without any has no file.
    """

    def __init__(self, state: Folder, slice_id: str, group: int) -> None:
        self._state = state
        self.name = f"dead_letters/{slice_id}/match-{group:05d}.ndjson"
        self._ending = ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> DeadLetterWriter:  # noqa: PYI034 - Python 3.10 has no Self
        self._ending.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None and error is None:
            self._state.delete(self.name)
        self._ending.__exit__(kind, error, trace)

    def write(self, letter: DeadLetter) -> None:
        if self._file is None:
            self._file = self._ending.enter_context(self._state.writer(self.name))
        self._file.write(_line(letter))


class DeadLetterAppender:
    """Append the dead letters of one send task: each is stored when ``append`` returns."""

    def __init__(self, state: Folder, slice_id: str, stream: str, partition: int) -> None:
        self._appender = state.appender(f"dead_letters/{slice_id}/send-{stream}-{partition:04d}.ndjson")

    def append(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            self._appender.append(_line(letter))
        self._appender.flush()

    def close(self) -> None:
        self._appender.close()


def event_fields(source: bytes | Row) -> dict[str, Any]:
    """Return the fields of a dead letter that hold the event: ``DeadLetter(…, **event_fields(line))``."""
    if isinstance(source, Row):
        return {"columns": source.columns, "delimiter": source.delimiter or None, **_row_fields(source)}
    return _line_fields(source)


def _row_fields(row: Row) -> dict[str, Any]:
    if isinstance(row.content, bytes):
        return {"event_base64": base64.b64encode(row.content).decode()}
    return {"event": row.content}


def _line_fields(content: bytes) -> dict[str, Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"event_base64": base64.b64encode(content).decode()}
    try:
        return {"event": msgspec.Raw(msgspec.json.format(content, indent=-1))}  # on one line, whatever it was
    except (msgspec.DecodeError, RecursionError):
        return {"event": text}


def read_dead_letters(state: Folder, name: str) -> Iterator[DeadLetter]:
    """Yield the letters of one file, but not a last line that a kill cut short: its event was dealt with again."""
    with state.open(name) as file:
        for line in file:
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=DeadLetter)


def stored_letters(state: Folder, name: str) -> Iterator[StoredLetter]:
    """Yield the same letters with their events as they are stored."""
    with state.open(name) as file:
        for line in file:
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=StoredLetter)


def _line(letter: DeadLetter) -> bytes:
    return msgspec.json.encode(letter) + b"\n"
