"""Declare what several commands ask for, once: places, definitions, the connection; unset, as configured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airflow_netmera_kinesis.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_netmera_kinesis.storage import Folder

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")

exports_option = click.option(
    "--exports", metavar="PLACE", help="A folder, a file or a glob of exports: a path or a URI."
)
hooks_option = click.option("--hooks", metavar="FILE", help="The hook definitions: a YAML or JSON file, a path or URI.")
export_format_option = click.option(
    "--export-format", metavar="FILE", help="How the exports are written: a YAML or JSON file, a path or URI."
)
staging_option = click.option("--staging", metavar="FOLDER", help="The working folder: a path or a URI.")
state_option = click.option("--state", metavar="FOLDER", help="The durable folder: a path or a URI.")
conn_id_option = click.option(
    "--conn-id",
    metavar="ID",
    help="The Airflow connection of type netmera_kinesis, as AIRFLOW_CONN_<ID> or from a secrets backend.",
)
max_record_size = click.option(
    "--max-record-size",
    type=click.IntRange(1024, 10240),
    default=1024,
    show_default=True,
    metavar="KIB",
    help="The streams' MaxRecordSizeInKiB.",
)


def place(given: str) -> str:
    """Return a URI as it is, and a path as an absolute one: a command line has a current folder, a task has none."""
    if _SCHEME.match(given):
        return given
    absolute = str(Path(given).expanduser().absolute())
    return absolute + "/" if given.endswith("/") and absolute != "/" else absolute


def setting(given: str | None, name: str) -> Any:
    """Return what an option says, else what section [netmera_kinesis] of Airflow's configuration says.

    :param name: the param's name, such as ``exports`` or ``netmera_kinesis_conn_id``
    :raises ConfigurationError: if it is set nowhere
    """
    if given:
        return given if name == "netmera_kinesis_conn_id" else place(given)
    from airflow_netmera_kinesis.configuration import configured_defaults

    configured = configured_defaults()[name]
    if configured is None:
        option = "--conn-id" if name == "netmera_kinesis_conn_id" else f"--{name.replace('_', '-')}"
        raise ConfigurationError(
            f"{name} is not set: give {option}, or set {name} in section [netmera_kinesis] of the configuration "
            f"(environment variable AIRFLOW__NETMERA_KINESIS__{name.upper()})"
        )
    return configured


def existing_state(given: str | None) -> Folder:
    """Open the state folder that ``--state`` names, or the configuration; one that is empty is a slip of the pen."""
    from airflow_netmera_kinesis.location import open_folder

    uri = setting(given, "state")
    folder = open_folder(uri, "state")
    if not folder.folders():
        raise ConfigurationError(f"state is {uri!r}: there is no DAG's state in it")
    return folder
