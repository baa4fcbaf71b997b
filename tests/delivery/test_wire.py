"""The client is botocore's, the body and the answer are ours, and nobody else can tell."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, CredentialRetrievalError, EndpointConnectionError, NoCredentialsError
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.server import ThreadedMotoServer

from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import (
    Answered,
    EntryAnswer,
    Faulty,
    Lost,
    Outcome,
    Refused,
    Throttled,
    Verdict,
)
from airflow_netmera_kinesis.delivery.request import Request
from airflow_netmera_kinesis.delivery.wire import Wire, encode_body
from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisCore, Faults, Misfortune, RecordFate, read_stream

REGION, STREAM = "eu-central-1", "netmera-purchases"
ARN = f"arn:aws:kinesis:{REGION}:111122223333:stream/{STREAM}"
BY_NAME, BY_ARN = {"StreamName": STREAM}, {"StreamARN": ARN}
SECRET = "wJalrXUtnFEMI"
# What breaks a JSON string or a careless one: quotes, backslashes, control characters, line separators, astral planes.
AWKWARD = [
    '"',
    "\\",
    '\\"',
    "\x00",
    "\x1f",
    "\x7f",
    "\n\r\t",
    "\u2028\u2029",
    "ayşe",
    "é",
    "e\u0301",
    "中村",
    "🦊",
    "\uffff",
    "/",
]
keys = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.sampled_from(AWKWARD))


def request(*records: tuple[str, bytes]) -> Request:
    return Request([Entry(key, data, len(data) + len(key.encode()), (), b"") for key, data in records], 0)


def connect(endpoint_url: str | None = None, **options: Any) -> Any:
    return boto3.client(
        "kinesis",
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id="AKIATEST",
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}, **options),
    )


def verdicts(outcome: Outcome) -> list[Verdict]:
    assert isinstance(outcome, Answered)
    return [entry.verdict() for entry in outcome.entries]


MODEL = botocore.session.get_session().get_service_model("kinesis").operation_model("PutRecords")


@given(st.lists(st.tuples(keys, st.binary(max_size=200)), min_size=1, max_size=8), st.sampled_from([BY_NAME, BY_ARN]))
def test_the_body_says_what_botocores_own_serialiser_would_say(
    records: list[tuple[str, bytes]], address: dict[str, str]
) -> None:
    ours = json.loads(encode_body(request(*records), address))
    asked = {"Records": [{"Data": data, "PartitionKey": key} for key, data in records], **address}
    theirs = json.loads(create_serializer("json").serialize_to_request(asked, MODEL)["body"])
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name] == theirs[name]


@pytest.fixture
def stream(fake_kinesis: FakeKinesis) -> FakeKinesis:
    fake_kinesis.core.create_stream(STREAM, 2)
    return fake_kinesis


@given(records=st.lists(st.tuples(keys, st.binary(max_size=60)), min_size=1, max_size=5))
def test_any_key_and_any_data_arrive_as_they_were_sent(records: list[tuple[str, bytes]]) -> None:
    for address in (BY_NAME, BY_ARN):
        core = FakeKinesisCore({STREAM: 2})
        answer = core.handle("PutRecords", encode_body(request(*records), address))
        assert all(placed["SequenceNumber"] for placed in answer["Records"])
        assert [(r.partition_key, r.data) for r in core.books.in_order(STREAM)] == records


@pytest.mark.parametrize("address", [BY_NAME, BY_ARN])
def test_the_fake_takes_a_signed_request(stream: FakeKinesis, address: dict[str, str]) -> None:
    records = [(key, f"{n} ş".encode()) for n, key in enumerate(AWKWARD)]
    outcome = Wire(connect(stream.endpoint_url), address).put(request(*records))
    assert verdicts(outcome) == [Verdict.DELIVERED] * len(AWKWARD)
    assert [(r.partition_key, r.data) for r in stream.books.in_order(STREAM)] == records


def put_and_read_back(client: Any) -> None:
    client.create_stream(StreamName=STREAM, ShardCount=2)
    records = [(key, f"{n} ş".encode()) for n, key in enumerate([*AWKWARD, *(f"user-{n}" for n in range(485))])]
    wire = Wire(client, BY_NAME)
    assert verdicts(wire.put(request(*records))) == [Verdict.DELIVERED] * 500
    back = [(r["PartitionKey"], r["Data"]) for shard in read_stream(client, STREAM).values() for r in shard]
    assert sorted(back) == sorted(records)


@mock_aws
def test_moto_takes_it_in_this_process() -> None:
    put_and_read_back(connect())


def test_moto_takes_it_over_http() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = connect(f"http://{host}:{port}")
    try:
        put_and_read_back(client)
    finally:
        client.close()
        server.stop()


@contextmanager
def endpoint(status: int, body: bytes, length: int | None = None) -> Iterator[Any]:
    """Answer every request in one way; gives what was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append({"headers": dict(self.headers), "body": content})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    client = connect(f"http://127.0.0.1:{server.server_port}")
    try:
        yield client, asked
    finally:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()


STORED = b'{"SequenceNumber":"1","ShardId":"shardId-000000000000"}'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", Lost("an unreadable answer", "")),
        (200, b"{", Lost("an unreadable answer", "")),
        (200, b"<html>all is well</html>", Lost("an unreadable answer", "")),
        (200, b"[]", Lost("an unreadable answer", "")),
        (200, b'{"Records":null}', Lost("an unreadable answer", "")),
        (200, b'{"Records":[7]}', Lost("an unreadable answer", "")),
        (200, b"\xff\xfe", Lost("an unreadable answer", "")),
        (200, b"{}", Answered([])),
        (200, b'{"Records":[' + STORED + b"," + STORED + b"]}",
         Answered([EntryAnswer("1", "shardId-000000000000")] * 2)),
        (413, b"", Faulty("413", "")),
        (429, b"slow down", Throttled("429", "slow down")),
        (500, b"", Lost("500", "Internal Server Error")),
        (502, b"<html>Bad Gateway</html>", Lost("502", "Bad Gateway")),
        (503, b"<html>Service Unavailable</html>", Lost("503", "Service Unavailable")),
        (403, b"<html>Forbidden</html>", Refused("403", "<html>Forbidden</html>")),
        (403, b"a whole page " * 9_999, Refused("403", ("a whole page " * 99)[:1_000])),
        (400, b'{"__type":"com.amazonaws.kinesis.v20131202#ResourceNotFoundException","message":"no such stream"}',
         Refused("ResourceNotFoundException", "no such stream")),
    ],
)  # fmt: skip
def test_every_answer_has_a_meaning(status: int, body: bytes, expected: Outcome) -> None:
    with endpoint(status, body) as (client, asked):
        assert Wire(client, BY_NAME).put(request(("ayşe", b"{}"))) == expected
    assert len(asked) == 1


def test_an_answer_that_breaks_off_leaves_everything_unknown() -> None:
    with endpoint(200, b'{"Records":[', length=500) as (client, asked):
        assert isinstance(Wire(client, BY_NAME).put(request(("ayşe", b"{}"))), Lost)
    assert len(asked) == 1


def test_an_endpoint_that_nobody_serves_is_an_outcome_not_an_error() -> None:
    assert Wire(connect("http://127.0.0.1:9"), BY_NAME).put(request(("ayşe", b"{}"))) == Lost(
        "EndpointConnectionError", ""
    )


def test_a_client_without_credentials_has_sent_nothing() -> None:
    client = connect("http://127.0.0.1:9")

    def no_credentials(**_: Any) -> None:
        raise NoCredentialsError

    client.meta.events.register("before-sign.kinesis.PutRecords", no_credentials)
    outcome = Wire(client, BY_NAME).put(request(("ayşe", b"{}")))
    assert outcome == Refused("NoCredentialsError", "no credentials to sign with", credentials=True)


def sts_says(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "AssumeRole")  # type: ignore[arg-type,unused-ignore]


REFRESHING = "while the credentials were refreshed"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (sts_says("AccessDenied", 403), Refused("AccessDenied", REFRESHING, credentials=True)),
        (sts_says("ExpiredToken", 400), Refused("ExpiredToken", REFRESHING, credentials=True)),
        (sts_says("ServiceUnavailable", 503), Throttled(f"ServiceUnavailable {REFRESHING}", "m")),
        (EndpointConnectionError(endpoint_url="http://x"), Throttled(f"EndpointConnectionError {REFRESHING}", "")),
        (
            CredentialRetrievalError(provider="p", error_msg="m"),
            Refused("CredentialRetrievalError", "no credentials to sign with", credentials=True),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_fails_before_a_request_is_signed_has_stored_nothing_for_sure(error: Exception, outcome: Outcome) -> None:
    client = connect("http://127.0.0.1:9")

    def refresh(**_: Any) -> None:
        raise error

    client.meta.events.register("before-sign.kinesis.PutRecords", refresh)
    assert Wire(client, BY_NAME).put(request(("ayşe", b"{}"))) == outcome


def test_explicit_nulls_are_absent_fields(stream: FakeKinesis) -> None:
    stream.faults = Faults(explicit_nulls=True)
    stream.core.inject({1: RecordFate.REJECTED, 2: RecordFate.INTERNAL_FAILURE, 3: RecordFate.UNHEARD_OF})
    outcome = Wire(connect(stream.endpoint_url), BY_NAME).put(request(*((f"user-{n}", b"{}") for n in range(4))))
    assert verdicts(outcome) == [Verdict.DELIVERED, Verdict.REJECTED, Verdict.UNKNOWN, Verdict.PERMANENT]


def test_every_entry_is_looked_at_whatever_the_count_of_failures_says(stream: FakeKinesis) -> None:
    stream.faults = Faults(miscounted=True, rejected=1.0)
    outcome = Wire(connect(stream.endpoint_url), BY_NAME).put(request(*((f"user-{n}", b"{}") for n in range(4))))
    assert verdicts(outcome) == [Verdict.REJECTED] * 4


@pytest.mark.parametrize(
    ("misfortune", "stored", "expected"),
    [
        (Misfortune.THROTTLED, 0, Throttled),
        (Misfortune.KMS_THROTTLED, 0, Throttled),
        (Misfortune.ACCESS_DENIED, 0, Refused),
        (Misfortune.EXPIRED_TOKEN, 0, Refused),
        (Misfortune.KMS_DENIED, 0, Refused),
        (Misfortune.ERROR_500_BEFORE, 0, Lost),
        (Misfortune.ERROR_500_AFTER, 1, Lost),
        (Misfortune.ERROR_503_BEFORE, 0, Lost),
        (Misfortune.ERROR_503_AFTER, 1, Lost),
        (Misfortune.DROPPED_BEFORE, 0, Lost),
        (Misfortune.DROPPED_AFTER, 1, Lost),
        (Misfortune.ZOMBIE, 0, Lost),
        (Misfortune.SLOW, 1, Lost),
    ],
)
def test_botocore_never_sends_anything_a_second_time(
    stream: FakeKinesis, monkeypatch: pytest.MonkeyPatch, misfortune: Misfortune, stored: int, expected: type
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", stream.airflow_connection())
    monkeypatch.setattr("airflow_netmera_kinesis.connection.READ_TIMEOUT_SECONDS", 0.3)
    stream.faults = Faults(slow_seconds=1.0, zombie_seconds=(60.0, 60.0))
    client = NetmeraKinesisConnection().put_records_client(1)
    stream.core.inject(misfortune)
    assert isinstance(Wire(client, BY_NAME).put(request(("ayşe", b"{}"))), expected)
    client.close()
    counts = stream.books.counts(STREAM)
    assert (counts.requests, counts.stored) == (1, stored)


def test_the_headers_are_botocores_own_and_the_signature_is_of_our_body() -> None:
    with endpoint(200, b"{}") as (client, asked):
        wire = Wire(client, BY_NAME)
        wire.put(request(("ayşe", b"{}"), ('"', bytes(70_000))))
        client.put_records(StreamName=STREAM, Records=[{"Data": b"{}", "PartitionKey": "ayşe"}])
    ours, theirs = asked
    same = ("X-Amz-Target", "Content-Type", "Host")
    assert {name: ours["headers"][name] for name in same} == {name: theirs["headers"][name] for name in same}
    assert ours["headers"].keys() == theirs["headers"].keys()
    assert user_agent(ours) == user_agent(theirs)
    assert "Boto3/" in ours["headers"]["User-Agent"]
    assert ours["headers"]["X-Amz-Target"] == "Kinesis_20131202.PutRecords"
    assert int(ours["headers"]["Content-Length"]) == len(ours["body"])
    for signed in asked:
        assert signature_in(signed["headers"]) == signature_of(signed["headers"], signed["body"])


def user_agent(asked: dict[str, Any]) -> list[str]:
    """Without the letters for the features of botocore that a call came through."""
    return [part for part in asked["headers"]["User-Agent"].split() if not part.startswith("m/")]


def signature_in(headers: dict[str, str]) -> str:
    return headers["Authorization"].rpartition("Signature=")[2]


def signature_of(headers: dict[str, str], body: bytes) -> str:
    """Sign as AWS documents it: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""
    known = {name.lower(): value.strip() for name, value in headers.items()}
    names = known["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    lines = "".join(f"{name}:{known[name]}\n" for name in names.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    date = known["x-amz-date"]
    scope = f"{date[:8]}/{REGION}/kinesis/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def test_several_threads_put_through_one_wire_each_its_own_body(stream: FakeKinesis) -> None:
    wire = Wire(connect(stream.endpoint_url, max_pool_connections=8), BY_NAME)
    threads = [
        threading.Thread(target=wire.put, args=(request(*((f"user-{n}", f"{n} {at}".encode()) for at in range(50))),))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key: [r.data for r in records] for key, records in stream.books.by_key(STREAM).items()} == {
        f"user-{n}": [f"{n} {at}".encode() for at in range(50)] for n in range(8)
    }


def test_other_calls_of_the_client_are_left_alone(stream: FakeKinesis) -> None:
    client = connect(stream.endpoint_url)
    wire = Wire(client, BY_NAME)
    assert client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["OpenShardCount"] == 2
    wire.put(request(("ayşe", b"{}")))
    answer = client.put_records(StreamName=STREAM, Records=[{"Data": b"{}", "PartitionKey": "ayşe"}])
    assert answer["Records"][0]["SequenceNumber"]
