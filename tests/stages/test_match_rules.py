"""What a hook's rules and its policy for what is too large make of the events that fire it."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from match_scene import SLICE, Scene, line

from airflow_netmera_kinesis.errors import ConfigurationError, RecordTooLarge
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.netmera.hashing import HashKey, HashKeys, fingerprints_of, key_sources
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.partition_key import partition_of
from airflow_netmera_kinesis.state.dead_letter import Reason
from airflow_netmera_kinesis.state.match_result import MatchResult
from airflow_netmera_kinesis.state.slice import load_slice, save_slice

KEY = "a key of the customer's own"
PERSON: Any = {
    "identities": {"email": "ayse@example.invalid"},
    "profile": {"city": "İstanbul"},
    "params": {"note": "x" * 900},
}


def hooks_of(*rules: dict[str, Any]) -> tuple[HookDefinition, ...]:
    named = [{"name": f"hook-{n}", "stream_name": f"stream-{n}", **rule} for n, rule in enumerate(rules)]
    return parse_definitions(
        {
            "hooks": [{"trigger_type": "EVENT", "event_code": "n:ph", **hook} for hook in named],
            "hash_key": {"variable": "k"},
        },
        "hooks",
    )


def keys_of(hooks: Any, key: str = KEY) -> HashKeys:
    return dict.fromkeys(key_sources(hooks), HashKey(key))


def hmac_of(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def matched(scene: Scene, *rules: dict[str, Any], partitions: int = 1, key: str = KEY) -> MatchResult:
    scene.plan(hooks=hooks_of(*rules), partitions=partitions, hash_keys=fingerprints_of(keys_of(hooks_of(*rules))))
    return again(scene, key)


def again(scene: Scene, key: str = KEY) -> MatchResult:
    return scene.match(keys_of=lambda hooks: keys_of(hooks, key))


def payloads(scene: Scene, result: MatchResult) -> list[dict[str, Any]]:
    return [json.loads(record.payload) for record in scene.staged(result)]


def test_each_hook_shapes_its_own_payload_of_one_event(scene: Scene) -> None:
    scene.put(a=line(**PERSON))
    plain, dropped, hashed = payloads(
        scene,
        matched(
            scene, {}, {"payload": {"drop": ["identities.email", "userAttributes"]}}, {"payload": {"hash": ["userId"]}}
        ),
    )
    assert plain["identities"] == {"userId": "u-ayşe", "email": "ayse@example.invalid"}
    assert dropped["identities"] == {"userId": "u-ayşe"}
    assert "userAttributes" not in dropped
    assert hashed["userId"] == hashed["identities"]["userId"] == hmac_of("u-ayşe")
    assert len({each["eventId"] for each in (plain, dropped, hashed)}) == 1


def test_rules_leave_the_partition_key_alone(scene: Scene) -> None:
    scene.put(a=line())
    result = matched(scene, {"payload": {"hash": ["userId"]}}, {"payload": {"keep": ["eventData"]}})
    assert [record.key for record in scene.staged(result)] == ["u-ayşe"] * 2


def test_a_hashed_partition_key_is_the_hash_that_the_payload_has_and_owns_its_partition(scene: Scene) -> None:
    scene.put(a=line(userId="u" * 300) + line())
    result = matched(scene, {"payload": {"hash": ["userId"]}, "hash_partition_key": True}, partitions=5)
    records = {record.key: json.loads(record.payload)["userId"] for record in scene.staged(result)}
    assert records == {hmac_of("u" * 300): hmac_of("u" * 300), hmac_of("u-ayşe"): hmac_of("u-ayşe")}
    assert {part.partition for part in result.parts} == {partition_of(key, 5) for key in records}


def test_who_has_no_id_is_missing_also_where_the_key_is_hashed(scene: Scene) -> None:
    scene.put(a=line(userId=None))
    assert matched(scene, {"hash_partition_key": True}).hooks[0].dead == {"MISSING_USER_ID": 1}


def test_an_event_of_any_depth_ends_somewhere(scene: Scene) -> None:
    deep = line(id="e1", params={"x": 0})
    scene.put(a=b"".join(deep.replace(b"0}", b"[" * n + b"]" * n + b"}") for n in (*range(900, 1_000), 5_000)))
    result = matched(scene, {"payload": {"hash": ["eventData.params.x"]}})
    assert result.hooks[0].firings + result.files[0].malformed == 101
    assert result.hooks[0].staged > 0
    for letter in scene.dead_letters():
        assert letter.hook is None or letter.message.startswith("the rules of the hook cannot reach into the event")


@pytest.mark.parametrize("size", [900, 1_000])
def test_a_record_that_fits_is_not_truncated(scene: Scene, size: int) -> None:
    scene.put(a=line(**PERSON))
    rule = {"oversize": {"drop": ["eventData.params"]}, "batch": {"max_bytes": size + 1_024}}
    (payload,) = payloads(scene, matched(scene, rule))
    assert "truncated" not in payload


def test_what_can_be_done_without_goes_and_the_payload_says_so(scene: Scene) -> None:
    scene.put(a=line(**PERSON))
    rule = {"oversize": {"drop": ["eventData.params", "identities.crm"]}, "batch": {"max_bytes": 400}}
    (record,) = scene.staged(matched(scene, rule))
    payload = json.loads(record.payload)
    assert payload["truncated"] == ["eventData.params"]
    assert payload["eventData"] == {"timestamp": 1_788_728_400_000}
    assert len(record.payload) + len(record.key.encode()) <= 400


def test_what_is_too_large_all_the_same_is_a_dead_letter_with_the_whole_event(scene: Scene) -> None:
    scene.put(a=line(**PERSON))
    rule = {"oversize": {"drop": ["userAttributes"]}, "batch": {"max_bytes": 400}}
    assert matched(scene, rule).hooks[0].dead == {"TOO_LARGE": 1}
    (letter,) = scene.dead_letters()
    assert letter.message == (
        "payload and key have more than the 400 bytes that batch.max_bytes allows, even without what oversize drops"
    )
    assert msgspec.to_builtins(letter.event)["profile"] == {"city": "İstanbul"}


def test_the_rules_come_before_the_size_is_looked_at(scene: Scene) -> None:
    scene.put(a=line(**PERSON))
    rule = {"payload": {"drop": ["eventData.params"]}, "oversize": "fail", "batch": {"max_bytes": 400}}
    assert matched(scene, rule).hooks[0].staged == 1


def test_oversize_fail_names_file_line_hook_size_and_limit_and_nothing_of_the_event(scene: Scene) -> None:
    scene.put(**{"day.ndjson": line() + line(**PERSON)})
    with pytest.raises(RecordTooLarge) as error:
        matched(scene, {"oversize": "fail", "batch": {"max_bytes": 400}})
    assert str(error.value) == (
        "hook hook-0, day.ndjson, line 2: payload and key have 1222 bytes, more than the 400 bytes that "
        "batch.max_bytes allows, and the hook says oversize: fail. To go on, let it say dead_letter or "
        "{drop: [paths]}, or raise the limit"
    )


def test_a_slice_is_not_matched_on_with_another_key(scene: Scene) -> None:
    scene.put(a=line())
    with pytest.raises(ConfigurationError) as error:
        matched(scene, {"payload": {"hash": ["userId"]}}, key="another key of theirs")
    told = str(error.value)
    assert told.startswith(
        "the hash key in variable 'k' has changed since slice 20260907-abc was planned: start a new run"
    )
    assert "another key" not in told


def test_what_was_matched_before_needs_no_key(scene: Scene) -> None:
    scene.put(a=line())
    before = matched(scene, {"payload": {"hash": ["userId"]}})
    assert again(scene, key="another key of theirs") == before


def test_without_a_key_nothing_is_matched(scene: Scene) -> None:
    scene.put(a=line())
    scene.plan(hooks=hooks_of({"payload": {"hash": ["userId"]}}))
    with pytest.raises(ConfigurationError, match="hook 'hook-0': the key of its hashes, variable 'k', was not given"):
        scene.match()
    assert list(scene.staging.list()) == []


def test_neither_key_nor_value_is_in_state_staging_or_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.put(a=line(**PERSON) + line(userId=None))
    rules = {"payload": {"drop": ["identities.email", "userAttributes", "eventData.params"], "hash": ["userId"]}}
    with caplog.at_level(logging.DEBUG):
        matched(scene, {**rules, "hash_partition_key": True})
    staged = b"".join(scene.staging.read(info.name) for info in scene.staging.list())
    kept = b"".join(scene.state.read(info.name) for info in scene.state.list())
    assert KEY.encode() not in staged + kept
    assert KEY not in caplog.text
    for value in ("ayse@example", "İstanbul", "u-ayşe"):
        assert value.encode() not in staged
    assert [letter.reason for letter in scene.dead_letters()] == [Reason.MISSING_USER_ID]


def test_a_slice_remembers_its_keys_by_their_fingerprints(scene: Scene) -> None:
    scene.put(a=line())
    matched(scene, {"payload": {"hash": ["userId"]}})
    current = load_slice(scene.state, SLICE)
    assert current.hash_keys == current.terms.hash_keys == {"variable 'k'": HashKey(KEY).fingerprint}
    save_slice(scene.state, msgspec.structs.replace(current, hash_keys={}))
    assert load_slice(scene.state, SLICE).hash_keys == {}
