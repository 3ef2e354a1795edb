"""Making servers: one transaction has quota, host, ports, volumes, row and history."""

import secrets
from collections.abc import Sequence

import msgspec

from cumulo.block_storage.interface import NewVolume
from cumulo.compute.meters import SERVERS
from cumulo.compute.model.flavor import snapshot
from cumulo.compute.model.hypervisor import ServerGroupRow
from cumulo.compute.model.server import (
    FlavorSnapshot,
    ImageRef,
    ServerFault,
    ServerRow,
    with_state,
)
from cumulo.compute.service import mapping
from cumulo.compute.service.flavors import Flavors
from cumulo.compute.service.hosts import DEFAULT_ZONE, Hosts
from cumulo.compute.service.keypairs import KeyPairs
from cumulo.compute.service.operations import PINNED
from cumulo.compute.service.scheduling import explain
from cumulo.compute.service.servers import (
    KIND,
    Servers,
    amounts_of,
    check_image,
    image_ref,
    next_device,
    own_devices,
)
from cumulo.compute.service.who import Who
from cumulo.compute.service.wishes import DiskWish, ServerWish, hostname_of
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Forbidden, NotFound, QuotaExceeded
from cumulo.core.ids import new_id


class _Given(Exception):
    """It could be given."""


class Making:
    def __init__(
        self, servers: Servers, flavors: Flavors, keypairs: KeyPairs, hosts: Hosts
    ) -> None:
        self._servers = servers
        self._flavors = flavors
        self._keypairs = keypairs
        self._hosts = hosts

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
        self._servers.check_metadata(tx, project_id, wish.metadata)
        self._servers.check_files(tx, project_id, wish.files)
        count = self._take_quota(tx, project_id, flavor, wish)
        base = self._new_row(tx, wish, flavor, image, principal, project_id)
        if wish.zone is not None and not self._hosts.has_zone(tx, wish.zone):
            raise BadRequest("The requested availability zone is not available")
        group = self._group(tx, wish, project_id, count)
        self._check_volumes(tx, volumes, principal)
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
            info = self._servers.images.usable(tx, wish.image_id, principal)
        except (NotFound, Forbidden):
            raise BadRequest("Can not find requested image") from None
        mapped = mapping.with_image(wish, info)
        if mapped is not wish:
            return self._image(tx, mapped, flavor, principal)
        check_image(info, flavor)
        return wish, image_ref(info)

    def _take_quota(self, tx: Tx, project_id: str, flavor: FlavorSnapshot, wish: ServerWish) -> int:
        """How many servers fit into the quota, between `least` and `most`."""
        quotas, each = self._servers.quotas, amounts_of(flavor)
        if wish.least == wish.most:
            taken = {name: amount * wish.most for name, amount in each.items()}
            quotas.take(tx, project_id, **taken)
            return wish.most
        used, limits = quotas.usages(tx, project_id), quotas.limits(tx, project_id)
        room = [
            (limits[name] - used[name]) // amount
            for name, amount in each.items()
            if limits[name] >= 0 and amount
        ]
        count = max(wish.least, min([wish.most, *room]))
        taken = {name: amount * count for name, amount in each.items()}
        quotas.take(tx, project_id, **taken)
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
        ephemerals, swap = mapping.own_of(wish, flavor)
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
            admin_password=self._servers.sealed(wish.admin_password),
            access_ipv4=wish.access_ipv4,
            access_ipv6=wish.access_ipv6,
            disk_config=wish.disk_config,
            certificates=wish.certificates,
            ephemerals=ephemerals,
            swap_mb=swap,
            tried=[] if wish.host is None else [PINNED],
        )

    def _check_volumes(self, tx: Tx, disks: Sequence[DiskWish], principal: Principal) -> None:
        """Those that are there already have to be the caller's, whatever host there is room on."""
        for volume_id in _named(disks):
            self._servers.volumes.check_owned(tx, principal, volume_id)

    def _group(
        self, tx: Tx, wish: ServerWish, project_id: str, count: int
    ) -> ServerGroupRow | None:
        named = wish.hints.get("group")
        if named is None:
            return None
        group = tx.get(ServerGroupRow, str(named))
        if group is None or group.project_id != project_id:
            raise BadRequest(f"Instance group {named} could not be found.")
        most = self._servers.quotas.limit(tx, project_id, "server_group_members")
        if 0 <= most < len(group.members) + count:
            raise Forbidden("Quota exceeded, too many servers in group")
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
        decision = self._servers.scheduler.place(
            tx,
            server_id,
            row.flavor,
            image=row.image,
            zone=wish.zone,
            host=wish.host or self._servers.volumes.machine_of(tx, _named(volumes)),
            group=group,
            project_id=row.project_id,
            user_id=row.user_id,
            hints=row.hints,
        )
        if group is not None:
            tx.update(group, members=[*group.members, server_id])
        on = decision.on
        if on is None:
            row = self._nowhere(row, explain(row, decision), tx.now)
        else:
            row = msgspec.structs.replace(row, host_id=on.host_id, zone=on.zone, metal=on.metal)
        row = msgspec.structs.replace(row, **with_state(row))
        tx.insert(row)
        SERVERS.changed(tx, None, row)
        if wish.files:
            self._servers.set_files(tx, row, wish.files)
        self._servers.act(tx, row, "create", who, name=name)
        emit(
            tx,
            "compute.server.schedule",
            row.id,
            project_id=row.project_id,
            host=decision.host,
            considered=decision.considered,
        )
        if decision.host is None:
            self._refuse_as_on_a_host(tx, row, wish, volumes, who.principal)
            self._servers.finish_actions(tx, row, "No valid host was found.")
        else:
            self._equip(tx, row, wish, volumes, who.principal, decision.host)
            if row.metal:
                self._servers.wake_metal(tx)
            else:
                self._servers.registry.touch(tx, decision.host, KIND, row.id)
        return row

    def _refuse_as_on_a_host(
        self,
        tx: Tx,
        row: ServerRow,
        wish: ServerWish,
        volumes: Sequence[DiskWish],
        principal: Principal,
    ) -> None:
        """What nobody may be given is refused whether there is room or not: it is given, and taken
        back."""

        def give() -> None:
            self._equip(tx, row, wish, volumes, principal, None)
            raise _Given

        found = tx.attempt(give)
        if not isinstance(found, _Given | None):
            raise found

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
        host_id: str | None,
    ) -> None:
        self._servers.network.plug_server(
            tx,
            principal,
            server_id=row.id,
            hostname=row.hostname.partition(".")[0],
            host_id=host_id or "",
            zone=row.zone,
            nics=wish.nics,
            security_groups=wish.security_groups,
        )
        used = own_devices(row)
        for disk in sorted(volumes, key=lambda one: one.boot_index != 0):
            device = disk.device if disk.device and disk.device not in used else None
            device = device or next_device(used)
            used.add(device)
            self._servers.volumes.attach(
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

    def _volume(self, tx: Tx, disk: DiskWish, principal: Principal, host_id: str | None) -> str:
        """The one that is named, or a new one, where the server is."""
        if disk.source == "volume":
            return disk.id or ""
        wish = NewVolume(host_id=host_id, **mapping.properties_of(disk))
        try:
            return self._servers.volumes.create_volume(tx, principal, wish)
        except NotFound as fault:
            raise BadRequest(f"{mapping.INVALID}{fault.message}") from None
        except QuotaExceeded as fault:
            raise Forbidden(fault.message) from None


def _named(volumes: Sequence[DiskWish]) -> list[str]:
    """Those that are there already, the one to boot from first."""
    ordered = sorted(volumes, key=lambda disk: disk.boot_index != 0)
    return [disk.id for disk in ordered if disk.source == "volume" and disk.id]
