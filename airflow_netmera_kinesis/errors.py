"""Name every failure by what the reader of the message does next.

NetmeraKinesisError
├── ConfigurationError     stop and mend a setting, a connection or a param
│   └── DefinitionError    … or the hook definitions: all faults at once
├── ExportError            an export cannot be read as a whole: mend or set aside the file
│   └── ExportChanged      … or is not what plan saw: run again, nothing was sent of it
├── StagingError           a staged part is missing, cut short or changed
├── StateError             the state folder says no
│   ├── SliceRefused       the slice is superseded or not the open one: start a new run
│   │   └── SliceCommitted … or committed already: there is nothing left to do
│   └── LeaseTaken         somebody else works on it now: wait, then run again
├── QuotaExceeded          more malformed lines or dead letters than allowed: the mapping is probably wrong
├── CountsDisagree         a bug or a changed file: the equation of counts that is off
└── DeliveryError          Kinesis did not take what was sent
    ├── StreamStalled      nothing was delivered for stall_timeout: run again, the ledger knows what was
    ├── StreamRefused      rights, a missing stream, credentials, KMS: mend it, then run again
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


class QuotaExceeded(NetmeraKinesisError):
    """More malformed lines or dead letters than ``max_malformed`` or ``max_dead_letters`` allow."""


class CountsDisagree(NetmeraKinesisError):
    """Counts at a seam do not add up; the message says which."""


class DeliveryError(NetmeraKinesisError):
    """Kinesis did not take what was sent."""


class StreamStalled(DeliveryError):
    """No record was delivered on a stream for ``stall_timeout``."""


class StreamRefused(DeliveryError):
    """Kinesis refuses the whole request for a reason that no retry mends."""


class StreamUnreachable(DeliveryError):
    """Nobody answers where the stream should be."""


class OrderBroken(DeliveryError):
    """Receipts show a user's records out of order."""
