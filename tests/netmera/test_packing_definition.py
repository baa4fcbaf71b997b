"""How a hook asks for packing, and what hooks of one stream have to agree on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_netmera_kinesis.errors import DefinitionError
from airflow_netmera_kinesis.netmera.definition_parsing import parse_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, Packing


def hook(**fields: Any) -> dict[str, Any]:
    return {"name": "carts", "trigger_type": "EVENT", "event_code": "n:acp", "stream_name": "netmera-carts", **fields}


def faults(*hooks: Any) -> list[str]:
    with pytest.raises(DefinitionError) as error:
        parse_definitions({"hooks": list(hooks)}, "hooks.yaml")
    return list(error.value.faults)


def test_nothing_is_packed_and_order_is_asked_for_unless_a_hook_says_otherwise() -> None:
    (parsed,) = parse_definitions([hook()], "hooks")
    assert (parsed.packing, parsed.pack_always, parsed.allow_unordered) == (Packing.NONE, False, False)


@pytest.mark.parametrize("packing", ["none", "ndjson", "kpl"])
def test_a_hook_names_its_packing(packing: str) -> None:
    (parsed,) = parse_definitions([hook(packing=packing, allow_unordered=True)], "hooks")
    assert (parsed.packing, parsed.allow_unordered) == (Packing(packing), True)


def test_packing_survives_json_unchanged() -> None:
    parsed = parse_definitions([hook(packing="kpl", pack_always=True)], "hooks")
    assert msgspec.json.decode(msgspec.json.encode(parsed), type=tuple[HookDefinition, ...]) == parsed


def test_a_slice_that_was_frozen_before_packing_was_known_packs_nothing() -> None:
    old = msgspec.json.decode(b'{"name": "carts", "event_code": "n:acp"}', type=HookDefinition)
    assert (old.packing, old.pack_always, old.allow_unordered) == (Packing.NONE, False, False)


@pytest.mark.parametrize("packing", ["gzip", "KPL", "", None, True, ["kpl"]])
def test_another_packing_is_refused_with_those_that_there_are(packing: Any) -> None:
    assert faults(hook(packing=packing, pack_always=True)) == [
        f"hook 'carts': packing is {packing!r}; allowed: none, ndjson, kpl"
    ]


@pytest.mark.parametrize("field", ["pack_always", "allow_unordered"])
@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_switch_is_true_or_false(field: str, value: Any) -> None:
    assert faults(hook(packing="kpl", **{field: value})) == [
        f"hook 'carts': {field} is {value!r}; allowed: true, false"
    ]


@pytest.mark.parametrize("fields", [{}, {"packing": "none"}])
def test_to_pack_always_needs_a_packing(fields: dict[str, str]) -> None:
    assert faults(hook(pack_always=True, **fields)) == [
        "hook 'carts': pack_always is true, but packing is none; allowed: true beside packing: ndjson or kpl"
    ]


@pytest.mark.parametrize(
    ("field", "value", "says", "others"),
    [
        ("packing", "kpl", "kpl", "ndjson"),
        ("pack_always", True, "true", "false"),
        ("allow_unordered", True, "true", "false"),
    ],
)
def test_hooks_of_one_stream_agree(field: str, value: Any, says: str, others: str) -> None:
    first = hook(packing="ndjson")
    [fault] = faults(first, {**first, "name": "b", field: value})
    assert fault == (
        f"hook 'b': {field} is {says} but hook 'carts' feeds the same stream 'netmera-carts' with {others}; "
        "allowed: the same for all hooks of a stream"
    )


def test_hooks_of_different_streams_pack_as_each_likes() -> None:
    parsed = parse_definitions([hook(packing="kpl"), hook(name="b", stream_name="netmera-logins")], "hooks")
    assert [h.packing for h in parsed] == [Packing.KPL, Packing.NONE]
