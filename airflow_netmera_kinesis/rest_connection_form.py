"""Describe the form of a connection of type ``netmera_rest``: plain data, as Airflow reads it at its start."""

from __future__ import annotations

from typing import Any

REST_CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "netmera_rest",
    "hook-class-name": "airflow_netmera_kinesis.rest_connection.NetmeraRestConnection",
    "hook-name": "Netmera REST",
    "ui-field-behaviour": {
        "hidden-fields": ["login", "schema", "port", "extra"],
        "relabeling": {"host": "Base URL", "password": "REST API key"},
        # A standard field has no description: its placeholder is the only place for a sentence.
        "placeholders": {
            "host": "https://restapi.netmera.com (if empty); an installation of your own has another",
            "password": "The REST API key of the app, as Netmera's panel shows it",
        },
    },
}
