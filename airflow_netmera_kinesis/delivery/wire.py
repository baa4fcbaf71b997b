"""Put requests on the wire: botocore's client signs and carries them, the body is built and the answer read here.

botocore's own walk over every record costs more than all the rest of sending, and its walk through a call as much as
carrying it. So a call is prepared once, and for each request the client does what it is good at: credentials, signing,
TLS, proxies, the pool of connections.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from airflow_netmera_kinesis.delivery.outcome import (
    Answered,
    EntryAnswer,
    Lost,
    Outcome,
    Refused,
    Throttled,
    outcome_of_error,
)
from airflow_netmera_kinesis.delivery.request import Request

# A proxy may answer with a whole page.
LONGEST_MESSAGE = 1_000
# Stands in while botocore prepares a call, in the protocol in which the real body is written.
_PLACEHOLDER = [{"Data": b"", "PartitionKey": "-"}]
_PROTOCOL = "json"


class PutRecordsClient(Protocol):
    """The part of boto3's Kinesis client that is used; its own retries must be off, delivery owns them."""

    meta: Any
    _endpoint: Any

    def put_records(self, **params: Any) -> dict[str, Any]:
        """Carry out one request."""


def client_options(connections: int) -> dict[str, Any]:
    """What the configuration of such a client has to say (botocore's ``Config``), for so many requests at a time."""
    import botocore

    return {
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "max_pool_connections": connections,
        # The placeholder that botocore would look through is right.
        "parameter_validation": False,
        # botocore puts its own together twice for each request, which costs a tenth of it.
        "user_agent": f"Botocore/{botocore.__version__}",
    }


class _Body(msgspec.Struct):
    Records: list[EntryAnswer] = []


_encode = msgspec.json.Encoder().encode
_read_answer = msgspec.json.Decoder(_Body).decode


def encode_body(request: Request, address: Mapping[str, str]) -> bytes:
    """Write the JSON body of PutRecords: data in base64, keys as JSON strings, then StreamName or StreamARN."""
    records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in request.entries]
    return _encode({"Records": records, **address})


class Wire:
    """PutRecords on one stream. Safe to call from several threads at once."""

    def __init__(self, client: PutRecordsClient, address: Mapping[str, str]) -> None:
        self._client = client
        self._address = dict(address)
        self._operation = client.meta.service_model.operation_model("PutRecords")
        self._events = client.meta.events
        self._endpoint = client._endpoint  # noqa: SLF001 - where the pool of connections is
        self._lock = threading.Lock()
        self._call: dict[str, Any] = {}

    def put(self, request: Request) -> Outcome:
        """Carry out a request; every failure is a value, so that it is judged in one place."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            signed = self._sign(encode_body(request, self._address))
        except ClientError as error:
            said = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return _unsent(_outcome_of(said, int(status)))
        except (BotoCoreError, OSError) as error:
            return _unsigned(error)
        try:
            answer = self._send(signed)
        except (BotoCoreError, OSError) as error:
            return Lost(type(error).__name__, "")
        return read_answer(answer.content) if answer.status_code < 300 else self._read_refusal(answer)

    def _sign(self, body: bytes) -> Any:
        """Make the request that botocore would make; what fails in here surely stored nothing."""
        call = self._call or self._prepare()
        retries = {"attempt": 1, "invocation-id": str(uuid.uuid4())}
        context = {**call["context"], "retries": retries}
        own = {"body": body, "headers": dict(call["headers"]), "context": context}
        return self._endpoint.create_request({**call, **own}, self._operation)

    def _prepare(self) -> dict[str, Any]:
        """Let botocore prepare a call as far as it is the same for every request: where to, and the headers."""

        def keep(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
            self._call = params
            return _NoAnswer, {}

        with self._lock:
            if not self._call:
                self._events.register_last("before-call.kinesis.PutRecords", keep)
                try:
                    self._client.put_records(Records=_PLACEHOLDER, **self._address)
                finally:
                    self._events.unregister("before-call.kinesis.PutRecords", keep)
        return self._call

    def _send(self, signed: Any) -> Any:
        """Let others look at the request, as botocore does; one of them may answer in the place of Kinesis."""
        for _, answer in self._events.emit("before-send.kinesis.PutRecords", request=signed):
            if answer is not None:
                return answer
        # They are looked up by name a dozen times on their way, and no name comes in two spellings.
        signed.headers = dict(signed.headers)
        return self._endpoint.http_session.send(signed)

    def _read_refusal(self, answer: Any) -> Outcome:
        from botocore.endpoint import convert_to_response_dict
        from botocore.parsers import create_parser

        told = convert_to_response_dict(answer, self._operation)
        said = create_parser(_PROTOCOL).parse(told, self._operation.output_shape).get("Error", {})
        return _outcome_of(said, int(answer.status_code))


class _NoAnswer:
    """What a call that is only prepared gets."""

    status_code = 200


def read_answer(body: bytes) -> Outcome:
    """Read the answer to a request that Kinesis took; one that cannot be read leaves everything unknown."""
    try:
        return Answered(_read_answer(body).Records)
    except msgspec.MsgspecError:
        return Lost("an unreadable answer", "")


def _outcome_of(said: Mapping[str, Any], status: int) -> Outcome:
    return outcome_of_error(str(said.get("Code", "")), str(said.get("Message", ""))[:LONGEST_MESSAGE], status)


def _unsent(outcome: Outcome) -> Outcome:
    """Judge an answer of somebody else, who was asked for credentials to sign with: nothing has left for Kinesis."""
    if isinstance(outcome, Lost | Throttled):
        return Throttled(f"{outcome.code} while the credentials were refreshed", outcome.message)
    code = getattr(outcome, "code", "")
    return Refused(code, "while the credentials were refreshed", credentials=True)


def _unsigned(error: Exception) -> Outcome:
    """Judge a client that could not even sign: a network that was away comes back, missing credentials do not."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError, MetadataRetrievalError

    name = type(error).__name__
    if isinstance(error, HTTPClientError | NoConnection | MetadataRetrievalError | OSError):
        return Throttled(f"{name} while the credentials were refreshed", "")
    return Refused(name, "no credentials to sign with", credentials=True)
