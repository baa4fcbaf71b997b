from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from airflow_netmera_kinesis.errors import DefinitionError
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions, parse_definitions
from airflow_netmera_kinesis.netmera.hook_definition import BatchLimits, HookDefinition, TriggerType

SAMPLE = Path(__file__).parents[2] / "samples" / "hooks.yaml"
ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/netmera-carts"


def hook(**fields: Any) -> dict[str, Any]:
    """A definition that is right; None takes a field out."""
    given = {"name": "carts", "trigger_type": "EVENT", "event_code": "n:acp", "stream_name": "netmera-carts", **fields}
    return {name: value for name, value in given.items() if value is not ...}


def faults(*hooks: Any) -> list[str]:
    with pytest.raises(DefinitionError) as error:
        parse_definitions({"hooks": list(hooks)}, "hooks.yaml")
    return list(error.value.faults)


def test_the_sample_definitions_are_right() -> None:
    hooks = load_definitions(SAMPLE.read_bytes(), "hooks.yaml")
    assert [h.name for h in hooks] == [
        "purchases", "carts", "logins", "screens", "payments", "retired", "message-logs",
    ]  # fmt: skip
    assert [h.active for h in hooks] == [True] * 5 + [False, True]
    assert hooks[-1].partition_key == ("userId", "extId")


def test_what_is_left_out_has_its_documented_default() -> None:
    (parsed,) = parse_definitions([hook()], "the argument hooks")
    assert parsed == HookDefinition(
        name="carts",
        trigger_type=TriggerType.EVENT,
        event_code="n:acp",
        stream_name="netmera-carts",
        active=True,
        batch=BatchLimits(max_records=500, max_bytes=5_242_880),
        partition_key=("userId",),
        hook_type="KINESIS",
    )


def test_a_definition_survives_json_unchanged() -> None:
    parsed = load_definitions(SAMPLE.read_bytes(), "hooks.yaml")
    assert msgspec.json.decode(msgspec.json.encode(parsed), type=tuple[HookDefinition, ...]) == parsed


def test_a_stream_is_called_by_its_name_also_where_its_arn_is_given() -> None:
    parsed = parse_definitions([hook(), hook(name="b", stream_name=..., stream_arn=ARN)], "hooks")
    assert [h.stream for h in parsed] == ["netmera-carts", "netmera-carts"]


@pytest.mark.parametrize("trigger", ["PUSH_CLICK", "GEOFENCE", "event", None, 5])
def test_other_triggers_are_refused_with_those_that_are_supported(trigger: Any) -> None:
    assert faults(hook(trigger_type=trigger)) == [
        f"hook 'carts': trigger_type {trigger!r} is not supported; allowed: EVENT, MESSAGE_LOG"
    ]


@pytest.mark.parametrize(("given", "kind"), [(5, "number"), (1.5, "number"), (True, "boolean"), ({}, "mapping")])
def test_what_is_not_text_is_told_as_people_call_it(given: Any, kind: str) -> None:
    (fault,) = faults(hook(event_code=given))
    assert fault.startswith(f"hook 'carts': event_code is {given!r}, a {kind}; allowed: text")


def test_other_hook_types_are_refused() -> None:
    assert faults(hook(hook_type="KAFKA")) == ["hook 'carts': hook_type is 'KAFKA'; allowed: KINESIS"]


def test_all_faults_of_all_hooks_are_told_at_once() -> None:
    told = faults(
        hook(compression="gzip", active="yes"),
        hook(name=..., stream_name="my stream", batch={"max_records": 501, "max_bytes": 0, "size": 1}),
        "carts",
    )
    assert len(told) == 8
    assert told[0].startswith(
        "hook 'carts': unknown key 'compression'; allowed: name, hook_type, trigger_type, event_code"
    )
    assert told[1] == "hook 'carts': active is 'yes'; allowed: true, false"
    assert "hook #2: name is missing; allowed: text of 1 to 128 characters" in told
    assert "hook #2: stream_name is 'my stream'; allowed: 1 to 128 of a-z A-Z 0-9 _ . -" in told
    assert "hook #2: batch: unknown key 'size'; allowed: max_records, max_bytes" in told
    assert "hook #2: batch: max_records is 501; allowed: a whole number from 1 to 500" in told
    assert "hook #2: batch: max_bytes is 0; allowed: a whole number from 1 to 10485760" in told
    assert told[-1].startswith("hook #3: is 'carts'; allowed: a mapping")


def test_the_message_names_the_file_and_every_fault() -> None:
    with pytest.raises(DefinitionError, match=r"^s3://x/hooks.yaml: 2 fault\(s\) in the hook definitions:\n  - hook"):
        parse_definitions([hook(active=1, hook_type=None)], "s3://x/hooks.yaml")


@pytest.mark.parametrize("written", ["yes", "1:30", "12", "2026-09-06", "1.5"])
def test_a_code_that_yaml_turned_into_something_else_is_to_be_quoted(written: str) -> None:
    definition = f"- {{name: a, trigger_type: EVENT, stream_name: s, event_code: {written}}}"
    with pytest.raises(DefinitionError, match='put it in quotes: event_code: "…"'):
        load_definitions(definition.encode(), "hooks.yaml")
    quoted = definition.replace(written, f'"{written}"')
    assert load_definitions(quoted.encode(), "hooks.yaml")[0].event_code == written


def test_an_event_hook_names_its_event_one_way() -> None:
    assert parse_definitions([hook(event_code=..., event_name="Purchase")], "hooks")[0].event_name == "Purchase"
    assert faults(hook(event_name="Purchase")) == [
        "hook 'carts': event_code and event_name are both given; allowed: exactly one of them"
    ]
    assert faults(hook(event_code=...)) == [
        "hook 'carts': event_code and event_name are both missing; allowed: exactly one of them"
    ]


@pytest.mark.parametrize("code", ["", " ", " n:ph", "n:ph\n", "null"])
def test_a_code_that_no_event_can_have_is_refused(code: str) -> None:
    assert len(faults(hook(event_code=code))) == 1


def test_a_message_log_hook_without_a_code_names_its_partition_key() -> None:
    message_log = hook(trigger_type="MESSAGE_LOG", event_code=...)
    assert "hook 'carts': partition_key is missing; allowed: a list of userId, extId" in faults(message_log)[0]
    assert parse_definitions([{**message_log, "partition_key": ["extId"]}], "hooks")[0].event_code is None
    assert parse_definitions([hook(trigger_type="MESSAGE_LOG")], "hooks")[0].partition_key == ("userId",)
    assert "event_name on EVENT hooks only" in faults(hook(trigger_type="MESSAGE_LOG", event_name="x"))[0]


@pytest.mark.parametrize("key", [[], "userId", ["userId", "userId"], ["email"], [1], None, {}])
def test_a_partition_key_is_made_of_ids_that_events_have(key: Any) -> None:
    assert "partition_key is " in faults(hook(partition_key=key))[0]


def test_a_stream_is_given_by_name_or_arn() -> None:
    assert faults(hook(stream_arn=ARN)) == [
        "hook 'carts': stream_name and stream_arn are both given; allowed: exactly one of them"
    ]
    assert "are both missing" in faults(hook(stream_name=...))[0]
    assert len(faults(hook(stream_name=..., stream_arn="arn:aws:sqs:eu-central-1:123456789012:x"))) == 1
    assert parse_definitions([hook(stream_name="a" * 128)], "hooks")
    assert faults(hook(stream_name="a" * 129))


def test_the_limits_of_a_request_may_be_set_up_to_kinesis_own() -> None:
    (parsed,) = parse_definitions([hook(batch={"max_records": 1, "max_bytes": 10_485_760})], "hooks")
    assert parsed.batch == BatchLimits(1, 10_485_760)
    assert len(faults(hook(batch={"max_records": True, "max_bytes": 10_485_761}))) == 2
    assert faults(hook(batch=500)) == ["hook 'carts': batch is 500; allowed: a mapping"]


def test_a_name_belongs_to_one_hook() -> None:
    assert faults(hook(), hook(), hook(name="b")) == [
        "hook 'carts': name is given to hooks #1, #2; allowed: a name of its own for each hook"
    ]


@pytest.mark.parametrize("name", ["Ödemeler (İstanbul)", "n" * 128, "a"])
def test_a_name_may_be_of_any_script(name: str) -> None:
    assert parse_definitions([hook(name=name)], "hooks")[0].name == name


@pytest.mark.parametrize("name", ["", "n" * 129, "a\nb", " a", 7, None])
def test_a_name_says_something_on_one_line(name: Any) -> None:
    assert len(faults(hook(name=name))) == 1


def test_hooks_of_one_stream_agree_on_the_partition_key() -> None:
    other = hook(name="b", stream_name=..., stream_arn=ARN, partition_key=["userId", "extId"])
    (told,) = faults(hook(), other)
    assert told == (
        "hook 'b': partition_key is ['userId', 'extId'] but hook 'carts' feeds the same stream 'netmera-carts' with "
        "['userId']; allowed: the same for all hooks of a stream"
    )


def test_two_arns_with_one_stream_name_are_two_streams_and_refused() -> None:
    here = hook(stream_name=..., stream_arn=ARN)
    there = hook(name="b", stream_name=..., stream_arn=ARN.replace("123456789012", "210987654321"))
    assert "stream 'netmera-carts': stream_arn differs" in faults(here, there)[0]


@pytest.mark.parametrize("document", [None, {}, {"hooks": []}, {"hooks": None}, [], "hooks", 5])
def test_definitions_without_a_hook_would_let_every_event_pass_unsent(document: Any) -> None:
    with pytest.raises(DefinitionError, match="hooks is missing or empty"):
        parse_definitions(document, "hooks.yaml")


def test_another_key_beside_the_hooks_is_refused() -> None:
    with pytest.raises(DefinitionError, match="unknown key 'hook'; allowed: hooks"):
        parse_definitions({"hook": [hook()]}, "hooks.yaml")
