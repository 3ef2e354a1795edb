"""Nodes: enrolling, changing, finding, deleting."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.baremetal.model.hardware import Driver, Machine
from cumulo.baremetal.model.node import NodeRow, moved
from cumulo.baremetal.model.state import DELETABLE, Stage, provision_of
from cumulo.baremetal.queries import node as queries
from cumulo.baremetal.service import refusals
from cumulo.baremetal.service.patches import Change, patched
from cumulo.baremetal.service.secrets import Seal, kept, opened, sealed
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.ids import new_id
from cumulo.core.wire.coercions import as_bool

_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
_NAME = re.compile(r"[A-Za-z0-9\-._~]+")
_TRAIT = re.compile(r"[A-Z][A-Z0-9_]*")
MOST_BYTES = 64 * 1024
"""Of driver_info, instance_info, properties and extra together, a configuration drive apart."""
MOST_TRAITS = 50
TEXTS = {
    "name": 255,
    "driver": 255,
    "owner": 255,
    "resource_class": 80,
    "conductor_group": 255,
    "description": 4096,
    "protected_reason": 4096,
    "instance_uuid": 36,
}
DOCUMENTS = ("driver_info", "instance_info", "properties", "extra")
WRITABLE = (*TEXTS, *DOCUMENTS, "protected", "automated_clean")
FIXED = frozenset(
    (
        "uuid", "provision_state", "target_provision_state", "power_state", "target_power_state",
        "last_error", "maintenance", "maintenance_reason", "reservation", "traits", "fault",
        "created_at", "updated_at", "provision_updated_at", "driver_internal_info", "links",
        "inspection_started_at", "inspection_finished_at", "conductor", "console_enabled",
        "clean_step", "deploy_step", "raid_config", "target_raid_config", "ports", "states",
    )
)  # fmt: skip


class Nodes:
    listing = queries.NODES

    def __init__(self, drivers: Mapping[str, Driver], seal: Seal, host: str) -> None:
        self.drivers = drivers
        self.host = host
        """The name of the one conductor that there is."""
        self._seal = seal

    def get(self, tx: Tx, ident: str) -> NodeRow:
        """By id or name."""
        row = tx.get(NodeRow, ident.lower()) if _UUID.fullmatch(ident) else None
        if row is None and len(ident) <= 255:
            row = tx.one(queries.NAMED, name=ident)
        if row is None:
            raise refusals.node_not_found(ident)
        return row

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def machine(self, row: NodeRow) -> Machine:
        """What the driver is told, passwords in the open."""
        return Machine(row.id, opened(self._seal, row.driver_info, row.driver_info_sealed))

    def driver(self, row: NodeRow) -> Driver:
        """Raises Conflict where it was taken out of the settings since the node was enrolled."""
        found = self.drivers.get(row.driver)
        if found is None:
            raise Conflict(f"The driver {row.driver} of node {row.id} is not configured here.")
        return found

    def instance_info(self, row: NodeRow) -> dict[str, Any]:
        """Secrets in the open."""
        return opened(self._seal, row.instance_info, row.instance_info_sealed)

    def lacks(self, row: NodeRow) -> Mapping[str, str]:
        """Interface → what is missing for it."""
        return self.driver(row).lacks(self.machine(row).info)

    # --- writing -------------------------------------------------------------------------------

    def create(
        self, tx: Tx, given: dict[str, Any], stage: Stage, uuid: str | None, who: Principal
    ) -> NodeRow:
        values = {**dict.fromkeys(WRITABLE), **given}
        checked = self._checked(values)
        state, target = provision_of(stage, None, None, False)
        row = NodeRow(
            id=uuid.lower() if uuid else new_id(),
            interfaces=dict(self.drivers[checked["driver"]].can.interfaces),
            stage=stage,
            action=None,
            step=None,
            failed=False,
            provision_state=state,
            target_provision_state=target,
            provision_updated_at=tx.now,
            job=None,
            power_state=None,
            target_power_state=None,
            last_error=None,
            maintenance=False,
            maintenance_reason=None,
            traits=[],
            inspection_started_at=None,
            inspection_finished_at=None,
            created_at=tx.now,
            updated_at=None,
            **checked,
        )
        self._refuse_taken(tx, row, None)
        tx.insert(row)
        emit(tx, "baremetal.node.create", row.id, principal=who, name=row.name)
        return row

    def document(self, row: NodeRow) -> dict[str, Any]:
        """What a patch is applied to: all that clients may write, nothing masked."""
        values = {name: getattr(row, name) for name in WRITABLE}
        values["driver_info"] = dict(self.machine(row).info)
        values["instance_info"] = self.instance_info(row)
        return values

    def update(self, tx: Tx, row: NodeRow, changes: Sequence[Change], who: Principal) -> NodeRow:
        self.refuse_locked(row)
        old = self.document(row)
        new = patched(old, changes, FIXED)
        for name in ("driver_info", "instance_info"):
            new[name] = kept(new[name], old[name])
        changed = sorted(name for name in WRITABLE if new[name] != old[name])
        self._refuse_change(row, old, new, changed)
        checked = self._checked(new)
        if "driver" in changed:
            checked["interfaces"] = dict(self.drivers[checked["driver"]].can.interfaces)
        self._refuse_taken(tx, msgspec.structs.replace(row, **checked), row)
        row = tx.update(row, updated_at=tx.now, **checked)
        emit(tx, "baremetal.node.update", row.id, principal=who, changed=changed)
        return row

    def _refuse_change(
        self, row: NodeRow, old: dict[str, Any], new: dict[str, Any], changed: Sequence[str]
    ) -> None:
        """What may be written only where the machine's state lets it."""
        taken, wanted = old["instance_uuid"], new["instance_uuid"]
        if "instance_uuid" in changed and taken is not None and wanted is not None:
            raise Conflict(f"Node {row.id} is associated with instance {taken}.")
        if "driver" in changed and row.provision_state not in (*DELETABLE, "inspect failed"):
            raise Conflict(
                f"Node {row.id} can not have driver updated unless it is in one of allowed "
                f"({', '.join(DELETABLE)}) states or in maintenance mode."
            )
        if new["protected"] and row.provision_state not in ("active", "rescue"):
            raise Conflict(
                f"Node {row.id} can be protected only while it is active, not "
                f"{row.provision_state}."
            )

    def set_traits(self, tx: Tx, row: NodeRow, traits: Sequence[str], who: Principal) -> NodeRow:
        self.refuse_locked(row)
        wanted = sorted(set(traits))
        if len(wanted) > MOST_TRAITS:
            raise BadRequest(f"A node cannot have more than {MOST_TRAITS} traits")
        for trait in wanted:
            if not _TRAIT.fullmatch(trait) or len(trait) > 255:
                raise BadRequest(
                    f"'{trait[:255]}' is not a trait: it has to be of capitals, digits and "
                    "underscores, a standard one or with CUSTOM_ before it"
                )
        row = tx.update(row, traits=wanted, updated_at=tx.now)
        emit(tx, "baremetal.node.update", row.id, principal=who, changed=["traits"])
        return row

    def set_maintenance(
        self, tx: Tx, row: NodeRow, on: bool, reason: str | None, who: Principal
    ) -> None:
        tx.update(row, maintenance=on, maintenance_reason=reason, updated_at=tx.now)
        emit(tx, "baremetal.node.maintenance", row.id, principal=who, on=on, reason=reason)

    def set_configdrive(self, tx: Tx, row: NodeRow, drive: Any) -> NodeRow:
        """Of a deployment: it is kept sealed with the instance's other information."""
        whole = opened(self._seal, row.instance_info, row.instance_info_sealed)
        shown, token = sealed(self._seal, {**whole, "configdrive": drive})
        return tx.update(row, instance_info=shown, instance_info_sealed=token)

    def delete(self, tx: Tx, row: NodeRow, who: Principal) -> None:
        self.refuse_locked(row)
        if row.protected:
            raise refusals.protected("node delete", row)
        if not row.maintenance:
            if row.instance_uuid is not None:
                raise Conflict(f"Node {row.id} is associated with instance {row.instance_uuid}.")
            if row.provision_state not in DELETABLE:
                raise Conflict(
                    f'Can not delete node "{row.id}" while it is in provision state '
                    f'"{row.provision_state}". Valid provision states to perform deletion are: '
                    f'"{sorted(DELETABLE)}" or set the node into maintenance mode'
                )
        tx.delete(row)
        driver = self.drivers.get(row.driver)
        if driver is not None:
            tx.after_commit(lambda: driver.forget(row.id))
        emit(tx, "baremetal.node.delete", row.id, principal=who, name=row.name)

    def move(self, tx: Tx, row: NodeRow, **changes: Any) -> NodeRow:
        """Write what changes the state, and the state that follows."""
        before = row.provision_state
        row = tx.update(row, updated_at=tx.now, **moved(row, tx.now, **changes))
        if row.provision_state != before:
            state, target = row.provision_state, row.target_provision_state
            why, owner = row.last_error, row.owner
            kind = "baremetal.node.state"
            emit(tx, kind, row.id, project_id=owner, state=state, target=target, reason=why)
        return row

    def is_locked(self, row: NodeRow) -> bool:
        """A job has it for itself: it does not just wait for the machine."""
        return row.job is not None and (row.step != "wait" or row.target_power_state is not None)

    def refuse_locked(self, row: NodeRow) -> None:
        if self.is_locked(row):
            raise refusals.locked(row, self.host)

    # --- checks --------------------------------------------------------------------------------

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """The columns that these values make."""
        made: dict[str, Any] = {name: _text(name, values[name]) for name in TEXTS}
        made["conductor_group"] = (made["conductor_group"] or "").lower()
        if made["driver"] not in self.drivers:
            raise BadRequest(
                f"No valid host was found. Reason: No conductor service registered which supports "
                f"driver {made['driver']} for conductor group '{made['conductor_group']}'."
            )
        name = made["name"] = made["name"] or None
        if name is not None and (not _NAME.fullmatch(name) or _UUID.fullmatch(name)):
            raise BadRequest(f"Cannot create node with invalid name '{name}'")
        if made["instance_uuid"] is not None and not _UUID.fullmatch(made["instance_uuid"]):
            raise BadRequest(f"Expected a UUID but received {made['instance_uuid']}.")
        for flag, absent in (("protected", False), ("automated_clean", None)):
            made[flag] = absent if values[flag] is None else flag_of(flag, values[flag])
        if made["protected_reason"] is not None and not made["protected"]:
            made["protected_reason"] = None
        return made | self._documents(values)

    def _documents(self, values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for name in DOCUMENTS:
            value = {} if values[name] is None else values[name]
            if not isinstance(value, dict):
                raise BadRequest(f"{name}: '{str(value)[:100]}' is not of type 'object'")
            found[name] = value
        counted = {**found, "instance_info": {**found["instance_info"], "configdrive": None}}
        if len(msgspec.json.encode(counted)) > MOST_BYTES:
            raise BadRequest(f"{', '.join(DOCUMENTS)} hold at most {MOST_BYTES} bytes together")
        made: dict[str, Any] = {"properties": found["properties"], "extra": found["extra"]}
        for name in ("driver_info", "instance_info"):
            made[name], made[f"{name}_sealed"] = sealed(self._seal, found[name])
        return made

    def _refuse_taken(self, tx: Tx, row: NodeRow, before: NodeRow | None) -> None:
        """Names, instances and ids are of one node."""
        own = None if before is None else before.id
        if before is None and tx.get(NodeRow, row.id) is not None:
            raise Conflict(f"A node with UUID {row.id} already exists.")
        if row.name is not None:
            other = tx.one(queries.NAMED, name=row.name)
            if other is not None and other.id != own:
                raise Conflict(f"A node with name {row.name} already exists.")
        if row.instance_uuid is not None:
            where = {"instance_uuid": row.instance_uuid}
            if any(other.id != own for other in self.listing.page(tx, where=where, limit=1)):
                raise Conflict(
                    f"Instance {row.instance_uuid} is already associated with a node, it cannot "
                    "be associated with this other node"
                )


def flag_of(name: str, value: Any) -> bool:
    """Clients write `True` and `"true"`."""
    if isinstance(value, str) and len(value) < 8:
        return as_bool(value, name)
    if not isinstance(value, bool):
        raise BadRequest(f"Value for {name} is not a boolean")
    return value


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > TEXTS[name]:
        raise BadRequest(f"{name} has to be a text of at most {TEXTS[name]} characters")
    return value
