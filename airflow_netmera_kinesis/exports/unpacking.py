"""Unpack a file as far as its first bytes tell: gzip, then a ZIP archive or an XLSX workbook, which is one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import BinaryIO, NamedTuple
from zipfile import ZipFile

from airflow_netmera_kinesis.exports.archive import ZIP_MAGICS, is_workbook, open_archive
from airflow_netmera_kinesis.exports.content import Content, GzipContent, RewoundContent, decompressed, read_exactly
from airflow_netmera_kinesis.exports.file_kind import HEAD_BYTES
from airflow_netmera_kinesis.exports.spooling import spooled


class Unpacked(NamedTuple):
    """What a file is: an archive, a workbook, or else text, of which the ``head`` was looked at."""

    packing: str
    head: bytes
    content: Content
    archive: ZipFile | None = None
    workbook: BinaryIO | None = None


def unpack(content: Content, closing: ExitStack) -> Unpacked:
    """Raise ExportError for what is damaged; ``closing`` frees the disk that an archive needs."""
    plain = decompressed(content)
    packing = "gzip" if isinstance(plain, GzipContent) else ""
    head = read_exactly(plain, HEAD_BYTES)
    whole = RewoundContent(head, plain)
    if not head.startswith(ZIP_MAGICS):
        return Unpacked(packing, head, whole)
    file = closing.enter_context(spooled(whole))
    archive = closing.enter_context(open_archive(file))
    if is_workbook(archive):
        return Unpacked(packing, head, whole, workbook=file)
    return Unpacked("zip", head, whole, archive=archive)
