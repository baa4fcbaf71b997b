"""Decide which files one match task takes: neighbours, about 64 MB together, and never more tasks than Airflow maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

GROUP_BYTES = 64 * 1024 * 1024
MAX_GROUPS = 1_000  # Airflow maps 1,024 at most: [core] max_map_length


def group_files(sizes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Cut the files, given by their sizes in sending order, into groups of indexes."""
    group_bytes = GROUP_BYTES
    while len(groups := tuple(_cut(sizes, group_bytes))) > MAX_GROUPS:
        group_bytes *= 2
    return groups


def _cut(sizes: Sequence[int], group_bytes: int) -> Iterator[tuple[int, ...]]:
    group: list[int] = []
    held = 0
    for index, size in enumerate(sizes):
        if group and held + size > group_bytes:
            yield tuple(group)
            group, held = [], 0
        group.append(index)
        held += size
    if group:
        yield tuple(group)
