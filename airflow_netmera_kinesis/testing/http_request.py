"""Decide where an HTTP request begins and ends in what a connection has sent so far."""

from __future__ import annotations

import msgspec

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


class HttpRequest(msgspec.Struct, frozen=True):
    """One whole request: the action with its service, the caller's access key, and the body."""

    target: str
    access_key: str
    signed: bool
    keep_alive: bool
    body: bytes


class BadRequest(Exception):
    """What was sent is not HTTP that the server takes; ``status`` says how."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


class Inbox:
    """Collects what a connection sends and cuts requests out of it."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._headers: dict[str, str] = {}
        self._length = -1  # of the body that is awaited; -1 while the head is

    def add(self, data: bytes) -> None:
        self._received += data

    def expects_continue(self) -> bool:
        """Say once, when the head has come without the body, whether the client waits for "100 Continue"."""
        if self._length < 0 and not self._read_head():
            return False
        return self._headers.pop("expect", "").lower() == "100-continue" and len(self._received) < self._length

    def take(self) -> HttpRequest | None:
        """Cut out the next whole request, or give None while some of it is missing."""
        if (self._length < 0 and not self._read_head()) or len(self._received) < self._length:
            return None
        body = bytes(self._received[: self._length])
        del self._received[: self._length]
        self._length = -1
        authorization = self._headers.get("authorization", "")
        return HttpRequest(
            target=self._headers.get("x-amz-target", ""),
            access_key=authorization.partition("Credential=")[2].partition("/")[0],
            signed=bool(authorization),
            keep_alive=self._headers.get("connection", "").lower() != "close",
            body=body,
        )

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > MAX_HEAD_BYTES:
                raise BadRequest(431)
            return False
        request_line, *lines = bytes(self._received[:end]).decode("latin-1").split("\r\n")
        del self._received[: end + 4]
        self._headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        if not request_line.startswith("POST "):
            raise BadRequest(405)
        if "transfer-encoding" in self._headers:
            raise BadRequest(411)
        length = self._headers.get("content-length", "0")
        if not length.isdecimal():
            raise BadRequest(400)
        self._length = int(length)
        if self._length > MAX_BODY_BYTES:
            raise BadRequest(413)
        return True
