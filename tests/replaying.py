"""A deployment whose dead letters are replayed, by the stages that the DAG and the command line use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from deployment import Deployment, LoopbackConnector

from airflow_netmera_kinesis.again_request import LetterFilter, ReplayRequest
from airflow_netmera_kinesis.netmera.hashing import NO_KEYS, HashKeys
from airflow_netmera_kinesis.quota import Quota
from airflow_netmera_kinesis.stages.firing import sure_limit
from airflow_netmera_kinesis.stages.found_letters import FoundLetter, Status, find_letters
from airflow_netmera_kinesis.stages.match import match_group
from airflow_netmera_kinesis.stages.replay import Shown, plan_replay, show_replay
from airflow_netmera_kinesis.state.letter_archive import replay_key
from airflow_netmera_kinesis.state.slice import Slice, state_key
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis, read_stream

DAG = "acme"
ANYTHING = Quota(Decimal(100))


class Keyed(Deployment):
    """A deployment whose hooks may hash."""

    keys: HashKeys = NO_KEYS

    def match(self, current: Slice) -> None:
        for group in range(len(current.groups)):
            match_group(
                self.state, self.staging, self.exports, current.id, group, self.who, self.log,
                keys_of=lambda _: self.keys,
            )  # fmt: skip


class LiveRuns(Keyed):
    """The DAG that sends what is new, in a state folder that it shares with others."""

    def __init__(self, storage: Callable[[str], Folder], kinesis: FakeKinesis, dag: str = DAG) -> None:
        super().__init__(storage, kinesis)
        self.root = self.state
        self.state = self.root.child(state_key(dag, "/exports"))

    def put(self, name: str, *lines: bytes | Mapping[str, Any]) -> None:
        """Put a file into the export folder, with lines that need not be events."""
        written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        self.exports.write(name, b"\n".join(written) + b"\n")


class Replays(Keyed):
    """The replays of that DAG's dead letters."""

    def __init__(self, storage: Callable[[str], Folder], kinesis: FakeKinesis, dag: str = DAG) -> None:
        super().__init__(storage, kinesis)
        self.root, self.dag = self.state, dag
        self.state = self.root.child(replay_key(dag))
        self.exports = self.state.child("letters")
        self.tolerance = ANYTHING

    def asked(self, run: str = "", **asked: Any) -> ReplayRequest:
        terms = self.request(hooks=asked.pop("hooks_now", self.hooks)).terms
        named = {name: asked.pop(name) for name in ("export_format", "abandon_slice") if name in asked}
        return ReplayRequest(replay_key(self.dag), LetterFilter(self.dag, **asked), terms, run=run, **named)

    def show(self, **asked: Any) -> Shown:
        return show_replay(self.root, self.asked(**asked), sure_limit, self.keys, self.log)

    def plan_again(self, run: str = "", **asked: Any) -> Slice | None:
        request = self.asked(run, **asked)
        return plan_replay(self.root, self.staging, request, sure_limit, self.keys, self.who, self.log)

    def replay(self, run: str = "", **asked: Any) -> Mapping[str, int] | None:
        """Do what one run of the DAG does."""
        current = self.plan_again(run, **asked)
        if current is None:
            return None
        self.match(current)
        self.gate(current)
        self.send(current)
        return self.commit(current)

    def letters(self, **wanted: Any) -> list[FoundLetter]:
        return list(find_letters(self.root, LetterFilter(**wanted)))

    def open_letters(self) -> list[tuple[str, int, str | None]]:
        """Return the places of all letters that are still to be dealt with."""
        return [found.letter.place for found in self.letters() if found.status is Status.OPEN]

    def payloads(self, stream: str = "netmera-purchases") -> list[dict[str, Any]]:
        """Read a stream back as a consumer does."""
        shards = read_stream(LoopbackConnector(self.kinesis).get_conn(), stream).values()
        return [json.loads(record["Data"]) for records in shards for record in records]
