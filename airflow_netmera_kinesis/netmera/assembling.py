"""Make an event of named values, whichever format they came in, and refuse what contradicts itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.netmera.canonical_json import canonical
from airflow_netmera_kinesis.netmera.event import (
    ABSENT,
    NO_IDENTITIES,
    Event,
    Identities,
    Malformed,
    MessageLog,
    OpenIdentities,
)
from airflow_netmera_kinesis.netmera.field_name import IDENTITY_FIELDS, resolve
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

RECORD_TYPES = {trigger.value: trigger for trigger in TriggerType}
# Where eventData of a message log says its name and time; the item's own fields stand beside them.
NAMED_IN_EVENT_DATA = {"name": "eventName", "timestamp": "timestamp"}
_ITEM_OBJECTS = ("params", "revenue", "device")
_EVENT_OBJECTS = ("params", "profile", "device")
_USER_FIELDS = frozenset({"userId", *IDENTITY_FIELDS})
_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Parts:
    """What a line or row says: texts and JSON values by field name, and members that stand beside an object.

    Missing values are not in it, and every Raw is compact.
    """

    __slots__ = ("beside", "texts", "values")

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.values: dict[str, Raw] = {}
        self.beside: dict[str, dict[str, Raw]] = {}

    def put_beside(self, owner: str, members: Mapping[str, Raw]) -> None:
        if members:
            self.beside[owner] = {**self.beside.get(owner, {}), **members}


class Assembler:
    """Assemble events; ``record_type`` is that of a record which does not say its own."""

    def __init__(self, times: TimeReader, record_type: TriggerType) -> None:
        self._times = times
        self._record_type = record_type

    def event_of(self, parts: Parts) -> Event | MessageLog:
        """Raise Malformed where the parts make no event."""
        record_type = self._record_type_of(parts.texts)
        time_ms = self._time_of(parts.texts)
        identities = _identities_of(parts)
        texts = parts.texts.get
        if record_type is TriggerType.MESSAGE_LOG:
            return MessageLog(
                id=texts("id"),
                app_key=texts("appKey"),
                event_code=texts("eventCode"),
                event_name=texts("eventName"),
                time_ms=time_ms,
                user_id=texts("userId"),
                item=_item_of(parts),
                profile=_object_of(parts, "profile"),
                identities=identities,
            )
        values = parts.values if not parts.beside else _with_members(parts)
        return Event(
            id=texts("id"),
            app_key=texts("appKey"),
            event_code=texts("eventCode"),
            event_name=texts("eventName"),
            time_ms=time_ms,
            user_id=texts("userId"),
            params=values.get("params", ABSENT),
            revenue=values.get("revenue", ABSENT),
            profile=values.get("profile", ABSENT),
            identities=identities,
            device=values.get("device", ABSENT),
        )

    def _record_type_of(self, texts: Mapping[str, str]) -> TriggerType:
        named = texts.get("recordType")
        if named is None:
            return self._record_type
        if named not in RECORD_TYPES:
            raise Malformed(f"recordType is not one of {', '.join(RECORD_TYPES)}")
        return RECORD_TYPES[named]

    def _time_of(self, texts: Mapping[str, str]) -> int | None:
        text = texts.get("timestamp")
        if text is None:
            return None
        try:
            return self._times.read(text)
        except ValueError:
            raise Malformed("timestamp is not a time in any form that is accepted") from None


def text_of(field: str, value: Raw) -> str:
    """Return a text, or a number as it is written: an id of 20 digits keeps every one."""
    token = bytes(value)
    if token.startswith(b'"'):
        return msgspec.json.decode(token, type=str)
    if token[0] in b"-0123456789":
        return token.decode()
    raise Malformed(f"{field} is neither text nor a number")


def _identities_of(parts: Parts) -> Identities:
    """Ids stand in ``identities`` or beside it; where they stand in both they must be the same."""
    texts, more = parts.texts, parts.beside.get("identities", {})
    if "identities" in parts.values:
        inside, rest = resolve(_members_of("identities", parts.values["identities"]), _USER_FIELDS)
        for field, value in inside.items():
            text = text_of(field, value)
            if texts.setdefault(field, text) != text:
                raise Malformed(f"{field} stands in identities and beside it with different values")
        more = _merged("identities", rest, more)
    known = Identities(*map(texts.get, IDENTITY_FIELDS))
    if more:
        return OpenIdentities(**msgspec.structs.asdict(known), more=more)
    return NO_IDENTITIES if known == NO_IDENTITIES else known


def _with_members(parts: Parts) -> dict[str, Raw]:
    return {**parts.values, **{owner: _object_of(parts, owner) for owner in _EVENT_OBJECTS}}


def _object_of(parts: Parts, owner: str) -> Raw:
    whole, beside = parts.values.get(owner, ABSENT), parts.beside.get(owner)
    if not beside:
        return whole
    members = {} if whole is ABSENT else _members_of(owner, whole)
    return Raw(msgspec.json.encode(_merged(owner, members, beside)))


def _item_of(parts: Parts) -> dict[str, Raw]:
    """All that is a message log's own, under its own names; what eventData says anyway is left out."""
    own: dict[str, Raw] = {name: value for name, value in parts.values.items() if name in _ITEM_OBJECTS}
    item = _merged("eventData", own, parts.beside.get("params", {}))
    for name, field in NAMED_IN_EVENT_DATA.items():
        if name in item and field in parts.texts and text_of(name, item.pop(name)) != parts.texts[field]:
            raise Malformed(f"{field} is given twice with different values")
    return item


def _merged(owner: str, members: dict[str, Raw], beside: Mapping[str, Raw]) -> dict[str, Raw]:
    for name in members.keys() & beside.keys():
        if canonical(members[name]) != canonical(beside[name]):
            raise Malformed(f"a name stands in {owner} and beside it with different values")
    return {**members, **beside}


def _members_of(owner: str, whole: Raw) -> dict[str, Raw]:
    try:
        return _members(whole)
    except msgspec.DecodeError:
        raise Malformed(f"{owner} is not a JSON object") from None
