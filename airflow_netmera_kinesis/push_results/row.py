"""Write one push result as a line of NDJSON in the canonical shape, and tell it from all others."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.json_line import JsonLines
from airflow_netmera_kinesis.netmera.canonical_json import canonical, compact
from airflow_netmera_kinesis.netmera.content_hash import content_hash
from airflow_netmera_kinesis.netmera.event import Malformed
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType

# Matching reads the lines with the same format, so that a row's hash is that of the same row in a file.
PUSH_RESULT_FORMAT = ExportFormat(format="ndjson", record_type=TriggerType.MESSAGE_LOG)
DIGEST_BYTES = 16
_RECORD_TYPE = Raw(b'"MESSAGE_LOG"')
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_lines = JsonLines(PUSH_RESULT_FORMAT)


class PulledRow(msgspec.Struct, frozen=True, gc=False):
    """One push result. ``digest`` covers all that it says, its own id included; of equal rows it is the same.

    ``fault`` says why the row is no message log; then ``line`` is the row as it came.
    """

    line: bytes
    digest: bytes
    time_ms: int | None = None
    has_id: bool = False
    fault: str = ""

    def numbered(self, ordinal: int) -> bytes:
        """Return the line with an event id: the row's own, or the hash that it bears in any export.

        Of equal rows the first has ordinal 0. The id stands in the line, since the place of a row among its equals is
        known here only: a later pull, and another file, must not count them anew.
        """
        if self.has_id:
            return self.line
        own = f"{self.digest.hex()}-{ordinal}" if ordinal else self.digest.hex()
        return msgspec.json.encode({**_members(self.line), "id": own})


def row_of(raw: Raw, notification_key: str) -> PulledRow:
    """Read one element of a page, which was asked for by ``notification_key`` unless that is empty."""
    try:
        line = _canonical_line(raw, notification_key)
        event = _lines.read(line)
    except Malformed as error:
        return PulledRow(bytes(raw), hashlib.sha256(canonical(raw)).digest()[:DIGEST_BYTES], fault=str(error))
    digest = bytes.fromhex(content_hash(event))
    if event.id is not None:
        # Equal rows with ids of their own are different rows.
        digest = hashlib.sha256(digest + event.id.encode()).digest()[:DIGEST_BYTES]
    return PulledRow(line, digest, event.time_ms, has_id=event.id is not None)


def _canonical_line(raw: Raw, notification_key: str) -> bytes:
    try:
        members = _members(compact(raw))
    except msgspec.ValidationError:
        raise Malformed("the row is JSON but not an object") from None
    except RecursionError:
        raise Malformed("the row is nested too deeply") from None
    if notification_key and "notificationKey" not in members:
        members["notificationKey"] = Raw(msgspec.json.encode(notification_key))
    return msgspec.json.encode({**members, "recordType": _RECORD_TYPE})
