"""Fetch the keys of hashes from where the hook definitions say that they are kept."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.netmera.hashing import MIN_KEY_CHARACTERS, HashKey, HashKeys, key_sources
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload_rules import KeySource


def fetch_keys(hooks: Iterable[HookDefinition]) -> HashKeys:
    """Return the keys that the active hooks need; Airflow masks each in its logs.

    :raises ConfigurationError: with every key that is missing or too short, and never with a key
    """
    keys: dict[KeySource, HashKey] = {}
    faults: list[str] = []
    for source in key_sources(hooks):
        found = _from_connection(source.name) if source.kind == "conn_id" else _from_variable(source.name)
        if found and len(found) >= MIN_KEY_CHARACTERS:
            _mask(found)
            keys[source] = HashKey(found)
        else:
            faults.append(_fault(source, found))
    if faults:
        raise ConfigurationError("; ".join(faults))
    return keys


def _from_connection(conn_id: str) -> str | None:
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        return BaseHook.get_connection(conn_id).password
    except AirflowNotFoundException:
        return None


def _from_variable(name: str) -> str | None:
    from airflow.providers.common.compat.sdk import Variable

    found = Variable.get(name, None)
    return found if isinstance(found, str) else None


def _mask(key: str) -> None:
    try:
        from airflow.sdk.log import mask_secret
    except ImportError:  # Airflow 2
        from airflow.utils.log.secrets_masker import (  # type: ignore[import-not-found,no-redef,unused-ignore]
            mask_secret,
        )
    mask_secret(key)


def _fault(source: KeySource, found: str | None) -> str:
    allowed = f"allowed: a key of {MIN_KEY_CHARACTERS} characters and more"
    if found:
        return f"hash_key: what {source} holds has {len(found)} characters; {allowed}"
    of = "as the password of that connection" if source.kind == "conn_id" else "as the value of that variable"
    return f"hash_key: {source} does not exist or is empty; {allowed}, {of}"
