"""Open a folder on an SFTP or FTP server with an Airflow connection, and say what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.ftp_connection import ftp_server
from airflow_netmera_kinesis.sftp_connection import sftp_server
from airflow_netmera_kinesis.storage.ftp import FtpFolder
from airflow_netmera_kinesis.storage.sftp import SftpFolder

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

# The schemes, each with the extra that reads it.
SERVER_SCHEMES = {"sftp": "sftp", "ftp": "ftp", "ftps": "ftp"}
ServerFolder = SftpFolder | FtpFolder


class Address(NamedTuple):
    """What a URI names: ``sftp://conn_id@/path``, or ``sftp://conn_id@host/path``, with the host of the connection."""

    scheme: str
    conn_id: str
    host: str
    path: str


def open_server_folder(address: Address, uri: str, said: str) -> ServerFolder:
    """Open a folder, which need not be there; ``said`` is the setting and its value, for messages.

    Nothing is asked of the server yet.
    """
    connection = connection_named(address.conn_id, said, address.scheme)
    _check_host(address, connection, said)
    name = f"connection '{address.conn_id}'"
    try:
        if address.scheme == "sftp":
            return SftpFolder(sftp_server(name, connection), address.path, uri)
        return FtpFolder(ftp_server(name, connection, tls=address.scheme == "ftps"), address.path, uri)
    except ImportError as error:
        extra = SERVER_SCHEMES[address.scheme]
        raise ConfigurationError(
            f"{said}, and what reads {address.scheme}:// is not installed ({error}): "
            f"install airflow-netmera-kinesis[{extra}]"
        ) from None


def connection_named(conn_id: str, said: str, kind: str) -> Connection:
    """Find the Airflow connection that stands before the @ of a URI."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ConfigurationError(
            f"{said}: connection '{conn_id}' does not exist: create it with type {kind}, or name another before the @"
        ) from None


def require_there(folder: ServerFolder, said: str) -> str:
    """Say whether it is a ``folder`` or a ``file``; ConfigurationError if the server has neither."""
    kind = folder.kind()
    if not kind:
        raise ConfigurationError(
            f"{said}: the server has neither a folder nor a file there, or its user may not see it. The path begins at "
            f"the server's root, as this user sees it; after login the user stands in {folder.home()!r}"
        )
    return kind


def _check_host(address: Address, connection: Connection, said: str) -> None:
    own = connection.host or ""
    if not own:
        raise ConfigurationError(f"{said}: connection '{address.conn_id}' has no host: put the server's name there")
    if address.host not in ("", own, f"{own}:{connection.port}"):
        raise ConfigurationError(
            f"{said}, but connection '{address.conn_id}' leads to {own}: name that host, or none "
            f"({address.scheme}://{address.conn_id}@{address.path})"
        )
