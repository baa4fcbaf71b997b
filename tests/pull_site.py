"""Pull into folders, and send what was pulled as far as Kinesis: the lines of the files that count, in their order."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from netmera_server import FakeNetmera, client_of

from airflow_netmera_kinesis.push_results.collecting import Terms
from airflow_netmera_kinesis.push_results.pull_state import load_pull_state
from airflow_netmera_kinesis.push_results.pulled_file import PulledPlace
from airflow_netmera_kinesis.push_results.window import Reach
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.stages.pull import forget_sent, pull
from airflow_netmera_kinesis.state.checkpoint import Committed, Consumed, advance, load_checkpoint, load_manifest
from airflow_netmera_kinesis.storage import Folder

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class Site:
    """One DAG's folders, and the Netmera that it pulls."""

    def __init__(self, storage: Callable[[str], Folder], netmera: FakeNetmera) -> None:
        self.netmera = netmera
        self.state, self.pulled = storage("state"), storage("pulled")
        self.log = logging.getLogger("site")
        self.sent: list[dict[str, Any]] = []

    def pull(self, folders: tuple[Folder, Folder] | None = None, **asked: Any) -> Mapping[str, int]:
        """Pull up to Netmera's own time; ``folders`` stand in for the state and the pulled files."""
        look_back = asked.pop("look_back_ms", 3 * HOUR)
        reach = Reach(
            asked.pop("end_ms", self.netmera.now_ms), look_back, asked.pop("max_window_ms", 6 * HOUR),
            asked.pop("start_after_ms", None),
        )  # fmt: skip
        terms = Terms(look_back, asked.pop("page_size", 100), max_malformed=Quota(number=100), **asked)
        state, pulled = folders or (self.state, self.pulled)
        return pull(state, pulled, client_of(self.netmera, tries=2), reach, terms, "a test", self.log)

    def place(self) -> PulledPlace:
        return PulledPlace(self.pulled, waiting=frozenset(load_pull_state(self.state).waiting))

    def send(self, *, forgets: bool = True) -> list[dict[str, Any]]:
        """Commit what counts and was not committed, as a run of the DAG does after sending it; return its lines.

        A run that is killed right after its commit ``forgets`` nothing.
        """
        checkpoint = load_checkpoint(self.state)
        sent = load_manifest(self.state, checkpoint)
        infos = sorted((info for info in self.place().files() if info.name not in sent), key=lambda info: info.name)
        lines = [json.loads(line) for info in infos for line in self.pulled.read(info.name).splitlines()]
        if infos:
            consumed = [Consumed(info.name, info.size, info.modified_ms, info.etag, "sha", 1, False) for info in infos]
            slice_id = f"slice-{checkpoint.generation + 1}"
            advance(self.state, checkpoint, Committed(slice_id, 0, {}), consumed, (), "")
        if forgets:
            forget_sent(self.state, self.pulled, "a test")
        self.sent += lines
        return lines

    def run(self, **asked: Any) -> list[dict[str, Any]]:
        self.pull(**asked)
        return self.send()


def results(*minutes: int, at: int, **fields: Any) -> list[dict[str, Any]]:
    """Make a result for each number of minutes before ``at``."""
    return [
        {"platform": "IOS", "status": "SUCCESS", "installationId": f"i{n}", "timeStamp": at - n * MINUTE, **fields}
        for n in minutes
    ]


def own(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line says of its own."""
    return {name: value for name, value in line.items() if name not in ("id", "recordType")}
