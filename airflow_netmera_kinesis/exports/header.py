"""Decide whether the first row of a table is its header, or values, which no message may repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Each event has a time, so that a row of values holds a date, or the digits of one; headings hold a year at most.
_VALUE = re.compile(r"@|\{|\d{6}|\d[-./]\d{1,2}[-./]\d|\d:\d\d").search
UNTOLD = "its first row looks like values, not like headings"


def looks_like_values(headings: Sequence[str]) -> bool:
    """Tell whether a cell of the first row holds what a heading hardly would: a time, an id, an address, JSON."""
    return any(map(_VALUE, headings))


def told(headings: Sequence[str]) -> str:
    """List the headings for a message; values of a user are not told."""
    if looks_like_values(headings):
        return UNTOLD
    return f"it has {', '.join(map(repr, headings))}"
