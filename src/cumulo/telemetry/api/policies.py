"""Gnocchi's archive policies and their rules."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.telemetry.api.bodies import policy_body, rule_body
from cumulo.telemetry.model.metric import Definition
from cumulo.telemetry.model.points import DEFAULT_METHODS
from cumulo.telemetry.model.times import span_of
from cumulo.telemetry.service.policies import Policies

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Pattern = Annotated[str, Meta(min_length=1, max_length=200)]
Definitions = Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=20)]
LONGEST_TIMESPAN = 10**12


class NewPolicy(StrictBody):
    name: Name
    definition: Definitions
    aggregation_methods: Annotated[list[str], Meta(max_length=200)] | None = None
    back_window: Annotated[int, Meta(ge=0, le=10**6)] = 0


class ChangedPolicy(StrictBody):
    definition: Definitions


class NewRule(StrictBody):
    name: Name
    metric_pattern: Pattern
    archive_policy_name: Name


class ChangedRule(StrictBody):
    name: Name


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
            Operation("POST", all_, self.create, policy=f"create {words}", body=NewPolicy, **made),
            Operation("GET", one, self.show, policy=f"get {words}"),
            Operation("PATCH", one, self.update, policy=f"update {words}", body=ChangedPolicy),
            Operation("DELETE", one, self.delete, policy=f"delete {words}", **gone),
            Operation("GET", rules, self.rules, policy=f"list {of_rule}"),
            Operation(
                "POST", rules, self.new_rule, policy=f"create {of_rule}", body=NewRule, **made
            ),
            Operation("GET", rule, self.rule, policy=f"get {of_rule}"),
            Operation(
                "PATCH", rule, self.rename_rule, policy=f"update {of_rule}", body=ChangedRule
            ),
            Operation("DELETE", rule, self.drop_rule, policy=f"delete {of_rule}", **gone),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        return [policy_body(row) for row in self._policies.all(tx)]

    def show(self, call: Call, tx: Tx) -> Any:
        return policy_body(self._policies.get(tx, call.path["name"]))

    def create(self, call: Call, tx: Tx) -> Any:
        body: NewPolicy = call.body
        made = [_definition(each) for each in body.definition]
        methods = body.aggregation_methods
        row = self._policies.create(
            tx, body.name, made, DEFAULT_METHODS if methods is None else methods, body.back_window
        )
        where = {"Location": f"{call.base_url}/v1/archive_policy/{row.name}"}
        return Reply(201, policy_body(row), where)

    def update(self, call: Call, tx: Tx) -> Any:
        made = [_definition(each) for each in call.body.definition]
        return policy_body(self._policies.update(tx, call.path["name"], made))

    def delete(self, call: Call, tx: Tx) -> None:
        self._policies.delete(tx, call.path["name"])

    # --- rules ----------------------------------------------------------------------------------

    def rules(self, call: Call, tx: Tx) -> Any:
        return [rule_body(row) for row in self._policies.rules(tx)]

    def rule(self, call: Call, tx: Tx) -> Any:
        return rule_body(self._policies.rule(tx, call.path["name"]))

    def new_rule(self, call: Call, tx: Tx) -> Any:
        body: NewRule = call.body
        row = self._policies.create_rule(
            tx, body.name, body.metric_pattern, body.archive_policy_name
        )
        where = {"Location": f"{call.base_url}/v1/archive_policy_rule/{row.name}"}
        return Reply(201, rule_body(row), where)

    def rename_rule(self, call: Call, tx: Tx) -> Any:
        return rule_body(self._policies.rename_rule(tx, call.path["name"], call.body.name))

    def drop_rule(self, call: Call, tx: Tx) -> None:
        self._policies.delete_rule(tx, call.path["name"])


def _definition(given: dict[str, Any]) -> Definition:
    """Two of granularity, points and timespan say the third."""
    if set(given) - {"granularity", "points", "timespan"}:
        raise BadRequest("Invalid input: extra keys not allowed")
    granularity = span_of(given["granularity"], "granularity") if "granularity" in given else None
    timespan = span_of(given["timespan"], "timespan") if "timespan" in given else None
    points = given.get("points")
    whole = isinstance(points, int) and not isinstance(points, bool)
    if points is not None and not (whole and 0 < points < 10**9):
        raise BadRequest("Invalid input: points")
    if granularity is None and points and timespan:
        granularity = timespan / points
    if points is None and granularity and timespan:
        points = int(timespan // granularity)
    if granularity is None or not points:
        raise BadRequest("Invalid input: two of granularity, points and timespan are needed")
    if timespan is not None and abs(granularity * points - timespan) >= granularity:
        raise BadRequest("Invalid input: timespan is not granularity times points")
    if granularity < 1 or granularity != int(granularity):
        raise BadRequest("Invalid input: a granularity is a whole number of seconds")
    if granularity * points > LONGEST_TIMESPAN:
        raise BadRequest(f"Invalid input: a timespan is {LONGEST_TIMESPAN} seconds at the most")
    return Definition(int(granularity), points)
