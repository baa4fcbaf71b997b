"""Hash all that an event says, whichever way it was read: equal content has equal hashes."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from airflow_netmera_kinesis.netmera.canonical_json import canonical
from airflow_netmera_kinesis.netmera.event import ABSENT, NO_IDENTITIES, Event, Identities, MessageLog, OpenIdentities

_NAMES = dict(zip(Identities.__struct_fields__, Identities.__struct_encode_fields__, strict=True))
_HASH_CHARACTERS = 32  # 128 bits: among 10^12 events two different ones meet with a chance of 10^-15
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


def content_hash(event: Event | MessageLog) -> str:
    try:
        content = _encode_common(event)
    except (msgspec.DecodeError, RecursionError):  # a number beyond what a float holds, a text nested very deep
        content = None
    return hashlib.sha256(content or canonical(content_of(event))).hexdigest()[:_HASH_CHARACTERS]


class _CommonIds(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """Fields are sorted by name here and below, so that they are written as ``canonical`` writes them."""

    device_id: str | None = None
    email: str | None = None
    ext_id: str | None = None
    installation_id: str | None = None
    msisdn: str | None = None
    session_id: str | None = None


class _CommonContent(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    app_key: str | None = None
    device: Any = UNSET
    event_code: str | None = None
    event_name: str | None = None
    identities: Any = UNSET
    params: Any = UNSET
    profile: Any = UNSET
    record_type: str = ""
    revenue: Any = UNSET
    timestamp: int | None = None
    user_id: str | None = None


def _encode_common(event: Event | MessageLog) -> bytes | None:
    """Write what nearly all events say, twice as fast as in general; None for the others."""
    ids = event.identities
    if isinstance(event, MessageLog) or type(ids) is not Identities:
        return None
    common = _CommonIds(ids.device_id, ids.email, ids.ext_id, ids.installation_id, ids.msisdn, ids.session_id)
    return _encode(
        _CommonContent(
            event.app_key,
            _said(event.device),
            event.event_code,
            event.event_name,
            UNSET if ids == NO_IDENTITIES else common,
            _said(event.params),
            _said(event.profile),
            "EVENT",
            _said(event.revenue),
            event.time_ms,
            event.user_id,
        )
    )


def _said(part: Raw) -> Any:
    return UNSET if part is ABSENT else _decode(part)


def content_of(event: Event | MessageLog) -> dict[str, Any]:
    """Return all that an event says but its id, under the names of a canonical record; parts that are JSON stay Raw."""
    content: dict[str, Any] = {
        "appKey": event.app_key,
        "eventCode": event.event_code,
        "eventName": event.event_name,
        "timestamp": event.time_ms,
        "userId": event.user_id,
        "profile": event.profile,
        "identities": _ids(event.identities),
    }
    if isinstance(event, MessageLog):
        content |= {"recordType": "MESSAGE_LOG", "item": event.item}
    else:
        content |= {"recordType": "EVENT", "params": event.params, "revenue": event.revenue, "device": event.device}
    return {name: value for name, value in content.items() if value is not None and value is not ABSENT}


def _ids(identities: Identities) -> dict[str, Any] | None:
    more = identities.more if isinstance(identities, OpenIdentities) else {}
    known = {name: getattr(identities, name) for name in Identities.__struct_fields__}
    return {**more, **{_NAMES[name]: text for name, text in known.items() if text is not None}} or None
