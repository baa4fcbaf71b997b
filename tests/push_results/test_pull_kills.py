"""Killed at any step, at any time, among late results, equal rows and faults: every row is sent once all the same."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mortal import Killed, Life, MortalFolder
from netmera_server import FakeNetmera, Reply, error
from pull_site import HOUR, MINUTE, Site, own, results

from airflow_netmera_kinesis.errors import RestError
from airflow_netmera_kinesis.push_results import collecting, seen
from airflow_netmera_kinesis.push_results.pull_state import LEFT_OVER_MS, load_pull_state
from airflow_netmera_kinesis.storage import Folder, LocalFolder


@pytest.fixture(autouse=True, scope="module")
def _small_and_quick() -> Iterator[None]:
    """Keep a file after every few rows, fold after every few, and do not wait for the disk: it outlives the process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(collecting, "FILE_BYTES", 400)
        patch.setattr(seen, "FOLDED_ROWS", 3)
        yield


def pull_until_killed(site: Site, life: Life, **asked: Any) -> None:
    folders = MortalFolder(site.state, life), MortalFolder(site.pulled, life)
    with suppress(Killed, RestError):
        site.pull(folders, **asked)
    if life.is_over:
        for info in list(site.state.list("leases/")):
            site.state.delete(info.name)  # as if the dead one's lease had expired


def assert_all_sent_once(site: Site) -> None:
    assert Counter(str(own(line)) for line in site.sent) == Counter(str(result.row) for result in site.netmera.results)
    assert len({line["id"] for line in site.sent}) == len(site.sent)


def test_before_any_step_that_changes_something(
    storage: Callable[[str], Folder], request: pytest.FixtureRequest
) -> None:
    every = 3 if "s3" in request.node.name else 1
    number, life = 0, Life(0)
    while life.is_over:
        number += every
        site = Site(lambda name, n=number: storage(f"{n}/{name}"), FakeNetmera(page_limit=4))  # type: ignore[misc]
        (same,) = results(7, at=site.netmera.now_ms)
        site.netmera.add(*results(*range(9), at=site.netmera.now_ms), same)
        life = Life(number)
        pull_until_killed(site, life)
        if number % 2:
            site.send()
        site.run()
        assert_all_sent_once(site)
        assert [info.name for info in site.state.list("pull/")] != []
    assert life.steps > 12


def test_what_killed_pulls_leave_over_is_deleted_an_hour_later(tmp_path: Path) -> None:
    site = Site(lambda name: LocalFolder(tmp_path / name), FakeNetmera())
    site.netmera.add(*results(*range(9), at=site.netmera.now_ms))
    for dies_before in range(1, 8):
        pull_until_killed(site, Life(dies_before))
    site.run()
    assert len(list(site.pulled.list())) > 0
    later = [MortalFolder(folder, Life(10**6), ahead_ms=LEFT_OVER_MS + 1_000) for folder in (site.state, site.pulled)]
    site.netmera.now_ms += MINUTE
    site.pull((later[0], later[1]))
    assert list(site.pulled.list()) == []
    assert len(list(site.state.list("seen/"))) == len(load_pull_state(site.state).buckets)
    assert_all_sent_once(site)


# A pull after some minutes: results by how long ago they were and which of few they are, late ones among them; the step
# before which the pull dies; the faults that it meets.
FAULTS = (None, None, Reply(500), Reply(200), error(400, 5022, "Quota exceeded"))
pulls = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 7, 90, 400, 1_000]),
        st.lists(st.tuples(st.sampled_from([0, 1, 5, 5, 60, 170]), st.integers(0, 2)), max_size=8),
        st.integers(1, 60),
        st.lists(st.sampled_from(FAULTS), max_size=6),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(pulls=pulls, page_limit=st.integers(1, 5), newest_first=st.booleans(), shifts=st.booleans())
def test_random_late_rows_kills_retries_and_faults(
    pulls: list[tuple[int, list[tuple[int, int]], int, list[Reply | None], bool]],
    page_limit: int,
    newest_first: bool,
    shifts: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        netmera = FakeNetmera(page_limit=page_limit, newest_first=newest_first)
        site = Site(lambda name: LocalFolder(Path(folder) / name), netmera)
        site.run()
        for minutes, came, dies_before, faults, sends in pulls:
            netmera.now_ms += minutes * MINUTE
            rows = [row for ago, which in came for row in results(ago, at=netmera.now_ms, errorCode=str(which))]
            arriving = iter(rows if shifts else [])
            netmera.add(*([] if shifts else rows))
            netmera.meanwhile = lambda rest=arriving: netmera.add(*[row for row, _ in zip(rest, "x", strict=False)])  # type: ignore[misc]
            netmera.faults.extend(faults)
            pull_until_killed(site, Life(dies_before), look_back_ms=3 * HOUR, max_window_ms=2 * HOUR)
            netmera.faults.clear()
            netmera.meanwhile = lambda: None
            netmera.add(*arriving)
            if sends:
                site.send()
            site.run(look_back_ms=3 * HOUR, max_window_ms=2 * HOUR)
        site.run(look_back_ms=3 * HOUR, max_window_ms=2 * HOUR)
        assert_all_sent_once(site)
        buckets = len(list(site.state.list("seen/")))
        assert buckets < 200
