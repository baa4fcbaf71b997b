"""What is old goes, what is needed stays."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from deployment import STREAMS, events, half_sent
from mortal import Life, MortalFolder
from replaying import LiveRuns, Replays

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.stages.cleaning import Kind, find_litter, remove
from airflow_netmera_kinesis.stages.found_letters import Status
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)
ALL = frozenset(Kind)
DAY_MS = 24 * 60 * 60 * 1000


def content(folder: Folder) -> dict[str, bytes]:
    return {info.name: folder.read(info.name) for info in folder.list()}


def later(folder: Folder, days: int) -> Folder:
    """Return the folder with its store's clock moved on."""
    return MortalFolder(folder, Life(10**9), ahead_ms=days * DAY_MS + 60_000)


def clean(root: Folder, staging: Folder, days: int = 30) -> set[str]:
    found = find_litter(root, staging, days, ALL)
    for litter in found:
        remove(root, staging, litter)
    return {litter.tree.partition("/")[0] if litter.key else "staged" for litter in found}


def run_with_letters(live: LiveRuns, name: str = "app_20260906.ndjson") -> None:
    live.put(name, *events(name[10:12], 6), {**events("x", 1)[0], "userId": None}, b"broken")
    current = live.planned()
    live.match(current)
    live.gate(current)
    live.send(current)
    live.commit(current, keep_receipts=True)


def test_old_letters_receipts_and_stray_parts_go_and_nothing_else(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    live = LiveRuns(storage, fake_kinesis)
    run_with_letters(live)
    live.staging.write("20260101-00000000000000000000/parts/00000/stream/0000.part", b"of a killed run")
    live.staging.write("20260101-00000000000000000000/results/00000.json", b"of a killed run")
    live.staging.write("somebody/elses.file", b"not ours")
    before = content(live.root)
    assert clean(later(live.root, 29), later(live.staging, 29)) == set()
    assert content(live.root) == before
    assert clean(later(live.root, 30), later(live.staging, 30)) == {"dead_letters", "receipts", "staged"}
    gone = {name.split("/")[1] for name in before.keys() - content(live.root).keys()}
    assert gone == {"dead_letters", "receipts"}
    assert {"checkpoint", "manifests"} <= {name.split("/")[1] for name in content(live.root)}
    assert list(content(live.staging)) == ["somebody/elses.file"]
    live.put("app_20260907.ndjson", *events("07", 3))
    assert live.run() is not None, "the next run goes on as if nothing had been"


def test_nothing_of_an_open_slice_goes_however_old(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> None:
    live = LiveRuns(storage, fake_kinesis)
    live.put("app_20260906.ndjson", *events("06", 60), b"broken")
    half_sent(live)
    state, staging = content(live.root), content(live.staging)
    assert clean(later(live.root, 400), later(live.staging, 400)) == set()
    assert (content(live.root), content(live.staging)) == (state, staging)
    assert live.run() is not None


@pytest.fixture
def local(tmp_path: Path) -> Callable[[str], Folder]:
    return lambda name: LocalFolder(tmp_path / name)


def test_what_was_replayed_does_not_come_back_when_its_marks_are_cleaned(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    live = LiveRuns(local, fake_kinesis)
    run_with_letters(live)
    replays = Replays(local, fake_kinesis)
    replays.replay()
    assert [found.status for found in replays.letters()].count(Status.OPEN) == 2
    root = later(live.root, 30)
    letters = [litter for litter in find_litter(root, None, 30, {Kind.DEAD_LETTERS}) if litter.tree.startswith("dead")]
    assert [litter.tree.partition("/")[0] for litter in letters] == ["dead_letters"] * 2
    for litter in letters:  # killed before the marks
        remove(root, None, litter)
    assert clean(root, live.staging) == {"receipts", "replayed"}
    assert replays.letters() == []


def test_marks_stay_as_long_as_their_letters(local: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> None:
    live = LiveRuns(local, fake_kinesis)
    run_with_letters(live)
    replays = Replays(local, fake_kinesis)
    replays.replay()
    before = [(found.status, found.letter.place) for found in replays.letters()]
    assert clean(later(live.root, 29), live.staging) == set()
    assert [(found.status, found.letter.place) for found in replays.letters()] == before


def test_the_command_shows_first_and_deletes_with_yes(
    local: Callable[[str], Folder], fake_kinesis: FakeKinesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveRuns(local, fake_kinesis)
    run_with_letters(live)
    monkeypatch.chdir(tmp_path)
    old = time.time() - 40 * 24 * 3600
    for path in (tmp_path / "state").rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))

    def cleaned(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["clean", "--state", "state", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    before = content(live.root)
    shown = cleaned("--staging", "staging")
    assert "Nothing was deleted. To free" in shown
    assert content(live.root) == before
    assert "Staging was not looked at: say where it is with --staging." in cleaned()
    document = json.loads(cleaned("--only", "receipts", "--json"))
    assert {litter["kind"] for litter in document["litter"]} == {"receipts"}
    assert not document["deleted"]
    assert cleaned("--older-than", "41", "--staging", "staging") == "Nothing is older than 41 days.\n"
    assert f"Freed {document['bytes']:,}" not in cleaned("--staging", "staging", "--yes", "--only", "dead-letters")
    assert {name.split("/")[1] for name in before.keys() - content(live.root).keys()} == {"dead_letters"}
