"""Say what an event and a message log are, once read: the types that every later stage takes for granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Raw, field

from airflow_netmera_kinesis.netmera.timestamp import FIRST_MILLISECONDS, LAST_MILLISECONDS

ABSENT = Raw()

EpochMilliseconds = Annotated[int, msgspec.Meta(ge=FIRST_MILLISECONDS, le=LAST_MILLISECONDS)]


class Malformed(Exception):
    """A line or row that cannot be read. The message names the field and never shows a value."""


class Identities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who the user is, beside the user id. None stands for a missing value, nothing else does."""

    ext_id: str | None = field(default=None, name="extId")
    email: str | None = None
    msisdn: str | None = None
    installation_id: str | None = field(default=None, name="installationId")
    device_id: str | None = field(default=None, name="deviceId")
    session_id: str | None = field(default=None, name="sessionId")


class OpenIdentities(Identities, frozen=True, gc=False):
    """Identities with ids of the customer's own beside the known ones; ``more`` passes unchanged."""

    more: Mapping[str, Raw] = {}


NO_IDENTITIES = Identities()


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One user event. The names are those of the canonical record, so that its JSON decodes into this at once.

    Raw parts are compact JSON that was read no further; ABSENT where the export has none. ``params``, ``profile`` and
    ``device`` are objects in any export seen, ``revenue`` is a number; what else stands there passes unchanged.
    """

    record_type: Literal["EVENT"] = field(default="EVENT", name="recordType")
    id: str | None = None
    app_key: str | None = field(default=None, name="appKey")
    event_code: str | None = field(default=None, name="eventCode")
    event_name: str | None = field(default=None, name="eventName")
    time_ms: EpochMilliseconds | None = field(default=None, name="timestamp")
    user_id: str | None = field(default=None, name="userId")
    params: Raw = ABSENT
    revenue: Raw = ABSENT
    profile: Raw = ABSENT
    identities: Identities = NO_IDENTITIES
    device: Raw = ABSENT


class MessageLog(msgspec.Struct, frozen=True, gc=False):
    """One message to one user, as getPushResult tells it; ``item`` holds its own fields (status, platform, texts)."""

    id: str | None = None
    app_key: str | None = None
    event_code: str | None = None
    event_name: str | None = None
    time_ms: int | None = None
    user_id: str | None = None
    item: Mapping[str, Raw] = {}
    profile: Raw = ABSENT
    identities: Identities = NO_IDENTITIES
