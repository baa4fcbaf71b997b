"""Open an XLSX workbook: its sheets by name, the texts they share, and which numbers of them are moments."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, cast

from airflow_netmera_kinesis.errors import ConfigurationError, ExportError
from airflow_netmera_kinesis.exports.archive import DAMAGE
from airflow_netmera_kinesis.exports.shared_strings import SharedStrings
from airflow_netmera_kinesis.exports.sheet import Cell, Moment, Sheet

MAX_PART_BYTES = 64 * 1024 * 1024  # of each part that is read whole: which sheets there are, and their styles
_READ_WHOLE = ("[Content_Types].xml", "workbook.xml", "workbook.xml.rels", "styles.xml")
# What openpyxl and the XML parser raise for a part that is damaged, lacking, or not what it should be.
_DAMAGED_PART = (*DAMAGE, SyntaxError, LookupError, TypeError, AttributeError, ArithmeticError)


class Workbook:
    """An open workbook; ``sheets`` are their names, in order. Raises ExportError where it is damaged.

    openpyxl reads what a workbook says of itself. Rows and texts are read here: openpyxl keeps all texts and something
    of each row in memory, which is more than a match task may take.
    """

    def __init__(self, file: BinaryIO) -> None:
        with _damage_is_told():
            reader = _opened(file)
            self._archive: zipfile.ZipFile = reader.archive
            self._paths = {sheet.name: rel.target for sheet, rel in reader.parser.find_sheets() if _is_sheet(rel)}
            self._texts = reader.package.find(_shared_strings_type())
            self._moments = _moments(reader.wb)
            self._epoch = reader.wb.epoch
        self.sheets = tuple(self._paths)
        self._strings: SharedStrings | None = None

    def rows(self, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
        """Yield the rows of a sheet with their numbers."""
        with _damage_is_told():
            strings = self._shared_strings()
            with self._archive.open(self._paths[sheet]) as source:
                yield from Sheet(cast(BinaryIO, source), strings, self._moments).rows()

    def moment(self, serial: float) -> Moment:
        """Return the moment that a number stands for; raises ValueError or OverflowError where it stands for none."""
        from openpyxl.utils.datetime import from_excel

        return cast(Moment, from_excel(serial, self._epoch))

    def close(self) -> None:
        if self._strings is not None:
            self._strings.close()
        self._archive.close()

    def _shared_strings(self) -> SharedStrings:
        if self._strings is None:
            self._strings = SharedStrings()
            if self._texts is not None:
                with self._archive.open(self._texts.PartName.lstrip("/")) as source:
                    self._strings.load(cast(BinaryIO, source))
        return self._strings


def _opened(file: BinaryIO) -> Any:
    try:
        from openpyxl.reader.excel import ExcelReader
        from openpyxl.styles.stylesheet import apply_stylesheet
    except ImportError as error:
        raise ConfigurationError(
            f"is an XLSX workbook, and what reads it is not installed ({error}): install airflow-netmera-kinesis[xlsx]"
        ) from None
    reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    for info in reader.archive.infolist():
        if info.filename.rpartition("/")[2] in _READ_WHOLE and info.file_size > MAX_PART_BYTES:
            raise ExportError(f"its {info.filename} is larger than {MAX_PART_BYTES} bytes")
    with warnings.catch_warnings():  # they are about styles, of which only the formats of dates matter
        warnings.simplefilter("ignore")
        reader.read_manifest()
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
    return reader


def _is_sheet(relationship: Any) -> bool:
    return str(relationship.Type).endswith("/worksheet")  # and no chart by itself


def _shared_strings_type() -> str:
    from openpyxl.xml.constants import SHARED_STRINGS

    return str(SHARED_STRINGS)


def _moments(workbook: Any) -> dict[str, Callable[[float], Moment]]:
    """Map each style that shows a date, a time or a duration to what makes one of a number."""
    from openpyxl.utils.datetime import from_excel

    durations = workbook._timedelta_formats  # noqa: SLF001 - as openpyxl's own reader of sheets takes them
    dates = workbook._date_formats  # noqa: SLF001
    return {
        str(style): partial(from_excel, epoch=workbook.epoch, timedelta=style in durations)
        for style in dates | durations
    }


@contextmanager
def _damage_is_told() -> Iterator[None]:
    try:
        yield
    except _DAMAGED_PART as error:
        # Other messages may show a cell.
        why = f": {error}" if isinstance(error, (SyntaxError, zipfile.BadZipFile)) else ""
        raise ExportError(f"damaged XLSX workbook ({type(error).__name__}{why})") from None
