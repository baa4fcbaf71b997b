"""The keys of hashes come from Airflow, and every one that is missing is told at once."""

from __future__ import annotations

import json

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.hash_key import fetch_keys
from airflow_netmera_kinesis.netmera.hashing import HashKey
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload_rules import KeySource

KEY = "hunter2-hunter2-hunter2"
FROM_VARIABLE, FROM_CONNECTION = KeySource("variable", "hash_key"), KeySource("conn_id", "acme_hash")


def hooks(*sources: KeySource, active: bool = True) -> list[HookDefinition]:
    return [HookDefinition(f"hook-{n}", hash_key=source, active=active) for n, source in enumerate(sources)]


def test_a_key_is_a_variable_or_the_password_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_HASH_KEY", KEY)
    monkeypatch.setenv("AIRFLOW_CONN_ACME_HASH", json.dumps({"conn_type": "generic", "password": KEY}))
    keys = fetch_keys(hooks(FROM_VARIABLE, FROM_CONNECTION, FROM_VARIABLE))
    assert {source: key.fingerprint for source, key in keys.items()} == dict.fromkeys(
        (FROM_VARIABLE, FROM_CONNECTION), HashKey(KEY).fingerprint
    )
    assert KEY not in repr(keys)


def test_every_key_that_is_missing_or_short_is_told_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SHORT", "hunter2-hunter2")
    monkeypatch.setenv("AIRFLOW_CONN_ACME_HASH", json.dumps({"conn_type": "generic", "login": "hunter2"}))
    monkeypatch.setenv("AIRFLOW_VAR_HASH_KEY", "")
    with pytest.raises(ConfigurationError) as error:
        fetch_keys(hooks(FROM_CONNECTION, KeySource("variable", "short"), FROM_VARIABLE))
    assert str(error.value) == (
        "hash_key: connection 'acme_hash' does not exist or is empty; allowed: a key of 16 characters and more, "
        "as the password of that connection; "
        "hash_key: what variable 'short' holds has 15 characters; allowed: a key of 16 characters and more; "
        "hash_key: variable 'hash_key' does not exist or is empty; allowed: a key of 16 characters and more, "
        "as the value of that variable"
    )


def test_a_hook_that_sleeps_needs_no_key() -> None:
    assert fetch_keys(hooks(FROM_VARIABLE, active=False)) == {}
