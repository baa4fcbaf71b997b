"""Find out which of Netmera's delimiters stands between the headings of a table."""

from __future__ import annotations

import csv
from typing import NamedTuple

from airflow_netmera_kinesis.exports.export_format import AUTO, DELIMITERS, ExportFormat
from airflow_netmera_kinesis.netmera.field_name import FIELD_OF_HEADING


class Fit(NamedTuple):
    """How well a delimiter fits a line: by the headings that are known or mapped, then by the columns it makes."""

    known: int
    columns: int
    delimiter: str


def best_fit(line: str, export_format: ExportFormat) -> Fit:
    """Look at the header of a table; of two that fit alike, the first in Netmera's order."""
    if export_format.delimiter != AUTO:
        return _fit(line, export_format.delimiter, export_format)
    return max((_fit(line, delimiter, export_format) for delimiter in DELIMITERS), key=lambda fit: fit[:2])


def _fit(line: str, delimiter: str, export_format: ExportFormat) -> Fit:
    # Python 3.10 refuses a NUL, which a header in another encoding may hold.
    headings = next(csv.reader([line.replace("\0", "")], delimiter=delimiter), [])
    known = sum(heading.strip() in FIELD_OF_HEADING or heading.strip() in export_format.columns for heading in headings)
    return Fit(known, len(headings), delimiter)
