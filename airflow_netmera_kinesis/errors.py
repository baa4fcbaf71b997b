"""Name every failure by what the reader of the message does next.

NetmeraKinesisError
├── ConfigurationError     stop and mend a setting, a connection or a param
│   └── DefinitionError    … or the hook definitions: all faults at once
├── ExportError            an export cannot be read as a whole: mend or set aside the file
│   └── ExportChanged      … or is not what plan saw: run again, nothing was sent of it
├── RestError              Netmera's REST API did not give what it was asked for
│   ├── RestRefused        the key, a right or an address: mend the connection, then run again
│   ├── RestQuotaSpent     Netmera's own quota is used up: wait, then run again
│   └── RestUnavailable    nobody answers there, or not as documented: run again
├── ExportsUnreachable     the server of the exports does not answer: nothing to mend, run again
├── StagingError           a staged part is missing, cut short or changed
├── StateError             the state folder says no
│   ├── SliceRefused       the slice is superseded or not the open one: start a new run
│   │   └── SliceCommitted … or committed already: there is nothing left to do
│   └── LeaseTaken         somebody else works on it now: wait, then run again
├── NotReady               preflight found faults: mend what each of them says
│   └── NotReadyYet        … that may pass by themselves: run again
├── RecordTooLarge         an event exceeds what its stream takes, and its hook says that this fails the run
├── QuotaExceeded          more malformed lines or dead letters than allowed: the mapping is probably wrong
├── CountsDisagree         a bug or a changed file: the equation of counts that is off
└── DeliveryError          Kinesis did not take what was sent
    ├── StreamStalled      nothing was delivered for stall_timeout: run again, the ledger knows what was
    ├── StreamRefused      rights, a missing stream, KMS: mend it, then run again
    │   └── CredentialsRefused … or the credentials: mend the connection
    ├── StreamUnreachable  nobody answers there: the network may be back for the next try
    └── OrderBroken        receipts contradict the order: never retried away
"""

from __future__ import annotations

from collections.abc import Sequence


class NetmeraKinesisError(Exception):
    """The base of all errors that this provider raises on purpose."""


class ConfigurationError(NetmeraKinesisError):
    """A setting, a connection field or a param is missing or cannot be read."""


class DefinitionError(ConfigurationError):
    """Hook definitions are faulty; ``faults`` holds every fault found, one sentence each."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source = source
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in self.faults)
        super().__init__(f"{source}: {len(self.faults)} fault(s) in the hook definitions:\n{lines}")


class ExportError(NetmeraKinesisError):
    """An export is damaged as a whole, vanished, or is not in the format that was said."""


class ExportChanged(ExportError):
    """An export vanished or changed after plan had frozen its slice."""


class RestError(NetmeraKinesisError):
    """Netmera's REST API did not give what it was asked for."""


class RestRefused(RestError):
    """Netmera refuses the key or the request, or its answer leads elsewhere: no retry mends it."""


class RestQuotaSpent(RestError):
    """Netmera's own quota of requests is used up."""


class RestUnavailable(RestError):
    """Nobody answers, or not as documented; ``retry_after`` is how many seconds Netmera asks to wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class ExportsUnreachable(NetmeraKinesisError):
    """The SFTP or FTP server that the exports lie on does not answer, or loses one connection after the other."""


class StagingError(NetmeraKinesisError):
    """A staged part is missing, cut short or changed."""


class StateError(NetmeraKinesisError):
    """The state folder does not allow what was asked."""


class SliceRefused(StateError):
    """The slice is superseded, or not the one that is open."""


class SliceCommitted(SliceRefused):
    """The slice is committed: whoever works on it has nothing left to do."""


class LeaseTaken(StateError):
    """Another run, task or deployment holds the lease."""


class NotReady(NetmeraKinesisError):
    """Preflight found faults; the message holds one line for each."""


class NotReadyYet(NotReady):
    """Preflight found nothing but what may pass by itself: a stream that is being created, a network that is away."""


class QuotaExceeded(NetmeraKinesisError):
    """More malformed lines or dead letters than ``max_malformed`` or ``max_dead_letters`` allow."""


class RecordTooLarge(NetmeraKinesisError):
    """An event's record exceeds its stream's limit, and its hook says ``oversize: fail``."""


class CountsDisagree(NetmeraKinesisError):
    """Counts at a seam do not add up; the message says which."""


class DeliveryError(NetmeraKinesisError):
    """Kinesis did not take what was sent."""


class StreamStalled(DeliveryError):
    """No record was delivered on a stream for ``stall_timeout``."""


class StreamRefused(DeliveryError):
    """Kinesis refuses the whole request for a reason that no retry mends."""


class CredentialsRefused(StreamRefused):
    """AWS refuses who signed, or refuses to say who may: the connection needs other keys, a role or a right."""


class StreamUnreachable(DeliveryError):
    """Nobody answers where the stream should be."""


class OrderBroken(DeliveryError):
    """Receipts show a user's records out of order."""
