"""Decide in which encoding a text is: by its byte order mark, by what was said, else by an unchanging guess."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from airflow_netmera_kinesis.errors import ExportError

AUTO = "auto"
SAMPLE_BYTES = 256 * 1024
_ASKED_BYTES = 64 * 1024  # of the sample, for a guess that takes long
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What Turkish text in Windows-1254 holds beside ASCII, with the typographic signs of Excel and one of the delimiters.
_TURKISH = re.compile(r"[\x00-\x7fçğıöşüÇĞİÖŞÜâîûÂÎÛ‘’“”‚„–—…•€£§©®°´·«»¦\xa0]*")
_BESIDE_ASCII = re.compile(r"[^\x00-\x7f]")
_NO_UTF_8 = re.compile(r"[\udc80-\udcff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Less tells a program that guesses languages nothing: the few bytes are more likely damaged.
_ENOUGH_TO_GUESS = 32


class Encoding(NamedTuple):
    """An encoding, and how it is known; ``by`` is empty where it was said."""

    name: str
    by: str = ""


def marked(head: bytes) -> Encoding | None:
    """Know an encoding by its byte order mark, which counts more than what was said."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, "byte order mark")
    return None


def errors_of(encoding: str) -> str:
    """Say how what is no text in an encoding stays visible as surrogates, and becomes again what it was."""
    # A half of a pair of UTF-16 is a surrogate by itself.
    return "surrogatepass" if encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32")) else "surrogateescape"


def said(name: str, head: bytes) -> Encoding:
    """Take the encoding that was said; of the two UTF-16 the one that the first bytes show."""
    plain = codecs.lookup(name).name
    if plain == "utf-16":
        return Encoding(utf_16_without_mark(head) or "utf-16-le")
    return Encoding("utf-8" if plain == "utf-8-sig" else plain)


def guessed(sample: bytes, *, is_beginning: bool) -> Encoding:
    """Guess from the first bytes that are not plain ASCII. Raises ExportError for what is no text at all.

    UTF-8 comes first: text in another encoding is hardly ever valid UTF-8. A few damaged characters do not make
    another encoding of it, they spoil their lines.
    """
    if is_beginning and (name := utf_16_without_mark(sample)):
        return Encoding(name, "guessed by its zero bytes")
    if len(_CONTROL.findall(sample)) > max(8, len(sample) // 20):
        raise ExportError("is not text")
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(sample)
    damaged = len(_NO_UTF_8.findall(text))
    whole = len(_BESIDE_ASCII.findall(text)) - damaged
    if whole >= damaged:
        return Encoding("utf-8", "guessed: it is UTF-8")
    turkish = sample.decode("cp1254", "replace")
    if _TURKISH.fullmatch(turkish):
        return Encoding("cp1254", "guessed: Turkish in Windows-1254")
    if damaged < _ENOUGH_TO_GUESS:
        return Encoding("utf-8", "guessed: too little is not UTF-8 to be another encoding")
    return _by_language(sample[:_ASKED_BYTES])


def utf_16_without_mark(head: bytes) -> str:
    """Latin text in UTF-16 has a zero in nearly every second byte."""
    at_even, at_odd, pairs = head[0::2].count(0), head[1::2].count(0), len(head) // 2
    if at_odd > pairs * 0.4 and at_even * 20 < at_odd:
        return "utf-16-le"
    if at_even > pairs * 0.4 and at_odd * 20 < at_even:
        return "utf-16-be"
    return ""


def _by_language(sample: bytes) -> Encoding:
    import charset_normalizer

    best = charset_normalizer.from_bytes(sample).best()
    return Encoding(best.encoding if best else "cp1254", "guessed by its letters")
