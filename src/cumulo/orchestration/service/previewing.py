"""What an update would do, without doing it."""

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.blueprint import Blueprint, PlanScope
from cumulo.orchestration.service.checking import Checking, Wish
from cumulo.orchestration.service.live import known_properties
from cumulo.orchestration.service.reading import Reading


class Previewing(Checking, Reading):
    def changes(
        self, tx: Tx, row: StackRow, wish: Wish, who: Principal
    ) -> dict[str, list[tuple[str, str]]]:
        """What an update would do: unchanged, updated, replaced, added, deleted."""
        blueprint = self.checked(tx, row, wish, who)
        found: dict[str, list[tuple[str, str]]] = {
            word: [] for word in ("unchanged", "updated", "replaced", "added", "deleted")
        }
        rows = {each.name: each for each in self.resources(tx, row) if each.goal == "present"}
        for name in blueprint.definitions:
            kind, old = blueprint.definitions[name].type, rows.get(name)
            if old is None:
                found["added"].append((name, kind))
            elif not self.engine.types.same(old.kind, blueprint.kind_of(name)):
                found["replaced"].append((name, kind))
            elif old.digest == blueprint.digest(name) and not old.wanted:
                found["unchanged"].append((name, kind))
            else:
                found[self._kind_of_change(blueprint, name, old)].append((name, kind))
        gone = [each for name, each in rows.items() if name not in blueprint.definitions]
        found["deleted"] = [(each.name, each.type) for each in gone]
        return found

    def _kind_of_change(self, blueprint: Blueprint, name: str, old: ResourceRow) -> str:
        handler = self.engine.types.handler(old.kind)
        given = blueprint.definitions[name].properties
        now = known_properties(
            given, blueprint, PlanScope(blueprint), f"resources.{name}.properties"
        )
        schema = handler.properties
        # What follows from other resources is not known before they are looked at: it stays as it
        # is as long as they do.
        unknown = set(given) - set(now)
        changed = [
            key
            for key in {*now, *old.properties} - unknown
            if key in schema and now.get(key, schema[key].default) != old.properties.get(key)
        ]
        return "updated" if all(schema[key].update for key in changed) else "replaced"
