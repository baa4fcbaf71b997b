"""Go through all checks in the order in which a run needs what they look at, whatever the earlier ones found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized

import msgspec

from airflow_netmera_kinesis.delivery.stream_description import addresses_of
from airflow_netmera_kinesis.errors import NetmeraKinesisError
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.plan_request import in_region
from airflow_netmera_kinesis.preflight.check import Check, Verdict, faults_of, ok, unchecked
from airflow_netmera_kinesis.preflight.connection_checks import check_keys, check_settings
from airflow_netmera_kinesis.preflight.place_checks import check_exports, check_writable
from airflow_netmera_kinesis.preflight.stream_checks import check_stream
from airflow_netmera_kinesis.stages.renewal import Connector

Definitions = tuple[HookDefinition, ...]


class Subject(msgspec.Struct, frozen=True):
    """What is to be checked. Opening and reading may fail, and that is what is found out.

    ``probe_staging`` and ``probe_state`` write a small file and delete it; None where no folder is given.
    """

    conn_id: str
    connector: Connector
    read_definitions: Callable[[], Definitions]
    fetch_hash_keys: Callable[[Definitions], Sized]
    open_exports: Callable[[], ExportPlace]
    probe_staging: Callable[[], None] | None = None
    probe_state: Callable[[], None] | None = None


def preflight(subject: Subject) -> Iterator[Check]:
    """Yield every check as soon as it is done."""
    about = f"connection '{subject.conn_id}'"
    fields = list(check_settings(about, subject.connector))
    yield from fields
    usable = all(check.verdict is not Verdict.FAULT for check in fields)
    if usable:
        for check in check_keys(about, subject.connector):
            yield check
            usable = usable and check.verdict is not Verdict.FAULT
    try:
        hooks = subject.read_definitions()
        yield from check_hooks(hooks, subject.connector.settings.region if usable else "", subject.fetch_hash_keys)
    except Exception as error:  # noqa: BLE001 - every storage has errors of its own, and this is to find them
        yield from faults_of("hooks", "definitions", error)
        hooks = ()
    yield from check_streams(hooks, subject.connector if usable else None)
    yield from check_exports("exports", subject.open_exports)
    yield from check_writable("staging", subject.probe_staging)
    yield from check_writable("state", subject.probe_state)


def check_hooks(hooks: Definitions, region: str, fetch_hash_keys: Callable[[Definitions], Sized]) -> Iterator[Check]:
    """Say which hooks there are; the streams that they name by ARN must be in the connection's ``region``."""
    active = sum(hook.active for hook in hooks)
    streams = len(addresses_of(hooks))
    yield ok("hooks", "definitions", f"active {active}, inactive {len(hooks) - active}; streams {streams}")
    if region:
        try:
            in_region(hooks, region)
        except NetmeraKinesisError as error:
            yield from faults_of("hooks", "region", error)
    try:
        count = len(fetch_hash_keys(hooks))
    except NetmeraKinesisError as error:
        yield from faults_of("hooks", "hash keys", error)
    else:
        if count:
            yield ok("hooks", "hash keys", f"{count} found where the definitions say")


def check_streams(hooks: Definitions, connector: Connector | None) -> Iterator[Check]:
    """Check the streams of all active hooks; without a usable connector nobody can."""
    for stream, address in addresses_of(hooks).items():
        if connector is None:
            yield unchecked(f"stream {stream}", "exists", "the connection comes first")
        else:
            feeding = [hook for hook in hooks if hook.active and hook.stream == stream]
            is_aws = connector.settings.endpoint_url is None
            yield from check_stream(connector.get_conn(), address, feeding, is_aws=is_aws)
