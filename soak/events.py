"""Make the events of a soak: a few users come very often, most of them seldom, the same for every seed."""

from __future__ import annotations

from array import array
from itertools import accumulate
from pathlib import Path
from random import Random

EVENT_CODE = "n:ph"
FIRST_TIME_MS = 1_757_300_000_000


def choose_users(count: int, users: int, seed: int) -> array[int]:
    """Choose the user of each event, by Zipf's law with its head cut: the first one has about 1 in 170 of a million."""
    weights = list(accumulate(1 / (rank + 10) ** 0.9 for rank in range(users)))
    return array("L", Random(seed).choices(range(users), cum_weights=weights, k=count))


def user_id(user: int) -> str:
    """A user id beyond ASCII, since keys are hashed as UTF-8."""
    return f"kullanıcı-{user:06d}"


def write_export(folder: Path, of: array[int]) -> None:
    """Write one NDJSON file; event n, from 1, is its line n and bears the id ``e<n>``."""
    folder.mkdir(parents=True)
    with (folder / "events_20260907.ndjson").open("w", encoding="utf-8") as file:
        for number, user in enumerate(of, start=1):
            file.write(
                f'{{"recordType":"EVENT","id":"e{number}","eventCode":"{EVENT_CODE}",'
                f'"timestamp":{FIRST_TIME_MS + number},"userId":"{user_id(user)}",'
                f'"params":{{"es":{number % 997},"screen":"Ödeme","note":"{number * 7919 % 10**9:09d}"}}}}\n'
            )
