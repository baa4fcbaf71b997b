"""Open object storage through Airflow's ObjectStoragePath, and say what has to be installed for it."""

from __future__ import annotations

from typing import Any

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.export_server import connection_named
from airflow_netmera_kinesis.storage import ObjectFolder, S3Folder

# Whose filesystem an Airflow provider brings along; these are the ones that people ask for.
_PROVIDERS = {
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
}
# Whoever names no other connection means the workers' own AWS identity, and need not create this one.
_AWS_DEFAULT = "aws_default"


def open_object_folder(uri: str, said: str) -> ObjectFolder:
    """Open a folder, which need not exist yet; ``said`` is the setting and its value, for messages."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    scheme, _, rest = uri.partition("://")
    conn_id = rest.partition("/")[0].rpartition("@")[0]
    if conn_id and not (scheme.startswith("s3") and conn_id == _AWS_DEFAULT):
        connection_named(conn_id, said, "aws" if scheme.startswith("s3") else f"for {scheme}://")
    try:
        path: Any = ObjectStoragePath(uri)
        fs = path.fs
    except ImportError as error:
        raise ConfigurationError(
            f"{said}, and what reads it is not installed ({error}): install {_package(scheme)}"
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"{said}: {error}. {_advice(scheme)}") from None
    return (S3Folder if hasattr(fs, "call_s3") else ObjectFolder)(fs, path.path, uri)


def _package(scheme: str) -> str:
    return _PROVIDERS.get(scheme, f"airflow-netmera-kinesis[{'s3' if scheme.startswith('s3') else scheme}]")


def _advice(scheme: str) -> str:
    if scheme in _PROVIDERS:
        return f"Install {_PROVIDERS[scheme]}"
    return "Allowed: a path, s3://, for exports also sftp://, ftp:// and ftps://, and what an installed provider reads"
