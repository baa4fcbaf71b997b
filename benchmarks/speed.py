"""CPU seconds of the sender per million matched events, beside boto3 in the same run."""

from __future__ import annotations

from benchmarks.exports import ndjson, scratch
from benchmarks.job import run
from benchmarks.sink import sink
from benchmarks.table import Row

ONE_BY_ONE = 20_000
MILLION = 1_000_000
MAX_WHOLE_RATIO = 0.35
MAX_SENDER_RATIO = 0.2
MAX_MB = 300


def rows(count: int) -> list[Row]:
    exports = str(ndjson(count))
    with sink() as kinesis:
        to = {"exports": exports, "endpoint_url": kinesis.endpoint_url}
        first = run("baselines:put_record_one_by_one", **to, matched=min(ONE_BY_ONE, count // 20))
        boto3 = run("baselines:put_records_by_500", **to)
        with scratch("speed") as root:
            match = run("stages:match", root=str(root), **to)
            send = run("stages:send", root=str(root), **to)
        with scratch("speed") as root:
            run("stages:match", root=str(root), **to, packing="ndjson")
            packed = run("stages:send", root=str(root), **to)
        with scratch("speed") as root:
            whole = run("stages:whole", root=str(root), **to)
    matched = send["matched"]
    base = _per_million(boto3["all cpu"], boto3["matched"])
    ours = _per_million(whole["all cpu"], matched)
    sender = _per_million(send["send cpu"], matched)
    packed_sender = _per_million(packed["send cpu"], matched)
    return [
        Row("(b) json, boto3 put_record one by one (a sample)", _per_million(first["all cpu"], first["matched"]), "s"),
        Row("(a) orjson, boto3 put_records by 500", base, "s"),
        Row("    events/s in one process", _rate(boto3["matched"], boto3["all wall"]), "/s"),
        Row("plan and match alone", _per_million(match["plan cpu"] + match["match cpu"], matched), "s"),
        Row("send alone: staged records, order, receipts and their proof", sender, "s"),
        Row("    part of (a)", sender / base, "", MAX_SENDER_RATIO),
        Row("    part of (a), packing: ndjson", packed_sender / base, "", MAX_SENDER_RATIO),
        Row("whole: plan, match, gate, send, commit", ours, "s"),
        Row("    part of (a)", ours / base, "", MAX_WHOLE_RATIO),
        Row("    events/s in one process", _rate(matched, whole["all wall"]), "/s"),
        Row("    peak memory", whole["rss"], "MB", MAX_MB),
    ]


def _per_million(seconds: float, matched: float) -> float:
    return seconds / matched * MILLION


def _rate(matched: float, seconds: float) -> float:
    return matched / seconds
