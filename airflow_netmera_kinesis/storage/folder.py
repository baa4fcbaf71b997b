"""What every storage must be able to do, however it keeps its files."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

import msgspec


class FileInfo(msgspec.Struct, frozen=True, gc=False):
    """One file as a listing shows it; ``name`` is its posix path relative to the folder.

    ``day_only`` says that the listing tells no more than the day of the modification, as some FTP servers do of old
    files; ``modified_ms`` is then the beginning of that day.
    """

    name: str
    size: int
    modified_ms: int
    etag: str = ""
    day_only: bool = False


class Appender(Protocol):
    """A file that grows entry by entry; what is appended in one call is never torn apart by another segment."""

    def append(self, data: bytes, records: int = 1) -> None:
        """Add one entry of ``records`` records.

        On a local path it is with the operating system when the call returns, so it outlives a killed process. In
        object storage it may stay unflushed for a second, or up to 5,000 records.
        """

    def flush(self) -> None:
        """Return only when everything appended so far is stored."""

    def close(self) -> None: ...


class ReadableFolder(Protocol):
    """A folder of files that need only be read: exports may lie on an SFTP or FTP server, too.

    Names are posix paths relative to the folder. Nothing is cached: every call sees what is stored now.
    """

    uri: str

    def list(self, prefix: str = "") -> Iterator[FileInfo]:
        """Yield all files, also nested ones, whose names begin with ``prefix``, in no particular order."""

    def info(self, name: str) -> FileInfo:
        """Raise FileNotFoundError if there is none."""

    def read(self, name: str) -> bytes:
        """Raise FileNotFoundError if there is none."""

    def open(self, name: str, block_bytes: int = 8 * 1024 * 1024) -> BinaryIO:
        """Open for reading, from the beginning or from where a seek leads; FileNotFoundError if there is none.

        Object storage fetches blocks of ``block_bytes``. There and on a server each seek costs a request: what jumps to
        and fro is better copied to a local file first.
        """

    def now_ms(self) -> int | None:
        """Tell the time by the clock that also stamps the files, which need not be this machine's.

        None where nobody can be asked: a server that only hands out files does not tell the time.
        """


class Folder(ReadableFolder, Protocol):
    """A folder that staging and state may lie in, on a local path or in object storage."""

    def child(self, name: str) -> Folder: ...

    def folders(self) -> builtins.list[str]:
        """Return the names of the folders right below this one; none if there is no such folder."""

    def read_many(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield the contents in the order of ``names``; object storage fetches several at a time."""

    def write(self, name: str, data: bytes) -> None:
        """Create or replace the file: it appears whole, or not at all."""

    def writer(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Create or replace the file: it appears whole when the block ends well, and not at all otherwise."""

    def create(self, name: str, data: bytes) -> bool:
        """Write the file only if there is none; False if there is. Atomic: of several callers one gets True."""

    def delete(self, name: str) -> None:
        """Do nothing if there is none."""

    def delete_tree(self, prefix: str) -> None:
        """Delete the nested folder ``prefix`` with all it holds; do nothing if there is none."""

    def appender(self, name: str, *, in_turn: bool = False) -> Appender:
        """Open a new segment of ``name``; earlier segments are never touched again.

        ``in_turn``: it begins at once, and whoever has begun before can append nothing behind it any more.
        """

    def open_appended(self, name: str) -> Iterator[BinaryIO]:
        """Yield the segments of ``name`` opened for reading, oldest first; each may end in a torn entry."""

    def now_ms(self) -> int: ...


def segment_name(name: str, number: int) -> str:
    """Name one segment of an appended file: ``a/b.ndjson`` is kept as ``a/b.000001.ndjson`` and so on."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.{number:06d}{dot}{suffix}"


def segments(folder: Folder, name: str) -> list[str]:
    """List the segments of an appended file, oldest first."""
    stem, _, suffix = name.rpartition(".")
    pattern = re.compile(re.escape(stem) + r"\.\d{6}\." + re.escape(suffix))
    return sorted(info.name for info in folder.list(f"{stem}.") if pattern.fullmatch(info.name))


def next_segment(folder: Folder, name: str) -> int:
    """Return the number after the last segment of an appended file."""
    names = segments(folder, name)
    return int(names[-1].rpartition(".")[0][-6:]) + 1 if names else 1
