"""Open what a URI names: a path on this machine, object storage or a server of files with an Airflow connection."""

from __future__ import annotations

import errno
import re
import uuid
from pathlib import Path

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.export_server import (
    SERVER_SCHEMES,
    Address,
    ServerFolder,
    open_server_folder,
    require_there,
)
from airflow_netmera_kinesis.exports.listing import ExportPlace, has_magic, is_unfinished
from airflow_netmera_kinesis.object_store import open_object_folder
from airflow_netmera_kinesis.state.slice import place_of
from airflow_netmera_kinesis.storage import Folder, LocalFolder, ReadableFolder

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<place>[^/]*)/*(?P<path>.*)", re.DOTALL)
_PASSWORD = re.compile(r"[^/@:]*:[^@]*@")
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
    """Open a folder, a glob or one file of exports; they may lie on an SFTP or FTP server, too."""
    _refuse_relative(uri, "exports", uri)
    own = uri.rstrip("/")
    if has_magic(own):
        parts = own.split("/")
        first = next(place for place, part in enumerate(parts) if has_magic(part))
        above = _open_readable("/".join(parts[:first]) or "/", "exports", uri)
        if isinstance(above, ServerFolder):
            require_there(above, f"exports is {uri!r}")
        return ExportPlace(above, glob="/".join(parts[first:]))
    folder = _open_readable(own or "/", "exports", uri)
    name = own.rpartition("/")[2]
    if isinstance(folder, ServerFolder):
        is_file = require_there(folder, f"exports is {uri!r}") == "file"
        return ExportPlace(folder.above(), file=name) if is_file else ExportPlace(folder)
    if isinstance(folder, LocalFolder) and not folder.path.exists():
        raise ConfigurationError(f"exports is {uri!r}: this worker finds neither a folder nor a file there")
    above_it = own.rpartition("/")[0]
    if name and not uri.endswith("/") and not above_it.endswith(":/") and _is_file(folder, above_it, name):
        return ExportPlace(_open(above_it or "/", "exports", uri), file=name)
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
        return _open_readable(above or "/", setting, uri).read(name) if name else b""
    except FileNotFoundError:
        raise ConfigurationError(f"{setting} is {uri!r}: there is no such file") from None
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise ConfigurationError(f"{setting} is {uri!r}: it cannot be read ({error})") from None


def _open_readable(uri: str, setting: str, given: str) -> ReadableFolder:
    """Open a folder that may be a part of what the setting says, which is ``given`` and named in messages."""
    parts = _parts(uri, setting)
    if parts and parts["scheme"] in SERVER_SCHEMES:
        return open_server_folder(_address(parts, setting, given), uri, f"{setting} is {given!r}")
    return _open(uri, setting, given)


def _open(uri: str, setting: str, given: str) -> Folder:
    parts = _parts(uri, setting)
    if parts and parts["scheme"] in SERVER_SCHEMES:
        raise ConfigurationError(
            f"{setting} is {given!r}: exports may lie on an SFTP or FTP server, {setting} may not, since such a server "
            f"can neither create a file in one step nor tell the time. Allowed: a path that all workers share, or "
            f"object storage such as s3://aws_default@bucket/prefix"
        )
    if parts and parts["scheme"] not in LOCAL_SCHEMES:
        return open_object_folder(uri, f"{setting} is {given!r}")
    _refuse_relative(uri, setting, given)
    return LocalFolder(Path(f"/{parts['path']}" if parts else uri))


def _parts(uri: str, setting: str) -> re.Match[str] | None:
    """Take a URI apart. Nobody's password stands in it, nor in a message about it."""
    parts = _URI.fullmatch(uri)
    if parts and _PASSWORD.match(uri, parts.start("place")):
        raise ConfigurationError(
            f"{setting} is '{parts['scheme']}://…@…': what stands before the @ is the id of an Airflow connection, "
            f"never a login and a password"
        )
    return parts


def _address(parts: re.Match[str], setting: str, given: str) -> Address:
    conn_id, _, host = parts["place"].rpartition("@")
    scheme = parts["scheme"]
    if not conn_id:
        raise ConfigurationError(
            f"{setting} is {given!r}; allowed: the id of an Airflow connection in front, as in {scheme}://conn_id@/path"
        )
    return Address(scheme, conn_id, host, f"/{parts['path']}")


def _refuse_relative(uri: str, setting: str, given: str) -> None:
    if not uri.startswith("/") and not _URI.fullmatch(uri):
        raise ConfigurationError(
            f"{setting} is {given!r}; allowed: an absolute path, or a URI such as s3://aws_default@bucket/prefix"
        )


def _is_file(folder: ReadableFolder, above: str, name: str) -> bool:
    if isinstance(folder, LocalFolder):
        return folder.path.is_file()
    try:
        open_folder(above, "exports").info(name)
    except FileNotFoundError:
        return False
    return True
