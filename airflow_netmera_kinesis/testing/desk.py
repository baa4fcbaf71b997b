"""Decide the order in which a request meets rights, rules, misfortune and its action."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from typing import Any

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.actions import ACTIONS, PUTS
from airflow_netmera_kinesis.testing.constraint import check
from airflow_netmera_kinesis.testing.faults import Misfortune, RecordFate
from airflow_netmera_kinesis.testing.misfortune import STORED, access_denied, expired_token, failure
from airflow_netmera_kinesis.testing.refusal import Answer, Body, ConnectionDropped, Refused
from airflow_netmera_kinesis.testing.request import Request, parse
from airflow_netmera_kinesis.testing.resharding import reshard_at_random
from airflow_netmera_kinesis.testing.rules import RULES, STREAM_RULES
from airflow_netmera_kinesis.testing.tally import Tally


class Desk:
    """Where requests come in; whoever calls holds the lock."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._zombies: list[tuple[float, int, str, Request]] = []
        self._lost = 0
        self.injected: deque[Misfortune | Mapping[int, RecordFate]] = deque()

    def answer(self, action: str, request: Mapping[str, Any] | bytes, access_key: str) -> Answer:
        """Answer one request with whatever comes of it."""
        account = self._account
        self.store_zombies(until=account.clock())
        tally = Tally()
        try:
            parsed = _read(action, request)
            tally = self._tally(action, parsed)
            tally.requests += 1
            self._check_rights(action, parsed, access_key)
            _check_rules(parsed)
            return self._meet_fortune(action, parsed, tally)
        except Refused as refused:
            tally.refused[refused.code] += 1
            return Answer({}, refused, account.faults.latency)

    def carry_out(self, action: str, request: Mapping[str, Any]) -> Body:
        """Do what a request asks without rights or misfortune standing in its way."""
        parsed = _read(action, request)
        _check_rules(parsed)
        return ACTIONS[action][1](self._account, parsed)

    def store_zombies(self, until: float) -> int:
        """Store what lost requests carried, as far as they are due by then."""
        count = 0
        while self._zombies and self._zombies[0][0] <= until:
            _, _, action, request = heapq.heappop(self._zombies)
            tally = self._tally(action, request)
            try:
                tally.zombies += self._act_unheard(action, request, tally)[1]
            except Refused as refused:  # nobody is left to be told
                tally.refused[refused.code] += 1
            count += 1
        return count

    def forget(self) -> None:
        self._account.streams.clear()
        self._account.tallies.clear()
        self._zombies.clear()
        self.injected.clear()

    def _check_rights(self, action: str, request: Request, access_key: str) -> None:
        account = self._account
        if access_key in account.faults.expired_keys:
            raise expired_token()
        if action in account.faults.denied:
            raise access_denied(action, account.arn(account.name_in(request)), account.account_id)

    def _meet_fortune(self, action: str, request: Request, tally: Tally) -> Answer:
        account, delay = self._account, self._account.faults.latency
        misfortune = self._fortune(action)
        if misfortune is None:
            return Answer(self._act(action, request), None, delay)
        if misfortune is Misfortune.ZOMBIE:
            self._lose(action, request)
        body: Body = {}
        if misfortune in STORED:
            body, _ = self._act_unheard(action, request, tally)
        if misfortune is Misfortune.SLOW:
            return Answer(body, None, delay + account.faults.slow_seconds)
        met = failure(misfortune, action, account.arn(account.name_in(request)), account.account_id)
        if isinstance(met, ConnectionDropped):
            tally.lost_answers += 1
            return Answer({}, met, delay)
        raise met

    def _fortune(self, action: str) -> Misfortune | None:
        """Find what befalls the request; fates of its records are left with the account."""
        account = self._account
        account.fates = {}
        if action in PUTS and self.injected:
            fortune = self.injected.popleft()
            if isinstance(fortune, Misfortune):
                return fortune
            account.fates = fortune
            return None
        return account.faults.misfortune(account.dice) if action in account.faults.actions else None

    def _act(self, action: str, request: Request) -> Body:
        account = self._account
        if action in PUTS and account.faults.resharded and account.dice.random() < account.faults.resharded:
            reshard_at_random(account, account.find_writable(request))
        try:
            return ACTIONS[action][1](account, request)
        finally:
            account.fates = {}

    def _act_unheard(self, action: str, request: Request, tally: Tally) -> tuple[Body, int]:
        """Act without telling the sender, and count what was stored by it."""
        stored, unanswered = tally.stored, tally.unanswered
        body = self._act(action, request)
        tally.unanswered = unanswered + tally.stored - stored
        return body, tally.stored - stored

    def _lose(self, action: str, request: Request) -> None:
        account = self._account
        self._lost += 1
        due = account.clock() + account.dice.uniform(*account.faults.zombie_seconds)
        heapq.heappush(self._zombies, (due, self._lost, action, request))

    def _tally(self, action: str, request: Request) -> Tally:
        name = self._account.name_in(request)
        return self._account.tallies[name] if action in PUTS and name in self._account.streams else Tally()


def _read(action: str, request: Mapping[str, Any] | bytes) -> Request:
    if action not in ACTIONS:
        raise Refused("UnknownOperationException", f"The fake does not know {action}.")
    return parse(ACTIONS[action][0], request)


def _check_rules(request: Request) -> None:
    check(request, STREAM_RULES)
    check(request, RULES.get(type(request), {}))
