"""Turn the files of one group into staged records: read, match, build the payload, set aside what can never be sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_netmera_kinesis.errors import ConfigurationError, CountsDisagree
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.metrics import NO_METRICS, Metrics
from airflow_netmera_kinesis.netmera.hashing import NO_KEYS, HashKeys, fingerprints_of
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.stages.file_notes import tell_notes
from airflow_netmera_kinesis.stages.firing import RecordLimit, sure_limit
from airflow_netmera_kinesis.stages.group_match import GroupMatch
from airflow_netmera_kinesis.stages.match_metrics import tell_matched
from airflow_netmera_kinesis.stages.working import working_on
from airflow_netmera_kinesis.state.match_result import MatchResult, save_result, whole_result
from airflow_netmera_kinesis.state.slice import Slice, load_slice
from airflow_netmera_kinesis.storage import Folder, ReadableFolder


def match_group(
    state: Folder,
    staging: Folder,
    exports: ReadableFolder,
    slice_id: str,
    group: int,
    who: str,
    log: Log,
    limit_of: RecordLimit = sure_limit,
    keys_of: Callable[[Sequence[HookDefinition]], HashKeys] = lambda hooks: NO_KEYS,
    metrics: Metrics = NO_METRICS,
) -> MatchResult:
    """Match one group of files, unless that was done already and its parts are whole.

    ``who`` tells others who works on the group. ``limit_of`` is asked for the record size in bytes that a hook's stream
    takes, and only if a record is larger than what every stream takes; ``keys_of`` for the keys of the hooks' hashes. A
    file that is damaged as a whole is set aside with its reason, none of its records staged: the gate decides whether
    the run may go on without it. Raises ExportChanged for a file that is not what plan saw, RecordTooLarge where a hook
    asks for that, ConfigurationError for a key that is not that of the slice.
    """
    with working_on(state, slice_id, f"match-{group:05d}", who) as lease:
        done = whole_result(staging, slice_id, group)
        if done is not None:
            log.info(
                "slice %s, group %d was matched before and its parts are whole: not matched again", slice_id, group
            )
            return done
        current = load_slice(state, slice_id)
        keys = keys_of(current.hooks)
        _check_same_keys(current, keys)
        result = GroupMatch(current, group, state, staging, exports, limit_of, keys).result(lease)
        _check_counts(result)
        lease.check()
        save_result(staging, result)
    tell_matched(metrics, current, result)
    _report(result, current, log)
    return result


def _check_same_keys(current: Slice, keys: HashKeys) -> None:
    """A value must not have one hash in the first part of a slice and another in the rest."""
    planned = current.hash_keys
    changed = [source for source, found in fingerprints_of(keys).items() if planned.get(source, found) != found]
    if changed:
        raise ConfigurationError(
            f"the hash key in {' and in '.join(changed)} has changed since slice {current.id} was planned: start a new "
            "run, which plans anew as long as nothing was sent; else put the former key back until the slice is "
            f"committed, or run once with abandon_slice={current.id}"
        )


def _check_counts(result: MatchResult) -> None:
    staged = sum(hook.staged for hook in result.hooks)
    in_parts = sum(part.records for part in result.parts)
    if staged != in_parts:
        raise CountsDisagree(f"slice {result.slice}, group {result.group}: staged {staged}, in its parts {in_parts}")
    for file in result.files:
        if file.lines != file.malformed + file.events:
            raise CountsDisagree(
                f"{file.name}: read {file.lines} is not malformed {file.malformed} + events {file.events}"
            )
    for hook in result.hooks:
        dead = sum(hook.dead.values())
        if hook.firings != hook.staged + dead:
            raise CountsDisagree(
                f"hook {hook.name}: firings {hook.firings} is not staged {hook.staged} + dead letters {dead}"
            )


def counts_of(result: MatchResult) -> dict[str, int]:
    """Sum a result: read = malformed + events, firings = staged + dead_letters."""
    staged = sum(hook.staged for hook in result.hooks)
    firings = sum(hook.firings for hook in result.hooks)
    return {
        "files": len(result.files),
        "read": sum(file.lines for file in result.files),
        "malformed": sum(file.malformed for file in result.files),
        "events": sum(file.events for file in result.files),
        "firings": firings,
        "staged": staged,
        "dead_letters": firings - staged,
    }


def _report(result: MatchResult, current: Slice, log: Log) -> None:
    tell_notes(result.files, log)
    for file in result.files:
        if file.set_aside:
            log.warning("%s is damaged as a whole, none of its records is staged: %s", file.name, file.set_aside)
    log.info(
        "slice %s, group %d: files %d, read %d = malformed %d + events %d; firings %d = staged %d + dead letters %d; "
        "hooks: active %d, inactive %d",
        result.slice, result.group, *counts_of(result).values(),
        len(result.hooks), len(current.hooks) - len(result.hooks),
    )  # fmt: skip
