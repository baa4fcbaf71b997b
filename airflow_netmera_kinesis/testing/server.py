"""Carry the fake over HTTP: read requests, ask the core, and send, delay or drop what it answers.

One event loop serves all connections, each request in turn, so the core is never waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from airflow_netmera_kinesis.testing.control import SERVICE, control
from airflow_netmera_kinesis.testing.core import FakeKinesisCore
from airflow_netmera_kinesis.testing.http_request import BadRequest, HttpRequest, Inbox
from airflow_netmera_kinesis.testing.refusal import Answer, Body, ConnectionDropped, Refused

LOOPBACK = "127.0.0.1"
_JSON = "application/x-amz-json-1.1"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNSIGNED = Refused("MissingAuthenticationTokenException", "Missing Authentication Token")


class Server:
    """The listening socket and its connections."""

    def __init__(self, core: FakeKinesisCore) -> None:
        self._core = core
        self._connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, port: int) -> int:
        """Listen on the loopback interface and give the port; 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Connection(self._core, self._connections), LOOPBACK, port, backlog=1024
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        if self._listener is not None:
            self._listener.close()
            for connection in list(self._connections):
                connection.abort()
            await self._listener.wait_closed()
        await asyncio.sleep(0)  # connections that were cut say good-bye in the loop's next turn


class _Connection(asyncio.Protocol):
    """One client; its requests are answered in their order, each after the last answer has left."""

    def __init__(self, core: FakeKinesisCore, connections: set[_Connection]) -> None:
        self._core = core
        self._connections = connections
        self._inbox = Inbox()
        self._waiting: deque[HttpRequest] = deque()
        self._delayed: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._delayed is not None:
            self._delayed.cancel()

    def data_received(self, data: bytes) -> None:
        self._inbox.add(data)
        try:
            if self._inbox.expects_continue():
                self._transport.write(_CONTINUE)
            while (request := self._inbox.take()) is not None:
                self._waiting.append(request)
        except BadRequest as bad:
            self._transport.write(
                f"HTTP/1.1 {bad.status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            self._transport.close()
            return
        self._serve()

    def abort(self) -> None:
        self._transport.abort()

    def _serve(self) -> None:
        while self._waiting and self._delayed is None and not self._transport.is_closing():
            request = self._waiting.popleft()
            answer = _ask(self._core, request)
            if answer.delay > 0:
                loop = asyncio.get_running_loop()
                self._delayed = loop.call_later(answer.delay, self._send_late, answer, request.keep_alive)
            else:
                self._send(answer, request.keep_alive)

    def _send_late(self, answer: Answer, keep_alive: bool) -> None:
        self._delayed = None
        self._send(answer, keep_alive)
        self._serve()

    def _send(self, answer: Answer, keep_alive: bool) -> None:
        if isinstance(answer.failure, ConnectionDropped):
            self._transport.abort()
            return
        self._transport.write(_encode(answer, keep_alive))
        if not keep_alive:
            self._transport.close()


def _ask(core: FakeKinesisCore, request: HttpRequest) -> Answer:
    service, _, action = request.target.partition(".")
    if service == SERVICE:
        try:
            return Answer(control(core, action, request.body))
        except Refused as refused:
            return Answer({}, refused)
    if service != "Kinesis_20131202":
        return Answer({}, Refused("UnknownOperationException", f"This is a fake Kinesis, not {service or 'that'}."))
    return core.answer(action, request.body, request.access_key) if request.signed else Answer({}, _UNSIGNED)


def _encode(answer: Answer, keep_alive: bool) -> bytes:
    status, kind, body = 200, _JSON, b""
    if isinstance(answer.failure, Refused):
        status, kind, body = answer.failure.status, *_encode_refusal(answer.failure)
    elif answer.body:  # AWS sends no body at all where there is nothing to say
        body = msgspec.json.encode(answer.body)
    connection = "keep-alive" if keep_alive else "close"
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\nx-amzn-RequestId: fake\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
    )
    return head.encode() + body


def _encode_refusal(refused: Refused) -> tuple[str, bytes]:
    if refused.html:
        return "text/html", f"<html><body><h1>{refused.status} {refused.message}</h1></body></html>".encode()
    body: Body = {"__type": refused.code, "message": refused.message}
    return _JSON, msgspec.json.encode(body)
