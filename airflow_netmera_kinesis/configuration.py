"""Read the DAGs' defaults from the section ``[netmera_kinesis]`` of Airflow's configuration."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import conf

from airflow_netmera_kinesis.dag_param import PARAMS, DagParam
from airflow_netmera_kinesis.errors import ConfigurationError

SECTION = "netmera_kinesis"


def configured_defaults() -> dict[str, Any]:
    """Return the default of every param: what is configured, else what is declared; unset folders are ``None``.

    :raises ConfigurationError: naming the option that cannot be read
    """
    return {param.name: configured(param) for param in PARAMS}


def configured(param: DagParam) -> Any:
    if not param.configurable:
        return param.default
    written = conf.get(SECTION, param.name, fallback=None)
    if written is None or not written.strip():
        return param.default
    return read_option(param, written.strip())


def read_option(param: DagParam, written: str) -> Any:
    """Turn the text of an option into the type of its param."""
    kind = param.schema.get("type")
    if kind == "integer" and written.isdecimal():
        return int(written)
    if kind == "boolean" and written.lower() in ("true", "false", "1", "0"):
        return written.lower() in ("true", "1")
    if kind in ("integer", "boolean"):
        allowed = "a whole number" if kind == "integer" else "true or false"
        raise ConfigurationError(f"[{SECTION}] {param.name} is {written!r}: it must be {allowed}")
    return written
