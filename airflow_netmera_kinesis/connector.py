"""Read a connection's fields into connector settings, or say every fault with its field and what to do."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping

import msgspec

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.identity import Identity, read_identity, read_url, text

REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# An extra that is not listed here is a typing mistake, or meant for something that this connector would not do.
EXTRAS = (
    "region",
    "active",
    "endpoint_url",
    "credentials",
    "role_arn",
    "external_id",
    "session_token",
    "sts_endpoint_url",
)
# A connection written as a URI has strings only: ?active=false arrives as 'false', which is true to Python.
SWITCH = {"true": True, "1": True, "false": False, "0": False}


class ConnectorSettings(msgspec.Struct, frozen=True):
    """Where records go, whether any go at all, and as whom they are signed; the keys stay in the connection."""

    region: str
    active: bool = True
    endpoint_url: str | None = None
    identity: Identity = Identity()


def read_settings(conn_id: str, login: str | None, password: str | None, extra: str | None) -> ConnectorSettings:
    """Parse the fields of the connection ``conn_id``; ``extra`` is its JSON text.

    :raises ConfigurationError: with all faults at once; no value of a field is ever part of the message, except what
        stands where a switch is expected.
    """
    faults: list[str] = []
    extras = read_extra(extra, faults)
    settings = ConnectorSettings(
        region=read_region(extras.get("region"), faults),
        active=read_switch(extras.get("active"), faults),
        endpoint_url=read_url(extras, "endpoint_url", faults),
        identity=read_identity(login, password, extras, faults),
    )
    if faults:
        raise ConfigurationError(f"connection '{conn_id}': " + "; ".join(faults))
    return settings


def read_extra(extra: str | None, faults: list[str]) -> Mapping[str, object]:
    if not text(extra):
        return {}
    try:
        extras = json.loads(str(extra))
    except ValueError:
        extras = None
    if not isinstance(extras, dict):
        faults.append('extra is not a JSON object: write it like {"region": "eu-central-1", "active": true}')
        return {}
    faults.extend(
        f"extra '{name}' is unknown: remove it, allowed are {', '.join(EXTRAS)}"
        for name in extras
        if name not in EXTRAS
    )
    return extras


def read_region(value: object, faults: list[str]) -> str:
    region = text(value)
    if not region:
        faults.append("extra 'region' is missing: set it to the AWS region of the streams, such as eu-central-1")
    elif not REGION.fullmatch(region):
        faults.append(f"extra 'region' is {region!r}: it must be the code of an AWS region, such as eu-central-1")
    return region


def read_switch(value: object, faults: list[str]) -> bool:
    if value is None or value == "":
        return True
    if isinstance(value, bool):
        return value
    switch = SWITCH.get(str(value).strip().lower())
    if switch is None:
        faults.append(f"extra 'active' is {value!r}: it must be true, false, 1 or 0")
        return False
    return switch


def read_session_token(extra: str | None) -> str | None:
    """Return the session token of a connection whose fields are in order."""
    return text(read_extra(extra, []).get("session_token")) or None


def fingerprint_of(
    settings: ConnectorSettings, login: str | None, password: str | None, session_token: str | None
) -> str:
    """Tell one connection from a changed one, in a way that may be written down.

    The secret is the key of an HMAC, as it is in every signature of a request to AWS: it cannot be computed back.
    """
    secret = msgspec.json.encode([password, session_token])
    return hmac.digest(secret, msgspec.json.encode([settings, login]), hashlib.sha256).hex()[:32]
