"""Decide whether a file that is unpacked is NDJSON or CSV: by what was said, else by its content and its name."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.delimiter import best_fit
from airflow_netmera_kinesis.exports.encoding import marked, utf_16_without_mark
from airflow_netmera_kinesis.exports.export_format import AUTO, ExportFormat

HEAD_BYTES = 4096
# A name of the first row leaves no doubt; what else is in such a file is damage, and each of its lines is told.
_SURE = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
_LIKELY = {".json": "ndjson", ".txt": "csv"}
_PACKED = (".gz", ".gzip", ".zip")
_UNREADABLE = {
    b"\xd0\xcf\x11\xe0": "is an Excel workbook of the old kind (.xls), or has a password: save it as XLSX without one",
    b"%PDF": "is a PDF: export CSV, XLSX or NDJSON",
    b"PAR1": "is a Parquet file: export CSV, XLSX or NDJSON",
    b"BZh": "is packed with bzip2: gzip and ZIP are read",
    b"\xfd7zXZ": "is packed with xz: gzip and ZIP are read",
    b"\x28\xb5\x2f\xfd": "is packed with zstd: gzip and ZIP are read",
    b"7z\xbc\xaf": "is a 7z archive: gzip and ZIP are read",
    b"Rar!": "is a RAR archive: gzip and ZIP are read",
}
_MARKUP = ("<!doctype", "<html", "<?xml")
# Two rows that are cut alike into so many cells are a table, whatever their headings are.
_COLUMNS_OF_A_TABLE = 3


def kind_of(head: bytes, name: str, export_format: ExportFormat) -> str:
    """Return ``ndjson`` or ``csv``. Raises ExportError for what is neither, or not what was said."""
    for magic, why in _UNREADABLE.items():
        if head.startswith(magic):
            raise ExportError(why)
    if export_format.format == "xlsx":
        raise ExportError("is no XLSX workbook, as export_format says it is")
    if export_format.format != AUTO:
        return export_format.format
    encoding = marked(head)
    utf_16 = encoding.name if encoding and encoding.name != "utf-8" else utf_16_without_mark(head)
    text = head.decode(utf_16 or "utf-8", "replace").lstrip("\ufeff\t\r\n ")
    if text.startswith("{"):
        if utf_16:
            raise ExportError(f"is NDJSON in {utf_16.upper()}, and NDJSON is always UTF-8")
        return "ndjson"
    _refuse_documents(text)
    named = _by_name(name, _SURE)
    return named or _by_content(text, _by_name(name, _LIKELY), export_format)


def _by_content(text: str, named: str, export_format: ExportFormat) -> str:
    if text and _looks_like_a_table(text, export_format, by_rows=not named):
        return "csv"
    if text and not named:
        raise ExportError("is neither NDJSON nor CSV by its name or content; say which in export_format: format")
    return named or "csv"


def _by_name(name: str, suffixes: Mapping[str, str]) -> str:
    lower = name.lower()
    for packed in _PACKED:
        lower = lower.removesuffix(packed)
    return next((kind for suffix, kind in suffixes.items() if lower.endswith(suffix)), "")


def _refuse_documents(text: str) -> None:
    if text.startswith("[") and text[1:].lstrip()[:1] in ("{", "]"):
        raise ExportError("is one JSON array: NDJSON has one event a line")
    if text[:9].lower().startswith(_MARKUP):
        raise ExportError("is HTML or XML: is it perhaps the page of an error?")


def _looks_like_a_table(text: str, export_format: ExportFormat, *, by_rows: bool) -> bool:
    """A table has a header with a heading that is known, or at least two rows that are cut alike."""
    first, second, *_ = [*filter(str.strip, text.splitlines()), "", ""]
    fit = best_fit(first, export_format)
    if fit.known:
        return fit.columns > 1
    return by_rows and fit.columns >= _COLUMNS_OF_A_TABLE and best_fit(second, export_format)[1:] == fit[1:]
