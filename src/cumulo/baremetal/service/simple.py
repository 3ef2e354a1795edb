"""Chassis, deploy templates, runbooks, inspection rules: what stands by itself."""

from collections.abc import Sequence
from typing import Any

from cumulo.baremetal.model.chassis import ChassisRow
from cumulo.baremetal.model.rule import RuleRow
from cumulo.baremetal.model.template import RunbookRow, TemplateRow
from cumulo.baremetal.queries import things as queries
from cumulo.baremetal.service import fields
from cumulo.baremetal.service.rules import check_rule
from cumulo.baremetal.service.things import FIXED, Things
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest

MOST_RULES = 1000
MOST_TRAITS = 50


class Chassis(Things[ChassisRow]):
    noun, title = "chassis", "Chassis"
    row, listing = ChassisRow, queries.CHASSIS
    fields = {"description": fields.text(255), "extra": fields.document()}
    fixed = FIXED | {"nodes"}

    def refuse_delete(self, tx: Tx, row: ChassisRow) -> None:
        if int(tx.value(queries.NODES_IN, chassis_id=row.id)):
            raise BadRequest(f"Chassis {row.id} contains nodes and can not be deleted.")


class Templates(Things[TemplateRow]):
    noun, title = "deploy_template", "Deploy template"
    row, listing = TemplateRow, queries.TEMPLATES
    named = True
    fields = {
        "name": fields.trait_name,
        "steps": fields.steps_of("priority"),
        "extra": fields.document(),
    }

    def columns(self, tx: Tx, values: dict[str, Any], before: TemplateRow | None) -> dict[str, Any]:
        told = f"A deploy template with name {values['name']} already exists."
        self.refuse_taken(tx, before, told, name=values["name"])
        return values

    def named_by(self, tx: Tx, traits: Sequence[str]) -> list[TemplateRow]:
        """A node's traits name them; the first at last, so that it counts most."""
        found = []
        for trait in list(dict.fromkeys(map(str, traits)))[:MOST_TRAITS]:
            found += self.listing.page(tx, where={"name": trait}, limit=1)
        return found[::-1]


class Runbooks(Things[RunbookRow]):
    noun, title = "runbook", "Runbook"
    row, listing = RunbookRow, queries.RUNBOOKS
    named = True
    fields = {
        "name": fields.logical_name,
        "steps": fields.steps_of("order"),
        "public": fields.flag(False),
        "owner": fields.text(255),
        "disable_ramdisk": fields.flag(False),
        "description": fields.text(4096),
        "extra": fields.document(),
    }
    fixed = FIXED | {"traits"}

    def first(self) -> dict[str, Any]:
        return {"traits": []}

    def columns(self, tx: Tx, values: dict[str, Any], before: RunbookRow | None) -> dict[str, Any]:
        if not values["name"]:
            raise BadRequest("A runbook needs a name")
        if values["public"] and values["owner"] is not None:
            if before is not None and before.owner is not None and not before.public:
                # What is public is nobody's.
                values["owner"] = None
            else:
                raise BadRequest("A runbook is public or has an owner, not both")
        told = f"A runbook with name {values['name']} already exists."
        self.refuse_taken(tx, before, told, name=values["name"])
        return values

    def set_traits(self, tx: Tx, row: RunbookRow, traits: list[str]) -> RunbookRow:
        checked = sorted(set(fields.traits("traits", traits)))
        return tx.update(row, traits=checked, updated_at=tx.now)


class Rules(Things[RuleRow]):
    noun, title = "inspection_rule", "Inspection rule"
    row, listing = RuleRow, queries.RULES
    fields = {
        "description": fields.text(255),
        "priority": fields.number(0, 9999, 0),
        "sensitive": fields.flag(False),
        "phase": fields.text(16, choices=("main",)),
        "conditions": fields.operations,
        "actions": fields.operations,
    }

    def columns(self, tx: Tx, values: dict[str, Any], before: RuleRow | None) -> dict[str, Any]:
        if before is None and self.listing.count(tx, {}) >= MOST_RULES:
            raise BadRequest(f"There are {MOST_RULES} inspection rules at most")
        if before is not None and before.sensitive and not values["sensitive"]:
            raise BadRequest("A sensitive inspection rule cannot be made readable")
        if not values["actions"]:
            raise BadRequest("An inspection rule needs actions")
        check_rule(values["conditions"], values["actions"])
        return {**values, "phase": values["phase"] or "main"}

    def all(self, tx: Tx) -> list[RuleRow]:
        """In the order in which they are applied."""
        return self.listing.page(tx, where={}, limit=MOST_RULES)
