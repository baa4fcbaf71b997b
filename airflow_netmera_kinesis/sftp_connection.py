"""Log in to an SFTP server through the sftp provider, which knows the connection's keys, host keys and proxies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.storage.server import Server
from airflow_netmera_kinesis.storage.sftp import SftpConnection

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

CONNECT_SECONDS = 30
ANSWER_SECONDS = 60


def sftp_server(name: str, connection: Connection) -> Server[SftpConnection]:
    """Return the server of a connection, which is ``name`` in messages; ImportError without the provider."""
    from airflow.providers.sftp.hooks.sftp import SFTPHook
    from paramiko.ssh_exception import SSHException

    def connect() -> SftpConnection:
        with _faults(name):
            try:
                hook = SFTPHook(ssh_conn_id=connection.conn_id)
            except (SSHException, ValueError) as error:  # no server was asked yet
                raise ConfigurationError(_unreadable(name, connection.extra_dejson, error)) from None
            _harden(hook, connection.extra_dejson)
            if hook.key_file and not Path(hook.key_file).expanduser().is_file():
                raise ConfigurationError(f"{name}: extra 'key_file' is {hook.key_file!r}: this worker has no such file")
            client = hook.get_conn()
        client.get_channel().settimeout(ANSWER_SECONDS)
        return SftpConnection(client, hook)

    return Server(name, connect, SftpConnection.close, (OSError, EOFError, SSHException))


def _unreadable(name: str, extra: dict[str, Any], error: Exception) -> str:
    """Say which extra the provider could not read; a private key is not shown."""
    if "host_key" not in extra:
        return f"{name}: {error}"
    return (
        f"{name}: extra 'host_key' is {extra['host_key']!r}, or another extra cannot be read ({error}). "
        f"Allowed is what ssh-keyscan -t ed25519 HOST prints after the host's name, such as ssh-ed25519 AAAA…"
    )


def _harden(hook: Any, extra: dict[str, Any]) -> None:
    """Refuse unknown host keys unless the connection says otherwise: before version 7 the provider took any."""
    if not {"no_host_key_check", "ignore_hostkey_verification"} & extra.keys():
        hook.no_host_key_check = False
    hook.conn_timeout = hook.conn_timeout or CONNECT_SECONDS
    hook.conn_retry_attempts = 1  # it would try a wrong password again, too


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Tell what somebody has to mend from what may be better next time."""
    from airflow.providers.common.compat.sdk import AirflowException
    from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, SSHException

    try:
        yield
    except BadHostKeyException as error:
        raise ConfigurationError(
            f"{name}: the server's host key is not the one that is expected: {error}. Either the server was given a "
            f"new key, or somebody else answers in its place. Ask its operator; if the new key is right, put it into "
            f"the extra 'host_key' (or into ~/.ssh/known_hosts of the workers)"
        ) from None
    except AuthenticationException as error:
        raise ConfigurationError(f"{name}: the server refuses login or password, or the key ({error})") from None
    except SSHException as error:
        if "not found in known_hosts" not in str(error):
            raise
        raise ConfigurationError(
            f"{name}: nothing says which host key is the server's ({error}). Ask its operator for the key and put it "
            f"into the extra 'host_key' (such as ssh-ed25519 AAAA…, which ssh-keyscan prints after the host's name), "
            f"or into ~/.ssh/known_hosts of the workers; extra 'no_host_key_check': true takes whoever answers"
        ) from None
    except (AirflowException, ValueError) as error:
        raise ConfigurationError(f"{name}: {error}") from None
