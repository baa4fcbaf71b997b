"""Read what decides how files become records, and where they go: the same for whatever is planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_netmera_kinesis.operators.workplace import definitions_of

if TYPE_CHECKING:
    from airflow_netmera_kinesis.connector import ConnectorSettings
    from airflow_netmera_kinesis.exports.export_format import ExportFormat
    from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
    from airflow_netmera_kinesis.state.slice import Terms


def terms_of(
    hooks: Any, export_format: ExportFormat, partitions: Any, order: Any, settings: ConnectorSettings
) -> Terms:
    """Read the terms strictly; ConfigurationError says what is wrong."""
    from airflow_netmera_kinesis import plan_request as read
    from airflow_netmera_kinesis.hash_key import fetch_keys
    from airflow_netmera_kinesis.netmera.hashing import fingerprints_of
    from airflow_netmera_kinesis.state.slice import Target, Terms

    definitions = read.in_region(definitions_of(hooks), settings.region)
    return Terms(
        hooks=definitions,
        export_format=export_format,
        partitions=read.whole_number(partitions, "partitions", read.MAX_PARTITIONS),
        order=read.choice(order, "order", read.ORDERS),
        target=Target(settings.region, settings.endpoint_url or ""),
        hash_keys=fingerprints_of(fetch_keys(definitions)),
    )


def record_limits(netmera_kinesis_conn_id: str) -> Callable[[HookDefinition], int]:
    """Return who asks Kinesis for the record size that a hook's stream takes."""

    def limit_of(hook: HookDefinition) -> int:
        from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
        from airflow_netmera_kinesis.delivery.stream_description import address_of, describe_stream

        client = NetmeraKinesisConnection(netmera_kinesis_conn_id).get_conn()
        return describe_stream(client, hook.stream, address_of(hook)).max_record_bytes

    return limit_of
