"""Killed or paused before any step of any task: nothing lost, no user's order broken, and few duplicates.

The steps that are tried differ from one time to the next; NETMERA_KINESIS_LARGE_TESTS=1 tries them all.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import context
from pathlib import Path
from signal import SIGKILL, SIGSTOP

import pytest
from deployment import STREAMS, USERS, Deployment, LoopbackConnector, events, half_sent, lines
from doomed import SPARED, TASKS, UNFLUSHED_RECORDS, Doom, DoomedRun, Place, fork_server
from fate import LaterFolder

from airflow_netmera_kinesis.state.checkpoint import load_checkpoint
from airflow_netmera_kinesis.state.lease import EXPIRY_MS
from airflow_netmera_kinesis.state.ledger import sent_firings
from airflow_netmera_kinesis.state.open_slice import open_slice
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis

TESTS = Path(__file__).parents[1]
FILES = {"app_20260906.ndjson": events("06", 24), "app_20260907.ndjson": events("07", 24)}
# Of each stream at most one record of a user is on its way.
IN_FLIGHT = len(STREAMS) * len(USERS)
# Every how many steps of a task: S3 takes its time.
KILLED = {
    "local": {"plan": 1, "match": 1, "gate": 1, "send": 3, "commit": 2},
    "s3": {"plan": 2, "match": 3, "gate": 2, "send": 7, "commit": 5},
}
PAUSED = {
    "local": {"plan": 1, "match": 2, "gate": 1, "send": 5, "commit": 3},
    "s3": {"plan": 3, "match": 4, "gate": 2, "send": 14, "commit": 7},
}


class Scene:
    """Deployments one after another, each with two exports and a Kinesis of its own."""

    def __init__(self, storage: Callable[[str], Folder], place: Place, forks: context.ForkServerContext) -> None:
        self._storage, self._place, self._forks = storage, place, forks
        self._number = 0

    @property
    def kind(self) -> str:
        return "s3" if self._place.s3_endpoint else "local"

    def begin(self, kinesis: FakeKinesis, doom: Doom) -> DoomedRun:
        """Start a run that meets its doom, in folders of its own."""
        self._number += 1
        for name, made in FILES.items():
            self._storage(f"{self._number}/exports").write(name, lines(made))
        place = self._place._replace(root=f"{self._place.root}/{self._number}")
        return DoomedRun(self._forks, place, kinesis, doom)

    def next_run(self, kinesis: FakeKinesis, ahead_ms: int) -> Deployment:
        """What works on in the same folders."""
        run = Deployment(lambda name: LaterFolder(self._storage(f"{self._number}/{name}"), ahead_ms), kinesis)
        run.sent = dict(FILES)
        return run


@pytest.fixture(scope="module")
def forks() -> Iterator[context.ForkServerContext]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), str(TESTS.parent)]))
        yield fork_server()


@pytest.fixture
def scene(
    storage: Callable[[str], Folder],
    forks: context.ForkServerContext,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    # What a process has written outlives it; to wait for the disk would only be slow.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)
    scheme, _, root = storage("x").uri.rpartition("://")
    return Scene(
        storage, Place(root.removesuffix("/x"), request.getfixturevalue("s3_endpoint") if scheme else ""), forks
    )


@pytest.fixture(scope="module")
def steps() -> dict[str, Counter[str]]:
    """How many steps each task takes, by kind of storage."""
    return {}


def points(scene: Scene, steps: dict[str, Counter[str]], task: str, every: int) -> range:
    """Choose steps of a task."""
    if scene.kind not in steps:
        with FakeKinesis(STREAMS) as kinesis, scene.begin(kinesis, SPARED) as run:
            steps[scene.kind] = run.steps()
    if "NETMERA_KINESIS_LARGE_TESTS" in os.environ:
        every = 1
    return range(1 + secrets.randbelow(every), steps[scene.kind][task] + 1, every)


def stored(kinesis: FakeKinesis) -> int:
    LoopbackConnector(kinesis).get_conn().list_streams()  # served after all that the dead have still sent
    return sum(kinesis.books.counts(stream).stored for stream in STREAMS)


def unknown_to_the_state(run: Deployment) -> int:
    """Count the records in the streams of which the ledger does not know; nobody sends any more."""
    if load_checkpoint(run.state).slice:
        return 0
    opened = open_slice(run.state)
    return stored(run.kinesis) - (len(sent_firings(run.state, opened.slice)[0]) if opened else 0)


@contextmanager
def told(where: str) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        raise AssertionError(where) from error


@pytest.mark.parametrize("task", TASKS)
def test_killed_before_a_step_the_next_run_sends_again_only_what_was_in_the_air(
    scene: Scene, steps: dict[str, Counter[str]], task: str
) -> None:
    in_the_air = IN_FLIGHT + (len(STREAMS) * UNFLUSHED_RECORDS if scene.kind == "s3" else 0)
    for step in points(scene, steps, task, KILLED[scene.kind][task]):
        elsewhere = step % 2 == 0
        with FakeKinesis(STREAMS) as kinesis, told(f"killed before step {step} of {task}"):
            with scene.begin(kinesis, Doom(SIGKILL, task, step, elsewhere)) as run:
                run.killed()
            after = scene.next_run(kinesis, EXPIRY_MS + 5_000 if elsewhere else 0)
            sent_again = unknown_to_the_state(after)
            assert sent_again <= in_the_air
            while after.run() is not None:
                pass
            after.assert_all_arrived(duplicates=sent_again)
            after.assert_tidy()


@pytest.mark.parametrize("task", TASKS)
def test_paused_before_a_step_and_woken_up_while_a_later_slice_is_sent_it_stops_and_does_no_harm(
    scene: Scene, steps: dict[str, Counter[str]], task: str
) -> None:
    for step in points(scene, steps, task, PAUSED[scene.kind][task]):
        with (
            FakeKinesis(STREAMS) as kinesis,
            scene.begin(kinesis, Doom(SIGSTOP, task, step)) as run,
            told(f"paused before step {step} of {task}"),
        ):
            if not run.paused():
                continue
            later = scene.next_run(kinesis, EXPIRY_MS + 5_000)
            sent_again = unknown_to_the_state(later)
            while later.run() is not None:
                pass
            later.export("app_20260908.ndjson", events("08", 24))
            half_sent(later)
            by_then = stored(kinesis)
            why = run.woken()
            assert why.partition(":")[0] in ("", "LeaseTaken", "SliceRefused", "SliceCommitted"), why
            late = stored(kinesis) - by_then
            assert late <= IN_FLIGHT, "what had left the check when the process was paused still goes out"
            later.run()
            later.assert_all_arrived(duplicates=sent_again + late)
            later.assert_tidy()
            assert load_checkpoint(later.state).generation == 2


def test_paused_in_mid_send_and_woken_up_before_another_has_finished_it_does_not_spoil_the_proof_of_order(
    scene: Scene, steps: dict[str, Counter[str]]
) -> None:
    half = len(points(scene, steps, "send", every=1)) // 2
    step = secrets.choice(range(2, half))
    with (
        FakeKinesis(STREAMS) as kinesis,
        scene.begin(kinesis, Doom(SIGSTOP, "send", step)) as run,
        told(f"paused before step {step} of send"),
    ):
        assert run.paused()
        later = scene.next_run(kinesis, EXPIRY_MS + 5_000)
        sent_again = unknown_to_the_state(later)
        current = later.planned()
        later.match(current)
        later.gate(current)
        later.send_some(current, requests=1)
        by_then = stored(kinesis)
        assert run.woken().startswith("LeaseTaken: the lease on")
        late = stored(kinesis) - by_then
        later.run()
        later.assert_all_arrived(duplicates=sent_again + late)
        later.assert_tidy()
