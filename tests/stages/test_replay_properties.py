"""Whatever fails, and wherever a replay is killed: each dead letter ends as delivered or as one open letter."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import pytest
from deployment import HOOKS, STREAMS, events
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mortal import Killed, Life, MortalFolder
from replaying import ANYTHING, LiveRuns, Replays

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.storage import Folder, LocalFolder, S3Folder
from airflow_netmera_kinesis.testing import FakeKinesis, Faults
from airflow_netmera_kinesis.testing.faults import RecordFate

ALIVE = 10**9
MENDED_HOOKS = tuple(msgspec.structs.replace(hook, partition_key=("userId", "extId")) for hook in HOOKS)
MENDED_FORMAT = ExportFormat(time_format="%d.%m.%Y")
REFUSED = Faults(keys={"refused": RecordFate.UNHEARD_OF})
FILE = "app_20260906.ndjson"


class Round(NamedTuple):
    """One replay: what was mended before it, and when it dies."""

    hooks: bool
    export_format: bool
    stream: bool
    dies_before: int


def line(number: int, kind: str) -> dict[str, Any]:
    made = {**events("06", 1)[0], "id": f"e{number}"}
    if kind == "nobody":
        return {**made, "userId": None, "identities": {"extId": f"CRM-{number % 3}"}}
    if kind == "malformed":
        return {**made, "timestamp": "06.09.2026"}
    return {**made, "userId": "refused"} if kind == "refused" else made


kinds = st.lists(st.sampled_from(["nobody", "malformed", "refused", "good"]), min_size=1, max_size=9)
rounds = st.lists(
    st.builds(Round, st.booleans(), st.booleans(), st.booleans(), st.one_of(st.just(ALIVE), st.integers(1, 60))),
    min_size=1,
    max_size=4,
)


@given(kinds, rounds)
@example(["nobody"], [Round(False, False, False, 16)])  # killed between the marks and the commit
@settings(max_examples=20)
def test_each_letter_is_delivered_or_one_open_letter(kinds: list[str], rounds: list[Round]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(os, "fsync", lambda _: None),
        patch.object(os, "fdatasync", lambda _: None),
        FakeKinesis(STREAMS) as kinesis,
    ):
        assert_each_is_dealt_with_once(Path(folder), kinesis, kinds, rounds)


def assert_each_is_dealt_with_once(folder: Path, kinesis: FakeKinesis, kinds: list[str], rounds: list[Round]) -> None:
    def place(name: str) -> Folder:
        return LocalFolder(folder / name)

    live = LiveRuns(place, kinesis)
    live.tolerance = ANYTHING
    live.put(FILE, *(line(number, kind) for number, kind in enumerate(kinds)), line(99, "good"))
    kinesis.faults = REFUSED
    live.run()
    for number, each in enumerate([*rounds, Round(True, False, False, ALIVE)]):
        kinesis.faults = Faults() if each.stream else REFUSED
        life = Life(each.dies_before)
        replays = Replays(mortal(place, life, number + 1), kinesis)
        mended = {"export_format": MENDED_FORMAT} if each.export_format else {}
        with suppress(Killed):
            replays.replay(f"run-{number}", hooks_now=MENDED_HOOKS if each.hooks else HOOKS, **mended)
    replays = Replays(mortal(place, Life(ALIVE), len(rounds) + 2), kinesis)
    open_lines = Counter(line for _, line, _ in replays.open_letters())
    arrived = Counter(payload["eventId"] for payload in replays.payloads())
    for number in range(len(kinds)):
        delivered, still_open = arrived[f"e{number}"], open_lines[number + 1]
        assert delivered + still_open >= 1, f"line {number + 1}, {kinds[number]}, is lost"
        assert still_open <= 1
        # What was under way when a process died may be stored without anybody knowing, and is tried once more.
        if all(each.dies_before == ALIVE for each in rounds):
            assert delivered + still_open == 1


def mortal(place: Callable[[str], Folder], life: Life, turn: int) -> Callable[[str], Folder]:
    """Each turn comes after the leases of the one before have expired."""
    return lambda name: MortalFolder(place(name), life, ahead_ms=turn * (leases.EXPIRY_MS + 5_000))


@pytest.mark.parametrize("step", [16, 30])
def test_the_same_holds_in_object_storage(s3: Any, step: int) -> None:
    root = f"exports-and-state/{uuid.uuid4().hex}"

    def place(name: str) -> Folder:
        return S3Folder(s3, f"{root}/{name}", f"s3://{root}/{name}")

    with FakeKinesis(STREAMS) as kinesis:
        live = LiveRuns(place, kinesis)
        live.put(FILE, *(line(number, "nobody") for number in range(6)), line(99, "good"))
        live.run()
        with suppress(Killed):
            Replays(mortal(place, Life(step), 1), kinesis).replay("run-1", hooks_now=MENDED_HOOKS)
        replays = Replays(mortal(place, Life(ALIVE), 2), kinesis)
        replays.replay("run-2", hooks_now=MENDED_HOOKS)
        assert replays.open_letters() == []
        assert {payload["eventId"] for payload in replays.payloads()} == {*(f"e{number}" for number in range(6)), "e99"}
