"""Say with which status a command ends, by what its caller does next."""

from __future__ import annotations

from airflow_netmera_kinesis.errors import (
    ConfigurationError,
    ExportsUnreachable,
    LeaseTaken,
    NetmeraKinesisError,
    NotReadyYet,
    StreamStalled,
    StreamUnreachable,
)

DONE = 0
FAILED = 1  # something has to be mended: an export, a mapping, a right, a stream
MISUSED = 2  # click's own, too: an option, a setting, a definition or a connection is wrong
TRY_AGAIN = 3  # nothing to mend: somebody else is at work, or the network was away
INTERRUPTED = 130

EXIT_STATUSES = (
    "Exit status: 0 done; 1 failed, and the message says what to mend; 2 an option, a definition or a connection is "
    "wrong; 3 try again later, as somebody else is at work or nobody answers; 130 stopped by Ctrl-C."
)


def status_of(error: NetmeraKinesisError) -> int:
    """Return the exit status for an expected error."""
    if isinstance(error, ConfigurationError):
        return MISUSED
    if isinstance(error, (ExportsUnreachable, LeaseTaken, NotReadyYet, StreamStalled, StreamUnreachable)):
        return TRY_AGAIN
    return FAILED
