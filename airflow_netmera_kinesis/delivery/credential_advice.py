"""Say what to do when AWS refuses the credentials that signed a request."""

from __future__ import annotations

_UNKNOWN = "the API key is unknown there or was made inactive: check API key and region"
_SIGNATURE = "the secret key does not belong to the API key, or this machine's clock is wrong"
_EXPIRED = "the keys have expired: put new ones into the connection"
_RIGHTS = "the keys are right and the permission is missing: grant it, or use keys that have it"

# https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
ADVICE = {
    "AccessDenied": _RIGHTS,
    "AccessDeniedException": _RIGHTS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "IncompleteSignature": "the API key or the secret key is not written as AWS gave it",
    "InvalidClientTokenId": _UNKNOWN,
    "InvalidSignatureException": _SIGNATURE,
    "MissingAuthenticationTokenException": "the request came without a signature: check extra 'endpoint_url'",
    "NotAuthorized": _RIGHTS,
    "RequestExpired": "this machine's clock is wrong",
    "SignatureDoesNotMatch": _SIGNATURE,
    "UnrecognizedClientException": _UNKNOWN,
}
# About the credentials that signed the request: reading the connection again may help.
CREDENTIAL_CODES = frozenset(ADVICE)


def advice_on(code: str) -> str:
    """Return what to do about an error code, in half a sentence."""
    return ADVICE.get(code, "see its meaning in the Kinesis API reference")
