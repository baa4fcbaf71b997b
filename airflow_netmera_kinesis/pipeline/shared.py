"""What all DAGs of this provider share: retries, no catch-up, and params that reach operators with their types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.common.compat.sdk import Param

from airflow_netmera_kinesis.configuration import configured
from airflow_netmera_kinesis.dag_param import PARAMS, DagParam

# A retry goes on where the last try stopped, so that an outage of about half an hour needs nobody.
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "netmera",
    "retries": 5,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
}

DAG_ARGUMENTS: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 1,
    # A param keeps its type on the way into an operator: a number stays a number, an object an object.
    "render_template_as_native_obj": True,
    "tags": ["netmera", "kinesis"],
}


def params_of(given: dict[str, Any], params: Sequence[DagParam] = PARAMS) -> dict[str, Param]:
    """Build the params of the trigger form; their defaults come from the arguments, else from the configuration."""
    defaults = {param.name: configured(param) for param in params}
    defaults.update({name: value for name, value in given.items() if value is not None})
    return {param.name: param_of(param, defaults[param.name]) for param in params}


def param_of(param: DagParam, default: Any) -> Param:
    schema = {**param.schema, "type": "array"} if isinstance(default, list) else param.schema
    return Param(default, title=param.name, description=param.description, **schema)


def from_params(*names: str) -> dict[str, Any]:
    """Fill each argument of an operator from the param of the same name."""
    return {name: f"{{{{ params.{name} }}}}" for name in names}
