"""What Kinesis refused is replayed from its payload: made anew by the present definitions, unless rules shaped it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deployment import HOOKS, STREAMS, events
from replaying import LiveRuns, Replays

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hashing import HashKey
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, TriggerType
from airflow_netmera_kinesis.netmera.payload_rules import KeySource, PayloadRules
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis, Faults
from airflow_netmera_kinesis.testing.faults import RecordFate

pytestmark = pytest.mark.fake_kinesis(STREAMS)
SOURCE = KeySource("variable", "k")
KEYS = {SOURCE: HashKey("a key of the customer's own")}
EVENT = {
    **events("06", 1)[0], "id": "e1", "userId": "ayse", "eventName": "Purchase", "revenue": 12.5,
    "profile": {"city": "İzmir"}, "identities": {"extId": "CRM-1", "email": "ayse@example.invalid"},
}  # fmt: skip


def changed(**changes: Any) -> tuple[HookDefinition, ...]:
    return (msgspec.structs.replace(HOOKS[0], **changes), *HOOKS[1:])


class Refusal:
    """An event that Kinesis refused, made by the hooks of then, and the replays after it."""

    def __init__(self, root: Path, kinesis: FakeKinesis) -> None:
        self._root, self.kinesis = root, kinesis
        self.replays = Replays(self._place, kinesis)
        self.replays.keys = KEYS

    def _place(self, name: str) -> LocalFolder:
        return LocalFolder(self._root / name)

    def refuse(self, event: dict[str, Any], hooks: tuple[HookDefinition, ...], **asked: Any) -> dict[str, Any]:
        """Return the payload that was refused."""
        live = LiveRuns(self._place, self.kinesis)
        live.keys, live.hooks = KEYS, hooks
        live.put("app_20260906.ndjson", event)
        self.kinesis.faults = Faults(unheard_of=1.0)
        live.run(**asked)
        self.kinesis.faults = Faults()
        (found,) = self.replays.letters()
        assert (found.letter.reason.value, found.letter.is_payload) == ("REFUSED", True)
        payload: dict[str, Any] = json.loads(bytes(found.letter.event))
        return payload

    def replay(self, hooks: tuple[HookDefinition, ...], **asked: Any) -> dict[str, Any]:
        """Return the payload that arrived."""
        self.replays.replay(hooks_now=hooks, **asked)
        (payload,) = self.replays.payloads()
        return payload


@pytest.fixture
def refusal(tmp_path: Path, fake_kinesis: FakeKinesis) -> Refusal:
    return Refusal(tmp_path, fake_kinesis)


def test_a_refused_payload_arrives_as_it_was(refusal: Refusal) -> None:
    before = refusal.refuse(EVENT, HOOKS)
    assert refusal.replay(HOOKS) == before
    assert before["eventId"] == "e1"


def test_the_present_rules_and_the_present_key_shape_a_payload_that_no_rule_had_shaped(refusal: Refusal) -> None:
    before = refusal.refuse(EVENT, HOOKS)
    rules = PayloadRules(drop=("userAttributes",), hash=("identities.email",))
    now = changed(payload=rules, hash_key=SOURCE, partition_key=("extId",))
    payload = refusal.replay(now)
    assert "userAttributes" not in payload
    assert payload["identities"]["email"] == KEYS[SOURCE].of_text("ayse@example.invalid")
    assert {**before, "userAttributes": 0, "identities": 0} == {**payload, "userAttributes": 0, "identities": 0}
    (key,) = refusal.kinesis.books.by_key("netmera-purchases")
    assert key == "CRM-1"


def test_a_hash_is_not_hashed_again(refusal: Refusal) -> None:
    hashing = changed(payload=PayloadRules(hash=("identities.email", "userId")), hash_key=SOURCE)
    before = refusal.refuse(EVENT, hashing)
    assert refusal.replay(hashing) == before
    (key,) = refusal.kinesis.books.by_key("netmera-purchases")
    assert key == "ayse", "the key is the user's own, which the payload does not tell"


def test_what_is_to_be_left_out_now_is_left_out_of_a_payload_that_was_shaped_before(refusal: Refusal) -> None:
    refusal.refuse(EVENT, changed(payload=PayloadRules(drop=("eventData.revenue",))))
    payload = refusal.replay(
        changed(payload=PayloadRules(drop=("identities.email",), hash=("userId",)), hash_key=SOURCE)
    )
    assert "revenue" not in payload["eventData"]
    assert payload["identities"] == {"userId": KEYS[SOURCE].of_text("ayse"), "extId": "CRM-1"}


def test_hashes_of_other_rules_are_left_to_a_resend(refusal: Refusal) -> None:
    refusal.refuse(EVENT, changed(payload=PayloadRules(hash=("identities.email",)), hash_key=SOURCE))
    shown = refusal.replays.show(hooks_now=changed(payload=PayloadRules(hash=("identities.*",)), hash_key=SOURCE))
    assert shown.chosen.letters == 0
    assert list(shown.chosen.left) == [
        "hook purchases hashes otherwise now: send the export again instead (netmera_resend)"
    ]


def test_what_is_refused_again_keeps_what_it_was_made_of(refusal: Refusal) -> None:
    before = refusal.refuse(EVENT, HOOKS)
    refusal.kinesis.faults = Faults(keys={"ayse": RecordFate.UNHEARD_OF})
    for _ in range(2):
        refusal.replays.replay()
        (still,) = [found for found in refusal.replays.letters() if found.status.value == "open"]
        assert json.loads(bytes(still.letter.event)) == before
        assert still.letter.place == ("app_20260906.ndjson", 1, "purchases")
    refusal.kinesis.faults = Faults()
    assert refusal.replay(HOOKS) == before


def test_a_message_log_stays_one(refusal: Refusal) -> None:
    hook = HookDefinition("logs", TriggerType.MESSAGE_LOG, stream_name="netmera-purchases", partition_key=("extId",))
    row = {"id": "m1", "timeStamp": 1_788_000_000_000, "extId": "CRM-1", "status": "SENT", "platform": "IOS"}
    before = refusal.refuse(row, (hook,), export_format=ExportFormat(record_type=TriggerType.MESSAGE_LOG))
    assert refusal.replay((hook,)) == before
    assert before["triggerType"] == "MESSAGE_LOG"
