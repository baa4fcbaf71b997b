"""Read one export, whatever it is packed in: a file of events, or an archive of such files one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Protocol

from airflow_netmera_kinesis.errors import ConfigurationError, ExportError
from airflow_netmera_kinesis.exports.archive import MemberContent, members
from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.content import StoredContent
from airflow_netmera_kinesis.exports.csv import CsvReader
from airflow_netmera_kinesis.exports.export_format import AUTO, ExportFormat
from airflow_netmera_kinesis.exports.file_kind import kind_of
from airflow_netmera_kinesis.exports.found import Found
from airflow_netmera_kinesis.exports.member_chunk import MemberChunk
from airflow_netmera_kinesis.exports.ndjson import NdjsonReader
from airflow_netmera_kinesis.exports.unpacking import Unpacked, unpack
from airflow_netmera_kinesis.exports.xlsx import XlsxReader


class Reader(Protocol):
    """Reads one format. Its attributes are true of the file once all chunks were taken."""

    rows: int
    last_line: int
    open_end: bool

    @property
    def found(self) -> Found: ...

    def chunks(self) -> Iterator[Chunk]: ...


class Export:
    """One file of a slice, of which the first ``size`` bytes are read. Raises ExportError, with the file's name.

    Once all chunks were taken, ``rows`` counts the lines or rows (blank ones and a header left out), ``last_line`` is
    the number of the last line and ``open_end`` says whether it has no end. The lines of an archive's files are
    numbered through, in the order of the files' names; ``by_time`` refuses such an archive, as its files would follow
    one another whatever the times of their events.
    """

    def __init__(
        self, file: BinaryIO, name: str, size: int, export_format: ExportFormat, *, by_time: bool = False
    ) -> None:
        self._name = name
        self._by_time = by_time
        self._format = export_format
        self._stored = StoredContent(file, size)
        self._readers: list[tuple[str, Reader]] = []
        self.packing = ""
        self.members: tuple[str, ...] = ()
        self.rows = 0
        self.last_line = 0
        self.open_end = False

    def chunks(self) -> Iterator[Chunk]:
        with named(self._name), ExitStack() as closing:
            for member, reader in self.readers(closing):
                with named(member):
                    for chunk in reader.chunks():
                        alone = len(self.members) < 2
                        yield chunk if alone else MemberChunk(chunk, member, self.last_line, self.rows)
                self.rows += reader.rows
                self.last_line += reader.last_line
                self.open_end = reader.open_end and not member

    def readers(self, closing: ExitStack) -> Iterator[tuple[str, Reader]]:
        """Yield what reads each file of events, with its name in an archive; the next one when it is done."""
        outer = unpack(self._stored, closing)
        self.packing = outer.packing
        if outer.archive is None:
            yield "", self._reader(outer, "")
            return
        found = members(outer.archive)
        self.members = tuple(info.filename for info in found)
        if self._by_time and len(found) > 1:
            raise ExportError(f"holds {len(found)} files, which order: timestamp cannot merge: unpack it")
        for info in found:
            with ExitStack() as inner:
                with named(info.filename):
                    member = unpack(MemberContent(outer.archive, info), inner)
                    if member.archive is not None:
                        raise ExportError("is a ZIP archive in a ZIP archive: unpack it")
                    reader = self._reader(member, info.filename)
                yield info.filename, reader

    def digest(self) -> str:
        """Return the SHA-256 of what is stored."""
        return self._stored.digest()

    def found(self) -> list[tuple[str, Found]]:
        """Say as what each member was read so far; of a file that is no archive, the only one has no name."""
        return [(member, reader.found) for member, reader in self._readers]

    def _reader(self, unpacked: Unpacked, member: str) -> Reader:
        names = (f"{self._name}/{member}", self._name) if member else (self._name,)
        reader = _reader(unpacked, member or self._name, self._format.of_file(*names))
        self._readers.append((member, reader))
        return reader


def _reader(unpacked: Unpacked, name: str, export_format: ExportFormat) -> Reader:
    if unpacked.workbook is not None:
        if export_format.format not in (AUTO, "xlsx"):
            raise ExportError(f"is an XLSX workbook, and no {export_format.format.upper()} as export_format says")
        return XlsxReader(unpacked.workbook, export_format)
    if kind_of(unpacked.head, name, export_format) == "csv":
        return CsvReader(unpacked.content, export_format)
    return NdjsonReader(unpacked.content, export_format)


@contextmanager
def named(name: str) -> Iterator[None]:
    """Name the file, or the member of an archive, that an error is of."""
    try:
        yield
    except (ExportError, ConfigurationError) as error:
        if not name:
            raise
        raise type(error)(f"{name}: {error}") from None
