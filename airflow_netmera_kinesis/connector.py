"""Read a connection's fields into connector settings, or say every fault with its field and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from airflow_netmera_kinesis.errors import ConfigurationError

REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# An extra that is not listed here is a typing mistake, or meant for something that this connector would not do.
EXTRAS = ("region", "active", "endpoint_url")
# A connection written as a URI has strings only: ?active=false arrives as 'false', which is true to Python.
SWITCH = {"true": True, "1": True, "false": False, "0": False}


class ConnectorSettings(msgspec.Struct, frozen=True):
    """Where records go, and whether any go at all; the keys stay in the connection."""

    region: str
    active: bool = True
    endpoint_url: str | None = None


def read_settings(conn_id: str, login: str | None, password: str | None, extra: str | None) -> ConnectorSettings:
    """Parse the fields of the connection ``conn_id``; ``extra`` is its JSON text.

    :raises ConfigurationError: with all faults at once; no value of a field is ever part of the message, except what
        stands where a switch is expected.
    """
    faults: list[str] = []
    if not text(login):
        faults.append("API key (login) is missing: set it to the AWS access key ID of the IAM user that writes")
    if not text(password):
        faults.append(
            "Secret key (password) is missing: set it to the AWS secret access key that belongs to the API key"
        )
    extras = read_extra(extra, faults)
    settings = ConnectorSettings(
        region=read_region(extras.get("region"), faults),
        active=read_switch(extras.get("active"), faults),
        endpoint_url=read_endpoint_url(extras.get("endpoint_url"), faults),
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


def read_endpoint_url(value: object, faults: list[str]) -> str | None:
    url = text(value)
    if not url:
        return None
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        faults.append(
            "extra 'endpoint_url' is not an http(s) URL: write it like https://kinesis.example:443, or remove it"
        )
    return url


def text(value: object) -> str:
    """Return the text that a field holds; an empty form field is a missing one."""
    return value.strip() if isinstance(value, str) else ""
