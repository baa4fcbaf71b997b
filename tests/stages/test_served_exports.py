"""Whole runs over exports on SFTP and FTP servers: whatever the files do, everything arrives, once."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from deployment import STREAMS, Deployment, Event, events, lines
from served_folder import ServedFolder

from airflow_netmera_kinesis.errors import ExportChanged
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)

MINUTE = 60_000
NOW = round(time.time() // 60) * MINUTE  # a whole minute, which is all that LIST tells


class Place:
    """A deployment that reads its exports from a server, and a clock that the tests set."""

    def __init__(self, served: ServedFolder, tmp_path: Path, kinesis: FakeKinesis) -> None:
        self.served, self.now_ms = served, NOW
        self.deployment = Deployment(lambda name: LocalFolder(tmp_path / name), kinesis)
        self.deployment.exports = served.open()  # type: ignore[assignment]

    def export(self, name: str, made: list[Event], *, cut: int = 0, age_ms: int = 2 * 86_400_000) -> None:
        """Put a file there, or replace it, as it is ``cut`` bytes before its upload ends."""
        content = lines(made)
        self.served.write(name, content[: len(content) - cut], at=(self.now_ms - age_ms) / 1000)
        self.deployment.sent[name] = made

    def run(self, **asked: Any) -> Mapping[str, int] | None:
        return self.deployment.run(**asked)


@pytest.fixture
def place(served: ServedFolder, tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(served, tmp_path, fake_kinesis)
    monkeypatch.setattr(LocalFolder, "now_ms", lambda _: made.now_ms)
    return made


def test_what_is_new_arrives_once_also_when_it_is_late_or_grew(place: Place) -> None:
    place.export("app_20260907.ndjson", events("07", 30))
    assert place.run() is not None
    assert place.run() is None
    for count, age_ms in ((30, 2 * 86_400_000), (45, 86_400_000)):
        place.export("app_20260906.ndjson", events("06", count), age_ms=age_ms)
        counts = place.run() or {}
        assert (counts["files"], counts["read"], counts["files_again"]) == (1, 30 if count == 30 else 15, 0)
    place.deployment.assert_all_arrived(files=["app_20260907.ndjson", "app_20260906.ndjson"], duplicates=0)
    place.deployment.assert_tidy()


def test_a_replaced_file_is_sent_again_and_the_same_content_under_a_new_time_is_not(place: Place) -> None:
    place.export("app_20260906.ndjson", events("06", 30))
    place.run()
    place.export("app_20260906.ndjson", events("06", 30), age_ms=MINUTE)
    assert place.run() is None
    place.export("app_20260906.ndjson", [*events("06", 15), *events("06-corrected", 15)])
    counts = place.run()
    assert counts is not None
    assert (counts["read"], counts["files_again"]) == (30, 1)
    place.deployment.sent["app_20260906.ndjson"] = [*events("06", 30), *events("06-corrected", 15)]
    place.deployment.assert_all_arrived(duplicates=10)


def test_a_file_that_is_being_uploaded_waits_until_a_plan_has_seen_it_stand_still(place: Place) -> None:
    place.export("app_20260906.ndjson", events("06", 15))
    for minutes, cut in enumerate((200, 40, 0)):
        place.now_ms = NOW + minutes * MINUTE
        place.export("app_20260907.ndjson", events("07", 30), cut=cut, age_ms=0)
        counts = place.run(min_age_ms=MINUTE)
        assert (counts is None) == (minutes > 0), "only the older one was taken, at once"
    place.now_ms += MINUTE - 1
    assert place.run(min_age_ms=MINUTE) is None
    place.now_ms += 1
    assert place.run(min_age_ms=MINUTE) is not None
    place.deployment.assert_all_arrived()


def test_a_file_that_changes_or_vanishes_after_plan_fails_the_run_by_name(place: Place) -> None:
    place.export("app_20260906.ndjson", events("06", 30))
    current = place.deployment.planned()
    place.export("app_20260906.ndjson", events("06-corrected", 9))
    with pytest.raises(ExportChanged, match=r"app_20260906\.ndjson changed after it had been planned"):
        place.deployment.match(current)
    current = place.deployment.planned()
    place.served.local("app_20260906.ndjson").unlink()
    with pytest.raises(ExportChanged, match=r"app_20260906\.ndjson vanished after it had been planned"):
        place.deployment.match(current)
    assert place.run() is None


def test_connections_that_break_again_and_again_lose_nothing_and_repeat_nothing(place: Place) -> None:
    place.export("app_20260906.ndjson", events("06", 3_000))
    place.served.write("app_20260907.ndjson.gz", gzip.compress(lines(events("07", 30)), mtime=0))
    place.deployment.sent["app_20260907.ndjson.gz"] = events("07", 30)
    place.served.whims.lose_after = 80_000
    current = place.deployment.planned()
    place.deployment.match(current)
    assert len(place.served.pauses) >= 2
    place.deployment.gate(current)
    place.deployment.send(current)
    counts = place.deployment.commit(current)
    assert (counts["read"], counts["malformed"], counts["delivered"]) == (3_030, 0, 2_020)
    place.deployment.assert_all_arrived(duplicates=0)
