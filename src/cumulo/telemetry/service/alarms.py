"""Alarms: made, looked at, and what is called when their state changes."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment, later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Fault, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.telemetry.model import hours
from cumulo.telemetry.model.alarm import (
    STATES,
    AlarmChangeRow,
    AlarmMetricRow,
    AlarmRow,
    CallRow,
    QuotaRow,
    State,
    Verdict,
)
from cumulo.telemetry.model.metric import MetricRow
from cumulo.telemetry.queries import alarm as queries
from cumulo.telemetry.service.rules import BY_RESOURCES, TYPES, Rules, Who, searches

WEB = ("http://", "https://")
TRUSTED = "trust+"
FOR_ADMINS = ("log:", "test:")
"""They write this cloud's log."""
SEVERITIES = ("low", "moderate", "critical")
NOT_HERE = {
    "loadbalancer_member_health": "this cloud has no load balancers",
    "prometheus": "this cloud's metrics are asked for by the gnocchi_ types",
    "threshold": "it was for a database that no cloud has any more",
}
MOST_ACTIONS = 10
MOST_CHANGES = 1000
"""That are remembered of an alarm."""
MOST_CHANGES_OF_PROJECT = 20_000
SWEEPS = 1 / 64
"""Of all changes: the share that looks for what is beyond that."""
MOST_SEARCHING = 100
"""Of a project: when its resources change, they all search."""
MOST_CALLS = 20
"""Of one alarm that wait to be made; older ones make place."""
OWN_SECONDS = 10.0
"""Between repeated calls of an event's alarm to this cloud: what they do makes events, too, and
would go round for ever. One that waits stands for those that come meanwhile."""
NEVER = "9999-01-01T00:00:00.000000"
Rights = Callable[[Tx, str, str, Mapping[str, str] | None], Principal | None]


class Judged(NamedTuple):
    """What a look says of an alarm as it was then."""

    row: AlarmRow
    verdict: Verdict | None
    """None: it does not look now."""
    metrics: list[str]
    searched: bool
    """Its metrics were looked for; False: they are those that it waits for."""


class Searching(NamedTuple):
    """An alarm that has to search for its metrics, and by whose right."""

    id: str
    who: Who | Fault


class Stuck(NamedTuple):
    """An alarm whose rule this program makes a mistake with."""

    id: str
    error: Exception


class Alarms:
    listing = queries.ALARMS
    changes = queries.CHANGES

    """`rights`: what a user may in a project at this moment. `own`: this cloud's address."""

    def __init__(
        self, rules: Rules, rights: Rights, interval: float, most: int, own: str = ""
    ) -> None:
        self._rules = rules
        self._rights = rights
        self._interval = interval
        self._most = most
        self._own_url = own.rstrip("/") + "/"
        self.ring_calls: Callable[[], None] = lambda: None
        self.ring_looks: Callable[[], None] = lambda: None

    # --- verbs ----------------------------------------------------------------------------------

    def get(self, tx: Tx, id: str, who: Principal, *, everybody: bool) -> AlarmRow:
        row = tx.get(AlarmRow, id)
        if row is None or (not everybody and row.project_id != who.project_id):
            raise NotFound(f"Alarm {id} not found in project {who.project_id}")
        return row

    def checked(self, tx: Tx, wish: Mapping[str, Any], who: Principal) -> dict[str, Any]:
        """The columns of a wish. Raises BadRequest."""
        kind = wish["type"]
        if kind not in TYPES:
            why = NOT_HERE.get(kind)
            raise BadRequest(
                f"Invalid value for alarm type {kind[:60]!r}"
                + (f": {why}" if why else f": one of {', '.join(TYPES)}")
            )
        rule = self._rules.checked(tx, kind, wish["rule"], Who.of(who))
        actions = {
            "ok": self._actions(wish["ok_actions"], who),
            "alarm": self._actions(wish["alarm_actions"], who),
            "insufficient data": self._actions(wish["insufficient_data_actions"], who),
        }
        if wish["state"] not in STATES:
            raise BadRequest(f"Invalid input for state: {wish['state'][:60]}")
        if wish["severity"] not in SEVERITIES:
            raise BadRequest(f"Invalid severity {wish['severity'][:60]}")
        return {
            "name": wish["name"],
            "description": wish["description"],
            "type": kind,
            "rule": rule,
            "searches": searches(kind, rule),
            "enabled": wish["enabled"],
            "severity": wish["severity"],
            "actions": actions,
            "repeat_actions": wish["repeat_actions"],
            "time_constraints": hours.checked(wish["time_constraints"]),
        }

    def _actions(self, urls: Sequence[str], who: Principal) -> list[str]:
        if len(urls) > MOST_ACTIONS:
            raise BadRequest(f"more than {MOST_ACTIONS} actions")
        for url in urls:
            if url.startswith(FOR_ADMINS):
                if not who.is_admin:
                    raise Forbidden("You are not authorized to create action: " + url[:200])
            elif url.startswith(TRUSTED) and url.removeprefix(TRUSTED).startswith(WEB):
                if not url.removeprefix(TRUSTED).startswith(self._own_url):
                    # A token must not be sent to whoever a user names.
                    raise BadRequest(f"{TRUSTED} is for addresses of this cloud: {url[:200]}")
                if who.access_rules is not None:
                    # What a token may do only request by request cannot be lent to an alarm.
                    raise Forbidden(
                        "An application credential with access rules cannot make such an alarm."
                    )
            elif not url.startswith(WEB):
                raise BadRequest(f"Unsupported action {url[:200]}")
        # As Aodh shows them.
        bare = (url[:-2] if url.endswith("://") else url for url in urls)
        return list(dict.fromkeys(bare))

    def limit(self, tx: Tx, project_id: str) -> int:
        row = tx.get(QuotaRow, project_id, "alarms")
        return self._most if row is None else row.most

    def set_limit(self, tx: Tx, project_id: str, most: int | None) -> None:
        """None: as everybody's."""
        row = tx.get(QuotaRow, project_id, "alarms")
        if row is not None:
            tx.delete(row)
        if most is not None:
            tx.insert(QuotaRow(project_id, "alarms", most))

    def create(
        self, tx: Tx, wish: Mapping[str, Any], who: Principal, project_id: str, user_id: str
    ) -> AlarmRow:
        most = self.limit(tx, project_id)
        if most >= 0 and int(tx.value(queries.OF_PROJECT, project=project_id)) >= most:
            raise Forbidden(f"Alarm quota exceeded for user on project {project_id}")
        changes = self.checked(tx, wish, who)
        self._check_searches(tx, project_id, changes["searches"])
        row = AlarmRow(
            id=new_id(),
            state=wish["state"],
            state_reason="Not evaluated yet",
            state_timestamp=tx.now,
            project_id=project_id,
            user_id=user_id,
            lent=who.lent,
            own=(project_id, user_id) == (who.project_id, who.user_id),
            repeated_at=tx.now,
            found_at="",
            due=tx.now,
            created_at=tx.now,
            updated_at=tx.now,
            **changes,
        )
        tx.insert(row)
        tx.after_commit(lambda: self.ring_looks())
        self._watch(tx, row)
        self._note(tx, row, "creation", self.shown(row), who)
        return row

    @staticmethod
    def _check_searches(tx: Tx, project_id: str, more: bool) -> None:
        if more and int(tx.value(queries.SEARCHING, project=project_id)) >= MOST_SEARCHING:
            raise Forbidden(f"A project may have {MOST_SEARCHING} alarms that search for resources")

    def update(self, tx: Tx, row: AlarmRow, wish: Mapping[str, Any], who: Principal) -> AlarmRow:
        before = self.shown(row)
        changes = self.checked(tx, wish, who)
        self._check_searches(tx, row.project_id, changes["searches"] and not row.searches)
        # It looks with the rights of who has said at what, not of who has made it.
        own = who.project_id == row.project_id
        changes |= {"lent": who.lent, "own": own, "user_id": who.user_id if own else row.user_id}
        row = tx.update(row, **changes, due=tx.now, found_at="", updated_at=tx.now)
        tx.after_commit(lambda: self.ring_looks())
        self._watch(tx, row)
        after = self.shown(row)
        if wish["has_state"] and wish["state"] != row.state:
            row = self._set(tx, row, wish["state"], who)
        quiet = ("timestamp", "evaluate_timestamp")
        changed = {k: v for k, v in after.items() if before.get(k) != v and k not in quiet}
        if changed:
            self._note(tx, row, "rule change", changed, who)
        return row

    def delete(self, tx: Tx, row: AlarmRow, who: Principal | None = None) -> None:
        self._note(tx, row, "deletion", self.shown(row), who)
        tx.delete(row)

    def set_state(self, tx: Tx, row: AlarmRow, state: str, who: Principal) -> AlarmRow:
        if state not in STATES:
            raise BadRequest(f"Invalid input for state: {state[:60]}")
        return self._set(tx, row, state, who)

    def _set(self, tx: Tx, row: AlarmRow, state: str, who: Principal) -> AlarmRow:
        verdict = Verdict(state, "Manually set via API", {})  # type: ignore[arg-type]
        return self.change(tx, row, verdict, who)

    def _note(
        self, tx: Tx, row: AlarmRow, kind: str, detail: Mapping[str, Any], who: Principal | None
    ) -> None:
        tx.insert(
            AlarmChangeRow(
                new_id(),
                row.id,
                row.severity,
                kind,
                dict(detail),
                None if who is None else who.user_id,
                row.project_id,
                None if who is None else who.project_id,
                tx.now,
            )
        )
        tx.run(queries.OLD_CHANGES, alarm=row.id, of=row.id, kept=MOST_CHANGES)
        if random.random() < SWEEPS:
            tx.run(
                queries.OLD_CHANGES_OF_PROJECT,
                project=row.project_id,
                of=row.project_id,
                kept=MOST_CHANGES_OF_PROJECT,
            )

    def _watch(self, tx: Tx, row: AlarmRow) -> None:
        """Which metrics' measures it waits for; those of a search are found when it looks."""
        found: Sequence[MetricRow] = []
        if not row.searches:
            try:
                found = self._rules.metrics(tx, row.type, row.rule, self._who(tx, row))
            except Fault:
                found = []
        self._watch_these(tx, row, [metric.id for metric in found])

    @staticmethod
    def _watch_these(tx: Tx, row: AlarmRow, ids: Sequence[str]) -> None:
        wanted = set(ids)
        if wanted != {str(id) for (id,) in tx.tuples(queries.WATCHED, alarm=row.id)}:
            tx.run(queries.UNWATCH, alarm=row.id)
            for id in sorted(wanted):
                tx.insert(AlarmMetricRow(row.id, id))

    # --- looking --------------------------------------------------------------------------------

    def judge_all(self, tx: Tx, ids: Sequence[str]) -> list[Judged | Searching | Stuck]:
        """What these alarms' rules say now, without writing anything; those that have to search for
        resources are only named, with the right that they do it by."""
        known: dict[tuple[Any, ...], Who | Fault] = {}
        made: list[Judged | Searching | Stuck] = []
        for id in ids:
            row = tx.get(AlarmRow, id)
            if row is None or not row.enabled:
                continue
            key = (row.own, row.user_id, row.project_id, *sorted(row.lent.items()))
            who = known.get(key)
            if who is None:
                who = known[key] = self._who_or_fault(tx, row)
            if row.searches and row.found_at <= later(tx.now, -self._interval):
                made.append(Searching(id, who))
                continue
            try:
                made.append(self._judge(tx, row, who))
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                # A rule that the program cannot reckon with is no reason to leave out others'.
                made.append(Stuck(id, error))
        return made

    def _who_or_fault(self, tx: Tx, row: AlarmRow) -> Who | Fault:
        try:
            return self._who(tx, row)
        except Fault as ended:
            return ended

    def judge(self, tx: Tx, searching: Searching) -> Judged | None:
        """The same of one that searches, which may take a while: it is read in a thread."""
        row = tx.get(AlarmRow, searching.id)
        return None if row is None else self._judge(tx, row, searching.who)

    def _judge(self, tx: Tx, row: AlarmRow, who: Who | Fault) -> Judged:
        within = hours.within(row.time_constraints, seconds_of(tx.now))
        if not row.enabled or row.type == "event" or not within:
            return Judged(row, None, [], False)
        found = None
        if row.type == BY_RESOURCES and row.found_at > later(tx.now, -self._interval):
            found = [str(metric) for (metric,) in tx.tuples(queries.WATCHED, alarm=row.id)]
        try:
            if isinstance(who, Fault):
                raise who
            verdict, metrics = self._rules.look(tx, row, who, found)
        except Fault as fault:
            verdict, metrics = Verdict("insufficient data", fault.message, {}), []
        ids = found if found is not None else [metric.id for metric in metrics]
        return Judged(row, verdict, ids, found is None)

    def has_news(self, judged: Judged, now: Moment) -> bool:
        """Whether anything follows from what was judged that has to be written."""
        row, verdict = judged.row, judged.verdict
        if (judged.searched and row.searches) or row.due <= now:
            return True
        if verdict is None:
            return False
        again = row.repeat_actions and row.repeated_at <= later(now, -self._interval)
        return verdict.state != row.state or again

    def settle(self, tx: Tx, judged: Judged) -> None:
        """Write down what was judged; the change and the calls that follow are one transaction.
        What was changed meanwhile is looked at again."""
        row = tx.get(AlarmRow, judged.row.id)
        if row is None or not row.enabled:
            return
        due = NEVER if row.type == "event" else later(tx.now, self._interval)
        if judged.verdict is None:
            tx.update(row, due=due)
            return
        if row.updated_at != judged.row.updated_at or row.state != judged.row.state:
            return
        changes: dict[str, Any] = {"state_reason": judged.verdict.reason[:500]}
        if row.due == judged.row.due:
            changes["due"] = due
        if judged.searched and row.found_at == judged.row.found_at:
            changes["found_at"] = tx.now
        if judged.searched:
            self._watch_these(tx, row, judged.metrics)
        row = tx.update(row, **changes)
        if judged.verdict.state != row.state:
            self.change(tx, row, judged.verdict, None)
        elif row.repeat_actions and row.repeated_at <= later(tx.now, -self._interval):
            # Once in an interval, however often measures come.
            self._call(tx, row, row.state, judged.verdict)

    def _who(self, tx: Tx, row: AlarmRow) -> Who:
        """By whose right it looks. Raises Forbidden when that has ended."""
        principal = self.principal(tx, row)
        if principal is None and row.own:
            raise Forbidden("What gave the right to look at the metric has ended")
        everybody = principal is not None and principal.is_admin
        return Who(row.project_id, row.user_id, everybody=everybody)

    def principal(self, tx: Tx, row: AlarmRow) -> Principal | None:
        """Whom it acts for; None for one that an administrator made for another project, and
        where the right has ended."""
        if not row.own:
            return None
        return self._rights(tx, row.user_id, row.project_id, row.lent or None)

    def change(self, tx: Tx, row: AlarmRow, verdict: Verdict, who: Principal | None) -> AlarmRow:
        before, reason = row.state, verdict.reason[:500]
        row = tx.update(row, state=verdict.state, state_reason=reason, state_timestamp=tx.now)
        detail = {"state": verdict.state, "transition_reason": reason}
        self._note(tx, row, "state transition", detail, who)
        return self._call(tx, row, before, verdict)

    def _call(self, tx: Tx, row: AlarmRow, before: State, verdict: Verdict) -> AlarmRow:
        urls = row.actions.get(verdict.state, ())
        repeated = row.type == "event" and before == verdict.state
        own_due = max(tx.now, later(row.repeated_at, OWN_SECONDS)) if repeated else tx.now
        row = tx.update(row, repeated_at=tx.now)
        waiting: Sequence[CallRow] = ()
        if urls:
            waiting = tx.all(queries.WAITING_CALLS, alarm=row.id)
            for old in waiting[: max(0, len(waiting) + len(urls) - MOST_CALLS)]:
                tx.delete(old)
        for url in urls:
            own = url.removeprefix(TRUSTED).startswith(self._own_url)
            # One may be under way already: what it does is not what this event asks for.
            if own and repeated and sum(each.url == url for each in waiting) > 1:
                continue
            body = {
                "alarm_id": row.id,
                "alarm_name": row.name,
                "severity": row.severity,
                "previous": before,
                "current": verdict.state,
                "reason": verdict.reason[:500],
                "reason_data": verdict.data,
            }
            due = own_due if own else tx.now
            tx.insert(CallRow(new_id(), row.id, row.project_id, url, body, 0, due))
        tx.after_commit(lambda: self.ring_calls())
        return row

    def due(self, tx: Tx, most: int) -> list[str]:
        return [str(id) for (id,) in tx.tuples(queries.DUE, now=tx.now, most=most)]

    def calls_due(self, tx: Tx, most: int) -> Sequence[str]:
        return [str(id) for (id,) in tx.tuples(queries.CALLS, now=tx.now, most=most)]

    def claim(self, tx: Tx, row: CallRow, seconds: float) -> bool:
        """A call is ours for so long; False: another process has it, or it is done."""
        until = later(tx.now, seconds)
        return tx.run(queries.CLAIM, call=row.id, was=row.due, until=until) == 1

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def shown(self, row: AlarmRow) -> dict[str, Any]:
        return {
            "alarm_id": row.id,
            "name": row.name,
            "description": row.description,
            "type": row.type,
            TYPES[row.type]: row.rule,
            "enabled": row.enabled,
            "state": row.state,
            "state_reason": row.state_reason,
            "state_timestamp": row.state_timestamp,
            "severity": row.severity,
            "ok_actions": row.actions.get("ok", []),
            "alarm_actions": row.actions.get("alarm", []),
            "insufficient_data_actions": row.actions.get("insufficient data", []),
            "repeat_actions": row.repeat_actions,
            "time_constraints": row.time_constraints,
            "project_id": row.project_id,
            "user_id": row.user_id,
            "timestamp": row.updated_at,
            "evaluate_timestamp": row.due,
        }


AT_ONCE = 500


def watching(tx: Tx, metric_ids: Sequence[str]) -> list[str]:
    """The alarms that wait for measures of these metrics."""
    found: dict[str, None] = {}
    for first in range(0, len(metric_ids), AT_ONCE):
        some = list(metric_ids[first : first + AT_ONCE])
        found |= {str(id): None for (id,) in tx.tuples(queries.WATCHING, metrics=some)}
    return list(found)


def look_soon(tx: Tx, ids: Sequence[str]) -> None:
    """These look at once, in whatever process."""
    for first in range(0, len(ids), AT_ONCE):
        tx.run(queries.SOON, now=tx.now, never=NEVER, ids=list(ids[first : first + AT_ONCE]))


def all_soon(tx: Tx) -> None:
    """All look once: measures may have come that a process did not live to look at."""
    tx.run(queries.ALL_SOON, now=tx.now, never=NEVER)


def search_again(tx: Tx, project_id: str | None) -> bool:
    """A project's resources or metrics are others: what searches for some looks again."""
    return tx.run(queries.SEARCH_AGAIN, now=tx.now, project=project_id) > 0
