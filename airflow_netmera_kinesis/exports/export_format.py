"""Decide what may be said about the files of an export folder, and what of it counts for one of them."""

from __future__ import annotations

import msgspec

from airflow_netmera_kinesis.exports.listing import glob_pattern
from airflow_netmera_kinesis.netmera.field_name import IDENTITY_FIELDS, OBJECT_FIELDS, VALUE_FIELDS
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType

AUTO = "auto"
IGNORE = "ignore"  # the target of a column that is left out on purpose
FORMATS = ("ndjson", "csv", "xlsx")
# Netmera: Reports > Data Export offers these six.
DELIMITERS = (",", "|", "~", "¦", "^", ";")
CELL_TYPES = ("text", "number", "integer", "boolean", "json")
TARGETS = (*VALUE_FIELDS, *IDENTITY_FIELDS, *OBJECT_FIELDS, IGNORE)
DEFAULT_TIME_ZONE = "Europe/Istanbul"

Scalar = str | int | float


class ExportFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to read the files.

    ``columns`` maps a heading of a table to a target: a field of the canonical record, a member of one of its objects
    (``params.screen``, ``profile.city``), or ``ignore``. A heading that is neither mapped nor an alias becomes a
    parameter. ``constants`` fill fields that a record lacks; ``names_to_codes`` gives an event name its code. ``files``
    say what is different in some of the files.
    """

    format: str = AUTO
    record_type: TriggerType = TriggerType.EVENT
    encoding: str = AUTO
    delimiter: str = AUTO
    sheet: str | None = None
    columns: dict[str, str] = {}
    types: dict[str, str] = {}
    constants: dict[str, Scalar] = {}
    names_to_codes: dict[str, str] = {}
    time_format: str | None = None
    time_zone: str = DEFAULT_TIME_ZONE
    files: tuple[FileFormat, ...] = ()

    def of_file(self, *names: str) -> ExportFormat:
        """Return what counts for a file, or for an archive's member by its path and by its archive's.

        Of several ``files`` that fit, the first counts.
        """
        fitting = (some.format for some in self.files if any(map(some.fits, names)))
        return next(fitting, self)


class FileFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to read the files that a glob fits: all that is said for all files, and what is said for these.

    A glob with a slash is of a file's path below the exports, any other one of its name.
    """

    glob: str
    format: ExportFormat

    def fits(self, name: str) -> bool:
        own = name if "/" in self.glob else name.rpartition("/")[2]
        return glob_pattern(self.glob).fullmatch(own) is not None
