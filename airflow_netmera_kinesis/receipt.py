"""Keep a receipt for every delivered record, and prove from all of them that each user's order held.

A receipt names the firing, its event id, the shard and the sequence number, and the user only by the MD5 of the
partition key: that is also the hash by which Kinesis picks the shard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from airflow_netmera_kinesis.errors import OrderBroken
from airflow_netmera_kinesis.framing import frame, whole_entries
from airflow_netmera_kinesis.order_proof import Lineage, OrderProof
from airflow_netmera_kinesis.ordering import Entry
from airflow_netmera_kinesis.outcome import EntryAnswer
from airflow_netmera_kinesis.shard_map import hash_of
from airflow_netmera_kinesis.storage import Folder

# How many receipts' keys are held in memory at once while they are all checked; more make more passes.
KEYS_A_PASS = 200_000


class Receipt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One delivered record: its key's hash, where Kinesis put it, and the firings that travelled in it."""

    key: bytes
    shard: str
    sequence: str
    firings: list[tuple[int, int, int, str]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Receipt]).decode


class ReceiptLog:
    """The receipts of one stream and partition, appended answer by answer."""

    def __init__(self, state: Folder, slice_id: str, stream: str, partition: int) -> None:
        self._appender = state.appender(_name(slice_id, stream, partition))

    def append(self, receipts: Sequence[tuple[Entry, EntryAnswer]]) -> None:
        """Write the receipts of one answer."""
        rows = [
            (
                hash_of(entry.key).to_bytes(16, "big"),
                said.ShardId,
                said.SequenceNumber,
                [(record.file, record.line, record.hook, record.event_id) for record in entry.records],
            )
            for entry, said in receipts
        ]
        self._appender.append(frame(_encode(rows)), sum([len(entry.records) for entry, _ in receipts]))

    def flush(self) -> None:
        """Return when all receipts are stored."""
        self._appender.flush()

    def close(self) -> None:
        """End the segment."""
        self._appender.close()


def read_receipts(state: Folder, slice_id: str, stream: str, partition: int) -> Iterator[Receipt]:
    """Yield the receipts in the order in which Kinesis gave them."""
    for segment in state.open_appended(_name(slice_id, stream, partition)):
        for entry in whole_entries(segment):
            yield from _decode(entry)


def count_firings(state: Folder, slice_id: str, stream: str, partition: int) -> int:
    """Count the firings that have a receipt: a packed record has one receipt for all that travelled in it."""
    return sum(len(receipt.firings) for receipt in read_receipts(state, slice_id, stream, partition))


def prove_order(state: Folder, slice_id: str, stream: str, partition: int, lineage: Lineage) -> int:
    """Check the receipts of all users of a partition and return how many firings they are for.

    Memory is bounded: users are dealt into as many passes as their number asks for.

    :raises OrderBroken: with both receipts
    """
    count = count_firings(state, slice_id, stream, partition)
    passes = 1 + count // KEYS_A_PASS
    for turn in range(passes):
        proof = OrderProof(lineage, keys=None)
        for receipt in read_receipts(state, slice_id, stream, partition):
            if int.from_bytes(receipt.key[:4], "big") % passes == turn:
                found = proof.check(receipt.key.hex(), receipt.shard, receipt.sequence)
                if found is not None:
                    raise OrderBroken(
                        f"stream {stream}, partition {partition}: {found.reason}, by the receipts of one user: shard "
                        f"{found.earlier[0]} at {found.earlier[1]}, then shard {found.later[0]} at {found.later[1]}"
                    )
    return count


def save_break(state: Folder, slice_id: str, stream: str, partition: int, about: Mapping[str, object]) -> None:
    """Write a broken order down, so that no retry turns it green."""
    state.write(_break_name(slice_id, stream, partition), msgspec.json.encode(about))


def check_no_break(state: Folder, slice_id: str, stream: str, partition: int) -> None:
    """Raise OrderBroken if an earlier try found the order broken."""
    name = _break_name(slice_id, stream, partition)
    try:
        about = msgspec.json.decode(state.read(name))
    except FileNotFoundError:
        return
    raise OrderBroken(
        f"stream {stream}, partition {partition}: an earlier try found a user's order broken: {about['reason']}. It is "
        f"written down in {state.uri}/{name}; sending again cannot mend it. To go on, run once with "
        f"abandon_slice={slice_id}: the next slice sends what was not delivered"
    )


def _name(slice_id: str, stream: str, partition: int) -> str:
    return f"receipts/{slice_id}/{stream}/{partition:04d}.log"


def _break_name(slice_id: str, stream: str, partition: int) -> str:
    return f"order_breaks/{slice_id}/{stream}-{partition:04d}.json"
