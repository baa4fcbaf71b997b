"""Open what a URI names: a path on this machine, or object storage with an Airflow connection."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.listing import ExportPlace, has_magic, is_unfinished
from airflow_netmera_kinesis.state.slice import place_of
from airflow_netmera_kinesis.storage import Folder, LocalFolder, ObjectFolder, S3Folder

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<place>[^/]*)/*(?P<path>.*)", re.DOTALL)
LOCAL_SCHEMES = ("file", "local")


def open_folder(uri: str, setting: str = "folder") -> Folder:
    """Open a folder, which need not exist yet; ``setting`` is the param that names it in messages.

    An Airflow connection may stand before the bucket: ``s3://aws_default@bucket/prefix``.
    """
    parts = _URI.fullmatch(uri)
    if parts and parts["scheme"] not in LOCAL_SCHEMES:
        return _object_folder(uri, setting)
    path = f"/{parts['path']}" if parts else uri
    if not path.startswith("/"):
        raise ConfigurationError(
            f"{setting} is {uri!r}; allowed: an absolute path, or a URI such as s3://aws_default@bucket/prefix"
        )
    return LocalFolder(Path(path))


def open_exports(uri: str) -> ExportPlace:
    """Open a folder, a glob or one file of exports."""
    own = uri.rstrip("/")
    if has_magic(own):
        parts = own.split("/")
        first = next(place for place, part in enumerate(parts) if has_magic(part))
        return ExportPlace(open_folder("/".join(parts[:first]) or "/", "exports"), glob="/".join(parts[first:]))
    folder = open_folder(own, "exports")
    if isinstance(folder, LocalFolder) and not folder.path.exists():
        raise ConfigurationError(f"exports is {uri!r}: this worker finds neither a folder nor a file there")
    above, _, name = own.rpartition("/")
    if name and not uri.endswith("/") and not above.endswith(":/") and _is_file(folder, above, name):
        return ExportPlace(open_folder(above or "/", "exports"), file=name)
    return ExportPlace(folder)


def refuse_inside(place: ExportPlace, folder: Folder, setting: str) -> None:
    """Refuse a working folder that would be read as exports."""
    above, own = place_of(place.folder.uri) + "/", place_of(folder.uri) + "/"
    reaches_down = not place.file and (not place.glob or "/" in place.glob)
    if reaches_down and own.startswith(above) and not is_unfinished(own[len(above) :]):
        raise ConfigurationError(
            f"{setting} is {folder.uri!r}, which lies inside exports ({place.folder.uri!r}): move it"
        )


def read_document(uri: str, setting: str) -> bytes:
    """Read a small file, such as the hook definitions; ``setting`` names it in messages."""
    above, name = posixpath.split(uri)
    try:
        return open_folder(above or "/", setting).read(name) if name else b""
    except FileNotFoundError:
        raise ConfigurationError(f"{setting} is {uri!r}: there is no such file") from None
    except (PermissionError, IsADirectoryError) as error:
        raise ConfigurationError(f"{setting} is {uri!r}: it cannot be read ({error})") from None


def _is_file(folder: Folder, above: str, name: str) -> bool:
    if isinstance(folder, LocalFolder):
        return folder.path.is_file()
    try:
        open_folder(above, "exports").info(name)
    except FileNotFoundError:
        return False
    return True


def _object_folder(uri: str, setting: str) -> ObjectFolder:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    try:
        path: Any = ObjectStoragePath(uri)
        fs = path.fs
    except ImportError as error:
        raise ConfigurationError(
            f"{setting} is {uri!r}, and what reads it is not installed ({error}): "
            f"for s3:// install airflow-netmera-kinesis[s3]"
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"{setting} is {uri!r}: {error}") from None
    return (S3Folder if hasattr(fs, "call_s3") else ObjectFolder)(fs, path.path, uri)
