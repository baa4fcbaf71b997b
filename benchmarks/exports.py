"""Make the exports that are measured, once, with the generator of the samples."""

from __future__ import annotations

import bisect
import csv
import gzip
import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from samples.make_exports import make_events, make_users

BENCH = Path(__file__).resolve().parent.parent / ".bench"
SEED = 7
USERS = 200_000
# About 29 % of the generated events.
CODES = ("n:ph", "n:acp", "n:cl", "n:sv", "ödeme", "n:rcp")
# Five columns and one of JSON.
CSV_HEADINGS = ("Event Code", "Timestamp", "User ID", "External ID", "Email", "Parameters")

FILE = "events_20260906.ndjson"
Event = dict[str, Any]
_dumps = msgspec.json.Encoder().encode


def events(count: int) -> Iterator[Event]:
    """Generate events of many users, the same every time."""
    rng = random.Random(SEED)
    return iter(make_events(rng, count, make_users(rng, USERS)))


def ndjson(count: int) -> Path:
    """One NDJSON file in a folder of its own; returns the folder."""
    return _made(f"ndjson-{count}", lambda folder: _write_lines(folder / FILE, events(count)))


def ndjson_twice(count: int) -> Path:
    """A folder with twice the events, without twice the disk space."""
    (file,) = ndjson(count).iterdir()

    def link(folder: Path) -> None:
        for day in ("06", "07"):
            os.link(file, folder / f"events_202609{day}.ndjson")

    return _made(f"ndjson-{count}-twice", link)


def gzipped(count: int) -> Path:
    """The same NDJSON file, compressed."""

    def write(folder: Path) -> None:
        with gzip.open(folder / "events_20260906.ndjson.gz", "wb", compresslevel=6) as file:
            file.writelines(_lines(events(count)))

    return _made(f"gzip-{count}", write)


def csv_file(count: int) -> Path:
    """The same events as a Data Export in CSV."""

    def write(folder: Path) -> None:
        with (folder / "events_20260906.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(CSV_HEADINGS)
            rows.writerows(map(_row, events(count)))

    return _made(f"csv-{count}", write)


def logins_of(users: int, count: int) -> Path:
    """Logins of a few users by Zipf's law: of 200 users the first makes an eighth."""
    weights = list(itertools.accumulate(1 / (rank + 1) ** 0.9 for rank in range(users)))
    rng = random.Random(SEED)
    return _logins(f"users-{users}-{count}", count, lambda _: bisect.bisect_left(weights, rng.random() * weights[-1]))


def logins_of_strangers(count: int) -> Path:
    """As many logins, each of a user of its own, so that none waits for another."""
    return _logins(f"strangers-{count}", count, lambda number: number)


def _logins(name: str, count: int, user_of: Callable[[int], int]) -> Path:
    def logins() -> Iterator[Event]:
        for number, event in enumerate(events(count)):
            kept = {field: event[field] for field in ("recordType", "id", "appKey", "timestamp")}
            yield {**kept, "eventCode": "n:cl", "eventName": "Login", "userId": f"u{user_of(number):08d}"}

    return _made(name, lambda folder: _write_lines(folder / FILE, logins()))


def many_files(count: int) -> Path:
    """A folder of as many files of many days, empty ones: only their listing counts."""

    def write(folder: Path) -> None:
        for number in range(count):
            day = f"2026{number // 28 % 12 + 1:02d}{number % 28 + 1:02d}"
            (folder / f"acme_EVENT_DATA_{day}_{number:06d}.ndjson").touch()

    return _made(f"files-{count}", write)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """An empty folder for staging and state, gone afterwards."""
    folder = BENCH / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(name: str, write: Callable[[Path], None]) -> Path:
    """Return the folder ``name``; it appears when it is whole, and stays for the next time."""
    folder = BENCH / name
    if not folder.is_dir():
        print(f"bench: making {folder.relative_to(BENCH.parent)}", flush=True)
        with scratch(f"{name}.unfinished") as unfinished:
            write(unfinished)
            unfinished.rename(folder)
    return folder


def _row(event: Event) -> tuple[object, ...]:
    ids = event["identities"]
    return (
        event["eventCode"], event["timestamp"], event["userId"], ids["extId"], ids.get("email", "null"),
        _dumps(event["params"]).decode(),
    )  # fmt: skip


def _write_lines(path: Path, events: Iterable[Event]) -> None:
    with path.open("wb") as file:
        file.writelines(_lines(events))


def _lines(events: Iterable[Event]) -> Iterator[bytes]:
    return (_dumps(event) + b"\n" for event in events)
