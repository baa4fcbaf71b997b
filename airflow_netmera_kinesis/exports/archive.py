"""Open a ZIP archive of exports: which members are read, in which order, and what is wrong with the others."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from typing import BinaryIO

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.listing import is_unfinished

# An archive may also begin with an end: an empty one does.
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_PROGRAMS = "__MACOSX/"
# What zipfile raises for content that is damaged, packed in a way it does not know, or encrypted.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError, OSError,
    ValueError, OverflowError,
)  # fmt: skip


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Raise ExportError where it is damaged as a whole."""
    try:
        return zipfile.ZipFile(file)
    except DAMAGE as error:
        raise ExportError(f"damaged ZIP archive ({error})") from None


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Know an XLSX workbook by the one part that each of them has. Raises ExportError for an OpenDocument file."""
    names = archive.namelist()
    if "mimetype" in names and "content.xml" in names:
        raise ExportError("is an OpenDocument file: save it as XLSX or CSV")
    return "[Content_Types].xml" in names


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of an archive by name; hidden ones and what macOS adds are no exports."""
    found = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith(_OTHER_PROGRAMS) and not is_unfinished(info.filename)
    ]
    for info in found:
        if info.flag_bits & 1:
            raise ExportError(f"{info.filename}: is encrypted: unpack it, or export it without a password")
    return sorted(found, key=lambda info: info.filename)


class MemberContent:
    """The bytes of one member."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        try:
            self._file = archive.open(info)
        except DAMAGE as error:
            raise ExportError(f"damaged ZIP archive ({error})") from None

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except DAMAGE as error:
            raise ExportError(f"damaged ZIP archive ({error})") from None
