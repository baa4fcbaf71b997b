"""Read the fields of a connection of type ``netmera_rest``, or say every fault with its field and what to do."""

from __future__ import annotations

import json

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.rest.address import Address, read_address


def read_rest_settings(
    conn_id: str, host: str | None, port: int | None, password: str | None, extra: str | None
) -> Address:
    """Check all fields of the connection ``conn_id`` and return where the API is; the key stays in the connection.

    :raises ConfigurationError: with all faults at once; neither the key nor the host is part of the message
    """
    faults: list[str] = []
    address = read_address(host, port, faults)
    key = (password or "").strip()
    if not key:
        faults.append("REST API key (password) is missing: set it to the key of the app, from Netmera's panel")
    elif not key.isascii() or not key.isprintable() or " " in key:
        faults.append("REST API key (password) holds a character that no key has: copy it again from Netmera's panel")
    faults.extend(_unknown(extra))
    if faults:
        raise ConfigurationError(f"connection '{conn_id}': " + "; ".join(faults))
    return address


def _unknown(extra: str | None) -> list[str]:
    try:
        extras = json.loads(extra) if extra and extra.strip() else {}
    except ValueError:
        extras = None
    if not isinstance(extras, dict):
        return ["extra is not a JSON object: leave it empty"]
    return [f"extra '{name}' is unknown: remove it, this connection has none" for name in extras]
