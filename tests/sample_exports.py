"""Run sample exports through a deployment, and see what a consumer of the streams and a reader of the state find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from deployment import Deployment, LoopbackConnector

from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions
from airflow_netmera_kinesis.quota import parse_quota
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis, read_stream
from demo.export import events, stream_names

SAMPLES = Path(__file__).parent.parent / "samples"
HOOKS = SAMPLES / "hooks.yaml"
STREAMS = dict.fromkeys(stream_names(HOOKS), 2)
EXPECTED: dict[str, Any] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))
# The events that the CSVs hold, as canonical records.
CSV_EVENTS = list(events(SAMPLES / "events" / "demoapp_EVENT_DATA_20260906.ndjson"))[: EXPECTED["csv"]["read"]]


class Arrival(NamedTuple):
    """A record as a consumer gets it."""

    stream: str
    key: str
    payload: dict[str, Any]


class SampleDeployment(Deployment):
    """A deployment with the samples' hooks and the shipped limits; files are put into its folder one by one."""

    def __init__(self, folder: Path, kinesis: FakeKinesis) -> None:
        super().__init__(lambda name: LocalFolder(folder / name), kinesis)
        self.hooks = load_definitions(HOOKS.read_bytes(), str(HOOKS))
        self.tolerance = parse_quota("1%, 100", "max_malformed")

    def take(self, *paths: Path) -> None:
        for path in paths:
            self.exports.write(path.name, path.read_bytes())

    def counted(self, **asked: Any) -> Mapping[str, int]:
        """Run once; the counts add up, and as many records as were delivered stand in the streams."""
        before = len(arrivals(self.kinesis))
        counts = self.run(**asked)
        assert counts is not None
        set_aside_by_match = counts["firings"] - counts["staged"]
        assert counts["read"] == counts["malformed"] + counts["events"]
        assert counts["staged"] == counts["delivered"] + counts["dead_letters"] - set_aside_by_match
        assert counts["delivered"] == len(arrivals(self.kinesis)) - before
        return counts


def arrivals(kinesis: FakeKinesis) -> list[Arrival]:
    """Read all streams; a key's records are in order."""
    client = LoopbackConnector(kinesis).get_conn()
    return [
        Arrival(stream, record["PartitionKey"], json.loads(record["Data"]))
        for stream in client.list_streams()["StreamNames"]
        for records in read_stream(client, stream).values()
        for record in records
    ]


def by_hook(found: Iterable[Arrival]) -> Counter[str]:
    return Counter(arrival.payload["hookName"] for arrival in found)


def dead_letters(state: Folder) -> list[dict[str, Any]]:
    """Read them as anybody would: they are JSON lines."""
    names = sorted(info.name for info in state.list("dead_letters/") if info.name.endswith(".ndjson"))
    return [json.loads(line) for name in names for line in state.read(name).splitlines()]
