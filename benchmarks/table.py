"""Print what was measured, each figure beside its goal."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

WIDTHS = (62, 15, 15)


class Row(msgspec.Struct, frozen=True):
    """One figure; ``goal`` is the most or the least that it may be, None where it is there to compare with."""

    what: str
    figure: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.figure >= self.goal if self.at_least else self.figure <= self.goal


def print_heading(title: str) -> None:
    print(f"\n{title:<{WIDTHS[0]}} {'measured':>{WIDTHS[1]}} {'goal':>{WIDTHS[2]}}", flush=True)


def print_row(row: Row) -> None:
    goal = ""
    if row.goal is not None:
        goal = f"{'≥' if row.at_least else '≤'} {_number(row.goal)} {row.unit}".rstrip()
    figure = f"{_number(row.figure)} {row.unit}".rstrip()
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    print(f"{row.what:<{WIDTHS[0]}} {figure:>{WIDTHS[1]}} {goal:>{WIDTHS[2]}}  {verdict}".rstrip(), flush=True)


def print_section(title: str, rows: Callable[[], list[Row]]) -> list[Row]:
    """Measure a section and print it."""
    print_heading(title)
    found = rows()
    for row in found:
        print_row(row)
    return found


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")
