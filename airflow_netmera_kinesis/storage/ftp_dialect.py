"""Ask an FTP server about its files in the words that it knows: MLSD and MLST, else LIST."""

from __future__ import annotations

import ftplib
from collections.abc import Callable
from datetime import datetime

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.storage.ftp_listing import Entry, Kind, entry_of_facts, entry_of_line

# https://www.rfc-editor.org/rfc/rfc959: the server does not know the command, or not with this argument.
_UNKNOWN = ("500", "501", "502", "504")


class Dialect:
    """``now`` tells the year of times that come without one. What a server does not know it is asked once only."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._facts = True

    def entries(self, connection: ftplib.FTP, folder: str) -> list[Entry]:
        """List a folder; FileNotFoundError if there is none that this user may enter."""
        _enter(connection, folder)
        if self._facts:
            told = self._told_by_facts(connection)
            if told is not None:
                return told
        return self._told_by_lines(connection, "LIST")

    def entry(self, connection: ftplib.FTP, path: str) -> Entry:
        """Describe one file or folder, just as a listing does; FileNotFoundError if there is none."""
        entry = self._entry_by_facts(connection, path) if self._facts else None
        entry = entry or self._entry_by_line(connection, path)
        return _target(connection, path) if entry.kind is Kind.LINK else entry

    def _told_by_facts(self, connection: ftplib.FTP) -> list[Entry] | None:
        try:
            told = [entry_of_facts(name, facts) for name, facts in connection.mlsd()]
        except ftplib.error_perm as error:
            if not str(error).startswith(_UNKNOWN):
                raise PermissionError(str(error)) from None
            told = [None]
        entries = [entry for entry in told if entry]
        self._facts = len(entries) == len(told)
        return entries if self._facts else None

    def _told_by_lines(self, connection: ftplib.FTP, command: str) -> list[Entry]:
        lines: list[str] = []
        try:
            connection.retrlines(command, lines.append)
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if "no files" in str(error).lower():  # what some servers say of an empty folder
                return []
            if isinstance(error, ftplib.error_perm):
                raise PermissionError(str(error)) from None
            raise
        try:
            return [entry for line in lines if (entry := entry_of_line(line, self._now()))]
        except ValueError as error:
            raise ConfigurationError(
                f"the FTP server does not know MLSD, and what it lists is in a form that nobody knows: {error}. Have "
                f"the server tell MLSD, or list as ls -l or as DIR does"
            ) from None

    def _entry_by_facts(self, connection: ftplib.FTP, path: str) -> Entry | None:
        try:
            answer = connection.sendcmd(f"MLST {path}")
        except ftplib.error_perm as error:
            if not str(error).startswith(_UNKNOWN):
                raise FileNotFoundError(path) from None
            self._facts = False
            return None
        facts, _, name = answer.splitlines()[1].strip().partition(" ")
        pairs = (fact.partition("=") for fact in facts.split(";"))
        return entry_of_facts(name, {key.lower(): value for key, _, value in pairs})

    def _entry_by_line(self, connection: ftplib.FTP, path: str) -> Entry:
        folder, _, name = path.rpartition("/")
        _enter(connection, folder or "/")
        try:
            told = self._told_by_lines(connection, f"LIST {name}")
        except (OSError, ftplib.error_temp, ConfigurationError):
            told = []
        if not any(entry.name in (name, path) for entry in told):  # the whole folder says it for sure
            told = self._told_by_lines(connection, "LIST")
        for entry in told:
            if entry.name in (name, path):
                return entry
        raise FileNotFoundError(path)


def _enter(connection: ftplib.FTP, folder: str) -> None:
    try:
        connection.cwd(folder)
    except ftplib.error_perm:
        raise FileNotFoundError(folder) from None


def _target(connection: ftplib.FTP, path: str) -> Entry:
    """Describe what a link leads to."""
    try:
        connection.voidcmd("TYPE I")
        size = connection.size(path)
        modified = connection.sendcmd(f"MDTM {path}").split()[-1]
    except ftplib.error_perm:
        return Entry(path, Kind.FOLDER)
    found = entry_of_facts(path, {"type": "file", "size": str(size), "modify": modified})
    if found is None:
        raise FileNotFoundError(path)
    return found
