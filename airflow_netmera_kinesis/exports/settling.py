"""Decide whether a file may still be on its way: by its age, or where nobody tells the time, by two looks at it."""

from __future__ import annotations

import msgspec

from airflow_netmera_kinesis.exports.change import DAY_MS, ends_with_newline
from airflow_netmera_kinesis.state.plan_memory import PlanMemory, Sighting
from airflow_netmera_kinesis.storage import FileInfo, Folder, ReadableFolder

# Whatever two machines' clocks say, and whatever zone a server tells times in: they are not further apart.
FURTHEST_APART_MS = DAY_MS


class Clock(msgspec.Struct, frozen=True):
    """The time, and whether the clock that tells it also stamps the files."""

    now_ms: int
    stamps_files: bool = True


def clock_for(exports: ReadableFolder, state: Folder) -> Clock:
    """Ask the store of the exports; a server that only hands out files tells no time, so then ask another store."""
    now_ms = exports.now_ms()
    return Clock(state.now_ms(), stamps_files=False) if now_ms is None else Clock(now_ms)


class Settling:
    """Asked about the files of one plan. ``sizes`` and ``seen`` are what the next plan has to know."""

    def __init__(self, folder: ReadableFolder, before: PlanMemory, clock: Clock, min_age_ms: int) -> None:
        self._folder, self._before, self._clock = folder, before, clock
        self._newest_ms = clock.now_ms - min_age_ms
        self.sizes: dict[str, int] = {}
        self.seen: dict[str, Sighting] = {}

    def reason_to_wait(self, info: FileInfo) -> str | None:
        """Say why a file is left for a later plan.

        Without the store's clock a file of the last day counts as old once a plan has listed it, the same, ``min_age``
        before; an older one is old in any case.
        """
        if self._clock.stamps_files:
            return "younger than min_age" if info.modified_ms > self._newest_ms else None
        if info.modified_ms <= self._newest_ms - FURTHEST_APART_MS:
            return None
        seen = self._before.seen.get(info.name)
        stood_still = seen is not None and (seen.size, seen.modified_ms) == (info.size, info.modified_ms)
        since_ms = seen.since_ms if seen and stood_still else self._clock.now_ms
        self.seen[info.name] = Sighting(info.size, info.modified_ms, since_ms)
        return "seen for less than min_age" if since_ms > self._newest_ms else None

    def may_still_grow(self, info: FileInfo) -> bool:
        """Half a row of CSV can look whole: without a last newline a file must have stood still since the last plan."""
        if info.name in self.seen or ends_with_newline(self._folder, info):
            return False
        self.sizes[info.name] = info.size
        return self._before.sizes.get(info.name) != info.size
