"""What a match task tells of its work, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from match_scene import Scene, line
from recorded_metrics import RecordedMetrics

NOBODY: Any = {"userId": None}
PURCHASES = "hook=purchases stream=netmera-purchases"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_events_firings_and_dead_letters_are_told_with_hook_stream_and_reason(scene: Scene) -> None:
    scene.put(a=line() * 3 + b"no event\n" + line(**NOBODY) + line("n:vp"), b=line("n:cl"))
    scene.plan()
    metrics = RecordedMetrics()
    scene.match(metrics=metrics)
    assert metrics.of("events_read") == {"": 6}
    assert metrics.of("matched") == {PURCHASES: 4, "hook=logins stream=netmera-activity": 1}
    assert metrics.of("dead_letters") == {
        "reason=MALFORMED": 1,
        "hook=purchases reason=MISSING_USER_ID stream=netmera-purchases": 1,
    }


def test_a_group_that_was_matched_before_tells_nothing(scene: Scene) -> None:
    scene.put(a=line())
    scene.plan()
    scene.match()
    metrics = RecordedMetrics()
    scene.match(metrics=metrics)
    assert not metrics.counts
