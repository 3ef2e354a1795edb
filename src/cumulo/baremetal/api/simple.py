"""Chassis, deploy templates, runbooks, inspection rules on the wire."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.baremetal.api.common import link
from cumulo.baremetal.api.things import ThingBody, ThingsApi
from cumulo.baremetal.model.chassis import ChassisRow
from cumulo.baremetal.model.rule import RuleRow
from cumulo.baremetal.model.template import RunbookRow, TemplateRow
from cumulo.baremetal.service.fields import trait_name
from cumulo.baremetal.service.patches import Change
from cumulo.baremetal.service.simple import Runbooks
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Version

Object = dict[str, Any]
Steps = list[dict[str, Any]]


class NewChassis(StrictBody):
    uuid: Uuid | None = None
    description: str | None = None
    extra: Object | None = None


class ChassisBody(ThingBody, kw_only=True):
    description: str | Unset | None = UNSET
    extra: Object | Unset = UNSET
    nodes: list[dict[str, str]] | Unset = UNSET


class ChassisList(Body, kw_only=True):
    chassis: list[ChassisBody]
    next: str | Any = UNSET


class ChassisApi(ThingsApi[ChassisRow]):
    plural, rule = "chassis", "baremetal:chassis"
    new, body, answer = NewChassis, ChassisBody, ChassisList
    summary = ("uuid", "description")
    same = ("description", "extra")

    def more(self, call: Call, tx: Tx, row: ChassisRow) -> dict[str, Any]:
        return {"nodes": link(call, "chassis", row.id, "nodes")}


class NewTemplate(StrictBody):
    name: str
    steps: Any
    uuid: Uuid | None = None
    extra: Object | None = None


class TemplateBody(ThingBody, kw_only=True):
    name: str | Unset = UNSET
    steps: Steps | Unset = UNSET
    extra: Object | Unset = UNSET


class TemplateList(Body, kw_only=True):
    deploy_templates: list[TemplateBody]
    next: str | Any = UNSET


class TemplatesApi(ThingsApi[TemplateRow]):
    plural, rule, since, missing = "deploy_templates", "baremetal:deploy_template", "1.55", 405
    new, body, answer = NewTemplate, TemplateBody, TemplateList
    summary = ("uuid", "name")
    same = ("name", "steps", "extra")
    details = False


class NewRunbook(StrictBody):
    name: str
    steps: Any
    uuid: Uuid | None = None
    extra: Object | None = None
    public: bool | None = None
    owner: str | None = None
    disable_ramdisk: bool | None = None
    description: Annotated[str | None, Since("1.112")] = None


class RunbookBody(ThingBody, kw_only=True):
    name: str | Unset = UNSET
    steps: Steps | Unset = UNSET
    extra: Object | Unset = UNSET
    public: bool | Unset = UNSET
    owner: str | Unset | None = UNSET
    disable_ramdisk: bool | Unset = UNSET
    description: Annotated[str | Unset | None, Since("1.112")] = UNSET
    traits: Annotated[list[str] | Unset, Since("1.112")] = UNSET


class RunbookList(Body, kw_only=True):
    runbooks: list[RunbookBody]
    next: str | Any = UNSET


class TraitsWish(StrictBody):
    traits: Annotated[list[str], msgspec.Meta(max_length=50)]


class RunbooksApi(ThingsApi[RunbookRow]):
    plural, rule, since, missing = "runbooks", "baremetal:runbook", "1.92", 405
    new, body, answer = NewRunbook, RunbookBody, RunbookList
    summary = ("uuid", "name")
    same = ("name", "steps", "extra", "public", "owner", "disable_ramdisk", "description", "traits")
    details = False
    list_rule = "list"
    filters = {"project": None}
    fields_since = {"description": "1.112", "traits": "1.112"}

    def __init__(self, runbooks: Runbooks) -> None:
        super().__init__(runbooks)
        self._runbooks = runbooks

    def operations(self) -> list[Operation]:
        traits = f"{self.many}/{{ident}}/traits"
        late: dict[str, Any] = {"since": "1.112", "early": False}
        rule = f"{self.rule}:update"
        return [
            *super().operations(),
            Operation("GET", traits, self.traits, policy=f"{self.rule}:get", **late),
            Operation("PUT", traits, self.set_traits, policy=rule, body=TraitsWish, status=204,
                      **late),
            Operation("DELETE", traits, self.drop_traits, policy=rule, status=204, **late),
            Operation("PUT", f"{traits}/{{trait}}", self.add_trait, policy=rule, status=204,
                      **late),
            Operation("DELETE", f"{traits}/{{trait}}", self.drop_trait, policy=rule, status=204,
                      **late),
        ]  # fmt: skip

    def target(self, tx: Tx, row: RunbookRow) -> dict[str, Any]:
        return {"runbook.owner": row.owner, "runbook.public": str(row.public)}

    def where(self, call: Call, tx: Tx) -> dict[str, Any] | None:
        asked = call.query.get("project")
        if call.allowed(f"{self.rule}:list_all", {}):
            return {} if asked is None else {"owner": asked}
        project = call.principal.project_id
        return None if project is None else {"project": project}

    def allow_new(self, call: Call, tx: Tx) -> None:
        call.allow({})
        wish: NewRunbook = call.body
        if call.allowed(f"{self.rule}:update:owner", {}):
            return
        if wish.public or (wish.owner is not None and wish.owner != call.principal.project_id):
            raise Forbidden("Only system administrators make runbooks public, or for others.")

    def given(self, call: Call, tx: Tx) -> dict[str, Any]:
        found = super().given(call, tx)
        if not found.get("public") and "owner" not in found:
            found["owner"] = call.principal.project_id
        self._check_name(call, found["name"])
        return found

    def _check_name(self, call: Call, name: Any) -> None:
        """Before 1.112 a runbook was allowed by its name, which was a trait."""
        if call.version is not None and call.version < Version(1, 112):
            trait_name("name", name)

    def allow_change(self, call: Call, tx: Tx, row: RunbookRow, changes: list[Change]) -> None:
        for change in changes:
            if change.path == ("name",):
                self._check_name(call, change.value)
        for name in ("public", "owner"):
            if any(change.path[0] == name for change in changes):
                call.allow(self.target(tx, row), f"{self.rule}:update:{name}")

    def traits(self, call: Call, tx: Tx) -> Any:
        return {"traits": self.one(call, tx).traits}

    def set_traits(self, call: Call, tx: Tx) -> None:
        self._runbooks.set_traits(tx, self.one(call, tx), call.body.traits)

    def drop_traits(self, call: Call, tx: Tx) -> None:
        self._runbooks.set_traits(tx, self.one(call, tx), [])

    def add_trait(self, call: Call, tx: Tx) -> None:
        row = self.one(call, tx)
        self._runbooks.set_traits(tx, row, [*row.traits, call.path["trait"]])

    def drop_trait(self, call: Call, tx: Tx) -> None:
        row, trait = self.one(call, tx), call.path["trait"]
        if trait not in row.traits:
            raise NotFound(f"Runbook {row.id} doesn't have a trait '{trait[:255]}'")
        self._runbooks.set_traits(tx, row, [each for each in row.traits if each != trait])


class NewRule(StrictBody):
    uuid: Uuid | None = None
    description: str | None = None
    priority: Any = None
    sensitive: bool | None = None
    phase: str | None = None
    conditions: Any = None
    actions: Any = None


class RuleBody(ThingBody, kw_only=True):
    description: str | Unset | None = UNSET
    priority: int | Unset = UNSET
    sensitive: bool | Unset = UNSET
    phase: str | Unset = UNSET
    conditions: Steps | Unset | None = UNSET
    actions: Steps | Unset | None = UNSET


class RuleList(Body, kw_only=True):
    inspection_rules: list[RuleBody]
    next: str | Any = UNSET


class RulesApi(ThingsApi[RuleRow]):
    plural, rule, since = "inspection_rules", "baremetal:inspection_rule", "1.96"
    new, body, answer = NewRule, RuleBody, RuleList
    summary = ("uuid", "description", "phase", "priority", "sensitive")
    same = ("description", "priority", "sensitive", "phase")
    details = False
    filters = {"phase": None}

    def more(self, call: Call, tx: Tx, row: RuleRow) -> dict[str, Any]:
        if row.sensitive:
            return {"conditions": None, "actions": None}
        return {"conditions": row.conditions, "actions": row.actions}

    def operations(self) -> list[Operation]:
        return [
            *super().operations(),
            Operation("DELETE", self.many, self.clear, policy=f"{self.rule}:delete",
                      since=self.since, status=204),
        ]  # fmt: skip

    def clear(self, call: Call, tx: Tx) -> None:
        for row in self._things.listing.page(tx, where={}, limit=1000):
            self._things.delete(tx, row, call.principal)
