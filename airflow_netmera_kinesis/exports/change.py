"""Decide what is new in a file whose name was sent before: nothing, its tail, or all of it."""

from __future__ import annotations

import hashlib

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.state.checkpoint import Consumed
from airflow_netmera_kinesis.state.slice import ExportFile
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder

READ_BYTES = 1024 * 1024
DAY_MS = 86_400_000
# Their last byte says nothing about a last line. One that is cut short is damaged as a whole, and match finds out.
NOT_LINES = (".gz", ".xlsx", ".zip")


def looks_untouched(info: FileInfo, size: int, modified_ms: int, etag: str) -> bool:
    """Say whether the listing shows what was seen before; an etag stands for the content, whatever the time."""
    if info.size != size:
        return False
    if info.etag and etag:
        return info.etag == etag
    return info.modified_ms == (modified_ms - modified_ms % DAY_MS if info.day_only else modified_ms)


def what_is_new(folder: ReadableFolder, info: FileInfo, sent: Consumed) -> ExportFile | None:
    """Compare the file with what was sent under its name, reading it once; None if it is the same content."""
    file = ExportFile(info.name, info.size, info.modified_ms, info.etag)
    if not sent.digest or info.size < sent.size:
        return _again(file)
    digest, following = digest_of_beginning(folder, info.name, sent.size)
    if digest != sent.digest:
        return _again(file)
    if info.size == sent.size:
        return None
    return ExportFile(info.name, info.size, info.modified_ms, info.etag, skip_lines=_sent_lines(sent, following))


def digest_of_beginning(folder: ReadableFolder, name: str, size: int) -> tuple[str, bytes]:
    """Return the SHA-256 of the first ``size`` bytes and the byte after them; ExportError if the file vanished."""
    digest = hashlib.sha256()
    try:
        with folder.open(name) as file:
            while size > 0 and (block := file.read(min(size, READ_BYTES))):
                digest.update(block)
                size -= len(block)
            return digest.hexdigest(), file.read(1)
    except FileNotFoundError:
        raise ExportError(f"{folder.uri}/{name} vanished while it was being planned: run again") from None


def ends_with_newline(folder: ReadableFolder, info: FileInfo) -> bool:
    """Say whether the last line is surely whole, as far as the last bytes can tell."""
    if info.size == 0 or info.name.lower().endswith(NOT_LINES):
        return True
    try:
        with folder.open(info.name, 64 * 1024) as file:
            file.seek(max(0, info.size - 2))
            return b"\n" in file.read(2).rstrip(b"\0")[-1:]  # UTF-16 ends its newline with a zero
    except FileNotFoundError:
        return False


def _again(file: ExportFile) -> ExportFile:
    return ExportFile(file.name, file.size, file.modified_ms, file.etag, again=True)


def _sent_lines(sent: Consumed, following: bytes) -> int:
    """Count the lines that were sent whole: a last line without a newline may have grown since."""
    if not sent.open_end or (following in (b"\n", b"\r") and not sent.name.lower().endswith(NOT_LINES)):
        return sent.last_line
    return max(0, sent.last_line - 1)
