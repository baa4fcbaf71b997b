from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.grouping import GROUP_BYTES, MAX_GROUPS, group_files

MB = 1024 * 1024


def test_small_neighbours_share_a_task_up_to_64_mb() -> None:
    assert group_files([30 * MB, 30 * MB, 4 * MB, 1, 64 * MB, 1]) == ((0, 1, 2), (3,), (4,), (5,))


def test_a_large_file_has_a_task_of_its_own() -> None:
    assert group_files([1, 300 * MB, 1]) == ((0,), (1,), (2,))


def test_no_files_are_no_tasks() -> None:
    assert group_files([]) == ()


def test_there_are_never_more_tasks_than_airflow_maps() -> None:
    assert len(group_files([GROUP_BYTES] * 1_000)) == 1_000
    groups = group_files([GROUP_BYTES] * 1_100)
    assert len(groups) <= MAX_GROUPS
    assert [index for group in groups for index in group] == list(range(1_100))


@given(st.lists(st.integers(0, 200 * MB), max_size=50))
def test_every_file_is_in_one_group_and_in_its_order(sizes: list[int]) -> None:
    assert [index for group in group_files(sizes) for index in group] == list(range(len(sizes)))
