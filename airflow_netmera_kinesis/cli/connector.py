"""Open the connector of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_netmera_kinesis.cli.options import setting

if TYPE_CHECKING:
    from airflow_netmera_kinesis.connection import NetmeraKinesisConnection


def connector_of(conn_id: str | None) -> NetmeraKinesisConnection:
    """Return the connector that ``--conn-id`` names, else the one that is configured; nothing is looked up yet."""
    from airflow_netmera_kinesis.connection import NetmeraKinesisConnection

    return NetmeraKinesisConnection(setting(conn_id, "netmera_kinesis_conn_id"))
