"""Write the payload of a record, or read one: its spellings, inferred from Netmera's documentation, live here alone."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, field

from airflow_netmera_kinesis.netmera.event import ABSENT, NO_IDENTITIES, Event, Identities, MessageLog, OpenIdentities
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, TriggerType

_encode = msgspec.json.Encoder().encode
_text = msgspec.json.Decoder(str).decode
_NAMES = frozenset(Identities.__struct_encode_fields__)


class _EventData(msgspec.Struct, omit_defaults=True, gc=False):
    name: str | None = None
    timestamp: int | None = None
    revenue: Raw = ABSENT
    params: Raw = ABSENT
    device: Raw = ABSENT


_NO_DATA = _EventData()
_decode_data = msgspec.json.Decoder(_EventData).decode


class _Identities(msgspec.Struct, omit_defaults=True, gc=False):
    user_id: str | None = field(default=None, name="userId")
    ext_id: str | None = field(default=None, name="extId")
    email: str | None = None
    msisdn: str | None = None
    installation_id: str | None = field(default=None, name="installationId")
    device_id: str | None = field(default=None, name="deviceId")
    session_id: str | None = field(default=None, name="sessionId")


class _Body(msgspec.Struct, omit_defaults=True, gc=False):
    event_code: str | None = field(default=None, name="eventCode")
    user_id: str | None = field(default=None, name="userId")
    event_id: str | None = field(default=None, name="eventId")
    event_data: _EventData | Mapping[str, Raw] | None = field(default=None, name="eventData")
    user_attributes: Raw = field(default=ABSENT, name="userAttributes")
    identities: _Identities | Mapping[str, Raw] | None = None


def opening_of(hook: HookDefinition) -> bytes:
    """Return what the payloads of a hook begin with: ``opening_of(hook) + body_of(event, …)`` is the payload."""
    names = {"hookName": hook.name, "hookType": hook.hook_type, "triggerType": hook.trigger_type}
    return _encode(names).removesuffix(b"}") + b","


def body_of(event: Event | MessageLog, event_code: str | None, event_id: str) -> bytes:
    """Return the rest of the payload, the same for all hooks that the event fires. What is absent is left out."""
    body = _Body(
        event_code,
        event.user_id,
        event_id,
        _item(event) if isinstance(event, MessageLog) else _event_data(event),
        event.profile,
        _identities(event.user_id, event.identities),
    )
    return _encode(body)[1:]


def _event_data(event: Event) -> _EventData | None:
    data = _EventData(event.event_name, event.time_ms, event.revenue, event.params, event.device)
    return None if data == _NO_DATA else data


def _item(log: MessageLog) -> Mapping[str, Raw] | None:
    """A message log's own fields, after the name and time that every event's data begins with."""
    named = _EventData(log.event_name, log.time_ms)
    return {**msgspec.json.decode(_encode(named), type=dict[str, Raw]), **log.item} or None


def _identities(user_id: str | None, ids: Identities) -> _Identities | Mapping[str, Raw] | None:
    if user_id is None and ids == NO_IDENTITIES:
        return None
    known = _Identities(user_id, ids.ext_id, ids.email, ids.msisdn, ids.installation_id, ids.device_id, ids.session_id)
    if isinstance(ids, OpenIdentities):
        return {**msgspec.json.decode(_encode(known), type=dict[str, Raw]), **ids.more}
    return known


class _Payload(msgspec.Struct, gc=False):
    trigger_type: TriggerType = field(name="triggerType")
    event_code: str | None = field(default=None, name="eventCode")
    user_id: str | None = field(default=None, name="userId")
    event_id: str | None = field(default=None, name="eventId")
    event_data: dict[str, Raw] = field(default_factory=dict, name="eventData")
    user_attributes: Raw = field(default=ABSENT, name="userAttributes")
    identities: dict[str, Raw] = {}


_decode = msgspec.json.Decoder(_Payload).decode


def event_of(payload: bytes) -> Event | MessageLog:
    """Return the event that a payload was made of, as far as it tells: the reverse of ``body_of``.

    Raises msgspec.DecodeError for what is no payload.
    """
    read = _decode(payload)
    data, identities = read.event_data, _read_identities(read.identities)
    if read.trigger_type is TriggerType.MESSAGE_LOG:
        named = {name: data.pop(name) for name in ("name", "timestamp") if _is_named_by(data, name)}
        known = _decode_data(_encode(named))
        return MessageLog(
            id=read.event_id, event_code=read.event_code, event_name=known.name, time_ms=known.timestamp,
            user_id=read.user_id, item=data, profile=read.user_attributes, identities=identities,
        )  # fmt: skip
    known = _decode_data(_encode(data))
    return Event(
        id=read.event_id, event_code=read.event_code, event_name=known.name, time_ms=known.timestamp,
        user_id=read.user_id, params=known.params, revenue=known.revenue, profile=read.user_attributes,
        identities=identities, device=known.device,
    )  # fmt: skip


def _is_named_by(data: Mapping[str, Raw], name: str) -> bool:
    """An item may have a field of that name and of another type, which is its own."""
    token = bytes(data.get(name, b" "))[:1]
    return token == b'"' if name == "name" else token in b"-0123456789"


def _read_identities(members: Mapping[str, Raw]) -> Identities:
    """The user id, which stands beside them too, is none of them."""
    known = msgspec.convert({name: _text(value) for name, value in members.items() if name in _NAMES}, Identities)
    more = {name: value for name, value in members.items() if name not in _NAMES and name != "userId"}
    if more:
        return OpenIdentities(**msgspec.structs.asdict(known), more=more)
    return NO_IDENTITIES if known == NO_IDENTITIES else known
