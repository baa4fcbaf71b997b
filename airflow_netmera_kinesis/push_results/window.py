"""Decide which stretches of time a pull asks for, from where the last one ended and how late results may come."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

# "Without dates: the last two weeks": older results are not promised.
# https://user.netmera.com/netmera-developer-guide/rest-api/rest-api/rest-api-notifications
KEPT_BY_NETMERA_MS = 14 * 24 * 60 * 60 * 1000
MAX_WINDOWS = 12  # beyond what was asked for before: what is left of a gap is the next run's


class Window(msgspec.Struct, frozen=True):
    """A stretch of event time; both ends may belong to it, since a row at a border is recognised."""

    start_ms: int
    end_ms: int


class Reach(msgspec.Struct, frozen=True):
    """What a pull is to cover. ``look_back_ms`` is how late a result may come, ``max_window_ms`` bounds a window."""

    end_ms: int
    look_back_ms: int
    max_window_ms: int
    start_after_ms: int | None = None


class Plan(msgspec.Struct, frozen=True):
    """The windows to ask for, oldest first; ``lost`` is the part of a gap that Netmera no longer keeps."""

    windows: tuple[Window, ...]
    lost: Window | None = None
    is_complete: bool = True


def plan_windows(reach: Reach, position_ms: int | None, since_ms: int) -> Plan:
    """Cover all up to ``reach.end_ms`` that was not asked for yet, and the look-back before it once more.

    ``position_ms`` is where the last pull ended, None before the first one. Rows from before ``since_ms`` are not
    remembered, so none are asked for: they would be sent a second time.
    """
    kept_from = reach.end_ms - KEPT_BY_NETMERA_MS
    if position_ms is None:
        first = reach.end_ms - reach.look_back_ms if reach.start_after_ms is None else reach.start_after_ms
        start, asked_until, lost = max(first, kept_from), max(first, kept_from), None
    else:
        start = max(position_ms - reach.look_back_ms, since_ms, reach.start_after_ms or 0, kept_from)
        lost = Window(position_ms, kept_from) if position_ms < kept_from else None
        asked_until = max(position_ms, start)
    windows: list[Window] = []
    beyond = 0
    for window in _cut(start, reach.end_ms, reach.max_window_ms):
        beyond += window.end_ms > asked_until
        if beyond > MAX_WINDOWS:
            return Plan(tuple(windows), lost, is_complete=False)
        windows.append(window)
    return Plan(tuple(windows), lost)


def _cut(start_ms: int, end_ms: int, length_ms: int) -> Iterator[Window]:
    while start_ms < end_ms:
        until = min(start_ms + length_ms, end_ms)
        yield Window(start_ms, until)
        start_ms = until
