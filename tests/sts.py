"""A security token service on the loopback interface: it gives each caller a new key, and keeps what it was asked.

It is an instance's metadata service, too.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

GRANTED = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>assumed-secret</SecretAccessKey>
<SessionToken>assumed-token</SessionToken><Expiration>{until}</Expiration></Credentials></{action}Result></{action}Response>"""
REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>who asks may not</Message></Error></ErrorResponse>"""


class Sts:
    """What the service does: keys are ``ASIA1``, ``ASIA2`` and so on, for so many ``seconds``.

    botocore takes new keys when the old ones have less than ten minutes left.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[dict[str, str]] = []
        self.refuses: dict[str, str] = {}  # access keys, and the code that each is refused with
        self.endpoint_url = ""
        self._lock = threading.Lock()

    def answer(self, body: bytes, access_key: str) -> tuple[int, str]:
        if access_key in self.refuses:
            return 403, REFUSED.format(code=self.refuses[access_key])
        with self._lock:
            asked = dict(parse_qsl(body.decode()))
            self.asked.append({**asked, "signer": access_key})
            return 200, GRANTED.format(action=asked["Action"], key=f"ASIA{len(self.asked)}", until=self._until())

    def instance_profile(self, path: str) -> str:
        """Answer as the metadata service of an instance that has a role does."""
        if not path.endswith("/writer"):
            return "writer"
        given = {"AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "of-the-instance", "Token": "token-of-the-instance"}
        return json.dumps({"Code": "Success", "Expiration": self._until(), **given})

    def _until(self) -> str:
        until = datetime.now(timezone.utc) + timedelta(seconds=self.seconds)
        return until.strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def token_service(seconds: float = 3600) -> Iterator[Sts]:
    service = Sts(seconds)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signer = self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
            self._send(*service.answer(body, signer))

        def do_PUT(self) -> None:
            self._send(200, "a token for the metadata")

        def do_GET(self) -> None:
            self._send(200, service.instance_profile(self.path))

        def _send(self, status: int, answer: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        service.endpoint_url = f"http://127.0.0.1:{server.server_address[1]}"
        yield service
        server.shutdown()
        thread.join()
