"""Hold millions of firings in little memory: one bit per line, for each file and hook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

Firing = tuple[int, int, int]  # file, line, hook

_HOOK_BITS = 16


class Lines(msgspec.Struct, frozen=True):
    """The lines of one file that fired one hook: bit n of byte m stands for line 8m + n."""

    file: int
    hook: int
    bits: bytes


class FiringSet:
    """A set of (file, line, hook); a million lines take 125 kilobytes per hook."""

    __slots__ = ("_bits", "_size")

    def __init__(self, lines: Iterable[Lines] = ()) -> None:
        self._bits = {_key(each.file, each.hook): bytearray(each.bits) for each in lines}
        self._size = sum(map(_count, self._bits.values()))

    def add(self, firings: Sequence[Firing]) -> None:
        size, sets = self._size, self._bits
        for file, line, hook in firings:
            key = file << _HOOK_BITS | hook
            byte = line >> 3
            bits = sets.get(key)
            if bits is None or byte >= len(bits):
                bits = self._grow(key, byte)
            mask = 1 << (line & 7)
            before = bits[byte]
            if not before & mask:
                bits[byte] = before | mask
                size += 1
        self._size = size

    def __contains__(self, firing: Firing) -> bool:
        file, line, hook = firing
        bits = self._bits.get(file << _HOOK_BITS | hook)
        return bits is not None and line >> 3 < len(bits) and bool(bits[line >> 3] & 1 << (line & 7))

    def __len__(self) -> int:
        return self._size

    def by_hook(self) -> dict[int, int]:
        """Count the firings of each hook, by the hook's index."""
        counts: Counter[int] = Counter()
        for key, bits in self._bits.items():
            counts[key & (1 << _HOOK_BITS) - 1] += _count(bits)
        return dict(counts)

    def count_without(self, other: FiringSet) -> int:
        """Count the firings that are not in ``other``."""
        nothing = bytearray()
        return sum(
            (_number(bits) & ~_number(other._bits.get(key, nothing))).bit_count() for key, bits in self._bits.items()
        )

    def lines(self) -> Iterator[Lines]:
        """Yield what the set holds; a set made from it is equal."""
        for key, bits in self._bits.items():
            yield Lines(key >> _HOOK_BITS, key & (1 << _HOOK_BITS) - 1, bytes(bits.rstrip(b"\0")))

    def _grow(self, key: int, byte: int) -> bytearray:
        bits = self._bits.setdefault(key, bytearray())
        # An eighth more than needed: lines mostly come in order, and growing one by one would copy each time.
        bits.extend(bytes(byte + 64 + (byte >> 3) - len(bits)))
        return bits


def _key(file: int, hook: int) -> int:
    return file << _HOOK_BITS | hook


def _count(bits: bytearray) -> int:
    return _number(bits).bit_count()


def _number(bits: bytearray) -> int:
    return int.from_bytes(bits, "little")
