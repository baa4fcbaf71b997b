"""Mark the dead letters that were replayed, so that none is replayed twice by accident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from airflow_netmera_kinesis.state.dead_letter import Place
from airflow_netmera_kinesis.storage import Folder


class Outcome(str, Enum):
    """What became of a dead letter that was replayed. ``DEAD_LETTER``: a newer letter stands for it."""

    DELIVERED = "delivered"
    DEAD_LETTER = "dead_letter"
    UNMATCHED = "unmatched"


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dead letter by its place; ``replay`` is the slice that replayed it."""

    file: str
    line: int
    hook: str | None
    outcome: Outcome
    at_ms: int
    replay: str

    @property
    def place(self) -> Place:
        return self.file, self.line, self.hook


def save_marks(replays: Folder, origin: str, replay: str, marks: Iterable[Mark]) -> None:
    """Write the marks of one replay for the letters in ``origin`` (``key/slice``); doing it again changes nothing."""
    lines = b"".join(msgspec.json.encode(mark) + b"\n" for mark in marks)
    replays.write(f"replayed/{origin}/{replay}.ndjson", lines)


def names_of_marks(replays: Folder) -> dict[str, list[str]]:
    """List the files of marks by the ``key/slice`` that they are about."""
    names: dict[str, list[str]] = {}
    for info in replays.list("replayed/"):
        names.setdefault("/".join(info.name.split("/")[1:3]), []).append(info.name)
    return names


def delete_marks(replays: Folder, replay: str) -> None:
    """Delete the marks of a replay whose commit was killed, and that is replaced now."""
    for info in list(replays.list("replayed/")):
        if info.name.endswith(f"/{replay}.ndjson"):
            replays.delete(info.name)


def load_marks(replays: Folder, names: Iterable[str], pending: str = "") -> Mapping[Place, Mark]:
    """Return the last mark of each letter from some files; those of a ``pending`` replay do not count yet."""
    contents = replays.read_many(names)
    marks = [msgspec.json.decode(line, type=Mark) for content in contents for line in content.splitlines()]
    return {mark.place: mark for mark in sorted(marks, key=lambda mark: mark.at_ms) if mark.replay != pending}
