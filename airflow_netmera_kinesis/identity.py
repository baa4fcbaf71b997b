"""Read as whom a connector signs: its own keys, a role that they assume, or the worker's own AWS identity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
KEYS, ENVIRONMENT = "keys", "environment"
# What has no meaning without a role to assume.
OF_A_ROLE = ("external_id", "sts_endpoint_url")


class Identity(msgspec.Struct, frozen=True):
    """As whom requests are signed; keys and the session token stay in the connection."""

    environment: bool = False
    role_arn: str | None = None
    external_id: str | None = None
    sts_endpoint_url: str | None = None

    def __str__(self) -> str:
        """Name it for people."""
        signer = "the worker's own AWS identity" if self.environment else "the connection's keys"
        return f"role {self.role_arn}, assumed with {signer}" if self.role_arn else signer


def read_identity(login: str | None, password: str | None, extras: Mapping[str, object], faults: list[str]) -> Identity:
    """Read the fields that decide who signs; what contradicts itself is a fault, and nothing is ever made up."""
    session_token = read_text(extras, "session_token", faults)
    environment = read_source(extras, faults)
    if environment:
        faults.extend(contradictions(login, password, session_token))
    else:
        faults.extend(missing_keys(login, password))
    role_arn = read_text(extras, "role_arn", faults)
    if role_arn and not ROLE_ARN.fullmatch(role_arn):
        faults.append(
            "extra 'role_arn' is not the ARN of an IAM role: write it like arn:aws:iam::111122223333:role/name"
        )
    external_id = read_text(extras, "external_id", faults)
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        faults.append("extra 'external_id' is not what AWS takes: 2 to 1224 of a-z A-Z 0-9 _ + = , . @ : / -")
    sts_endpoint_url = read_url(extras, "sts_endpoint_url", faults)
    faults.extend(
        f"extra '{name}' is given without 'role_arn': name the role that is to be assumed, or remove it"
        for name in OF_A_ROLE
        if text(extras.get(name)) and not role_arn
    )
    return Identity(environment, role_arn or None, external_id or None, sts_endpoint_url)


def read_source(extras: Mapping[str, object], faults: list[str]) -> bool:
    """Say whether the worker's own identity signs: only where that is written down."""
    value = extras.get("credentials")
    written = value.strip().lower() if isinstance(value, str) else value
    if written not in (None, "", KEYS, ENVIRONMENT):
        faults.append(
            f"extra 'credentials' is {value!r}: it must be {KEYS} (API key and secret key of the connection) or "
            f"{ENVIRONMENT} (the worker's own AWS identity)"
        )
    return written == ENVIRONMENT


def contradictions(login: str | None, password: str | None, session_token: str) -> list[str]:
    named = {
        "API key (login)": text(login),
        "Secret key (password)": text(password),
        "extra 'session_token'": session_token,
    }
    return [
        f"{name} is given together with credentials: {ENVIRONMENT}, so nobody can tell who is to sign: remove one of "
        "the two"
        for name, value in named.items()
        if value
    ]


def missing_keys(login: str | None, password: str | None) -> list[str]:
    otherwise = f", or say credentials: {ENVIRONMENT} if the worker's own AWS identity is meant"
    faults = []
    if not text(login):
        faults.append(
            f"API key (login) is missing: set it to the AWS access key ID of the IAM user that writes{otherwise}"
        )
    if not text(password):
        faults.append(
            "Secret key (password) is missing: set it to the AWS secret access key that belongs to the API key"
            f"{otherwise}"
        )
    return faults


def read_url(extras: Mapping[str, object], name: str, faults: list[str]) -> str | None:
    """Read an http(s) URL; an empty form field is none."""
    url = read_text(extras, name, faults)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # brackets of an IPv6 address that do not match
        usable = False
    if not usable:
        faults.append(f"extra '{name}' is not an http(s) URL: write it like https://host.example:443, or remove it")
    return url


def read_text(extras: Mapping[str, object], name: str, faults: list[str]) -> str:
    """Read text; anything else would look like a field that is not given, and something else would stand in for it."""
    value = extras.get(name)
    if value is not None and not isinstance(value, str):
        faults.append(f"extra '{name}' is not text: write it in quotes, or remove it")
    return text(value)


def text(value: object) -> str:
    """Return the text that a field holds; an empty form field is a missing one."""
    return value.strip() if isinstance(value, str) else ""
