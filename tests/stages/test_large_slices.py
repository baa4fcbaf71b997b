"""Slices at the size of real exports: as many files and as large ones as a run may meet.

What takes minutes and a gigabyte of disk is asked for with NETMERA_KINESIS_LARGE_TESTS=1; its small twins are in
test_whole_flow.py.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from deployment import STREAMS as FEW
from deployment import Deployment, events
from sample_exports import HOOKS, SAMPLES, STREAMS

from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisProcess

LARGE_BYTES, EVENTS = 300_000_000, 660_000
asked_for = pytest.mark.skipif(
    "NETMERA_KINESIS_LARGE_TESTS" not in os.environ, reason="takes minutes: set NETMERA_KINESIS_LARGE_TESTS=1"
)


class Export(NamedTuple):
    """A file, and how many records each stream gets of it."""

    path: Path
    due: Counter[str]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Many days of sample exports as one file."""
    root = tmp_path_factory.mktemp("large")
    options = ["--events", str(EVENTS), "--users", "50000", "--files", "33"]
    subprocess.run([sys.executable, str(SAMPLES / "make_exports.py"), str(root), *options], check=True)
    with (root / "large.ndjson").open("wb") as whole:
        for day in sorted((root / "events").iterdir()):
            with gzip.open(day) if day.suffix == ".gz" else day.open("rb") as part:
                shutil.copyfileobj(part, whole)
            day.unlink()
    due: Counter[str] = Counter()
    hooks = {hook.name: hook.stream for hook in load_definitions(HOOKS.read_bytes(), str(HOOKS))}
    for hook, count in json.loads((root / "expected.json").read_text())["hooks"].items():
        due[hooks[hook]] += count
    return Export(root / "large.ndjson", due)


@asked_for
def test_a_byte_and_300_megabytes_are_one_slice(storage: Callable[[str], Folder], large: Export) -> None:
    assert large.path.stat().st_size > LARGE_BYTES
    streams = [option for stream in STREAMS for option in ("--stream", f"{stream}=16")]
    with FakeKinesisProcess("--counts-only", *streams) as process:
        kinesis = FakeKinesis()
        kinesis.endpoint_url = process.endpoint_url
        deployment = Deployment(storage, kinesis)
        deployment.hooks = load_definitions(HOOKS.read_bytes(), str(HOOKS))
        deployment.exports.write("app_20260905.ndjson", b"\n")
        with large.path.open("rb") as source, deployment.exports.writer("app_20260906.ndjson") as target:
            shutil.copyfileobj(source, target, 8 * 1024 * 1024)
        counts = deployment.run(partitions=2)
        assert counts is not None
        assert (counts["files"], counts["read"], counts["events"], counts["malformed"]) == (2, EVENTS, EVENTS, 0)
        assert counts["firings"] == counts["staged"] == counts["delivered"] == sum(large.due.values())
        assert (counts["dead_letters"], counts["answers_lost"]) == (0, 0)
        assert {stream: process.counts(stream).stored for stream in STREAMS} == {
            stream: large.due[stream] for stream in STREAMS
        }
        deployment.assert_tidy()
        assert deployment.plan() is None


@asked_for
@pytest.mark.fake_kinesis(FEW)
def test_1100_files_are_one_slice_of_fewer_tasks_than_airflow_maps(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis
) -> None:
    deployment = Deployment(storage, fake_kinesis)
    for number in range(1_100):
        deployment.export(f"app_20260906_{number:04d}.ndjson", events(f"{number}", 1))
    current = deployment.planned(max_files=2_000)
    assert len(current.files) == 1_100
    assert len(current.groups) <= 1_000
    counts = deployment.run(max_files=2_000)
    assert counts is not None
    assert counts["delivered"] == 1_100
    deployment.assert_all_arrived(files=[file.name for file in current.files])
    deployment.assert_tidy()
