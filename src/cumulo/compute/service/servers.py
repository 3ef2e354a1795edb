"""Servers: finding, making, changing and removing them.

Making one is one transaction: quota, host, ports, volumes, row, history. What a host has to do
follows from the row; a change of what is desired grows its generation and wakes the host.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.block_storage.interface import BlockStorage, NewVolume
from cumulo.compute.meters import SERVERS
from cumulo.compute.model.flavor import snapshot
from cumulo.compute.model.hypervisor import ServerGroupRow
from cumulo.compute.model.server import (
    ACTION_EVENTS,
    JOBS,
    ActionRow,
    FlavorSnapshot,
    ImageRef,
    ServerFault,
    ServerRow,
    with_state,
)
from cumulo.compute.queries import server as queries
from cumulo.compute.service import mapping
from cumulo.compute.service.flavors import Flavors
from cumulo.compute.service.hosts import DEFAULT_ZONE, Hosts
from cumulo.compute.service.keypairs import KeyPairs
from cumulo.compute.service.placing import Placing
from cumulo.compute.service.scheduling import Scheduler, explain
from cumulo.compute.service.who import Who
from cumulo.compute.service.wishes import DiskWish, ServerWish, hostname_of
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound, QuotaExceeded
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import ImageInfo, Images
from cumulo.network.interface import Network
from cumulo.placement.interface import Placement

KIND = "compute"
GIB = 1024**3
FORMATS = {"qcow2": "qcow2", "raw": "raw", "ami": "raw", "iso": "raw"}
"""Disk formats that a host boots, and how it reads them"""
USABLE = ("active", "stopped", "paused", "suspended")
"""vm_states in which a server may be changed"""


class Servers:
    listing = queries.SERVERS

    def __init__(
        self,
        *,
        quotas: Quotas,
        jobs: Jobs,
        flavors: Flavors,
        keypairs: KeyPairs,
        hosts: Hosts,
        placement: Placement,
        images: Images,
        network: Network,
        volumes: BlockStorage,
    ) -> None:
        self.quotas = quotas
        self._jobs = jobs
        self.registry = hosts.registry
        self._flavors = flavors
        self._keypairs = keypairs
        self._hosts = hosts
        self.placement = placement
        self.images = images
        self.network = network
        self.volumes = volumes
        self._scheduler = Scheduler(hosts, placement)
        self.placing = Placing(hosts, self._scheduler)

    # --- finding ----------------------------------------------------------------------------

    def get(self, tx: Tx, server_id: str, principal: Principal) -> ServerRow:
        """A server of the caller's project, or of anybody for an administrator."""
        row = tx.get(ServerRow, server_id)
        if row is None or row.deleted_at is not None or not _owns(row, principal):
            raise NotFound(f"Instance {server_id} could not be found.")
        return row

    def get_even_deleted(self, tx: Tx, server_id: str, principal: Principal) -> ServerRow:
        row = tx.get(ServerRow, server_id)
        if row is None or not _owns(row, principal):
            raise NotFound(f"Instance {server_id} could not be found.")
        return row

    def find(self, tx: Tx, server_id: str) -> ServerRow | None:
        """For the metadata service and the host part, which ask for nobody."""
        row = tx.get(ServerRow, server_id)
        return None if row is None or row.deleted_at is not None else row

    def lived(
        self, tx: Tx, since: Moment, until: Moment, project_id: str | None = None
    ) -> list[ServerRow]:
        """Servers (of everybody, or of a project) that were there between two times, also those
        that are gone. Long by its nature: for heavy operations."""
        if project_id is None:
            living, dead = queries.LIVING, queries.DEAD
        else:
            living, dead = queries.LIVING_OF, queries.DEAD_OF
        of = {} if project_id is None else {"project": project_id}
        found = tx.all(living, until=until, **of)
        return [*found, *tx.all(dead, until=until, since=since, **of)]

    # --- writing a row ----------------------------------------------------------------------

    def save(self, tx: Tx, row: ServerRow, **changes: Any) -> ServerRow:
        """Write changes, and the state that follows from them."""
        after = msgspec.structs.replace(row, **changes)
        saved = tx.update(row, **changes, **with_state(after), updated_at=tx.now)
        SERVERS.changed(tx, row, saved)
        return saved

    def desire(self, tx: Tx, row: ServerRow, **changes: Any) -> ServerRow:
        """The same for a change that the host has to make real."""
        row = self.save(tx, row, generation=row.generation + 1, **changes)
        if row.host_id is not None:
            tell = self._hosts.registry.touch if row.present else self._hosts.registry.remove
            tell(tx, row.host_id, KIND, row.id)
        return row

    # --- actions ----------------------------------------------------------------------------

    def act(
        self, tx: Tx, row: ServerRow, action: str, who: Who, *, over: bool = False, **detail: Any
    ) -> None:
        """Note an action; `over`: it is finished with this transaction."""
        tx.insert(
            ActionRow(
                request_id=who.request_id,
                server_id=row.id,
                action=action,
                user_id=who.principal.user_id,
                project_id=who.principal.project_id or row.project_id,
                started_at=tx.now,
                updated_at=tx.now,
                finished_at=tx.now if over else None,
                event=ACTION_EVENTS.get(action, f"compute_{action}"),
                result="Success" if over else None,
                host_id=row.host_id,
            ),
            ignore_duplicate=True,
        )
        emit(
            tx,
            f"compute.server.{action}" + ("" if over else ".start"),
            row.id,
            project_id=row.project_id,
            principal=who.principal,
            request_id=who.request_id,
            **detail,
        )

    def actions(self, tx: Tx, row: ServerRow) -> list[ActionRow]:
        return tx.all(queries.ACTIONS, server=row.id)

    def finish_actions(self, tx: Tx, row: ServerRow, fault: str | None) -> None:
        """What was asked of the host is done, or failed. What a job does is its own to end."""
        open_ = tx.all(queries.OPEN_ACTIONS, server=row.id)
        self._finish(tx, row, [each for each in open_ if each.action not in JOBS], fault)

    def finish_jobs_actions(
        self, tx: Tx, row: ServerRow, actions: Sequence[str], fault: str | None
    ) -> None:
        """What a job did is done, or was undone."""
        open_ = tx.all(queries.OPEN_ACTIONS, server=row.id)
        self._finish(tx, row, [each for each in open_ if each.action in actions], fault)

    def _finish(
        self, tx: Tx, row: ServerRow, actions: Sequence[ActionRow], fault: str | None
    ) -> None:
        for action in actions:
            result = "Success" if fault is None else "Error"
            tx.update(action, finished_at=tx.now, updated_at=tx.now, result=result, message=fault)
            verb = "end" if fault is None else "error"
            emit(
                tx,
                f"compute.server.{action.action}.{verb}",
                row.id,
                project_id=row.project_id,
                request_id=action.request_id,
                reason=fault,
            )

    def require(
        self,
        row: ServerRow,
        action: str,
        *,
        vm: tuple[str, ...] = USABLE,
        task: tuple[str | None, ...] = (None,),
    ) -> None:
        """Conflict unless the server is in one of these states."""
        if row.vm_state not in vm:
            raise Conflict(
                f"Cannot '{action}' instance {row.id} while it is in vm_state {row.vm_state}"
            )
        if row.task_state not in task:
            raise Conflict(
                f"Cannot '{action}' instance {row.id} while it is in task_state {row.task_state}"
            )

    def require_unlocked(self, row: ServerRow, principal: Principal) -> None:
        if row.locked and not principal.is_admin:
            raise Conflict(f"Instance {row.id} is locked")

    # --- making -----------------------------------------------------------------------------

    def create(self, tx: Tx, wish: ServerWish, who: Who) -> list[ServerRow]:
        """Servers as wished, each on a host or in ERROR with the reason why on none.

        Raises BadRequest, Conflict, Forbidden, QuotaExceeded, in compute's words; then nothing
        is left of any of them.
        """
        principal = who.principal
        project_id = principal.need_project()
        try:
            flavor = snapshot(self._flavors.get(tx, wish.flavor_id, principal))
        except NotFound as fault:
            raise BadRequest(fault.message) from None
        wish, image = self._image(tx, wish, flavor, principal)
        volumes = mapping.checked(wish, flavor)
        self.check_metadata(tx, project_id, wish.metadata)
        count = self._take_quota(tx, project_id, flavor, wish)
        base = self._new_row(tx, wish, flavor, image, principal, project_id)
        if wish.zone is not None and not self._hosts.has_zone(tx, wish.zone):
            raise BadRequest("The requested availability zone is not available")
        group = self._group(tx, wish, project_id)
        return [
            self._create_one(tx, base, wish, volumes, who, index, count, group)
            for index in range(count)
        ]

    def _image(
        self, tx: Tx, wish: ServerWish, flavor: FlavorSnapshot, principal: Principal
    ) -> tuple[ServerWish, ImageRef | None]:
        """The image that it boots from; an image that stands for volumes becomes their mapping."""
        if wish.image_id is None:
            if not any(disk.boot_index == 0 for disk in wish.disks):
                raise BadRequest("Invalid imageRef provided.")
            return wish, None
        try:
            info = self.images.usable(tx, wish.image_id, principal)
        except (NotFound, Forbidden):
            raise BadRequest("Can not find requested image") from None
        mapped = mapping.with_image(wish, info)
        if mapped is not wish:
            return self._image(tx, mapped, flavor, principal)
        check_image(info, flavor)
        return wish, image_ref(info)

    def _take_quota(self, tx: Tx, project_id: str, flavor: FlavorSnapshot, wish: ServerWish) -> int:
        """How many servers fit into the quota, between `least` and `most`."""
        used, limits = self.quotas.usages(tx, project_id), self.quotas.limits(tx, project_id)
        each = amounts_of(flavor)
        room = [
            (limits[name] - used[name]) // amount
            for name, amount in each.items()
            if limits[name] >= 0 and amount
        ]
        count = max(wish.least, min([wish.most, *room]))
        taken = {name: amount * count for name, amount in each.items()}
        self.quotas.take(tx, project_id, **taken)
        return count

    def _new_row(
        self,
        tx: Tx,
        wish: ServerWish,
        flavor: FlavorSnapshot,
        image: ImageRef | None,
        principal: Principal,
        project_id: str,
    ) -> ServerRow:
        key = None
        if wish.key_name is not None:
            key = self._keypairs.for_server(tx, principal.user_id, wish.key_name)
        return ServerRow(
            id="",
            project_id=project_id,
            user_id=principal.user_id,
            name=wish.name,
            hostname="",
            description=wish.description,
            created_at=tx.now,
            updated_at=tx.now,
            reservation_id=f"r-{secrets.token_hex(4)}",
            flavor=flavor,
            image=image,
            key=key,
            user_data=wish.user_data,
            config_drive=wish.config_drive,
            metadata=wish.metadata,
            tags=sorted(set(wish.tags)),
            zone=wish.zone or DEFAULT_ZONE,
            pinned_zone=wish.zone,
            hints=wish.hints,
            admin_password=wish.admin_password,
            access_ipv4=wish.access_ipv4,
            access_ipv6=wish.access_ipv6,
            disk_config=wish.disk_config,
            certificates=wish.certificates,
        )

    def _group(self, tx: Tx, wish: ServerWish, project_id: str) -> ServerGroupRow | None:
        named = wish.hints.get("group")
        if named is None:
            return None
        group = tx.get(ServerGroupRow, str(named))
        if group is None or group.project_id != project_id:
            raise BadRequest(f"Instance group {named} could not be found.")
        return group

    def _create_one(
        self,
        tx: Tx,
        base: ServerRow,
        wish: ServerWish,
        volumes: Sequence[DiskWish],
        who: Who,
        index: int,
        count: int,
        group: ServerGroupRow | None,
    ) -> ServerRow:
        server_id = new_id()
        name = f"{wish.name}-{index + 1}" if wish.most > 1 and count > 1 else wish.name
        hostname = wish.hostname or hostname_of(name, server_id)
        if wish.hostname and count > 1:
            hostname = f"{wish.hostname}-{index + 1}"
        row = msgspec.structs.replace(
            base, id=server_id, name=name, hostname=hostname, launch_index=index
        )
        if group is not None:
            # Read again: an earlier server of this request may be a member already.
            group = tx.get(ServerGroupRow, group.id)
            assert group is not None
        decision = self._scheduler.place(
            tx,
            server_id,
            row.flavor,
            local_disk=row.image is not None,
            zone=wish.zone,
            host=wish.host,
            group=group,
            project_id=row.project_id,
            user_id=row.user_id,
        )
        if group is not None:
            tx.update(group, members=[*group.members, server_id])
        if decision.host is None:
            row = self._nowhere(row, explain(row, decision), tx.now)
        else:
            zone = self._hosts.on(tx, decision.host).zone
            row = msgspec.structs.replace(row, host_id=decision.host, zone=zone)
        row = msgspec.structs.replace(row, **with_state(row))
        tx.insert(row)
        SERVERS.changed(tx, None, row)
        self.act(tx, row, "create", who, name=name)
        emit(
            tx,
            "compute.server.schedule",
            row.id,
            project_id=row.project_id,
            host=decision.host,
            considered=decision.considered,
        )
        if decision.host is None:
            self.finish_actions(tx, row, "No valid host was found.")
        else:
            self._equip(tx, row, wish, volumes, who.principal, decision.host)
            self._hosts.registry.touch(tx, decision.host, KIND, row.id)
        return row

    def _nowhere(self, row: ServerRow, details: str, now: Moment) -> ServerRow:
        fault = ServerFault(
            code=500,
            message="No valid host was found. There are not enough hosts available.",
            details=details,
            created=now,
            sticky=True,
        )
        return msgspec.structs.replace(row, fault=fault)

    def _equip(
        self,
        tx: Tx,
        row: ServerRow,
        wish: ServerWish,
        volumes: Sequence[DiskWish],
        principal: Principal,
        host_id: str,
    ) -> None:
        self.network.plug_server(
            tx,
            principal,
            server_id=row.id,
            hostname=row.hostname.partition(".")[0],
            host_id=host_id,
            zone=row.zone,
            nics=wish.nics,
            security_groups=wish.security_groups,
        )
        used = own_devices(row)
        for disk in sorted(volumes, key=lambda one: one.boot_index != 0):
            device = disk.device if disk.device and disk.device not in used else None
            device = device or next_device(used)
            used.add(device)
            self.volumes.attach(
                tx,
                principal,
                volume_id=self._volume(tx, disk, principal, host_id),
                server_id=row.id,
                host_id=host_id,
                device=device,
                delete_on_termination=disk.delete_on_termination,
                boot_index=disk.boot_index,
                tag=disk.tag,
            )

    def _volume(self, tx: Tx, disk: DiskWish, principal: Principal, host_id: str) -> str:
        """The one that is named, or a new one, where the server is."""
        if disk.source == "volume":
            return disk.id or ""
        wish = NewVolume(host_id=host_id, **mapping.properties_of(disk))
        try:
            return self.volumes.create_volume(tx, principal, wish)
        except NotFound as fault:
            raise BadRequest(f"{mapping.INVALID}{fault.message}") from None
        except QuotaExceeded as fault:
            raise Forbidden(fault.message) from None

    def check_metadata(self, tx: Tx, project_id: str, metadata: Mapping[str, str]) -> None:
        most = self.quotas.limit(tx, project_id, "server_metadata_items")
        if 0 <= most < len(metadata):
            raise Forbidden(f"Maximum number of metadata items exceeds {most}")

    # --- removing ---------------------------------------------------------------------------

    def delete(self, tx: Tx, row: ServerRow, who: Who) -> None:
        """Desired becomes absent; the row goes when the host has confirmed that nothing is left."""
        self.require_unlocked(row, who.principal)
        if not row.present:
            return
        self.act(tx, row, "delete", who)
        self.end(tx, row)

    def end(self, tx: Tx, row: ServerRow) -> None:
        """It is to go, and what is at work on it ends."""
        for job in self._jobs.of(tx, row.id):
            self._jobs.cancel(tx, job.id, "its server was deleted")
        row = self.desire(tx, row, present=False)
        if row.before is not None and row.before.host_id != row.host_id:
            self.registry.remove(tx, row.before.host_id, KIND, row.id)
        if row.host_id is None:
            self.gone(tx, row)

    def gone(self, tx: Tx, row: ServerRow) -> None:
        """Nothing of it is left on a host: give everything back, in this transaction."""
        self.network.unplug_server(tx, row.id)
        self.volumes.release_server(tx, row.id)
        self.placement.release(tx, row.id)
        amounts = amounts_of(row.flavor)
        if row.before is not None:
            self.placement.release(tx, row.before.holder)
            # A resize to a smaller one gives its rest back when it is confirmed.
            old = amounts_of(row.before.flavor)
            amounts = {name: max(amount, old[name]) for name, amount in amounts.items()}
        self.quotas.give_back(tx, row.project_id, **amounts)
        if row.shelved_image_id is not None:
            self.images.remove(tx, row.shelved_image_id)
        self._leave_group(tx, row)
        self.finish_actions(tx, row, None)
        self.save(tx, row, present=False, deleted_at=tx.now, seen_power="absent", step=None)

    def _leave_group(self, tx: Tx, row: ServerRow) -> None:
        named = row.hints.get("group")
        group = None if named is None else tx.get(ServerGroupRow, str(named))
        if group is not None and row.id in group.members:
            rest = [member for member in group.members if member != row.id]
            tx.update(group, members=rest)


def _owns(row: ServerRow, principal: Principal) -> bool:
    return row.project_id == principal.project_id or principal.is_admin


def image_ref(info: ImageInfo) -> ImageRef:
    return ImageRef(
        id=info.id,
        sha512=info.sha512,
        size=info.size or 0,
        disk_format=info.disk_format,
        properties=info.properties,
        min_disk=info.min_disk,
        min_ram=info.min_ram,
    )


def check_image(info: ImageInfo, flavor: FlavorSnapshot | None) -> None:
    """Can a host boot it, and does it fit into the flavor?"""
    if info.status != "active":
        raise BadRequest(f"Image {info.id} is not active.")
    if info.disk_format not in FORMATS:
        raise BadRequest(
            f"Image {info.id} is unacceptable: Disk format {info.disk_format} is not acceptable"
        )
    if flavor is None:
        return
    if flavor.ram < info.min_ram:
        raise BadRequest("Flavor's memory is too small for requested image.")
    if flavor.disk == 0:
        return
    room = flavor.disk * GIB
    size = max(info.virtual_size or 0, info.size or 0)
    if size > room:
        raise BadRequest(
            "Flavor's disk is too small for requested image. Flavor disk is "
            f"{room} bytes, image is {size} bytes."
        )
    if info.min_disk * GIB > room:
        raise BadRequest(
            "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor "
            f"disk is {room} bytes, minimum size is {info.min_disk * GIB} bytes."
        )


def own_devices(row: ServerRow) -> set[str]:
    """The names of the disks that it has besides volumes."""
    local = [row.image is not None, row.flavor.ephemeral > 0, row.flavor.swap > 0]
    used: set[str] = set()
    for _ in range(sum(local)):
        used.add(next_device(used))
    return used


def next_device(used: set[str]) -> str:
    """The first free of /dev/vda … /dev/vdz; Forbidden when there is none."""
    for letter in "abcdefghijklmnopqrstuvwxyz":
        name = f"/dev/vd{letter}"
        if name not in used:
            return name
    raise Forbidden("The maximum allowed number of disk devices (26) is exceeded.")


def amounts_of(flavor: FlavorSnapshot) -> dict[str, int]:
    """What one server uses of the quota."""
    return {"servers": 1, "class:VCPU": flavor.vcpus, "class:MEMORY_MB": flavor.ram}
