"""Decide whether hooks can stand side by side: names are unique, and hooks that feed one stream agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition


def disagreements(hooks: Sequence[HookDefinition]) -> Iterator[str]:
    """Yield one sentence for each fault that no single definition shows. Inactive hooks count: they may wake up."""
    yield from _repeated_names(hooks)
    addressed = sorted((hook for hook in hooks if hook.stream), key=lambda hook: hook.stream)
    for stream, feeding in groupby(addressed, key=lambda hook: hook.stream):
        yield from _within_stream(stream, list(feeding))


def _repeated_names(hooks: Sequence[HookDefinition]) -> Iterator[str]:
    places: dict[str, list[int]] = {}
    for place, hook in enumerate(hooks, 1):
        places.setdefault(hook.name, []).append(place)
    for name, found in places.items():
        if name and len(found) > 1:
            listed = ", ".join(f"#{place}" for place in found)
            yield f"hook {name!r}: name is given to hooks {listed}; allowed: a name of its own for each hook"


def _within_stream(stream: str, hooks: list[HookDefinition]) -> Iterator[str]:
    first = hooks[0]
    for hook in hooks[1:]:
        for field, wanted in _shared_by_a_stream(first).items():
            given = _shared_by_a_stream(hook)[field]
            if given != wanted:
                yield (
                    f"hook {hook.name!r}: {field} is {given} but hook {first.name!r} feeds the "
                    f"same stream {stream!r} with {wanted}; allowed: the same for all hooks of a stream"
                )
    arns = {hook.stream_arn: hook.name for hook in hooks if hook.stream_arn}
    if len(arns) > 1:
        listed = ", ".join(f"{arn} (hook {name!r})" for arn, name in sorted(arns.items()))
        yield f"stream {stream!r}: stream_arn differs: {listed}; allowed: one ARN for a stream name in one file"


def _shared_by_a_stream(hook: HookDefinition) -> dict[str, str]:
    """What decides how a user's records are put in order: records of two hooks may travel in one."""
    return {
        "partition_key": str(list(hook.partition_key)),
        "hash_partition_key": f"true with {hook.hash_key}" if hook.hash_partition_key else "false",
        "packing": hook.packing.value,
        "pack_always": str(hook.pack_always).lower(),
        "allow_unordered": str(hook.allow_unordered).lower(),
    }
