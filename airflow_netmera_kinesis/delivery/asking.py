"""Ask Kinesis something about itself, and say what a refusal means for whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_netmera_kinesis.delivery.credential_advice import CREDENTIAL_CODES, advice_on
from airflow_netmera_kinesis.delivery.outcome import THROTTLING_CODES, UNKNOWN_CODES
from airflow_netmera_kinesis.errors import CredentialsRefused, StreamRefused, StreamUnreachable

# Kinesis says this only after it has found the keys and their signature right.
NO_RIGHT = frozenset({"AccessDeniedException", "AccessDenied"})
# Some endpoints answer a request that they do not know in one of these ways; none of them means that sending fails.
NOT_ALLOWED = NO_RIGHT | {"UnknownOperationException", "InvalidAction", "NotImplemented"}
_NAMES = "Check the stream's name in the hook definitions, and the connection's region and keys"


def ask(call: Callable[..., Any], about: str, *, hint: str = _NAMES, **asked: Any) -> dict[str, Any]:
    """Return the answer to a call of boto3's client; ``about`` opens each message.

    :raises NotAllowed: whoever asks has no right to
    :raises StreamRefused: there is no such stream, or the question is refused otherwise
    :raises CredentialsRefused: the credentials are refused, or there are none
    :raises StreamUnreachable: nobody answers, or not just now
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = call(**asked)
    except ClientError as error:
        raise _refusal(error, about, hint) from None
    except BotoCoreError as error:
        raise _failure(error, about) from None
    return answer


class NotAllowed(StreamRefused):
    """The right to ask is missing, which keeps nobody from sending; ``code`` is the answer's."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


def _refusal(error: Any, about: str, hint: str) -> StreamRefused | StreamUnreachable:
    said = error.response.get("Error", {})
    code, status = str(said.get("Code", "")), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    refused = f"{about}: {error.operation_name} was refused with {code}"
    if code in NOT_ALLOWED:
        return NotAllowed(f"{refused}: {advice_on(code)}", code)
    if code in CREDENTIAL_CODES:
        return CredentialsRefused(f"{refused}: {advice_on(code)}")
    if code in THROTTLING_CODES | UNKNOWN_CODES or status >= 500:
        return StreamUnreachable(f"{refused}: it cannot be asked just now; try again later")
    if code.isdigit():
        return StreamRefused(f"{about}: HTTP status {code} and no answer of Kinesis: check extra 'endpoint_url'")
    return StreamRefused(f"{refused}: {str(said.get('Message', '')).rstrip('.')}. {hint}")


def _failure(error: Exception, about: str) -> StreamRefused | StreamUnreachable:
    from botocore.exceptions import CredentialRetrievalError, NoCredentialsError, PartialCredentialsError

    says = str(error).rstrip(".")
    if isinstance(error, CredentialRetrievalError | NoCredentialsError | PartialCredentialsError):
        return CredentialsRefused(
            f"{about}: there is nothing to sign with: {says}. The connection says that the worker's own AWS identity "
            "signs: give the worker one, or put keys into the connection"
        )
    return StreamUnreachable(
        f"{about}: it could not be asked: {says}. Check the connection's region and endpoint_url, and the network"
    )
