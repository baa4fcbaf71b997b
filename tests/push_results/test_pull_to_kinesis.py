"""Pulled results on their whole way: sent once, each user's in the order of their times, whatever is cut short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment, LoopbackConnector
from netmera_server import FakeNetmera
from pull_site import MINUTE, Site, results

from airflow_netmera_kinesis.errors import StreamRefused
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.push_results import collecting
from airflow_netmera_kinesis.push_results.row import PUSH_RESULT_FORMAT
from airflow_netmera_kinesis.stages.plan import plan
from airflow_netmera_kinesis.stages.pull import forget_sent
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis, Faults, read_stream

STREAM = "netmera-message-logs"
HOOKS = parse_definitions(
    [
        {
            "name": "message-logs",
            "trigger_type": "MESSAGE_LOG",
            "stream_name": STREAM,
            "partition_key": ["userId", "extId"],
            "batch": {"max_records": 2},
        }
    ],
    "hooks",
)
USERS = ("ayse", "bora", "cem")


class PullDeployment(Deployment):
    """A deployment whose exports are what a site has pulled."""

    def __init__(self, site: Site, root: Path, kinesis: FakeKinesis) -> None:
        super().__init__(lambda name: LocalFolder(root / name), kinesis)
        self.site, self.state, self.exports, self.hooks = site, site.state, site.pulled, HOOKS

    def plan(self, **asked: Any) -> Slice | None:
        request = self.request(order="timestamp", export_format=PUSH_RESULT_FORMAT, **asked)
        return plan(self.state, self.staging, self.site.place(), request, self.who, self.log)

    def run(self, **asked: Any) -> Any:
        self.site.pull()
        counts = super().run(**asked)
        forget_sent(self.state, self.exports, self.who)
        return counts

    def payloads(self) -> list[dict[str, Any]]:
        shards = read_stream(LoopbackConnector(self.kinesis).get_conn(), STREAM).values()
        return [json.loads(record["Data"]) for records in shards for record in records]


@pytest.mark.fake_kinesis({STREAM: 2})
def test_each_log_is_sent_once_and_in_order_though_a_run_was_cut_short_and_more_came_meanwhile(
    tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "FILE_BYTES", 300)  # several files for each pull, newest first
    netmera = FakeNetmera(page_limit=4, newest_first=True)
    site = Site(lambda name: LocalFolder(tmp_path / name), netmera)
    deployment = PullDeployment(site, tmp_path, fake_kinesis)
    first = [row for user in USERS for row in results(*range(1, 9), at=netmera.now_ms, extId=user)]
    netmera.add(*first)
    site.pull()
    current = deployment.planned()
    assert len(current.files) > 3
    deployment.match(current)
    deployment.gate(current)
    deployment.send_some(current, requests=2)

    netmera.now_ms += MINUTE
    netmera.add(*[row for user in USERS for row in results(0, at=netmera.now_ms, extId=user)])
    deployment.run()  # finishes what was open
    assert deployment.run() is not None  # sends what came meanwhile
    assert deployment.run() is None
    payloads = deployment.payloads()
    assert len({payload["eventId"] for payload in payloads}) == len(payloads) == len(netmera.results)
    for user in USERS:
        times = [each["eventData"]["timestamp"] for each in payloads if each["identities"]["extId"] == user]
        assert times == sorted(times)
    assert list(site.pulled.list()) == []


@pytest.mark.fake_kinesis({STREAM: 2})
def test_while_kinesis_refuses_pulling_goes_on(tmp_path: Path, fake_kinesis: FakeKinesis) -> None:
    netmera = FakeNetmera()
    site = Site(lambda name: LocalFolder(tmp_path / name), netmera)
    deployment = PullDeployment(site, tmp_path, fake_kinesis)
    fake_kinesis.faults = Faults(access_denied=1.0)
    for _ in range(3):
        netmera.now_ms += MINUTE
        netmera.add(*results(0, at=netmera.now_ms, extId="ayse"))
        with pytest.raises(StreamRefused):
            deployment.run()
    fake_kinesis.faults = Faults()
    while deployment.run() is not None:
        pass
    assert len(deployment.payloads()) == 3
