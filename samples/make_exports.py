#!/usr/bin/env python3
"""Write Netmera-like exports: the same on every machine for the same arguments, standard library only.

    make_exports.py OUT [--events N] [--users N] [--files N] [--seed N] [--faults]

OUT gets  events/*.ndjson and *.ndjson.gz   one JSON event per line, as canonical records
          csv/*.csv                         the same events as Data Export files: six delimiters, two column layouts
          push_results/page-N.json          pages of GET /rest/3.0/getPushResult
          hooks.yaml                        hook definitions
          expected.json                     what a correct run must count, per file and per hook
With --faults also faulty/*: what real folders contain (each named after its fault; expected.json counts the firings of hooks.yaml, one run per file, min_age 0).
Users follow a Zipf law: the first few are hot. No person in it is real.
"""
from __future__ import annotations

import argparse
import bisect
import csv
import gzip
import itertools
import json
import pathlib
import random
from datetime import datetime, timedelta, timezone

CODES = ["n:oa", "n:sv", "n:vp", "n:po", "n:pr", "n:cv", "n:acp", "n:vc", "n:rcp", "n:ph", "n:cl", "n:rg", "n:sr", "n:sh", "n:wl", "n:co", "spxy", "dgvky", "mxw", "ödeme"]
NAMES = ["Open App", "Screen View", "Product View", "Push Open", "Push Receipt", "Category View", "Add To Cart", "Cart View", "Remove From Cart", "Purchase", "Login", "Register", "Search",
         "Share", "Add To Wishlist", "Order Cancel", "CouponUsed", "QuizStep", "AIConversion", "PaymentDone"]
HOOKS = [("purchases", "n:ph", "netmera-purchases"), ("carts", "n:acp", "netmera-carts"), ("logins", "n:cl", "netmera-activity"), ("screens", "n:sv", "netmera-activity"), ("payments", "ödeme", "netmera-purchases")]
CITIES = ["İstanbul", "Ankara", "İzmir", "Bursa", "Muğla", "Şanlıurfa", "Eskişehir", "Iğdır"]
DELIMITERS = {"comma": ",", "pipe": "|", "tilde": "~", "broken_pipe": "¦", "caret": "^", "semicolon": ";"}
START = datetime(2026, 9, 6, 21, 0, tzinfo=timezone.utc)


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def params_of(rng: random.Random, code: str) -> dict:
    if code in ("n:ph", "n:acp", "n:rcp", "n:vp"):
        items = [{"ea": f"SKU-{rng.randrange(400000):06d}", "eb": f"Ürün {rng.randrange(9999)}, 2'li \"set\"", "eq": round(rng.random() * 5000, 2), "ec": rng.randint(1, 4)} for _ in range(rng.randint(1, 3))]
        return {"items": items, "es": round(sum(i["eq"] * i["ec"] for i in items), 2), "currency": "TRY", "path": "/urun/42?utm_source=push&utm_medium=app"}
    if code in ("n:po", "n:pr"):
        return {"pushInstanceId": rng.randrange(10**8, 10**9), "channel": rng.choice(["apns", "fcm", "hms"]), "latencyMs": rng.randint(1, 90000)}
    return {"screen": rng.choice(["Ana Sayfa", "Sepet", "Profil", "Arama"]), "duration": round(rng.random() * 300, 3), "note": rng.choice(["", "null", "satır\nsonu", "tab\tburada", "emoji 🛒"])}


def make_users(rng: random.Random, count: int) -> list[dict]:
    users = []
    for n in range(count):
        identities = {"extId": f"CRM-{n * 7 % 9999991:07d}", "installationId": f"{rng.getrandbits(64):016x}"}
        if rng.random() < 0.8:
            identities["email"] = f"user{n}@example.invalid"
        if rng.random() < 0.6:
            identities["msisdn"] = f"90500{n:07d}"
        profile = {"city": rng.choice(CITIES), "gender": rng.randint(0, 2), "age": rng.randint(18, 75), "externalSegments": rng.sample(range(100, 400), rng.randint(0, 4)), "isSubscribed": rng.random() < 0.7}
        users.append({"userId": f"u{(n * 2654435761) & 0xFFFFFFFF:08x}", "profile": profile, "identities": identities})
    return users


def make_events(rng: random.Random, count: int, users: list[dict]):
    code_weights = list(itertools.accumulate(1 / (i + 1) ** 0.8 for i in range(len(CODES))))
    user_weights = list(itertools.accumulate(1 / (i + 10) ** 0.9 for i in range(len(users))))
    moment = START
    for n in range(count):
        moment += timedelta(milliseconds=rng.randrange(80))
        code_at = bisect.bisect_left(code_weights, rng.random() * code_weights[-1])
        user = users[bisect.bisect_left(user_weights, rng.random() * user_weights[-1])]
        event = {"recordType": "EVENT", "id": f"e{n:010d}", "appKey": "demoapp", "eventCode": CODES[code_at], "eventName": NAMES[code_at], "timestamp": int(moment.timestamp() * 1000),
                 "userId": user["userId"], "params": params_of(rng, CODES[code_at]), "profile": user["profile"], "identities": user["identities"]}
        if CODES[code_at] == "n:ph":
            event["revenue"] = event["params"]["es"]
        yield event


def fired(events) -> dict[str, int]:
    counts = {name: 0 for name, _, _ in HOOKS}
    for event in events:
        for name, code, _ in HOOKS:
            counts[name] += event["eventCode"] == code
    return counts


def write_csv(path: pathlib.Path, events: list[dict], delimiter: str, layout: str) -> None:
    """Layout "json": all parameters in one JSON column. Layout "wide": a column per parameter and profile attribute, local time text, missing values empty or null."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        if layout == "json":
            writer.writerow(["Event Name", "Event Code", "Timestamp", "User ID", "External ID", "Email", "Parameters"])
            for e in events:
                writer.writerow([e["eventName"], e["eventCode"], e["timestamp"], e["userId"], e["identities"]["extId"], e["identities"].get("email", "null"), dumps(e["params"])])
            return
        writer.writerow(["External ID", "User ID", "Event Code", "Date", "screen", "duration", "es", "currency", "city", "age"])
        for n, e in enumerate(events):
            local = datetime.fromtimestamp(e["timestamp"] / 1000, timezone(timedelta(hours=3))).strftime("%Y-%m-%d %H:%M:%S")
            p, missing = e["params"], "null" if n % 2 else ""
            writer.writerow([e["identities"]["extId"], e["userId"], e["eventCode"], local, p.get("screen", missing), p.get("duration", missing), p.get("es", missing), p.get("currency", missing), e["profile"]["city"], e["profile"]["age"]])


def write_faults(out: pathlib.Path, rng: random.Random, events: list[dict]) -> dict[str, dict]:
    out.mkdir(exist_ok=True)
    good = [dict(e, eventCode="n:ph", id=f"f{n:05d}") for n, e in enumerate(events[:20])]
    lines = [dumps(e) for e in good]
    expected: dict[str, dict] = {}

    def put(name: str, data: bytes, **counts: int) -> None:
        (out / name).write_bytes(data)
        expected[name] = counts

    put("broken_line.ndjson", "\n".join([*lines[:10], '{"eventCode":"n:ph","userId":', "[]", "42", *lines[10:]]).encode() + b"\n", read=23, delivered=20, malformed=3)
    put("bom_crlf_blank_lines.ndjson", b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode() + b"\r\n", read=20, delivered=20)
    put("no_newline_at_end.ndjson", "\n".join(lines).encode(), read=20, delivered=20)
    put("empty.ndjson", b"", read=0, delivered=0)
    put("not_utf8.ndjson", lines[0].encode() + b"\n" + b'{"eventCode":"n:ph","userId":"u1","params":{"x":"\xff\xfe"}}\n' + lines[1].encode() + b"\n", read=3, delivered=2, malformed=1)
    put("truncated.ndjson.gz", gzip.compress("\n".join(lines).encode(), mtime=0)[:-40])
    expected["truncated.ndjson.gz"] = {"fails": "truncated gzip"}
    put("mostly_broken.ndjson", "\n".join(lines + ['{"eventCode": broken'] * 150).encode() + b"\n")
    expected["mostly_broken.ndjson"] = {"fails": "150 of 170 lines malformed, more than max_malformed"}
    put("no_line_readable.ndjson", b"Event Name,Event Code,Timestamp\nPurchase,n:ph,1757192400000\n")
    expected["no_line_readable.ndjson"] = {"fails": "not one line could be read"}
    put("missing_user.ndjson", "\n".join(dumps({k: v for k, v in e.items() if k != "userId"}) for e in good[:5]).encode() + b"\n", read=5, delivered=0, missing_user=5)
    put("empty_user.ndjson", "\n".join(dumps(dict(e, userId=u)) for e, u in zip(good, ["", None, "null", "  "])).encode() + b"\n", read=4, delivered=0, missing_user=4)
    put("long_user.ndjson", "\n".join(dumps(dict(e, userId=u)) for e, u in zip(good, ["k" * 256, "k" * 257, "ğ" * 256, "k" * 300 + "a", "k" * 300 + "b"])).encode() + b"\n", read=5, delivered=5)
    put("oversize.ndjson", "\n".join([lines[0], dumps(dict(good[1], params={"blob": "x" * 1_100_000})), lines[2]]).encode() + b"\n", read=3, delivered=2, too_large=1)
    put("numbers_as_text.ndjson", dumps(dict(good[0], userId=12345678901234567890, timestamp="1757192400000")).encode() + b"\n", read=1, delivered=1)
    put("flat_rest_style.ndjson", b'{"extId":"CRM-1","uid":"u-flat","code":"n:ph","name":"Purchase","ts":1757192400,"itemId":"4234","channel":"Facebook"}\n', read=1, delivered=1)
    burst = [dumps(dict(good[0], id=f"b{n:05d}", params={"n": n})) for n in range(3000)]
    put("one_hot_user.ndjson", "\n".join(burst).encode() + b"\n", read=3000, delivered=3000)
    put("bad_rows.csv", 'Event Name,Event Code,Timestamp,User ID,External ID,Email,Parameters\nPurchase,n:ph,1757192400000,u1,c1,,"{""a"":1}"\nPurchase,n:ph,not-a-time,u2,c2,,{}\nPurchase,n:ph\n'.encode(), read=3, delivered=1, malformed=2)
    return expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--files", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", action="store_true")
    args = parser.parse_args()

    rng = random.Random(args.seed)
    users = make_users(rng, args.users)
    stream = make_events(rng, args.events, users)
    per_file = args.events // args.files
    expected: dict = {"files": {}, "hooks": {name: 0 for name, _, _ in HOOKS}}
    for folder in ("events", "csv", "push_results"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)

    sample: list[dict] = []
    for n in range(args.files):
        events = list(itertools.islice(stream, per_file))
        data = "".join(dumps(e) + "\n" for e in events).encode()
        name = f"demoapp_EVENT_DATA_{(START + timedelta(days=n)).strftime('%Y%m%d')}.ndjson"
        (args.out / "events" / (name if n % 2 == 0 else name + ".gz")).write_bytes(data if n % 2 == 0 else gzip.compress(data, 6, mtime=0))
        counts = fired(events)
        expected["files"][name if n % 2 == 0 else name + ".gz"] = {"read": len(events), "hooks": counts}
        for hook, count in counts.items():
            expected["hooks"][hook] += count
        sample = sample or events[:300]

    for n, (label, delimiter) in enumerate(DELIMITERS.items()):
        layout = "json" if n % 2 == 0 else "wide"
        write_csv(args.out / "csv" / f"demoapp_EVENT_DATA_{label}_{layout}.csv", sample, delimiter, layout)
    expected["csv"] = {"read": len(sample), "hooks": fired(sample)}

    results = [{"platform": rng.choice(["IOS", "ANDROID", "SMS", "EMAIL"]), "status": rng.choice(["SUCCESS", "FAILED"]), "installationId": f"{rng.getrandbits(64):016x}", "timeStamp": int(START.timestamp() * 1000) + n * 1000,
                "msgTitle": "Sepetin seni bekliyor", "msgText": "Bugün %10 indirim", **({"extId": users[n % len(users)]["identities"]["extId"]} if n % 5 else {"errorCode": "8", "errorMsg": "INVALID_TOKEN"})} for n in range(25)]
    pages = [results[i:i + 10] for i in range(0, len(results), 10)]
    for n, page in enumerate(pages):
        body: dict = {"list": page}
        if n + 1 < len(pages):
            body = {"nextPage": f"https://restapi.netmera.com/rest/3.0/getPushResult?offset=opaque{n + 1}&max=10", **body}
        (args.out / "push_results" / f"page-{n}.json").write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    with_ext_id = sum("extId" in r for r in results)
    expected["push_results"] = {"read": len(results), "delivered": with_ext_id, "missing_user": len(results) - with_ext_id}

    hooks = "hooks:\n" + "".join(f'  - name: {n}\n    hook_type: KINESIS\n    trigger_type: EVENT\n    event_code: "{c}"\n    stream_name: {s}\n' for n, c, s in HOOKS)
    hooks += "  - name: retired\n    trigger_type: EVENT\n    event_code: n:vp\n    stream_name: netmera-activity\n    active: false\n"
    hooks += "  - name: message-logs\n    trigger_type: MESSAGE_LOG\n    stream_name: netmera-message-logs\n    partition_key: [userId, extId]\n"
    (args.out / "hooks.yaml").write_text(hooks, encoding="utf-8")
    if args.faults:
        expected["faulty"] = write_faults(args.out / "faulty", rng, sample)
    (args.out / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
