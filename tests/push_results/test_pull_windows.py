"""Which time a pull asks for: all that was not asked for yet, and the look-back once more, in windows."""

from __future__ import annotations

from airflow_netmera_kinesis.push_results.window import MAX_WINDOWS, Reach, Window, plan_windows

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_788_728_400_000


def reach(end_ms: int = NOW, **asked: int) -> Reach:
    return Reach(end_ms, asked.pop("look_back_ms", 3 * HOUR), asked.pop("max_window_ms", 6 * HOUR), **asked)


def test_the_first_pull_begins_one_look_back_ago_or_where_it_is_told() -> None:
    assert plan_windows(reach(), None, 0).windows == (Window(NOW - 3 * HOUR, NOW),)
    assert plan_windows(reach(start_after_ms=NOW - HOUR), None, 0).windows == (Window(NOW - HOUR, NOW),)
    week = plan_windows(reach(start_after_ms=NOW - 2 * DAY), None, 0).windows
    assert (week[0].start_ms, week[-1].end_ms, len(week)) == (NOW - 2 * DAY, NOW, 8)


def test_each_pull_overlaps_the_last_one_by_the_look_back() -> None:
    plan = plan_windows(reach(), NOW - MINUTE, NOW - DAY)
    assert plan.windows == (Window(NOW - MINUTE - 3 * HOUR, NOW),)
    assert (plan.lost, plan.is_complete) == (None, True)


def test_nothing_is_asked_for_that_is_not_remembered_any_more() -> None:
    longer = plan_windows(reach(look_back_ms=12 * HOUR), NOW - MINUTE, NOW - MINUTE - 3 * HOUR)
    assert longer.windows[0].start_ms == NOW - MINUTE - 3 * HOUR


def test_a_look_back_longer_than_a_window_is_asked_for_in_several() -> None:
    plan = plan_windows(reach(max_window_ms=HOUR), NOW - MINUTE, 0)
    assert [window.end_ms - window.start_ms for window in plan.windows] == [HOUR, HOUR, HOUR, MINUTE]


def test_a_gap_is_caught_up_in_windows_of_bounded_size() -> None:
    plan = plan_windows(reach(), NOW - 10 * HOUR, 0)
    assert plan.windows == (
        Window(NOW - 13 * HOUR, NOW - 7 * HOUR), Window(NOW - 7 * HOUR, NOW - HOUR), Window(NOW - HOUR, NOW),
    )  # fmt: skip


def test_a_run_is_bounded_and_still_goes_beyond_where_the_last_one_ended() -> None:
    plan = plan_windows(reach(max_window_ms=HOUR), NOW - 5 * DAY, 0)
    assert not plan.is_complete
    assert len(plan.windows) == 3 + MAX_WINDOWS, "three of the look-back, and so many that are new"
    assert plan.windows[-1].end_ms == NOW - 5 * DAY + MAX_WINDOWS * HOUR


def test_what_netmera_no_longer_keeps_is_lost_and_told() -> None:
    plan = plan_windows(reach(), NOW - 20 * DAY, 0)
    assert plan.lost == Window(NOW - 20 * DAY, NOW - 14 * DAY)
    assert plan.windows[0].start_ms == NOW - 14 * DAY
    assert plan_windows(reach(), NOW - 14 * DAY, 0).lost is None
    assert plan_windows(reach(start_after_ms=NOW - 30 * DAY), None, 0).windows[0].start_ms == NOW - 14 * DAY


def test_what_start_after_leaves_out_is_not_asked_for() -> None:
    assert plan_windows(reach(start_after_ms=NOW - HOUR), NOW - DAY, 0).windows == (Window(NOW - HOUR, NOW),)
    assert plan_windows(reach(start_after_ms=NOW + HOUR), NOW - DAY, 0).windows == ()


def test_an_old_run_that_is_cleared_asks_for_nothing() -> None:
    assert plan_windows(reach(NOW - DAY), NOW, NOW - 3 * HOUR).windows == ()
