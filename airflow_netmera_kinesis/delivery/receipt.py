"""Keep a receipt for every delivered record, and prove from all of them that each user's order held.

A receipt names the firing, its event id, the shard and the sequence number, and the user only by the MD5 of the
partition key: that is also the hash by which Kinesis picks the shard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, islice
from typing import Any

import msgspec

from airflow_netmera_kinesis.delivery.order_proof import Lineage, OrderProof
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer
from airflow_netmera_kinesis.errors import OrderBroken
from airflow_netmera_kinesis.state.framing import frame, whole_entries
from airflow_netmera_kinesis.storage import Folder

# How many keys are held in memory at once while all receipts are checked; more make more passes.
KEYS_A_PASS = 200_000


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """One delivered record: its key's hash, where Kinesis put it, and the firings that travelled in it."""

    key: bytes
    shard: str
    sequence: str
    firings: list[tuple[int, int, int, str]]


class _Answer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The receipts of one answer, as they are stored: a column each, since the proof needs but three of them.

    ``counts`` says how many of the firings travelled in each record.
    """

    keys: list[bytes]
    shards: list[str]
    sequences: list[str]
    counts: list[int]
    firings: msgspec.Raw


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Answer).decode
_decode_firings = msgspec.msgpack.Decoder(list[tuple[int, int, int, str]]).decode


class ReceiptLog:
    """The receipts of one stream and partition, appended answer by answer."""

    def __init__(self, state: Folder, slice_id: str, stream: str, partition: int) -> None:
        # The proof goes by their order: a paused process must not add what it still holds to those of its successor.
        self._appender = state.appender(_name(slice_id, stream, partition), in_turn=True)

    def append(self, receipts: Sequence[tuple[Entry, EntryAnswer]]) -> None:
        """Write the receipts of one answer."""
        columns = (
            [entry.digest for entry, _ in receipts],
            [said.ShardId for _, said in receipts],
            [said.SequenceNumber for _, said in receipts],
            [len(entry.records) for entry, _ in receipts],
            [
                (record.file, record.line, record.hook, record.event_id)
                for entry, _ in receipts
                for record in entry.records
            ],
        )
        self._appender.append(frame(_encode(columns)), len(columns[-1]))

    def flush(self) -> None:
        """Return when all receipts are stored."""
        self._appender.flush()

    def close(self) -> None:
        """End the segment."""
        self._appender.close()


def read_receipts(state: Folder, slice_id: str, stream: str, partition: int) -> Iterator[Receipt]:
    """Yield the receipts in the order in which Kinesis gave them."""
    for answer in _answers(state, slice_id, stream, partition):
        firings = iter(_decode_firings(answer.firings))
        for key, shard, sequence, count in zip(
            answer.keys, answer.shards, answer.sequences, answer.counts, strict=True
        ):
            yield Receipt(key, shard, sequence, list(islice(firings, count)))


def count_firings(state: Folder, slice_id: str, stream: str, partition: int) -> int:
    """Count the firings that have a receipt: a packed record has one receipt for all that travelled in it."""
    return sum(sum(answer.counts) for answer in _answers(state, slice_id, stream, partition))


def prove_order(state: Folder, slice_id: str, stream: str, partition: int, lineage: Lineage) -> int:
    """Check the receipts of all users of a partition and return how many firings they are for.

    Memory is bounded: as soon as there are too many users for one pass, half of them are left to a pass of their own.

    :raises OrderBroken: with both receipts, which are written down
    """
    firings, turn, passes = 0, 0, 1
    while turn < passes:
        proof: OrderProof[bytes] = OrderProof(lineage, keys=None)
        for answer in _answers(state, slice_id, stream, partition):
            if turn == 0:
                firings += sum(answer.counts)
            for _, found in proof.check_all(*_columns_of(answer, turn, passes)):
                about = {"reason": found.reason, "earlier": found.earlier, "later": found.later}
                save_break(state, slice_id, stream, partition, about)
                raise OrderBroken(
                    f"stream {stream}, partition {partition}: {found.reason}, by the receipts of one user: shard "
                    f"{found.earlier[0]} at {found.earlier[1]}, then shard {found.later[0]} at {found.later[1]}"
                )
            while len(proof) > KEYS_A_PASS:
                passes *= 2
                proof.forget([key for key in proof if _turn_of(key, passes) != turn])
        turn += 1
    return firings


def _columns_of(answer: _Answer, turn: int, passes: int) -> Sequence[Sequence[Any]]:
    """The keys, shards and sequence numbers of an answer whose turn it is."""
    columns = (answer.keys, answer.shards, answer.sequences)
    if passes == 1:
        return columns
    chosen = [_turn_of(key, passes) == turn for key in answer.keys]
    return [list(compress(column, chosen)) for column in columns]


def _turn_of(key: bytes, passes: int) -> int:
    return int.from_bytes(key[:4], "big") % passes


def _answers(state: Folder, slice_id: str, stream: str, partition: int) -> Iterator[_Answer]:
    for segment in state.open_appended(_name(slice_id, stream, partition)):
        yield from map(_decode, whole_entries(segment))


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
