"""Open what a URI names: a path on this machine, or object storage with an Airflow connection."""

from __future__ import annotations

import errno
import re
import uuid
from pathlib import Path
from typing import Any

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.listing import ExportPlace, has_magic, is_unfinished
from airflow_netmera_kinesis.state.slice import place_of
from airflow_netmera_kinesis.storage import Folder, LocalFolder, ObjectFolder, S3Folder

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<place>[^/]*)/*(?P<path>.*)", re.DOTALL)
LOCAL_SCHEMES = ("file", "local")
# What stays so however often a task is tried; a disk that is full, for one, may be emptied.
_LASTING = (PermissionError, FileNotFoundError, NotADirectoryError, FileExistsError, IsADirectoryError)
_LASTING_NUMBERS = (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)


def open_folder(uri: str, setting: str = "folder") -> Folder:
    """Open a folder, which need not exist yet; ``setting`` is the param that names it in messages.

    An Airflow connection may stand before the bucket: ``s3://aws_default@bucket/prefix``.
    """
    return _open(uri, setting, uri)


def open_exports(uri: str) -> ExportPlace:
    """Open a folder, a glob or one file of exports."""
    _refuse_relative(uri, "exports", uri)
    own = uri.rstrip("/")
    if has_magic(own):
        parts = own.split("/")
        first = next(place for place, part in enumerate(parts) if has_magic(part))
        return ExportPlace(_open("/".join(parts[:first]) or "/", "exports", uri), glob="/".join(parts[first:]))
    folder = _open(own or "/", "exports", uri)
    if isinstance(folder, LocalFolder) and not folder.path.exists():
        raise ConfigurationError(f"exports is {uri!r}: this worker finds neither a folder nor a file there")
    above, _, name = own.rpartition("/")
    if name and not uri.endswith("/") and not above.endswith(":/") and _is_file(folder, above, name):
        return ExportPlace(_open(above or "/", "exports", uri), file=name)
    return ExportPlace(folder)


def refuse_inside(place: ExportPlace, folder: Folder, setting: str, given: str) -> None:
    """Refuse a working folder that would be read as exports; ``given`` is what the setting says."""
    above, own = place_of(place.folder.uri) + "/", place_of(folder.uri) + "/"
    reaches_down = not place.file and (not place.glob or "/" in place.glob)
    if reaches_down and own.startswith(above) and not is_unfinished(own[len(above) :]):
        raise ConfigurationError(f"{setting} is {given!r}, which lies inside exports ({place.folder.uri!r}): move it")


def refuse_unwritable(folder: Folder, setting: str, given: str) -> None:
    """Write a small file and delete it, so that a folder that takes none is found before anything is done."""
    probe = f".probe.{uuid.uuid4().hex}.wip"
    try:
        folder.write(probe, b"")
        folder.delete(probe)
    except OSError as error:
        if not isinstance(error, _LASTING) and error.errno not in _LASTING_NUMBERS:
            raise
        raise ConfigurationError(f"{setting} is {given!r}: it cannot be written ({error.strerror or error})") from None


def read_document(uri: str, setting: str) -> bytes:
    """Read a small file, such as the hook definitions; ``setting`` names it in messages."""
    _refuse_relative(uri, setting, uri)
    above, _, name = uri.rpartition("/")
    try:
        return _open(above or "/", setting, uri).read(name) if name else b""
    except FileNotFoundError:
        raise ConfigurationError(f"{setting} is {uri!r}: there is no such file") from None
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise ConfigurationError(f"{setting} is {uri!r}: it cannot be read ({error})") from None


def _open(uri: str, setting: str, given: str) -> Folder:
    """Open a folder that may be a part of what the setting says, which is ``given`` and named in messages."""
    parts = _URI.fullmatch(uri)
    if parts and parts["scheme"] not in LOCAL_SCHEMES:
        return _object_folder(uri, setting, given)
    _refuse_relative(uri, setting, given)
    return LocalFolder(Path(f"/{parts['path']}" if parts else uri))


def _refuse_relative(uri: str, setting: str, given: str) -> None:
    if not uri.startswith("/") and not _URI.fullmatch(uri):
        raise ConfigurationError(
            f"{setting} is {given!r}; allowed: an absolute path, or a URI such as s3://aws_default@bucket/prefix"
        )


def _is_file(folder: Folder, above: str, name: str) -> bool:
    if isinstance(folder, LocalFolder):
        return folder.path.is_file()
    try:
        open_folder(above, "exports").info(name)
    except FileNotFoundError:
        return False
    return True


def _object_folder(uri: str, setting: str, given: str) -> ObjectFolder:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    try:
        path: Any = ObjectStoragePath(uri)
        fs = path.fs
    except ImportError as error:
        raise ConfigurationError(
            f"{setting} is {given!r}, and what reads it is not installed ({error}): "
            f"for s3:// install airflow-netmera-kinesis[s3]"
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"{setting} is {given!r}: {error}") from None
    return (S3Folder if hasattr(fs, "call_s3") else ObjectFolder)(fs, path.path, uri)
