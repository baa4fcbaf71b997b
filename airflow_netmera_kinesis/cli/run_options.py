"""Offer the DAGs' params as options, with the same words, and read them as strictly as a task does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from airflow_netmera_kinesis import plan_request as read
from airflow_netmera_kinesis.connector import ConnectorSettings
from airflow_netmera_kinesis.dag_param import PARAMS
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.hash_key import fetch_keys
from airflow_netmera_kinesis.netmera.hashing import fingerprints_of
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.quota import parse_quota
from airflow_netmera_kinesis.stages.gate import Limits
from airflow_netmera_kinesis.state.slice import Target, Terms

# What is typed by hand names files that are there: nothing waits for an upload to end.
DEFAULTS: dict[str, Any] = {"min_age": "0"}
NAMES = (
    "partitions", "max_files", "start_after", "min_age", "order", "on_bad_file", "max_malformed", "max_dead_letters",
    "receipts", "abandon_slice",
)  # fmt: skip


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with an option for each param of a run; they arrive by the params' names."""
    declared = {param.name: param for param in PARAMS}
    for name in reversed(NAMES):
        param = declared[name]
        option, default = f"--{name.replace('_', '-')}", DEFAULTS.get(name, param.default)
        if param.schema.get("type") == "boolean":
            command = click.option(option, is_flag=True, help=param.description)(command)
        else:
            shown = None if default is None else str(default)
            command = click.option(
                option, default=shown, show_default=shown is not None, metavar="VALUE", help=param.description
            )(command)
    return command


def request_of(
    key: str,
    exports: str,
    hooks: tuple[HookDefinition, ...],
    export_format: ExportFormat,
    settings: ConnectorSettings,
    given: dict[str, Any],
) -> PlanRequest:
    """Read what the options ask of plan; ConfigurationError names the one that is wrong."""
    terms = Terms(
        hooks=read.in_region(hooks, settings.region),
        export_format=export_format,
        partitions=read.whole_number(given["partitions"], "partitions", read.MAX_PARTITIONS),
        order=read.choice(given["order"], "order", read.ORDERS),
        target=Target(settings.region, settings.endpoint_url or ""),
        hash_keys=fingerprints_of(fetch_keys(hooks)),
    )
    return PlanRequest(
        key=key,
        exports=exports,
        terms=terms,
        max_files=read.whole_number(given["max_files"], "max_files"),
        start_after=read.moment(given["start_after"], "start_after", read.zone_of(export_format)),
        min_age_ms=read.milliseconds(given["min_age"], "min_age"),
        abandon_slice=read.text(given["abandon_slice"], "abandon_slice"),
        receipts=bool(given["receipts"]),
    )


def limits_of(given: dict[str, Any]) -> Limits:
    """Read how much may go wrong."""
    return Limits(
        max_malformed=parse_quota(given["max_malformed"], "max_malformed"),
        max_dead_letters=parse_quota(given["max_dead_letters"], "max_dead_letters"),
        on_bad_file=read.choice(given["on_bad_file"], "on_bad_file", read.ON_BAD_FILE),
    )
