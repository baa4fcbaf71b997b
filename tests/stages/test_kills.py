"""Killed at any step of a run, and run again: nothing lost, no user's order broken, duplicates within their bound."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from deployment import STREAMS, Deployment, events, lines
from mortal import Killed, Life, MortalFolder

from airflow_netmera_kinesis.state import lease as leases
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

# Two requests of ten records for each of two streams may be under way when the process dies.
IN_FLIGHT = 40
FILES = {"app_20260906.ndjson": events("06", 36), "app_20260907.ndjson": events("07", 36)}
ALIVE = 1_000_000


class Storage(Protocol):
    """Makes the folders of one deployment after another."""

    def __call__(self, number: int) -> Callable[[str], Folder]: ...


@pytest.fixture
def storages(storage: Callable[[str], Folder], monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Make folders with two exports in each."""
    # What a process has written outlives it; to wait for the disk would only be slow.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)

    def make(number: int) -> Callable[[str], Folder]:
        for name, made in FILES.items():
            storage(f"{number}/exports").write(name, lines(made))
        return lambda name: storage(f"{number}/{name}")

    return make


def run_until_killed(storage: Callable[[str], Folder], kinesis: FakeKinesis, life: Life) -> None:
    """Do a whole run, or as much of it as the process lives to do."""
    run = Deployment(lambda name: MortalFolder(storage(name), life), kinesis)
    with suppress(Killed):
        run.run()


def assert_the_next_run_mends_it(storage: Callable[[str], Folder], kinesis: FakeKinesis) -> None:
    run = Deployment(storage, kinesis)
    run.sent = dict(FILES)
    while run.run() is not None:
        pass
    run.assert_all_arrived(duplicates=IN_FLIGHT)
    run.assert_tidy()


def test_before_any_step_that_changes_something(storages: Storage, request: pytest.FixtureRequest) -> None:
    # Each step takes two runs, on S3 longer ones: not all of them are tried every time.
    every = 11 if "s3" in request.node.name else 2
    number, life = 0, Life(0)
    while life.is_over:
        number += every
        storage, life = storages(number), Life(dies_before=number)
        with FakeKinesis(STREAMS) as kinesis:
            run_until_killed(storage, kinesis, life)

            def later(name: str, storage: Callable[[str], Folder] = storage) -> Folder:
                return MortalFolder(storage(name), Life(ALIVE), ahead_ms=leases.EXPIRY_MS + 5_000)

            try:
                assert_the_next_run_mends_it(later, kinesis)
            except AssertionError as error:
                raise AssertionError(f"killed before step {number}") from error
    assert life.steps > 30


RUN = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from deployment import Deployment, FakeKinesis
from mortal import Life, MortalFolder
from airflow_netmera_kinesis.storage import LocalFolder, S3Folder

class Doomed(Life):
    def step(self):
        self.steps += 1
        if self.steps >= int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)

kinesis, life = FakeKinesis(), Doomed(10**6)
kinesis.endpoint_url = sys.argv[3]

def storage(name):
    if not sys.argv[5]:
        return MortalFolder(LocalFolder(f"{sys.argv[2]}/{name}"), life)
    import s3fs
    fs = s3fs.S3FileSystem(endpoint_url=sys.argv[5], key="test", secret="test")
    return MortalFolder(S3Folder(fs, f"{sys.argv[2]}/{name}", name), life)

Deployment(storage, kinesis).run()
"""
# Leases that expire within seconds, for the process and for the test alike.
IMPATIENT = """
from airflow_netmera_kinesis.state import lease as leases
leases.EXPIRY_MS, leases.RENEW_EVERY_SECONDS, leases.SURE_FOR_SECONDS = 3_000, 0.5, 1.0
"""


def in_a_process(
    code: str, storage: Callable[[str], Folder], kinesis: FakeKinesis, step: int, request: pytest.FixtureRequest
) -> subprocess.Popen[str]:
    """Do a run in a process of its own, which kills itself before a step."""
    root = storage("exports").uri.removesuffix("/exports").removeprefix("s3://")
    endpoint = request.getfixturevalue("s3_endpoint") if "s3" in request.node.name else ""
    arguments = [str(Path(__file__).parent.parent), root, kinesis.endpoint_url, str(step), endpoint]
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("step", [3, 16, 24, 30])
@pytest.mark.fake_kinesis(STREAMS)
def test_with_sigkill(storages: Storage, fake_kinesis: FakeKinesis, step: int, request: pytest.FixtureRequest) -> None:
    storage = storages(0)
    with in_a_process(RUN, storage, fake_kinesis, step, request) as killed:
        _, errors = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, errors
    assert_the_next_run_mends_it(storage, fake_kinesis)


def stored(kinesis: FakeKinesis) -> int:
    return sum(kinesis.books.counts(stream).stored for stream in STREAMS)


@pytest.mark.fake_kinesis(STREAMS)
def test_stopped_in_mid_send_and_woken_up_after_another_run_has_finished(
    storages: Storage, fake_kinesis: FakeKinesis, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = storages(0)
    fake_kinesis.faults = Faults(latency=0.3)
    with in_a_process(IMPATIENT + RUN, storage, fake_kinesis, ALIVE, request) as stopped:
        try:
            while not stored(fake_kinesis):
                assert stopped.poll() is None
                time.sleep(0.01)
            stopped.send_signal(signal.SIGSTOP)
            fake_kinesis.faults = Faults()
            monkeypatch.setattr(leases, "EXPIRY_MS", 3_000)
            monkeypatch.setattr(leases, "RENEW_EVERY_SECONDS", 0.5)
            monkeypatch.setattr(leases, "LOOK_EVERY_SECONDS", 0.2)
            assert_the_next_run_mends_it(storage, fake_kinesis)
            by_then = fake_kinesis.books.counts("netmera-purchases").requests
        finally:
            stopped.send_signal(signal.SIGCONT)
        _, errors = stopped.communicate(timeout=30)
    assert stopped.returncode == 1
    assert "send-0000 was lost: this process was paused" in errors
    # A request that had left the check when its process was stopped still goes out; nothing after it does.
    assert fake_kinesis.books.counts("netmera-purchases").requests - by_then <= 1
    again = Deployment(storage, fake_kinesis)
    again.sent = dict(FILES)
    again.assert_all_arrived(duplicates=IN_FLIGHT)
    again.export("app_20260908.ndjson", events("08", 9))
    again.run()
    kept = {info.name.split("/")[0] for info in again.state.list()}
    assert not kept & {"ledgers", "receipts"}, "what a late answer left of a committed slice goes with the next commit"
