"""Decide what another process may ask of the fake beyond Kinesis' own actions, by the target ``FakeKinesis.…``."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from airflow_netmera_kinesis.testing.core import FakeKinesisCore
from airflow_netmera_kinesis.testing.faults import Faults
from airflow_netmera_kinesis.testing.quota import ShardQuota
from airflow_netmera_kinesis.testing.refusal import Body, Refused
from airflow_netmera_kinesis.testing.tally import Tally

SERVICE = "FakeKinesis"
_TIMEOUT_SECONDS = 60.0


def control(core: FakeKinesisCore, action: str, body: bytes) -> Body:
    """Carry out one control action; what it cannot read is refused."""
    if action not in _CONTROLS:
        raise Refused("UnknownOperationException", f"{SERVICE} does not know {action}.")
    try:
        return {"Result": _CONTROLS[action](core, msgspec.json.decode(body or b"{}"))}
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError) as error:
        raise Refused("ValidationException", f"{type(error).__name__}: {error}") from None


class RemoteFakeKinesis:
    """A fake Kinesis in another process, by its URL; Kinesis' own actions go through boto3."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url

    def set_faults(self, faults: Faults) -> None:
        self._ask("SetFaults", msgspec.to_builtins(faults))

    def set_quota(self, quota: ShardQuota | None) -> None:
        self._ask("SetQuota", msgspec.to_builtins(quota))

    def inject(self, *fortunes: str | dict[int, str] | None) -> None:
        """Say what befalls the coming puts, one each; see :meth:`FakeKinesisCore.inject`."""
        self._ask("Inject", list(fortunes))

    def reshard(self, stream: str, shards: int) -> None:
        self._ask("Reshard", {"stream": stream, "shards": shards})

    def store_zombies(self) -> int:
        """Store the records of all lost requests, and say how many requests there were."""
        return int(self._ask("StoreZombies", {}))

    def counts(self, stream: str) -> Tally:
        """Give the counts of a stream."""
        return msgspec.convert(self._ask("Counts", {"stream": stream}), Tally)

    def _ask(self, action: str, document: object) -> Any:
        host = urlsplit(self.endpoint_url)
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=_TIMEOUT_SECONDS)
        try:
            headers = {"X-Amz-Target": f"{SERVICE}.{action}"}
            connection.request("POST", "/", msgspec.json.encode(document), headers)
            answer = connection.getresponse()
            body = msgspec.json.decode(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(body["__type"], body["message"], answer.status)
        return body["Result"]


def _set_faults(core: FakeKinesisCore, document: Any) -> None:
    core.faults = msgspec.convert(document, Faults)


def _set_quota(core: FakeKinesisCore, document: Any) -> None:
    core.quota = msgspec.convert(document, ShardQuota | None)


def _inject(core: FakeKinesisCore, document: Any) -> None:
    core.inject(*(msgspec.convert(item, dict[int, str] | str | None, strict=False) for item in document))


def _counts(core: FakeKinesisCore, document: Any) -> Any:
    return msgspec.to_builtins(core.books.counts(document["stream"]))


_CONTROLS: dict[str, Callable[[FakeKinesisCore, Any], Any]] = {
    "SetFaults": _set_faults,
    "SetQuota": _set_quota,
    "Inject": _inject,
    "Reshard": lambda core, document: core.reshard(document["stream"], document["shards"]),
    "StoreZombies": lambda core, _: core.store_zombies(),
    "Counts": _counts,
}
