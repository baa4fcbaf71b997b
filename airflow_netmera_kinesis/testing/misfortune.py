"""Decide what the sender of an unlucky request is told."""

from __future__ import annotations

from airflow_netmera_kinesis.testing.faults import Misfortune
from airflow_netmera_kinesis.testing.refusal import ConnectionDropped, Refused

# the records of these are stored before the misfortune
STORED = frozenset({Misfortune.ERROR_500_AFTER, Misfortune.ERROR_503_AFTER, Misfortune.DROPPED_AFTER, Misfortune.SLOW})
_KMS_LIMITS = "The request was denied due to request throttling. See Limits in the AWS KMS Developer Guide."


def failure(misfortune: Misfortune, action: str, arn: str, account_id: str) -> Refused | ConnectionDropped:
    """Give what the client gets instead of an answer."""
    if misfortune in (Misfortune.DROPPED_BEFORE, Misfortune.DROPPED_AFTER, Misfortune.ZOMBIE):
        return ConnectionDropped(stored=misfortune in STORED, zombie=misfortune is Misfortune.ZOMBIE)
    if misfortune in (Misfortune.ERROR_500_BEFORE, Misfortune.ERROR_500_AFTER):
        return Refused("InternalFailure", "Internal service failure.", 500)
    if misfortune in (Misfortune.ERROR_503_BEFORE, Misfortune.ERROR_503_AFTER):
        return Refused("ServiceUnavailable", "Service Unavailable", 503, html=True)
    if misfortune is Misfortune.THROTTLED:
        stream = arn.rpartition("/")[2]
        message = f"Rate exceeded for stream {stream} under account {account_id}."
        return Refused("ProvisionedThroughputExceededException", message)
    if misfortune is Misfortune.KMS_THROTTLED:
        return Refused("KMSThrottlingException", _KMS_LIMITS)
    if misfortune is Misfortune.KMS_DENIED:
        return Refused("KMSAccessDeniedException", "The ciphertext refers to a key that you do not have access to.")
    if misfortune is Misfortune.EXPIRED_TOKEN:
        return expired_token()
    return access_denied(action, arn, account_id)


def expired_token() -> Refused:
    return Refused("ExpiredTokenException", "The security token included in the request is expired")


def access_denied(action: str, arn: str, account_id: str) -> Refused:
    who = f"User: arn:aws:iam::{account_id}:user/somebody"
    return Refused(
        "AccessDeniedException",
        f"{who} is not authorized to perform: kinesis:{action} on resource: {arn} because no identity-based policy "
        f"allows the kinesis:{action} action",
    )
