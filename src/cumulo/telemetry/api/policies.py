"""Gnocchi's archive policies and their rules."""

from typing import Any
from urllib.parse import quote

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.telemetry.api.bodies import keys, name_in, policy_body, rule_body
from cumulo.telemetry.model.metric import Definition
from cumulo.telemetry.model.points import DEFAULT_METHODS
from cumulo.telemetry.model.times import span_of
from cumulo.telemetry.service.policies import Policies

MOST_DEFINITIONS = 20
MOST_METHODS = 200
MOST_PATTERN = 200
LONGEST_TIMESPAN = 10**12


Free = dict[str, Any]


class PoliciesApi:
    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def operations(self) -> list[Operation]:
        all_, rules = "/v1/archive_policy", "/v1/archive_policy_rule"
        one, rule = f"{all_}/{{name}}", f"{rules}/{{name}}"
        made: dict[str, Any] = {"status": 201}
        gone: dict[str, Any] = {"status": 204}
        words, of_rule = "archive policy", "archive policy rule"
        return [
            Operation("GET", all_, self.index, policy=f"list {words}"),
            Operation("POST", all_, self.create, policy=f"create {words}", body=Free, **made),
            Operation("GET", one, self.show, policy=f"get {words}"),
            *(
                # The stock client asks with two slashes.
                Operation("PATCH", path, self.update, policy=f"update {words}", body=Free)
                for path in (one, f"{all_}/{{nothing}}/{{name}}")
            ),
            Operation("DELETE", one, self.delete, policy=f"delete {words}", **gone),
            Operation("GET", rules, self.rules, policy=f"list {of_rule}"),
            Operation("POST", rules, self.new_rule, policy=f"create {of_rule}", body=Free, **made),
            Operation("GET", rule, self.rule, policy=f"get {of_rule}"),
            *(
                Operation("PATCH", path, self.rename_rule, policy=f"update {of_rule}", body=Free)
                for path in (rule, f"{rules}/{{nothing}}/{{name}}")
            ),
            Operation("DELETE", rule, self.drop_rule, policy=f"delete {of_rule}", **gone),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        return [policy_body(row) for row in self._policies.all(tx)]

    def show(self, call: Call, tx: Tx) -> Any:
        return policy_body(self._policies.get(tx, call.path["name"]))

    def create(self, call: Call, tx: Tx) -> Any:
        body = keys(call.body, ("name", "definition"), ("back_window", "aggregation_methods"))
        methods, back = body.get("aggregation_methods"), body.get("back_window", 0)
        back = whole_or_none(back) if isinstance(back, str) else back
        texts = isinstance(methods, list) and all(isinstance(each, str) for each in methods)
        if methods is not None and not (texts and len(methods) <= MOST_METHODS):
            raise BadRequest("Invalid input: expected a list @ data['aggregation_methods']")
        if isinstance(back, bool) or not isinstance(back, int) or not 0 <= back <= 10**6:
            raise BadRequest("Invalid input: expected a positive int @ data['back_window']")
        row = self._policies.create(
            tx,
            name_in(body, "name"),
            _definitions(body),
            DEFAULT_METHODS if methods is None else methods,
            back,
        )
        where = {"Location": f"{call.base_url}/v1/archive_policy/{quote(row.name)}"}
        return Reply(201, policy_body(row), where)

    def update(self, call: Call, tx: Tx) -> Any:
        _check_path(call)
        made = _definitions(keys(call.body, ("definition",)))
        return policy_body(self._policies.update(tx, call.path["name"], made))

    def delete(self, call: Call, tx: Tx) -> None:
        self._policies.delete(tx, call.path["name"])

    # --- rules ----------------------------------------------------------------------------------

    def rules(self, call: Call, tx: Tx) -> Any:
        return [rule_body(row) for row in self._policies.rules(tx)]

    def rule(self, call: Call, tx: Tx) -> Any:
        return rule_body(self._policies.rule(tx, call.path["name"]))

    def new_rule(self, call: Call, tx: Tx) -> Any:
        body = keys(call.body, ("name", "metric_pattern", "archive_policy_name"))
        row = self._policies.create_rule(
            tx,
            name_in(body, "name"),
            name_in(body, "metric_pattern", MOST_PATTERN),
            name_in(body, "archive_policy_name"),
        )
        where = {"Location": f"{call.base_url}/v1/archive_policy_rule/{quote(row.name)}"}
        return Reply(201, rule_body(row), where)

    def rename_rule(self, call: Call, tx: Tx) -> Any:
        _check_path(call)
        new = name_in(keys(call.body, ("name",)), "name")
        return rule_body(self._policies.rename_rule(tx, call.path["name"], new))

    def drop_rule(self, call: Call, tx: Tx) -> None:
        self._policies.delete_rule(tx, call.path["name"])


def _check_path(call: Call) -> None:
    if call.path.get("nothing"):
        raise NotFound("The resource could not be found.")


def _definitions(body: dict[str, Any]) -> list[Definition]:
    given = body["definition"]
    if not isinstance(given, list):
        raise BadRequest("Invalid input: expected a list @ data['definition']")
    if not given:
        raise BadRequest("Invalid input: length of value must be at least 1 @ data['definition']")
    if len(given) > MOST_DEFINITIONS:
        raise BadRequest(f"Invalid input: more than {MOST_DEFINITIONS} definitions")
    return [_definition(each) for each in given]


def _definition(given: Any) -> Definition:
    """Two of granularity, points and timespan say the third; a granularity alone is kept for
    ever."""
    keys(given, (), ("granularity", "points", "timespan"))
    granularity = span_of(given["granularity"], "granularity") if "granularity" in given else None
    timespan = span_of(given["timespan"], "timespan") if "timespan" in given else None
    points = given.get("points")
    if isinstance(points, str):
        # The stock client sends what was typed, as text.
        points = whole_or_none(points) or 0
    whole = isinstance(points, int) and not isinstance(points, bool)
    if points is not None and not (whole and 0 < points < 10**9):
        raise BadRequest("Invalid input: points")
    if granularity is None and points and timespan:
        granularity = timespan / points
    if points is None and granularity and timespan:
        points = int(timespan // granularity)
    endless = granularity is not None and points is None and timespan is None
    points = 0 if endless else points
    if granularity is None or not (points or endless):
        raise BadRequest("Invalid input: two of granularity, points and timespan are needed")
    if timespan is not None and abs(granularity * points - timespan) >= granularity:
        raise BadRequest("Invalid input: timespan &#8800; granularity &#215; points")
    if granularity < 1 or granularity != int(granularity):
        raise BadRequest("Invalid input: a granularity is a whole number of seconds")
    if granularity * points > LONGEST_TIMESPAN:
        raise BadRequest(f"Invalid input: a timespan is {LONGEST_TIMESPAN} seconds at the most")
    return Definition(int(granularity), points)
