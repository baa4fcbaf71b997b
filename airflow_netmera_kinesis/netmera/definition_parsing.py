"""Read hook definitions from YAML, JSON or a list; every fault is told at once: hook, field, value, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_netmera_kinesis.document import load_document
from airflow_netmera_kinesis.errors import DefinitionError
from airflow_netmera_kinesis.fields import Fields
from airflow_netmera_kinesis.netmera.definition_agreement import disagreements
from airflow_netmera_kinesis.netmera.hook_definition import (
    HOOK_TYPE,
    MAX_REQUEST_BYTES,
    MAX_REQUEST_RECORDS,
    BatchLimits,
    HookDefinition,
    Packing,
    TriggerType,
)
from airflow_netmera_kinesis.netmera.payload_rules import KeySource
from airflow_netmera_kinesis.netmera.rule_parsing import key_source, read_rules

MAX_NAME_CHARACTERS = 128  # ours: names of any script and with spaces, as Netmera's panel takes them
KEY_FIELDS = ("userId", "extId", "installationId")
_STREAM_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
_STREAM_ARN = re.compile(r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/([a-zA-Z0-9_.-]{1,128})")
_FIELDS = ("name", "hook_type", "trigger_type", "event_code", "event_name", "stream_name", "stream_arn", "active",
           "batch", "partition_key", "packing", "pack_always", "allow_unordered", "payload", "oversize", "hash_key",
           "hash_partition_key")  # fmt: skip


def load_definitions(data: bytes, source: str) -> tuple[HookDefinition, ...]:
    """Read a YAML or JSON file of definitions; ``source`` names it in messages."""
    return parse_definitions(load_document(data, source), source)


def parse_definitions(document: object, source: str) -> tuple[HookDefinition, ...]:
    """Read a list of definitions, or a mapping with it under ``hooks``. Raises DefinitionError with all faults.

    ``hash_key`` beside ``hooks`` is that of every hook which hashes and names none itself.
    """
    faults: list[str] = []
    key_of_all: KeySource | None = None
    if isinstance(document, Mapping):
        whole = Fields(document, "the document", faults)
        whole.allow_only(["hooks", "hash_key"])
        key_of_all = key_source(whole, faults)
        document = document.get("hooks")
    if not isinstance(document, (list, tuple)) or not document:
        raise DefinitionError(source, [*faults, "hooks is missing or empty; allowed: a list of at least one hook"])
    hooks = [_parse_hook(entry, place, key_of_all, faults) for place, entry in enumerate(document, 1)]
    faults.extend(disagreements(hooks))
    if faults:
        raise DefinitionError(source, faults)
    return tuple(hooks)


def _parse_hook(entry: object, place: int, key_of_all: KeySource | None, faults: list[str]) -> HookDefinition:
    if not isinstance(entry, Mapping):
        faults.append(f"hook #{place}: is {entry!r}; allowed: a mapping with {', '.join(_FIELDS)}")
        return HookDefinition(name="")
    given = entry.get("name")
    fields = Fields(entry, f"hook {given!r}" if given and isinstance(given, str) else f"hook #{place}", faults)
    fields.allow_only(_FIELDS)
    fields.choice("hook_type", [HOOK_TYPE], HOOK_TYPE)
    trigger = _trigger_type(fields)
    _check_condition(fields, trigger)
    _check_address(fields)
    _check_packing(fields)
    rules = read_rules(fields, faults, key_of_all, event=trigger is TriggerType.EVENT)
    return HookDefinition(
        name=_name(fields),
        trigger_type=trigger or TriggerType.EVENT,
        event_code=_code(fields, "event_code"),
        event_name=_code(fields, "event_name"),
        stream_name=_stream(fields, "stream_name", _STREAM_NAME, "1 to 128 of a-z A-Z 0-9 _ . -"),
        stream_arn=_stream(fields, "stream_arn", _STREAM_ARN, "arn:aws:kinesis:<region>:<account>:stream/<name>"),
        active=fields.flag("active", default=True),
        batch=_batch(fields, faults),
        partition_key=_partition_key(fields),
        packing=Packing(fields.choice("packing", [packing.value for packing in Packing], Packing.NONE.value)),
        pack_always=fields.flag("pack_always", default=False),
        allow_unordered=fields.flag("allow_unordered", default=False),
        **rules._asdict(),
    )


def _name(fields: Fields) -> str:
    if "name" not in fields:
        fields.fault("name", f"is missing; allowed: text of 1 to {MAX_NAME_CHARACTERS} characters")
        return ""
    name = fields.text("name") or ""
    if len(name) > MAX_NAME_CHARACTERS:
        fields.fault("name", f"has {len(name)} characters; allowed: 1 to {MAX_NAME_CHARACTERS}")
    return name


def _trigger_type(fields: Fields) -> TriggerType | None:
    supported = [trigger.value for trigger in TriggerType]
    if "trigger_type" not in fields:
        fields.fault("trigger_type", f"is missing; allowed: {', '.join(supported)}")
        return None
    given = fields["trigger_type"]
    if isinstance(given, str) and given in supported:
        return TriggerType(given)
    fields.fault("trigger_type", f"{given!r} is not supported; allowed: {', '.join(supported)}")
    return None


def _check_condition(fields: Fields, trigger: TriggerType | None) -> None:
    """An EVENT hook names its event one way; a MESSAGE_LOG hook may name a code, else it fires on every message log."""
    named = [name for name in ("event_code", "event_name") if name in fields]
    if trigger is TriggerType.EVENT and len(named) != 1:
        says = "are both given" if named else "are both missing"
        fields.fault("event_code and event_name", f"{says}; allowed: exactly one of them")
    if trigger is TriggerType.MESSAGE_LOG and "event_name" in fields:
        fields.refuse("event_name", "event_name on EVENT hooks only (message logs carry no event name)")
    if trigger is TriggerType.MESSAGE_LOG and not named and "partition_key" not in fields:
        allowed = f"a list of {', '.join(KEY_FIELDS)} (message logs carry no user id by themselves, so it must be said)"
        fields.fault("partition_key", f"is missing; allowed: {allowed}")


def _check_address(fields: Fields) -> None:
    if ("stream_name" in fields) == ("stream_arn" in fields):
        says = "are both given" if "stream_name" in fields else "are both missing"
        fields.fault("stream_name and stream_arn", f"{says}; allowed: exactly one of them")


def _check_packing(fields: Fields) -> None:
    packs = "packing" in fields and fields["packing"] != Packing.NONE.value
    if "pack_always" in fields and fields["pack_always"] is True and not packs:
        fields.fault("pack_always", "is true, but packing is none; allowed: true beside packing: ndjson or kpl")


def _code(fields: Fields, name: str) -> str | None:
    value = fields.text(name)
    if value == "null":  # an export's way to say that there is none
        fields.refuse(name, 'any text but "null", which exports write for a missing value')
    return value


def _stream(fields: Fields, name: str, pattern: re.Pattern[str], allowed: str) -> str | None:
    value = fields.text(name)
    if value is not None and not pattern.fullmatch(value):
        fields.refuse(name, allowed)
    return value


def _batch(fields: Fields, faults: list[str]) -> BatchLimits:
    batch = Fields(fields.mapping("batch"), f"{fields.where}: batch", faults)
    batch.allow_only(["max_records", "max_bytes"])
    default = BatchLimits()
    return BatchLimits(
        max_records=batch.whole_number("max_records", 1, MAX_REQUEST_RECORDS, default.max_records),
        max_bytes=batch.whole_number("max_bytes", 1, MAX_REQUEST_BYTES, default.max_bytes),
    )


def _partition_key(fields: Fields) -> tuple[str, ...]:
    if "partition_key" not in fields:
        return KEY_FIELDS[:1]
    given = fields["partition_key"]
    listed = isinstance(given, (list, tuple)) and all(isinstance(part, str) for part in given)
    if not listed or not given or len(set(given)) != len(given) or not set(given) <= set(KEY_FIELDS):
        fields.refuse("partition_key", f"a list of one or more of {', '.join(KEY_FIELDS)}, each at most once")
        return KEY_FIELDS[:1]
    return tuple(given)
