"""Rules are read and judged with the definitions that hold them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_netmera_kinesis.errors import DefinitionError
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions, parse_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload_rules import KeySource, OnOversize, Oversize, PayloadRules

AS_YAML = b"""
hash_key: {variable: netmera_hash_key}
hooks:
  - name: purchases
    trigger_type: EVENT
    event_code: "n:ph"
    stream_name: netmera-purchases
    payload:
      drop: [identities.email, "userAttributes.*", "eventData.params.items[].eb"]
      hash: [identities.msisdn, userId]
    hash_partition_key: true
    oversize: {drop: [eventData.params]}
  - {name: carts, trigger_type: EVENT, event_code: "n:acp", stream_name: netmera-carts}
"""


def hook(**fields: Any) -> dict[str, Any]:
    return {"name": "carts", "trigger_type": "EVENT", "event_code": "n:acp", "stream_name": "netmera-carts", **fields}


def faults(*hooks: Any, **document: Any) -> list[str]:
    with pytest.raises(DefinitionError) as error:
        parse_definitions({"hooks": list(hooks), **document}, "hooks.yaml")
    return list(error.value.faults)


def test_rules_are_written_with_the_hook_and_one_key_may_serve_them_all() -> None:
    purchases, carts = load_definitions(AS_YAML, "hooks.yaml")
    assert purchases.payload == PayloadRules(
        drop=("identities.email", "userAttributes.*", "eventData.params.items[].eb"),
        hash=("identities.msisdn", "userId"),
    )
    assert purchases.oversize == Oversize(OnOversize.DROP, ("eventData.params",))
    assert purchases.hash_key == KeySource("variable", "netmera_hash_key")
    assert purchases.hash_partition_key
    assert (carts.payload, carts.oversize, carts.hash_key) == (PayloadRules(), Oversize(), None)
    assert msgspec.json.decode(msgspec.json.encode(purchases), type=HookDefinition) == purchases


def test_a_hook_may_have_a_key_of_its_own() -> None:
    mine = hook(payload={"hash": ["identities.email"]}, hash_key={"conn_id": "acme_hash"})
    (parsed,) = parse_definitions({"hooks": [mine], "hash_key": {"variable": "other"}}, "hooks")
    assert parsed.hash_key == KeySource("conn_id", "acme_hash")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("dead_letter", Oversize()),
        ("fail", Oversize(OnOversize.FAIL)),
        (
            {"drop": ["userAttributes", "eventData.params"]},
            Oversize(OnOversize.DROP, ("userAttributes", "eventData.params")),
        ),
        ("drop:[userAttributes, eventData.params]", Oversize(OnOversize.DROP, ("userAttributes", "eventData.params"))),
    ],
)
def test_what_becomes_of_an_event_that_is_too_large(written: Any, read: Oversize) -> None:
    assert parse_definitions([hook(oversize=written)], "hooks")[0].oversize == read


def test_a_fault_names_the_hook_the_rule_the_path_and_what_is_allowed() -> None:
    begin = "allowed: paths that begin with userId, eventData, userAttributes, identities"
    told = faults(
        hook(
            payload={
                "drop": ["identities..email", "identity.email", "eventId", "eventData.param.x", 5],
                "keep": "userId",
                "mask": ["userId"],
            },
            oversize="cut",
        )
    )
    assert told[0] == "hook 'carts': payload: unknown key 'mask'; allowed: keep, drop, hash"
    assert told[1] == "hook 'carts': payload: keep is 'userId'; allowed: a list of one or more dotted paths"
    assert told[2].startswith("hook 'carts': payload: drop has 'identities..email'; allowed: a dotted path such as")
    assert told[3] == f"hook 'carts': payload: drop has 'identity.email'; {begin}"
    assert told[4] == f"hook 'carts': payload: drop has 'eventId', and eventId is part of every payload; {begin}"
    assert told[5] == (
        "hook 'carts': payload: drop has 'eventData.param.x'; "
        "allowed: eventData of an event has name, timestamp, revenue, params, device"
    )
    assert told[6].startswith("hook 'carts': payload: drop has 5; allowed: a dotted path")
    assert told[7] == "hook 'carts': oversize is 'cut'; allowed: dead_letter, fail, or {drop: [paths]}"
    assert len(told) == 8


def test_a_message_logs_event_data_has_fields_of_its_own() -> None:
    logs = {"trigger_type": "MESSAGE_LOG", "event_code": "x", "payload": {"drop": ["eventData.msgText"]}}
    assert parse_definitions([hook(**logs)], "hooks")[0].payload.drop == ("eventData.msgText",)


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (
            {"drop": ["identities"], "keep": ["identities.email"]},
            "keep names 'identities.email', which drop takes away with",
        ),
        (
            {"drop": ["identities.*"], "hash": ["identities.email"]},
            "hash names 'identities.email', which drop takes away",
        ),
        (
            {"hash": ["identities", "identities.email"]},
            "hash names 'identities.email' and 'identities', of which one lies",
        ),
        ({"keep": ["eventData"], "hash": ["identities.email"]}, "hash names 'identities.email', which keep leaves out"),
        ({"drop": ["userId", "userId"]}, "drop has 'userId' twice"),
        ({"drop": []}, "drop is []; allowed: a list of one or more dotted paths"),
    ],
)
def test_rules_that_contradict_each_other_are_told(rules: dict[str, Any], fault: str) -> None:
    (told,) = faults(hook(payload=rules), hash_key={"variable": "k"})
    assert told.startswith(f"hook 'carts': payload: {fault}")


def test_keep_may_name_what_stays_anyway_and_a_hash_within_it_or_around_it() -> None:
    rules = {"keep": ["eventId", "identities.email", "userAttributes"], "hash": ["identities", "userAttributes.city"]}
    assert parse_definitions({"hooks": [hook(payload=rules)], "hash_key": {"variable": "k"}}, "hooks")


@pytest.mark.parametrize("hashing", [{"payload": {"hash": ["userId"]}}, {"hash_partition_key": True}])
def test_whoever_hashes_says_where_the_key_is(hashing: dict[str, Any]) -> None:
    (fault,) = faults(hook(**hashing))
    assert fault.startswith("hook 'carts': hash_key is missing, but something is hashed; allowed: {conn_id: ")


def test_a_key_for_nothing_is_told() -> None:
    (fault,) = faults(hook(hash_key={"variable": "k"}))
    assert fault.startswith("hook 'carts': hash_key is given, but nothing is hashed")


@pytest.mark.parametrize(
    "written", ["hunter2-hunter2", {"key": "hunter2-hunter2"}, {"conn_id": "a", "variable": "hunter2"}]
)
def test_a_key_that_stands_in_the_definitions_is_refused_and_not_shown(written: Any) -> None:
    for told in (
        faults(hook(payload={"hash": ["userId"]}, hash_key=written)),
        faults(hook(payload={"hash": ["userId"]}), hash_key=written),
    ):
        (fault,) = told
        assert "hash_key is not a reference to a key; allowed: {conn_id: " in fault
        assert "hunter2" not in fault


def test_hooks_of_one_stream_hash_its_partition_key_alike() -> None:
    one = hook(hash_partition_key=True, hash_key={"variable": "k"})
    other = hook(name="b", hash_partition_key=True, hash_key={"variable": "another"})
    (fault,) = faults(one, other)
    assert fault == (
        "hook 'b': hash_partition_key is true with variable 'another' but hook 'carts' feeds the same stream "
        "'netmera-carts' with true with variable 'k'; allowed: the same for all hooks of a stream"
    )
    assert len(faults(one, hook(name="b"))) == 1
