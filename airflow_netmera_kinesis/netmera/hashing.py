"""Hide a value behind a keyed hash: equal values stay equal, and nobody without the key finds them by guessing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.netmera.canonical_json import canonical
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload_rules import KeySource

# Mail addresses and phone numbers are guessed by the billion, and so is a short key.
MIN_KEY_CHARACTERS = 16
_FINGERPRINT_OF = "airflow-netmera-kinesis: which key is this?"
_FINGERPRINT_CHARACTERS = 16
_QUOTE = ord('"')
_NESTED = b"{["
_text = msgspec.json.Decoder(str).decode


class HashKey:
    """A key, which never shows itself."""

    __slots__ = ("_keyed",)

    def __init__(self, key: str) -> None:
        self._keyed = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def of_text(self, text: str) -> str:
        """Return the HMAC-SHA-256 of the text's UTF-8 in hexadecimal digits."""
        keyed = self._keyed.copy()
        keyed.update(text.encode())
        return keyed.hexdigest()

    def of_json(self, value: Raw) -> str:
        """Hash a text as what it says, a number as it is written, an object or a list in its canonical form."""
        token = bytes(value)
        if token[0] == _QUOTE:
            return self.of_text(_text(token))
        return self.of_text((canonical(value) if token[0] in _NESTED else token).decode())

    @property
    def fingerprint(self) -> str:
        """Tell one key from another, without telling either."""
        return self.of_text(_FINGERPRINT_OF)[:_FINGERPRINT_CHARACTERS]


HashKeys = Mapping[KeySource, HashKey]
NO_KEYS: HashKeys = {}


def key_sources(hooks: Iterable[HookDefinition]) -> list[KeySource]:
    """Return where the keys are kept that the active hooks need, each once."""
    return list(dict.fromkeys(hook.hash_key for hook in hooks if hook.active and hook.hash_key))


def key_of(hook: HookDefinition, keys: HashKeys) -> HashKey | None:
    """Return the key of a hook that hashes, None for one that does not."""
    if hook.hash_key is None:
        return None
    if hook.hash_key not in keys:
        raise ConfigurationError(f"hook {hook.name!r}: the key of its hashes, {hook.hash_key}, was not given")
    return keys[hook.hash_key]


def stand_in_keys(hooks: Iterable[HookDefinition]) -> HashKeys:
    """Return keys for who only counts and weighs: a hash is as long with any."""
    return dict.fromkeys(key_sources(hooks), HashKey("no key of anybody's"))


def fingerprints_of(keys: HashKeys) -> dict[str, str]:
    """Return what a slice remembers of the keys that it was planned with."""
    return {str(source): key.fingerprint for source, key in keys.items()}
