"""Remember, per stream and partition of a slice, which firings are delivered, so that a killed send goes on from there.

An entry is appended before the keys of its records are released. Entries are framed, each begins with its length and
checksum, so that a ledger cut off at any byte is readable up to its last whole entry; their order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

import msgspec

from airflow_netmera_kinesis.state.firing_set import Firing, FiringSet, Lines
from airflow_netmera_kinesis.state.framing import frame, whole_entries
from airflow_netmera_kinesis.storage import Folder

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, list[Firing]]).decode


class _Kind(IntEnum):
    DELIVERED = 1
    DEAD = 2
    UNKNOWN = 3


class LedgerCounts(msgspec.Struct, frozen=True):
    """What became of a partition's firings, by the index of the hook; ``carried`` were delivered by an earlier slice.

    ``unknown`` counts the times that an answer was lost: possible duplicates, not an end state.
    """

    delivered: Mapping[int, int] = {}
    dead: Mapping[int, int] = {}
    carried: Mapping[int, int] = {}
    unknown: int = 0

    @property
    def settled(self) -> int:
        return sum(self.delivered.values()) + sum(self.dead.values()) + sum(self.carried.values())


class Ledger:
    """One partition of one stream. Open it with ``open_ledger``; close it, or use it as a context manager."""

    def __init__(self, folder: Folder, name: str, carried: FiringSet) -> None:
        self._folder = folder
        self._name = name
        self._appender = folder.appender(f"{name}.log")
        self._delivered, self._dead = FiringSet(), FiringSet()
        self._carried, self._carried_seen = carried, FiringSet()
        self._unknown, self._unknown_firings = 0, FiringSet()
        self.is_done = False
        self._load()

    def settled(self, file: int, line: int, hook: int) -> bool:
        """Say whether nothing is left to send. A firing that an abandoned slice delivered counts as carried."""
        firing = (file, line, hook)
        if firing in self._delivered or firing in self._dead:
            return True
        if firing in self._carried:
            self._carried_seen.add((firing,))
            return True
        return False

    def delivered(self, entries: Sequence[Firing]) -> None:
        """Write down that Kinesis has stored these firings, each given as (file, line, hook)."""
        self._append(_Kind.DELIVERED, entries)
        self._delivered.add(entries)

    def dead(self, entries: Sequence[Firing]) -> None:
        """Write down that these firings were set aside; their dead letters are stored already.

        It is stored when this returns: what comes after them must not be in Kinesis while they are tried once more.
        """
        self._append(_Kind.DEAD, entries)
        self._appender.flush()
        self._dead.add(entries)

    def unknown(self, entries: Sequence[Firing]) -> None:
        """Write down that these firings were sent and the answer was lost, so they are sent again."""
        self._append(_Kind.UNKNOWN, entries)
        self._note_unknown(entries)

    def perhaps_stored(self, firing: Firing) -> bool:
        """Say whether an answer to this firing was lost, now or in an earlier try."""
        return firing in self._unknown_firings

    @property
    def delivered_count(self) -> int:
        return len(self._delivered)

    @property
    def dead_count(self) -> int:
        return len(self._dead)

    @property
    def carried_count(self) -> int:
        return len(self._carried_seen)

    @property
    def unknown_count(self) -> int:
        return self._unknown

    @property
    def is_empty(self) -> bool:
        """Nothing is settled yet, so nothing need be looked up."""
        return not (self._delivered or self._dead or self._carried)

    def counts(self) -> LedgerCounts:
        return LedgerCounts(
            self._delivered.by_hook(), self._dead.by_hook(), self._carried_seen.by_hook(), self._unknown
        )

    def done(self) -> LedgerCounts:
        """Mark the partition finished; whoever opens the ledger again has nothing to send."""
        self.close()
        counts = self.counts()
        self._folder.write(f"{self._name}.done", msgspec.json.encode(counts))
        self.is_done = True
        return counts

    def close(self) -> None:
        self._appender.close()

    def __enter__(self) -> Ledger:  # noqa: PYI034 - Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, kind: _Kind, entries: Sequence[Firing]) -> None:
        data = _encode((int(kind), entries))
        self._appender.append(frame(data), len(entries))

    def _note_unknown(self, entries: Sequence[Firing]) -> None:
        self._unknown += len(entries)
        self._unknown_firings.add(entries)

    def _load(self) -> None:
        for kind, entries in _entries(self._folder, self._name):
            if kind == _Kind.DELIVERED:
                self._delivered.add(entries)
            elif kind == _Kind.DEAD:
                self._dead.add(entries)
            else:
                self._note_unknown(entries)
        self.is_done = _read_counts(self._folder, self._name) is not None


def open_ledger(state: Folder, slice_id: str, stream: str, partition: int) -> Ledger:
    """Read what is settled; nothing is written before the first entry."""
    return Ledger(state, _name(slice_id, stream, partition), _load_carried(state, slice_id))


def done_counts(state: Folder, slice_id: str, stream: str, partition: int) -> LedgerCounts | None:
    """Return the counts of a partition that is finished, else None."""
    return _read_counts(state, _name(slice_id, stream, partition))


def anything_sent(state: Folder, slice_id: str) -> bool:
    """Say whether a ledger of the slice holds a firing that is, or may be, in Kinesis."""
    sent = (_Kind.DELIVERED, _Kind.UNKNOWN)
    return any(kind in sent for name in _names(state, slice_id) for kind, _ in _entries(state, name))


def sent_firings(state: Folder, slice_id: str) -> tuple[FiringSet, int]:
    """Gather what the slice has delivered, carried firings included; count the others that are perhaps in Kinesis."""
    delivered, unknown = _load_carried(state, slice_id), FiringSet()
    for name in _names(state, slice_id):
        for kind, entries in _entries(state, name):
            if kind == _Kind.DELIVERED:
                delivered.add(entries)
            elif kind == _Kind.UNKNOWN:
                unknown.add(entries)
    return delivered, unknown.count_without(delivered)


def save_carried(state: Folder, slice_id: str, firings: FiringSet) -> None:
    """Give a slice that is being planned what an abandoned one has delivered of the same files."""
    state.write(_carried_name(slice_id), _encode(list(firings.lines())))


def delete_ledgers(state: Folder, slice_id: str) -> None:
    """Delete the ledgers of a slice that is closed."""
    state.delete_tree(f"ledgers/{slice_id}")


def _name(slice_id: str, stream: str, partition: int) -> str:
    return f"ledgers/{slice_id}/{stream}/{partition:04d}"


def _carried_name(slice_id: str) -> str:
    return f"ledgers/{slice_id}/carried"


def _names(state: Folder, slice_id: str) -> set[str]:
    """List the ledgers of a slice by name, without their segments' numbers."""
    logs = (info.name for info in state.list(f"ledgers/{slice_id}/") if info.name.endswith(".log"))
    return {name.rsplit(".", 2)[0] for name in logs}


def _read_counts(folder: Folder, name: str) -> LedgerCounts | None:
    try:
        return msgspec.json.decode(folder.read(f"{name}.done"), type=LedgerCounts)
    except FileNotFoundError:
        return None


def _load_carried(state: Folder, slice_id: str) -> FiringSet:
    try:
        return FiringSet(msgspec.msgpack.decode(state.read(_carried_name(slice_id)), type=list[Lines]))
    except FileNotFoundError:
        return FiringSet()


def _entries(folder: Folder, name: str) -> Iterator[tuple[int, list[Firing]]]:
    for segment in folder.open_appended(f"{name}.log"):
        yield from map(_decode, whole_entries(segment))
