"""Pull the push results that are new: plan the windows, collect them, and say what came and what is lost."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone

import msgspec

from airflow_netmera_kinesis.errors import LeaseTaken
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.push_results.collecting import Collecting, Terms
from airflow_netmera_kinesis.push_results.pull_state import PullState, advance, load_pull_state
from airflow_netmera_kinesis.push_results.pulled_file import check_waiting, delete_sent
from airflow_netmera_kinesis.push_results.window import Plan, Reach, Window, plan_windows
from airflow_netmera_kinesis.rest.client import NetmeraClient
from airflow_netmera_kinesis.state.lease import hold
from airflow_netmera_kinesis.storage import Folder

LEASE = "pull"
MAX_WAITING_FILES = 500
COUNTED = ("windows", "pages", "rows", "seen_before", "new", "malformed", "repeated")


def pull(
    state: Folder,
    pulled: Folder,
    client: NetmeraClient,
    reach: Reach,
    terms: Terms,
    who: str,
    log: Log,
) -> Mapping[str, int]:
    """Write what is new up to ``reach.end_ms`` as exports into ``pulled``; return the counts.

    ``who`` tells others who pulls. Raises RestError, with all that was kept before it staying kept.
    """
    with hold(state, LEASE, who) as lease:
        before = _without_sent(state, pulled)
        check_waiting(pulled, before.waiting)
        plan = plan_windows(reach, before.position_ms, before.since_ms)
        _tell_plan(plan, before, log)
        if before.position_ms is None and plan.windows:
            before = msgspec.structs.replace(before, since_ms=max(before.since_ms, plan.windows[0].start_ms))
        collecting = Collecting(client, state, pulled, before, terms, lease.check)
        for window in plan.windows:
            if len(collecting.state.waiting) >= MAX_WAITING_FILES:
                log.warning(
                    "%d files of pulled results wait to be sent: nothing more is pulled until some of them are",
                    len(collecting.state.waiting),
                )  # fmt: skip
                break
            empty = client.empty_answers
            collecting.take(window)
            if client.empty_answers > empty:
                _tell_empty(window, plan.windows[-1].end_ms - reach.look_back_ms, log)
        _report(collecting, plan, log)
        counts = {name: collecting.counts[name] for name in COUNTED}
        return {**counts, "waiting": len(collecting.state.waiting)}


def forget_sent(state: Folder, pulled: Folder, who: str) -> None:
    """Delete the files that are sent and committed; where somebody pulls right now, the next pull does it."""
    with suppress(LeaseTaken), hold(state, LEASE, who):
        _without_sent(state, pulled)


def _without_sent(state: Folder, pulled: Folder) -> PullState:
    """Forget what is sent before another commit can forget the names of files that are gone."""
    sent = delete_sent(state, pulled)
    before = load_pull_state(state)
    waiting = tuple(name for name in before.waiting if name not in sent)
    if waiting == before.waiting:
        return before
    after = msgspec.structs.replace(before, generation=before.generation + 1, waiting=waiting)
    advance(state, pulled, before, after)
    return after


def _tell_plan(plan: Plan, before: PullState, log: Log) -> None:
    if plan.lost:
        log.warning(
            "results from %s to %s are LOST: nothing was pulled in that time, and Netmera gives those of the last two "
            "weeks only",
            _time(plan.lost.start_ms), _time(plan.lost.end_ms),
        )  # fmt: skip
    if not plan.windows:
        log.info("nothing to ask for: results up to %s were pulled before", _time(before.position_ms or 0))


def _tell_empty(window: Window, asked_again_from_ms: int, log: Log) -> None:
    """An answer without a body probably says that there are no results; only what is asked for again makes it sure."""
    log.warning(
        "Netmera answered without a body, which was taken for no results from %s to %s",
        _time(window.start_ms), _time(window.end_ms),
    )  # fmt: skip
    if window.start_ms < asked_again_from_ms:
        log.warning(
            "results from %s to %s, if there are any, are LOST: the look-back does not reach them again",
            _time(window.start_ms), _time(min(window.end_ms, asked_again_from_ms)),
        )  # fmt: skip


def _report(collecting: Collecting, plan: Plan, log: Log) -> None:
    counts = collecting.counts
    if counts["repeated"]:
        log.info("%d rows came again on pages that shifted while they were read, and are left out", counts["repeated"])
    if counts["malformed"]:
        log.warning("%d rows are no message logs; see dead_letters in the state folder", counts["malformed"])
    if counts["windows"]:
        log.info(
            "pulled results from %s to %s: windows %d, pages %d, rows %d = seen before %d + new %d + malformed %d + "
            "repeated %d; files waiting %d",
            _time(plan.windows[0].start_ms), _time(plan.windows[counts["windows"] - 1].end_ms), counts["windows"],
            counts["pages"], counts["rows"], counts["seen_before"], counts["new"], counts["malformed"],
            counts["repeated"], len(collecting.state.waiting),
        )  # fmt: skip
    if counts["windows"] and not plan.is_complete:
        log.info("a gap is being caught up: the next run goes on from %s", _time(plan.windows[-1].end_ms))


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
