"""Flavors: the verbs."""

from collections.abc import Mapping
from typing import Any

from cumulo.compute.model.flavor import FlavorAccessRow, FlavorRow
from cumulo.compute.queries import flavor as queries
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Conflict, NotFound
from cumulo.core.ids import new_id


class Flavors:
    listing = queries.FLAVORS

    def get(self, tx: Tx, flavor_id: str, principal: Principal | None = None) -> FlavorRow:
        """A flavor that the caller may see."""
        row = tx.get(FlavorRow, flavor_id)
        if row is None or (principal is not None and not self._visible(tx, row, principal)):
            raise NotFound(f"Flavor {flavor_id} could not be found.")
        return row

    def _visible(self, tx: Tx, row: FlavorRow, principal: Principal) -> bool:
        if row.is_public or principal.is_admin:
            return True
        project_id = principal.project_id
        return project_id is not None and tx.get(FlavorAccessRow, row.id, project_id) is not None

    def find(self, tx: Tx, name: str) -> FlavorRow | None:
        return tx.one(queries.NAMED, name=name)

    def create(self, tx: Tx, wishes: Mapping[str, Any], principal: Principal | None) -> FlavorRow:
        """`wishes`: columns of the row; Conflict for a name or an id that is taken."""
        if self.find(tx, wishes["name"]) is not None:
            raise Conflict(f"Flavor with name {wishes['name']} already exists.")
        flavor_id = wishes.get("id") or new_id()
        if tx.get(FlavorRow, flavor_id) is not None:
            raise Conflict(f"Flavor with ID {flavor_id} already exists.")
        row = FlavorRow(
            id=flavor_id,
            name=wishes["name"],
            vcpus=wishes["vcpus"],
            ram=wishes["ram"],
            disk=wishes["disk"],
            ephemeral=wishes.get("ephemeral", 0),
            swap=wishes.get("swap", 0),
            rxtx_factor=wishes.get("rxtx_factor", 1.0),
            is_public=wishes.get("is_public", True),
            disabled=False,
            description=wishes.get("description"),
            extra_specs={},
            created_at=tx.now,
            updated_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "compute.flavor.create", row.id, principal=principal, name=row.name)
        return row

    def update(self, tx: Tx, row: FlavorRow, principal: Principal, **changes: Any) -> FlavorRow:
        row = tx.update(row, **changes, updated_at=tx.now)
        emit(tx, "compute.flavor.update", row.id, principal=principal, changed=sorted(changes))
        return row

    def delete(self, tx: Tx, row: FlavorRow, principal: Principal) -> None:
        tx.delete(row)
        emit(tx, "compute.flavor.delete", row.id, principal=principal)

    # --- extra specs, access ------------------------------------------------------------------

    def set_specs(
        self, tx: Tx, row: FlavorRow, specs: Mapping[str, str], principal: Principal
    ) -> FlavorRow:
        return self.update(tx, row, principal, extra_specs={**row.extra_specs, **specs})

    def spec(self, row: FlavorRow, key: str) -> str:
        if key not in row.extra_specs:
            raise NotFound(f"Flavor {row.id} has no extra specs with key {key}.")
        return row.extra_specs[key]

    def drop_spec(self, tx: Tx, row: FlavorRow, key: str, principal: Principal) -> None:
        self.spec(row, key)
        rest = {name: value for name, value in row.extra_specs.items() if name != key}
        self.update(tx, row, principal, extra_specs=rest)

    def access(self, tx: Tx, row: FlavorRow) -> list[str]:
        return [each.project_id for each in tx.all(queries.ACCESS, flavor=row.id)]

    def add_access(
        self, tx: Tx, row: FlavorRow, project_id: str, principal: Principal, *, public: bool
    ) -> None:
        """`public`: to one that everybody has, too, as the API allowed before 2.7."""
        if row.is_public and not public:
            raise Conflict("Can not add access to a public flavor.")
        if not tx.insert(FlavorAccessRow(row.id, project_id), ignore_duplicate=True):
            raise Conflict(
                f"Flavor access already exists for flavor {row.id} and project {project_id} "
                "combination."
            )
        emit(tx, "compute.flavor.update", row.id, principal=principal, access_added=project_id)

    def drop_access(self, tx: Tx, row: FlavorRow, project_id: str, principal: Principal) -> None:
        if row.is_public:
            raise Conflict("Can not remove access from a public flavor.")
        if not tx.delete(FlavorAccessRow(row.id, project_id)):
            raise NotFound(f"Flavor access not found for {row.id} / {project_id} combination.")
        emit(tx, "compute.flavor.update", row.id, principal=principal, access_dropped=project_id)
