"""Nodes: enrolling, changing, finding, deleting."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.baremetal.model.chassis import ChassisRow
from cumulo.baremetal.model.hardware import INTERFACES, Driver, Machine
from cumulo.baremetal.model.node import NodeRow, moved
from cumulo.baremetal.model.state import DELETABLE, Stage, provision_of
from cumulo.baremetal.queries import node as queries
from cumulo.baremetal.queries import things
from cumulo.baremetal.service import refusals
from cumulo.baremetal.service.fields import flag_of
from cumulo.baremetal.service.patches import Change, patched
from cumulo.baremetal.service.secrets import Seal, kept, opened, sealed
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.ids import new_id

_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
_NAME = re.compile(r"[A-Za-z0-9\-._~]+")
GROUP = re.compile(r"[a-z0-9._-]*")
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
    "lessee": 255,
    "retired_reason": 255,
    "shard": 255,
    "parent_node": 36,
    "instance_name": 255,
    "chassis_uuid": 36,
    "maintenance_reason": 4096,
}
DOCUMENTS = ("driver_info", "instance_info", "properties", "extra", "network_data")
FLAGS = {
    "protected": False, "automated_clean": None, "retired": False, "disable_power_off": False,
    "maintenance": False,
}  # fmt: skip
"""Name → what it is where nobody has said."""
CHOICES = tuple(f"{name}_interface" for name in INTERFACES)
WRITABLE = (*TEXTS, *DOCUMENTS, *FLAGS, *CHOICES)
FIXED = frozenset(
    (
        "uuid", "provision_state", "target_provision_state", "power_state", "target_power_state",
        "last_error", "reservation", "traits", "fault", "allocation_uuid", "boot_mode",
        "secure_boot", "service_step", "health", "volume", "portgroups",
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
        self.forget_allocation: Callable[[Tx, NodeRow], None] = lambda tx, row: None
        """Allocations stand on nodes, and go with them."""
        self.forget_boot: Callable[[Tx, str], None] = lambda tx, node: None
        """So do the media that a node is booted from."""
        self.vifs_of: Callable[[Tx, NodeRow], list[str]] = lambda tx, row: []
        """What its cards are attached to."""
        self.told: Callable[[Tx, NodeRow], None] = lambda tx, row: None
        """Who else has to know of each change of a node, where somebody has."""
        self.left: Callable[[Tx, NodeRow], None] = lambda tx, row: None
        """The same of a node that goes. Raises Conflict where it cannot be spared."""

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

    def shards(self, tx: Tx) -> list[tuple[str | None, int]]:
        """(name, how many nodes)"""
        return [(name, int(count)) for name, count in tx.tuples(things.SHARDS)]

    def machine(self, row: NodeRow) -> Machine:
        """What the driver is told, passwords in the open."""
        info = opened(self._seal, row.driver_info, row.driver_info_sealed)
        return Machine(row.id, info, row.interfaces)

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
        checked = self._checked(tx, values, None)
        state, target = provision_of(stage, None, None, False)
        row = NodeRow(
            id=uuid.lower() if uuid else new_id(),
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
            traits=[],
            inspection_started_at=None,
            inspection_finished_at=None,
            allocation_id=None,
            console_enabled=False,
            fault=None,
            boot_mode=None,
            secure_boot=None,
            raid_config={},
            target_raid_config={},
            bios=[],
            inventory=None,
            working_on={},
            created_at=tx.now,
            updated_at=None,
            **checked,
        )
        self._refuse_taken(tx, row, None)
        tx.insert(row)
        emit(tx, "baremetal.node.create", row.id, principal=who, name=row.name)
        self.told(tx, row)
        return row

    def document(self, row: NodeRow) -> dict[str, Any]:
        """What a patch is applied to: all that clients may write, nothing masked."""
        values = {
            name: getattr(row, name)
            for name in WRITABLE
            if name not in CHOICES and name != "chassis_uuid"
        }
        values["driver_info"] = dict(self.machine(row).info)
        values["instance_info"] = self.instance_info(row)
        values["chassis_uuid"] = row.chassis_id
        return values | {f"{name}_interface": row.interfaces.get(name) for name in INTERFACES}

    def update(
        self,
        tx: Tx,
        row: NodeRow,
        changes: Sequence[Change],
        who: Principal | None,
        *,
        reset_interfaces: bool = False,
        found: bool = False,
    ) -> NodeRow:
        """`found`: by the job that has the node, not by a client."""
        old = self.document(row)
        new = patched(old, changes, FIXED)
        for name in ("driver_info", "instance_info"):
            new[name] = kept(new[name], old[name])
        changed = sorted(name for name in WRITABLE if new[name] != old[name])
        if set(changed) - {"maintenance", "maintenance_reason"} and not found:
            self.refuse_locked(row)
        self._refuse_change(row, old, new, changed)
        if "driver" in changed:
            # Without being told so, what the new driver does not know is refused.
            named = {change.path[0] for change in changes}
            for name in CHOICES:
                if reset_interfaces and name not in named:
                    new[name] = None
        elif reset_interfaces:
            raise BadRequest(
                "The reset_interfaces parameter can only be used when changing driver."
            )
        checked = self._checked(tx, new, row)
        self._refuse_moved(tx, row, checked["interfaces"])
        self._refuse_taken(tx, msgspec.structs.replace(row, **checked), row)
        if not checked["maintenance"] and row.maintenance:
            checked |= {"maintenance_reason": None, "fault": None}
        row = tx.update(row, updated_at=tx.now, **checked)
        emit(tx, "baremetal.node.update", row.id, principal=who, changed=changed)
        self.told(tx, row)
        return row

    def _refuse_change(
        self, row: NodeRow, old: dict[str, Any], new: dict[str, Any], changed: Sequence[str]
    ) -> None:
        """What may be written only where the machine's state lets it."""
        taken, wanted = old["instance_uuid"], new["instance_uuid"]
        if "instance_uuid" in changed and taken is not None and wanted is not None:
            raise Conflict(f"Node {row.id} is associated with instance {taken}.")
        rests = (*DELETABLE, "inspect failed", "inspect wait")
        still = {"driver", *CHOICES, "resource_class", "conductor_group"} & set(changed)
        if still and row.provision_state not in rests and not row.maintenance:
            what = sorted(still)[0]
            raise Conflict(
                f"Node {row.id} can not have {what} updated unless it is in one of allowed "
                f"({', '.join(rests)}) states or in maintenance mode."
            )
        if new["protected"] and row.provision_state not in ("active", "rescue"):
            raise Conflict(
                f"Node {row.id} can be protected only while it is active, not "
                f"{row.provision_state}."
            )
        for what in ("protected", "retired"):
            reason = f"{what}_reason"
            if reason in changed and new[reason] is not None and not new[what]:
                raise BadRequest(f"The {reason} can only be set when {what} is true.")
        if "retired" in changed and new["retired"] and row.provision_state == "available":
            raise Conflict(f"Node {row.id} can not be retired while it is available.")
        if "parent_node" in changed and new["parent_node"] == row.id:
            raise BadRequest(f"Node {row.id} can not be its own parent.")

    def _refuse_moved(self, tx: Tx, row: NodeRow, interfaces: Mapping[str, str]) -> None:
        """What a VIF is depends on the network interface that it was attached under."""
        if interfaces.get("network") != row.interfaces.get("network") and self.vifs_of(tx, row):
            raise Conflict(
                f"Node {row.id} can not have network_interface updated while VIFs are attached "
                "to it."
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
        self.told(tx, row)
        return row

    def set_raid(self, tx: Tx, row: NodeRow, config: dict[str, Any]) -> None:
        """What the next cleaning shall make of the disks."""
        self.refuse_locked(row)
        disks = config.get("logical_disks", [])
        if set(config) - {"logical_disks"} or not isinstance(disks, list) or len(disks) > 64:
            raise BadRequest("target_raid_config has a list logical_disks of at most 64 disks")
        for disk in disks:
            if not isinstance(disk, dict) or not {"size_gb", "raid_level"} <= set(disk):
                raise BadRequest("A logical disk has a size_gb and a raid_level")
        if len(msgspec.json.encode(config)) > MOST_BYTES:
            raise BadRequest(f"target_raid_config holds at most {MOST_BYTES} bytes")
        tx.update(row, target_raid_config=config, updated_at=tx.now)

    def set_maintenance(
        self, tx: Tx, row: NodeRow, on: bool, reason: str | None, who: Principal
    ) -> None:
        more = {} if on else {"fault": None}
        row = tx.update(row, maintenance=on, maintenance_reason=reason, updated_at=tx.now, **more)
        emit(tx, "baremetal.node.maintenance", row.id, principal=who, on=on, reason=reason)
        self.told(tx, row)

    def set_secret(self, tx: Tx, row: NodeRow, **values: Any) -> NodeRow:
        """Of a deployment or a rescue: sealed with the instance's other information; None takes
        it away."""
        whole = {**self.instance_info(row), **values}
        kept_ = {name: value for name, value in whole.items() if value is not None}
        shown, token = sealed(self._seal, kept_)
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
        if row.allocation_id is not None:
            self.forget_allocation(tx, row)
        self.forget_boot(tx, row.id)
        self.left(tx, row)
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
        self.told(tx, row)
        return row

    def is_locked(self, row: NodeRow) -> bool:
        """A job has it for itself: it does not just wait for the machine."""
        return row.job is not None and (
            row.step not in ("wait", "hold") or row.target_power_state is not None
        )

    def refuse_locked(self, row: NodeRow) -> None:
        if self.is_locked(row):
            raise refusals.locked(row, self.host)

    # --- checks --------------------------------------------------------------------------------

    def _checked(self, tx: Tx, values: dict[str, Any], before: NodeRow | None) -> dict[str, Any]:
        """The columns that these values make."""
        made: dict[str, Any] = {name: _text(name, values[name]) for name in TEXTS}
        made["conductor_group"] = (made["conductor_group"] or "").lower()
        if not GROUP.fullmatch(made["conductor_group"]):
            raise BadRequest("conductor_group is of letters, digits, dashes, dots and underscores")
        if made["driver"] not in self.drivers and (
            before is None or made["driver"] != before.driver
        ):
            raise BadRequest(
                f"No valid host was found. Reason: No conductor service registered which supports "
                f"driver {made['driver']} for conductor group '{made['conductor_group']}'."
            )
        name = made["name"] = made["name"] or None
        if name is not None and (not _NAME.fullmatch(name) or _UUID.fullmatch(name)):
            raise BadRequest(f"Cannot create node with invalid name '{name}'")
        for ident in ("instance_uuid", "chassis_uuid", "parent_node"):
            if made[ident] is not None and not _UUID.fullmatch(made[ident]):
                raise BadRequest(f"Expected a UUID but received {made[ident]}.")
        for flag, absent in FLAGS.items():
            made[flag] = absent if values[flag] is None else flag_of(flag, values[flag])
        for what in ("protected", "retired"):
            if not made[what]:
                made[f"{what}_reason"] = None
        chassis, parent = made.pop("chassis_uuid"), made["parent_node"]
        if chassis is not None and tx.get(ChassisRow, chassis.lower()) is None:
            raise BadRequest(f"Chassis {chassis} could not be found.")
        if parent is not None and tx.get(NodeRow, parent.lower()) is None:
            raise BadRequest(f"Node {parent} could not be found.")
        made["chassis_id"] = None if chassis is None else chassis.lower()
        made["interfaces"] = self._interfaces(made["driver"], values, before)
        return made | self._documents(values)

    def _interfaces(
        self, driver: str, values: dict[str, Any], before: NodeRow | None
    ) -> dict[str, str]:
        known = self.drivers.get(driver)
        if known is None:
            assert before is not None
            return before.interfaces
        found = {}
        for name in INTERFACES:
            wanted = values[f"{name}_interface"]
            choices = known.can.choices_of(name)
            if wanted is None:
                if choices:
                    found[name] = choices[0]
            elif wanted in choices:
                found[name] = wanted
            else:
                raise BadRequest(
                    f"Could not find the following interface in the '{name}' entrypoints of "
                    f"driver {driver}: {str(wanted)[:100]}. Valid interfaces are {list(choices)}."
                )
        return found

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
        made: dict[str, Any] = {
            name: found[name] for name in ("properties", "extra", "network_data")
        }
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


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > TEXTS[name]:
        raise BadRequest(f"{name} has to be a text of at most {TEXTS[name]} characters")
    return value
