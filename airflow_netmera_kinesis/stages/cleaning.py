"""Find what has outlived its use: dead letters, kept receipts and staged parts of slices that are not open any more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from enum import Enum

import msgspec

from airflow_netmera_kinesis.state.letter_archive import dag_of, replay_key
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.storage import FileInfo, Folder

RETENTION_DAYS = 30
_DAY_MS = 24 * 60 * 60 * 1000
# What else lies in the staging folder is somebody else's.
_STAGED = re.compile(r"((?:\d{8}|replay)-[0-9a-f]{20})/(?:parts|results)/.+")


class Kind(str, Enum):
    """What is cleaned, each by itself."""

    DEAD_LETTERS = "dead-letters"
    RECEIPTS = "receipts"
    STAGING = "staging"


_FOLDERS = {Kind.DEAD_LETTERS: ("dead_letters",), Kind.RECEIPTS: ("receipts", "order_breaks")}


class Litter(msgspec.Struct, frozen=True):
    """What one slice has left in one place; ``days`` is the age of the newest of its files. Staging has no ``key``."""

    kind: Kind
    key: str
    slice: str
    tree: str
    files: int
    bytes: int
    days: int


class _Heap(msgspec.Struct):
    files: int = 0
    bytes: int = 0
    newest_ms: int = 0

    def add(self, info: FileInfo) -> None:
        self.files += 1
        self.bytes += info.size
        self.newest_ms = max(self.newest_ms, info.modified_ms)

    def days(self, now_ms: int) -> int:
        return max(0, now_ms - self.newest_ms) // _DAY_MS


def find_litter(root: Folder, staging: Folder | None, days: int, kinds: Collection[Kind]) -> list[Litter]:
    """Return what was not touched for so many days by the clock of its own store, and belongs to no open slice."""
    keys = root.folders()
    opened = {current.slice for key in keys if (current := open_slice(root.child(key)))}
    found: list[Litter] = []
    kept: set[tuple[str, str]] = set()  # whose letters stay, and so do their marks
    now_ms = root.now_ms()
    for kind in (Kind.DEAD_LETTERS, Kind.RECEIPTS):
        for key, tree in ((key, tree) for key in keys for tree in _FOLDERS[kind] if kind in kinds):
            for slice_id, heap in _heaps(root.child(key), tree).items():
                if slice_id in opened or heap.days(now_ms) < days:
                    kept.add((key, slice_id))
                else:
                    found.append(_litter(kind, key, slice_id, f"{tree}/{slice_id}", heap, now_ms))
    if Kind.DEAD_LETTERS in kinds:
        found += _marks_of_nothing(root, keys, kept, now_ms)
    if staging is not None and Kind.STAGING in kinds:
        found += _staged(staging, opened, days)
    return found


def remove(root: Folder, staging: Folder | None, litter: Litter) -> None:
    """Delete one of them; killed in between, the rest is found again."""
    folder = root.child(litter.key) if litter.key else staging
    if folder is not None:
        folder.delete_tree(litter.tree)


def _heaps(state: Folder, tree: str) -> dict[str, _Heap]:
    return _heaped((info.name.split("/")[1], info) for info in state.list(f"{tree}/"))


def _heaped(files: Iterable[tuple[str, FileInfo]]) -> dict[str, _Heap]:
    heaps: dict[str, _Heap] = {}
    for name, info in files:
        heaps.setdefault(name, _Heap()).add(info)
    return heaps


def _marks_of_nothing(root: Folder, keys: Iterable[str], kept: set[tuple[str, str]], now_ms: int) -> Iterator[Litter]:
    """Marks go after their letters: without them a letter that was replayed would be open again."""
    for replays in sorted({replay_key(dag_of(key)) for key in keys}):
        marks = root.child(replays).list("replayed/")
        for origin, heap in _heaped(("/".join(info.name.split("/")[1:3]), info) for info in marks).items():
            key, _, slice_id = origin.partition("/")
            if (key, slice_id) not in kept:
                yield _litter(Kind.DEAD_LETTERS, replays, slice_id, f"replayed/{origin}", heap, now_ms)


def _staged(staging: Folder, opened: Collection[str], days: int) -> Iterator[Litter]:
    now_ms = staging.now_ms()
    parts = ((match[1], info) for info in staging.list() if (match := _STAGED.fullmatch(info.name)))
    for slice_id, heap in _heaped(parts).items():
        if slice_id not in opened and heap.days(now_ms) >= days:
            yield _litter(Kind.STAGING, "", slice_id, slice_id, heap, now_ms)


def _litter(kind: Kind, key: str, slice_id: str, tree: str, heap: _Heap, now_ms: int) -> Litter:
    return Litter(kind, key, slice_id, tree, heap.files, heap.bytes, heap.days(now_ms))
