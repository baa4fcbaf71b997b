"""Say as what a file, or a member of an archive, was read."""

from __future__ import annotations

import msgspec

from airflow_netmera_kinesis.exports.encoding import Encoding


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reader found out; ``unread_sheets`` are those that hold rows, too."""

    format: str
    encoding: Encoding = Encoding("utf-8")
    delimiter: str = ""
    sheet: str = ""
    unread_sheets: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What a log should say: a guess that may be wrong."""
        if self.encoding.by.startswith("guessed"):
            return f"read as {self.encoding.name} ({self.encoding.by}); say encoding if it is another one"
        return ""

    @property
    def warning(self) -> str:
        """What a log should warn of: rows that nobody asked for."""
        if self.unread_sheets:
            return (
                f"only sheet {self.sheet!r} is read, and {len(self.unread_sheets)} more hold rows: say which in sheet"
            )
        return ""
