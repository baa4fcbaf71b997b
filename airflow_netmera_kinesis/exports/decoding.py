"""Decode the lines of a text, whose encoding is known as soon as it makes a difference."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports import encoding as encodings
from airflow_netmera_kinesis.exports.content import Content, read_exactly
from airflow_netmera_kinesis.exports.encoding import AUTO, Encoding, errors_of

BLOCK_BYTES = 64 * 1024
_SYNTAX = '\r\n",'


class Decoding:
    """Gives a text in blocks of bytes that may be cut into lines, and decodes these.

    What is no text in the encoding stays visible as a surrogate, and ``is_clean`` says whether there was any.
    """

    def __init__(self, content: Content, said: str) -> None:
        self._content, self._said = content, said
        self._codec, self._errors = "utf-8", errors_of("utf-8")
        self.encoding = Encoding("utf-8")
        self.is_clean = True

    def blocks(self) -> Iterator[bytes]:
        """Raise ExportError for what is no text at all."""
        block = read_exactly(self._content, BLOCK_BYTES)
        if marked := encodings.marked(block):
            yield from self._known(marked, block[len("\ufeff".encode(marked.name)) :])
        elif self._said != AUTO:
            yield from self._known(encodings.said(self._said, block), block)
        else:
            is_beginning = True
            while block and block.isascii() and b"\0" not in block:
                yield block
                block, is_beginning = self._content.read(BLOCK_BYTES), False
            if block:
                block += read_exactly(self._content, encodings.SAMPLE_BYTES - len(block))
                yield from self._known(encodings.guessed(block, is_beginning=is_beginning), block)

    def lines(self, lines: list[bytes]) -> list[str]:
        """Decode line by line, which makes short texts of one byte a character where it can."""
        try:
            if self._codec == "utf-8":
                return list(map(bytes.decode, lines))
            return [line.decode(self._codec) for line in lines]
        except UnicodeDecodeError:
            self.is_clean = False
            return [line.decode(self._codec, self._errors) for line in lines]

    def _known(self, encoding: Encoding, block: bytes) -> Iterator[bytes]:
        self.encoding = encoding
        blocks = self._blocks_from(block)
        if _SYNTAX.encode(encoding.name) == _SYNTAX.encode():
            self._codec, self._errors = encoding.name, errors_of(encoding.name)
            yield from blocks
        else:
            self._errors = "surrogatepass"
            yield from _as_utf_8(blocks, encoding.name)

    def _blocks_from(self, block: bytes) -> Iterator[bytes]:
        while block:
            yield block
            block = self._content.read(BLOCK_BYTES)


def _as_utf_8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Give UTF-16, in which a line end is no byte of its own, as UTF-8, with what was no text as surrogates."""
    decoder = codecs.getincrementaldecoder(encoding)(errors_of(encoding))
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeError:
        raise ExportError(f"is not {encoding}: it ends within a character") from None
