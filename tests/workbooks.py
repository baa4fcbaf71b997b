"""Make XLSX workbooks for tests: as openpyxl writes them, and part by part as other programs do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
TYPES = "[Content_Types].xml"
XML = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRINGS_TYPE = (
    '<Override PartName="/xl/sharedStrings.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


def workbook(rows: Iterable[Sequence[Any]], **sheets: Iterable[Sequence[Any]]) -> bytes:
    """A workbook whose first sheet has these rows."""
    book = Workbook()
    for number, (name, content) in enumerate({"Sheet": rows, **sheets}.items()):
        sheet: Any = book.active if number == 0 else book.create_sheet(name)
        for row in content:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_parts(made: bytes, parts: Mapping[str, str | None]) -> bytes:
    """The same workbook with other parts, or without them."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        content = {name: old.read(name).decode() for name in old.namelist()}
        if STRINGS in parts:
            content[TYPES] = content[TYPES].replace("</Types>", STRINGS_TYPE)
        for name, text in {**content, **parts}.items():
            if text is not None:
                new.writestr(name, text)
    return file.getvalue()


def sheet_xml(rows: str, before: str = "", after: str = "") -> str:
    return f'{XML}<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def strings_xml(items: Iterable[str]) -> str:
    return f'{XML}<sst xmlns="{MAIN}">{"".join(f"<si>{item}</si>" for item in items)}</sst>'


def texts_xml(texts: Iterable[str]) -> str:
    """Shared strings as Excel writes them."""
    return strings_xml(f'<t xml:space="preserve">{escape(text)}</t>' for text in texts)
