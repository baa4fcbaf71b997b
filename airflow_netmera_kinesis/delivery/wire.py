"""Put requests on the wire: botocore's client signs and carries them, the body is built and the answer read here.

botocore's own walk over every record costs more than all the rest of sending. Two of its documented events let the
client keep what it is good at (credentials, endpoints, signing, TLS, proxies, the pool of connections) without it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from airflow_netmera_kinesis.delivery.outcome import Answered, EntryAnswer, Lost, Outcome, outcome_of_error
from airflow_netmera_kinesis.delivery.request import Request

RAW_BODY = "RawBody"
# A proxy may answer with a whole page.
LONGEST_MESSAGE = 1_000
# Stands in while botocore serialises the call; the real body takes its place before it is signed.
_PLACEHOLDER = [{"Data": b"", "PartitionKey": "-"}]


class PutRecordsClient(Protocol):
    """The part of boto3's Kinesis client that is used; its own retries must be off, delivery owns them."""

    meta: Any

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
        self._slot = threading.local()
        events = client.meta.events
        events.register("before-call.kinesis.PutRecords", self._put_body)
        events.register("before-parse.kinesis.PutRecords", _keep_answer)

    def put(self, request: Request) -> Outcome:
        """Carry out a request; every failure is a value, so that it is judged in one place."""
        from botocore.exceptions import BotoCoreError, ClientError

        self._slot.body = encode_body(request, self._address)
        try:
            answer = self._client.put_records(Records=_PLACEHOLDER, **self._address)
        except ClientError as error:
            said = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            words = str(said.get("Message", ""))[:LONGEST_MESSAGE]
            return outcome_of_error(str(said.get("Code", "")), words, int(status))
        except (BotoCoreError, OSError) as error:
            return _outcome_of_failure(error)
        finally:
            del self._slot.body
        return read_answer(answer)

    def close(self) -> None:
        """Take the handlers off the client again."""
        events = self._client.meta.events
        events.unregister("before-call.kinesis.PutRecords", self._put_body)
        events.unregister("before-parse.kinesis.PutRecords", _keep_answer)

    def _put_body(self, params: dict[str, Any], **_: Any) -> None:
        body = getattr(self._slot, "body", None)
        if body is not None:
            params["body"] = body


def read_answer(answer: Mapping[str, Any]) -> Outcome:
    """Read the answer to a request that Kinesis took; one that cannot be read leaves everything unknown."""
    try:
        return Answered(_read_answer(answer[RAW_BODY]).Records)
    except (KeyError, msgspec.MsgspecError):
        return Lost("an unreadable answer", "")


def _keep_answer(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict[RAW_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"


def _outcome_of_failure(error: Exception) -> Outcome:
    """A client that could not even sign surely sent nothing; every other failure may have come after the send."""
    from botocore.exceptions import CredentialRetrievalError, NoCredentialsError, PartialCredentialsError

    if isinstance(error, CredentialRetrievalError | NoCredentialsError | PartialCredentialsError):
        return outcome_of_error("UnrecognizedClientException", type(error).__name__, 0)
    return Lost(type(error).__name__, "")
