"""Guess from the cells of a column what they are: a type, an id that everybody knows, or nothing but text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_netmera_kinesis.exports.cell_type import all_are

_CODE = re.compile(r"n:[a-z]{2,4}", re.ASCII)  # Netmera's own events; a customer's are any short text
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MSISDN = re.compile(r"\+?90\d{10}|0?5\d{9}", re.ASCII)
_LONG_NUMBER = re.compile(r"-?\d{12,}", re.ASCII)  # an id, of which a number would lose digits in many a consumer
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+", re.ASCII)


def type_of(cells: Sequence[str]) -> str:
    """Return the type that every cell has; text if there is none, or no cell."""
    if not cells:
        return "text"
    if all(cell.strip().lower() in ("true", "false") for cell in cells):
        return "boolean"
    if all(cell.lstrip().startswith(("{", "[")) for cell in cells) and all_are("json", cells):
        return "json"
    if any(map(_LONG_NUMBER.fullmatch, cells)):
        return "text"
    return next((kind for kind in ("integer", "number") if all_are(kind, cells)), "text")


def are_objects(cells: Sequence[str]) -> bool:
    """Tell whether every cell is a JSON object."""
    return bool(cells) and all(cell.lstrip().startswith("{") for cell in cells) and all_are("json", cells)


def have_codes(cells: Sequence[str]) -> bool:
    return any(map(_CODE.fullmatch, cells))


def are_emails(cells: Sequence[str]) -> bool:
    return bool(cells) and all(map(_EMAIL.fullmatch, cells))


def are_phone_numbers(cells: Sequence[str]) -> bool:
    return bool(cells) and all(map(_MSISDN.fullmatch, cells))


def are_unique(cells: Sequence[str], rows: int) -> bool:
    """Tell whether each row has a cell of its own."""
    return len(cells) == rows == len(set(cells))


def have_decimal_commas(cells: Sequence[str]) -> bool:
    return (
        bool(cells)
        and all(re.fullmatch(r"-?\d+(,\d+)?", cell, re.ASCII) for cell in cells)
        and any(map(_DECIMAL_COMMA.fullmatch, cells))
    )
