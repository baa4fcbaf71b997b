"""Carry matched records from match to send: parts that are whole or absent, each with its count and digest."""

from __future__ import annotations

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import BinaryIO

import msgspec

from airflow_netmera_kinesis.errors import StagingError
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.storage import Folder

BLOCK_BYTES = 256 * 1024
READ_BYTES = 1024 * 1024
_LENGTH = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[StagedRecord]).decode


class PartRef(msgspec.Struct, frozen=True):
    """What a part must be when it is read: ``group`` orders the parts of one stream and partition.

    It is the match group, or the file's index in the slice where the slice is ordered by timestamp. ``digest`` is the
    CRC-32 of the content: it finds damage, which is what happens to files, at a quarter of the cost of a SHA-256. No
    record has more bytes than the ``largest_block``.
    """

    name: str
    stream: str
    partition: int
    group: int
    records: int
    size: int
    digest: str
    largest_block: int = 0


class PartWriter:
    """Write one part; it appears when the block ends well, and not at all otherwise."""

    def __init__(self, folder: Folder, slice_id: str, stream: str, partition: int, group: int) -> None:
        self._folder = folder
        self._stream, self._partition, self._group = stream, partition, group
        self.name = f"{slice_id}/parts/{group:05d}/{stream}/{partition:04d}.part"
        self._digest = self._records = self._size = self._waiting_bytes = self._largest_block = 0
        self._waiting: list[StagedRecord] = []
        self._ending = ExitStack()

    def __enter__(self) -> PartWriter:  # noqa: PYI034 - Python 3.10 has no Self
        with _disk_full_is_told(self._folder):
            self._file = self._ending.enter_context(self._folder.writer(self.name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _disk_full_is_told(self._folder), self._ending.pop_all() as ending:
            if error is None:
                self._write_block()
            else:
                ending.__exit__(kind, error, trace)

    def write(self, record: StagedRecord) -> None:
        self._waiting.append(record)
        self._waiting_bytes += len(record.payload)
        if self._waiting_bytes >= BLOCK_BYTES:
            with _disk_full_is_told(self._folder):
                self._write_block()

    def ref(self) -> PartRef:
        """Return what a reader must find; only after the block has ended well."""
        digest = f"{self._digest:08x}"
        return PartRef(
            self.name,
            self._stream,
            self._partition,
            self._group,
            self._records,
            self._size,
            digest,
            self._largest_block,
        )

    def _write_block(self) -> None:
        if not self._waiting:
            return
        block = _encode(self._waiting)
        block = _LENGTH.pack(len(block)) + block
        self._file.write(block)
        self._digest = zlib.crc32(block, self._digest)
        self._size += len(block)
        self._largest_block = max(self._largest_block, len(block))
        self._records += len(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0


def read_part(folder: Folder, ref: PartRef) -> Iterator[StagedRecord]:
    """Yield the records of a part that is whole; raise StagingError before the first one if it is not."""
    check_part(folder, ref)
    return records_of(folder, ref)


def check_part(folder: Folder, ref: PartRef) -> None:
    """Raise StagingError, with the part and what is wrong with it, unless it is what match has written."""
    digest = size = 0
    try:
        with folder.open(ref.name, READ_BYTES) as file:
            while block := file.read(READ_BYTES):
                digest = zlib.crc32(block, digest)
                size += len(block)
    except FileNotFoundError:
        raise _fault(
            folder, ref, "is missing", "staging must be shared by all workers, and must not expire before commit"
        ) from None
    if size != ref.size:
        raise _fault(folder, ref, f"has {size} of {ref.size} bytes", "something else writes or cuts files in staging")
    if f"{digest:08x}" != ref.digest:
        raise _fault(folder, ref, "was changed (its digest differs)", "something else writes files in staging")


def records_of(folder: Folder, ref: PartRef) -> Iterator[StagedRecord]:
    """Yield the records of a part that ``check_part`` has found whole."""
    read = 0
    with folder.open(ref.name, READ_BYTES) as file:
        while head := file.read(_LENGTH.size):
            records = _decode(_read_block(file, _LENGTH.unpack(head)[0]))
            read += len(records)
            yield from records
    if read != ref.records:
        raise _fault(folder, ref, f"has {read} of {ref.records} records", "something else writes files in staging")


def _read_block(file: BinaryIO, size: int) -> bytes:
    """Read ``size`` bytes, however few the storage hands out at a time."""
    block = file.read(size)
    while len(block) < size and (more := file.read(size - len(block))):
        block += more
    return block


def _fault(folder: Folder, ref: PartRef, says: str, why: str) -> StagingError:
    return StagingError(
        f"part {folder.uri}/{ref.name} ({ref.records} records for stream {ref.stream}, partition {ref.partition}) "
        f"{says}: {why}. Clear the match tasks of this run, or start a new run: both stage it again"
    )


@contextmanager
def _disk_full_is_told(folder: Folder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StagingError(
            f"no space left while staging to {folder.uri}, on its disk or in this worker's temporary folder: nothing "
            f"was committed; free some space, then run again"
        ) from error
