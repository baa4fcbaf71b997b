from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from airflow_netmera_kinesis.testing import FakeKinesis, Faults, ShardQuota, read_stream

ONCE = {"retries": {"total_max_attempts": 1}}


@pytest.fixture
def client(kinesis: FakeKinesis) -> Iterator[Any]:
    client = kinesis.client(config=Config(**ONCE))
    yield client
    client.close()


def records(*keys: str) -> list[dict[str, Any]]:
    return [{"PartitionKey": key, "Data": f"of {key}".encode()} for key in keys]


def talk(kinesis: FakeKinesis, *parts: bytes, answers: int = 1) -> list[bytes]:
    """Send raw bytes, part by part, and read so many answers, or up to the end of the connection."""
    url = urlsplit(kinesis.endpoint_url)
    heard = []
    with socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=10) as connection:
        file = connection.makefile("rb")
        for part in parts:
            connection.sendall(part)
        for _ in range(answers):
            head = b""
            while not head.endswith(b"\r\n\r\n") and (line := file.readline()):
                head += line
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            heard.append(head + file.read(int(length or 0)))
        file.close()
    return heard


def raw(body: bytes, *headers: bytes, target: bytes = b"Kinesis_20131202.ListStreams") -> bytes:
    lines = [b"POST / HTTP/1.1", b"X-Amz-Target: " + target, b"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x"]
    return b"\r\n".join([*lines, *headers, b"Content-Length: %d" % len(body), b"", body])


def test_any_boto3_client_can_create_write_reshard_and_read_back(client: Any) -> None:
    client.create_stream(StreamName="refunds", ShardCount=2)
    client.get_waiter("stream_exists").wait(StreamName="refunds", WaiterConfig={"Delay": 0})
    sent = [f"user-{number % 7}" for number in range(100)]
    client.put_records(StreamName="refunds", Records=records(*sent))
    client.update_shard_count(StreamName="refunds", TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    answer = client.put_records(StreamName="refunds", Records=records(*sent))
    assert len({record["ShardId"] for record in answer["Records"]}) > 1
    found = read_stream(client, "refunds")
    assert list(found) == sorted(found)
    assert Counter(r["PartitionKey"] for shard in found.values() for r in shard) == Counter(sent * 2)
    assert all(r["Data"] == f"of {r['PartitionKey']}".encode() for shard in found.values() for r in shard)
    arn = client.describe_stream_summary(StreamName="refunds")["StreamDescriptionSummary"]["StreamARN"]
    assert read_stream(client, arn) == found
    client.delete_stream(StreamName="refunds")


def test_parents_are_read_before_their_children(kinesis: FakeKinesis, client: Any) -> None:
    for number in range(8):
        client.put_record(StreamName="purchases", PartitionKey="ayse", Data=str(number).encode())
        kinesis.core.reshard("purchases", (1, 4, 2)[number % 3])
    found = read_stream(client, "purchases")
    assert [record["Data"] for shard in found.values() for record in shard] == [str(n).encode() for n in range(8)]


def test_a_refusal_reaches_the_client_with_its_code_and_message(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Stream refunds under account"):
        client.put_records(StreamName="refunds", Records=records("ayse"))
    with pytest.raises(ClientError) as caught:
        client.put_records(StreamName="purchases", Records=records("ayse"), DryRun=True)
    assert caught.value.response["Error"]["Code"] == "DryRunOperationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(("misfortune", "status"), [("error_500_after", 500), ("error_503_after", 503)])
def test_a_server_error_reaches_the_client(kinesis: FakeKinesis, client: Any, misfortune: str, status: int) -> None:
    kinesis.core.inject(misfortune)
    with pytest.raises(ClientError) as caught:
        client.put_records(StreamName="purchases", Records=records("ayse"))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert kinesis.books.counts("purchases").stored == 1


@pytest.mark.parametrize(("misfortune", "stored"), [("dropped_before", 0), ("dropped_after", 1), ("zombie", 0)])
def test_a_dropped_connection_is_an_error_and_the_next_request_goes_through(
    kinesis: FakeKinesis, client: Any, misfortune: str, stored: int
) -> None:
    kinesis.core.inject(None, misfortune)
    client.put_records(StreamName="purchases", Records=records("ayse"))
    with pytest.raises(ConnectionClosedError):
        client.put_records(StreamName="purchases", Records=records("ayse"))
    assert kinesis.books.counts("purchases").stored == 1 + stored
    client.put_records(StreamName="purchases", Records=records("ayse"))
    assert kinesis.books.counts("purchases").stored == 2 + stored


def test_botocore_by_itself_sends_again_and_makes_a_duplicate(kinesis: FakeKinesis) -> None:
    client = kinesis.client()
    kinesis.core.inject("dropped_after")
    client.put_records(StreamName="purchases", Records=records("ayse"))
    client.close()
    assert kinesis.books.counts("purchases").stored == 2


def test_an_answer_may_come_after_the_client_has_given_up(kinesis: FakeKinesis) -> None:
    client = kinesis.client(config=Config(**ONCE, read_timeout=0.05))
    kinesis.core.inject("slow")
    with pytest.raises(ReadTimeoutError):
        client.put_records(StreamName="purchases", Records=records("ayse"))
    client.close()
    assert kinesis.books.counts("purchases").stored == 1


def test_latency_holds_up_one_connection_and_not_the_others(kinesis: FakeKinesis) -> None:
    kinesis.faults = Faults(latency=0.2)
    begun = time.monotonic()

    def send() -> None:
        client = kinesis.client()
        client.put_records(StreamName="purchases", Records=records("ayse"))
        client.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.2 <= time.monotonic() - begun < 1.5
    assert kinesis.books.counts("purchases").stored == 8


def test_an_expired_key_is_told_from_a_fresh_one(kinesis: FakeKinesis) -> None:
    kinesis.faults = Faults(expired_keys=frozenset({"AKIAFAKEKINESIS"}))
    stale, fresh = kinesis.client(), kinesis.client(aws_access_key_id="AKIAFRESH")
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        stale.put_records(StreamName="purchases", Records=records("ayse"))
    fresh.put_records(StreamName="purchases", Records=records("ayse"))
    stale.close()
    fresh.close()


def test_many_connections_at_once_lose_nothing(kinesis: FakeKinesis) -> None:
    def send(sender: int) -> None:
        client = kinesis.client()
        for number in range(20):
            client.put_records(StreamName="purchases", Records=records(*[f"{sender}-{number}"] * 50))
        client.close()

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = kinesis.books.in_order("purchases")
    assert len(found) == 8000
    assert len({record.sequence_number for record in found}) == 8000
    assert kinesis.books.counts("purchases").stored == 8000


def test_records_of_a_large_request_arrive_whole(client: Any, kinesis: FakeKinesis) -> None:
    data = bytes(range(256)) * 4000
    client.put_records(StreamName="purchases", Records=[{"PartitionKey": "şule 🦊", "Data": data}] * 10)
    found = kinesis.books.in_order("purchases")
    assert [(record.partition_key, record.data) for record in found] == [("şule 🦊", data)] * 10


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(kinesis: FakeKinesis) -> None:
    request = raw(b"{}", b"Expect: 100-continue")
    url = urlsplit(kinesis.endpoint_url)
    with socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=10) as connection:
        connection.sendall(request[:-2])
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(request[-2:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_does_not_wait_is_told_nothing(kinesis: FakeKinesis) -> None:
    (answer,) = talk(kinesis, raw(b"{}", b"Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_request_may_come_in_pieces_or_two_at_once(kinesis: FakeKinesis) -> None:
    request = raw(b"{}")
    (pieces,) = talk(kinesis, *(request[place : place + 1] for place in range(len(request))))
    both = talk(kinesis, request + request, answers=2)
    assert [pieces, pieces] == both


def test_requests_of_one_connection_are_answered_in_their_order(kinesis: FakeKinesis) -> None:
    put = raw(
        b'{"StreamName": "purchases", "Records": [{"PartitionKey": "a", "Data": ""}]}',
        target=b"Kinesis_20131202.PutRecords",
    )
    kinesis.faults = Faults(slow_seconds=0.1)
    kinesis.core.inject("slow")
    first, second = talk(kinesis, put + raw(b"{}"), answers=2)
    assert b"SequenceNumber" in first
    assert b"StreamNames" in second


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"405"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, b"431"),
    ],
)
def test_what_is_not_a_request_is_refused_and_the_connection_closed(
    kinesis: FakeKinesis, request_: bytes, status: bytes
) -> None:
    answer, rest = talk(kinesis, request_, answers=2)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert rest == b""


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (raw(b"{}", target=b"DynamoDB_20120810.ListTables"), b"UnknownOperationException"),
        (raw(b"{"), b"SerializationException"),
        (raw(b"{}").replace(b"Authorization", b"Authority"), b"MissingAuthenticationTokenException"),
        (raw(b"{}", target=b"FakeKinesis.Meteorite"), b"UnknownOperationException"),
    ],
)
def test_an_unusable_request_is_refused_as_aws_does(kinesis: FakeKinesis, request_: bytes, code: bytes) -> None:
    (answer,) = talk(kinesis, request_)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert code in answer


def test_a_connection_that_is_not_to_be_kept_is_closed(kinesis: FakeKinesis) -> None:
    answer, rest = talk(kinesis, raw(b"{}", b"Connection: close"), answers=2)
    assert b"Connection: close" in answer
    assert rest == b""


def test_it_listens_on_the_loopback_interface_and_stops_with_its_block() -> None:
    with FakeKinesis() as kinesis:
        url = urlsplit(kinesis.endpoint_url)
        assert url.hostname == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url.port or 0)), timeout=1)
    assert not [thread for thread in threading.enumerate() if thread.name == "fake-kinesis"]


def test_a_dag_reaches_it_through_an_ordinary_connection(kinesis: FakeKinesis) -> None:
    connection = json.loads(kinesis.airflow_connection())
    assert connection["conn_type"] == "netmera_kinesis"
    assert connection["extra"] == {"region": "eu-central-1", "endpoint_url": kinesis.endpoint_url}


def test_a_port_that_is_taken_is_an_error(kinesis: FakeKinesis) -> None:
    with (
        pytest.raises(OSError, match="address already in use"),
        FakeKinesis(port=int(urlsplit(kinesis.endpoint_url).port or 0)),
    ):
        pass


def test_a_quota_and_faults_can_change_while_it_serves(kinesis: FakeKinesis, client: Any) -> None:
    kinesis.core.quota = ShardQuota(records_per_second=2)
    assert client.put_records(StreamName="purchases", Records=records(*["ayse"] * 5))["FailedRecordCount"] == 3
    kinesis.core.quota = None
    assert client.put_records(StreamName="purchases", Records=records(*["ayse"] * 5))["FailedRecordCount"] == 0
