"""What a server looks like on the wire, in each version."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, TypeVar, cast

from msgspec import UNSET, Raw, field

from cumulo.block_storage.interface import Attachment
from cumulo.compute.api.common import Links, bookmark, links
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call
from cumulo.core.http.texts import Texts
from cumulo.core.wire.shapes import Body, Since, Unset, Until
from cumulo.network.interface import PortInfo

ATTRIBUTES = "os_compute_api:os-extended-server-attributes"
_PROGRESS = ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING", "DELETED")


class FlavorOfServer(Body, kw_only=True):
    """API 2.47: the flavor as it was; before it a link."""

    id: Annotated[str | Unset, Until("2.46")]
    links: Annotated[Links | Unset, Until("2.46")]
    vcpus: Annotated[int | Unset, Since("2.47")]
    ram: Annotated[int | Unset, Since("2.47")]
    disk: Annotated[int | Unset, Since("2.47")]
    ephemeral: Annotated[int | Unset, Since("2.47")]
    swap: Annotated[int | Unset, Since("2.47")]
    original_name: Annotated[str | Unset, Since("2.47")]
    extra_specs: Annotated[dict[str, str] | Unset, Since("2.47")] = UNSET


class ImageOfServer(Body, kw_only=True):
    id: str
    links: Links
    properties: Annotated[dict[str, str] | Unset, Since("2.98")] = UNSET


class VolumeOfServer(Body, kw_only=True):
    id: str
    delete_on_termination: Annotated[bool | Unset, Since("2.3")]


class AddressBody(Body, kw_only=True):
    version: int
    addr: str
    kind: str | Unset = field(name="OS-EXT-IPS:type", default=UNSET)
    mac: str | Unset = field(name="OS-EXT-IPS-MAC:mac_addr", default=UNSET)


class AddressOfUpdated(AddressBody, kw_only=True):
    kind: Annotated[str | Unset, Since("2.75")] = field(name="OS-EXT-IPS:type", default=UNSET)
    mac: Annotated[str | Unset, Since("2.75")] = field(
        name="OS-EXT-IPS-MAC:mac_addr", default=UNSET
    )


class ServerSummary(Body, kw_only=True):
    id: str
    name: str
    links: Links


class ServerBody(ServerSummary, kw_only=True):
    """GET of a server, and one of the detailed list."""

    status: str
    tenant_id: str
    user_id: str
    metadata: dict[str, str]
    hostId: str
    image: ImageOfServer | str
    flavor: FlavorOfServer
    created: str
    updated: str
    addresses: dict[str, list[AddressBody]]
    accessIPv4: str
    accessIPv6: str
    disk_config: str = field(name="OS-DCF:diskConfig")
    progress: int | Unset = UNSET
    fault: dict[str, Any] | Unset = UNSET
    zone: str | Unset = field(name="OS-EXT-AZ:availability_zone", default=UNSET)
    config_drive: str | Unset = UNSET
    key_name: str | Unset | None = None
    launched_at: str | Unset | None = field(name="OS-SRV-USG:launched_at", default=None)
    terminated_at: str | Unset | None = field(name="OS-SRV-USG:terminated_at", default=None)
    task_state: str | Unset | None = field(name="OS-EXT-STS:task_state", default=None)
    vm_state: str | Unset = field(name="OS-EXT-STS:vm_state", default=UNSET)
    power_state: int | Unset = field(name="OS-EXT-STS:power_state", default=UNSET)
    volumes: list[VolumeOfServer] | Unset = field(
        name="os-extended-volumes:volumes_attached", default=UNSET
    )
    security_groups: list[dict[str, str]] | Unset = UNSET
    host: str | Unset | None = field(name="OS-EXT-SRV-ATTR:host", default=UNSET)
    hypervisor: str | Unset | None = field(
        name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=UNSET
    )
    instance_name: str | Unset = field(name="OS-EXT-SRV-ATTR:instance_name", default=UNSET)
    reservation_id: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:reservation_id", default=UNSET
    )
    launch_index: Annotated[int | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:launch_index", default=UNSET
    )
    kernel_id: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:kernel_id", default=UNSET
    )
    ramdisk_id: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:ramdisk_id", default=UNSET
    )
    root_device_name: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:root_device_name", default=UNSET
    )
    user_data: Annotated[str | Unset | None, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:user_data", default=UNSET
    )
    hostname: Annotated[str | Unset, Since("2.3")] = field(
        name="OS-EXT-SRV-ATTR:hostname", default=UNSET
    )
    locked: Annotated[bool | Unset, Since("2.9")] = UNSET
    host_status: Annotated[str | Unset, Since("2.16")] = UNSET
    description: Annotated[str | Unset | None, Since("2.19")] = None
    tags: Annotated[list[str] | Unset, Since("2.26")] = UNSET
    trusted_image_certificates: Annotated[list[str] | Unset | None, Since("2.63")] = None
    server_groups: Annotated[list[str] | Unset, Since("2.71")] = UNSET
    locked_reason: Annotated[str | Unset | None, Since("2.73")] = None
    pinned_availability_zone: Annotated[str | Unset | None, Since("2.96")] = None
    scheduler_hints: Annotated[dict[str, Any] | Unset, Since("2.100")] = UNSET


_LATE = Since("2.75")


class UpdatedServer(ServerBody, kw_only=True):
    """The answer to PUT: before API 2.75 without the attributes of extensions."""

    addresses: dict[str, list[AddressOfUpdated]]  # type: ignore[assignment]
    zone: Annotated[str | Unset, _LATE] = field(name="OS-EXT-AZ:availability_zone", default=UNSET)
    config_drive: Annotated[str | Unset, _LATE] = UNSET
    key_name: Annotated[str | Unset | None, _LATE] = None
    launched_at: Annotated[str | Unset | None, _LATE] = field(
        name="OS-SRV-USG:launched_at", default=None
    )
    terminated_at: Annotated[str | Unset | None, _LATE] = field(
        name="OS-SRV-USG:terminated_at", default=None
    )
    task_state: Annotated[str | Unset | None, _LATE] = field(
        name="OS-EXT-STS:task_state", default=None
    )
    vm_state: Annotated[str | Unset, _LATE] = field(name="OS-EXT-STS:vm_state", default=UNSET)
    power_state: Annotated[int | Unset, _LATE] = field(name="OS-EXT-STS:power_state", default=UNSET)
    volumes: Annotated[list[VolumeOfServer] | Unset, _LATE] = field(
        name="os-extended-volumes:volumes_attached", default=UNSET
    )
    security_groups: Annotated[list[dict[str, str]] | Unset, _LATE] = UNSET
    host: Annotated[str | Unset | None, _LATE] = field(name="OS-EXT-SRV-ATTR:host", default=UNSET)
    hypervisor: Annotated[str | Unset | None, _LATE] = field(
        name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=UNSET
    )
    instance_name: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:instance_name", default=UNSET
    )
    reservation_id: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:reservation_id", default=UNSET
    )
    launch_index: Annotated[int | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:launch_index", default=UNSET
    )
    kernel_id: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:kernel_id", default=UNSET
    )
    ramdisk_id: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:ramdisk_id", default=UNSET
    )
    root_device_name: Annotated[str | Unset, _LATE] = field(
        name="OS-EXT-SRV-ATTR:root_device_name", default=UNSET
    )
    user_data: Annotated[str | Unset | None, _LATE] = field(
        name="OS-EXT-SRV-ATTR:user_data", default=UNSET
    )
    hostname: Annotated[str | Unset, _LATE] = field(name="OS-EXT-SRV-ATTR:hostname", default=UNSET)
    host_status: Annotated[str | Unset, _LATE] = UNSET


class RebuiltServer(UpdatedServer, kw_only=True):
    """The answer to `rebuild`."""

    adminPass: str | Unset = UNSET
    user_data: Annotated[str | Unset | None, Until("2.1")] = field(
        name="OS-EXT-SRV-ATTR:user_data", default=UNSET
    )
    key_name: Annotated[str | Unset | None, Since("2.54")] = None
    plain_user_data: Annotated[str | Unset | None, Since("2.57")] = field(
        name="user_data", default=None
    )


B = TypeVar("B", bound=ServerBody)
HEAD = ("id", "revision", "host_id", "metal")
"""What tells, with the edition of ports' names, whether a server looks as it did; of these alone
a page is answered that was asked for before."""
Source = tuple[ServerRow, list[PortInfo], list[Attachment], bool]
"""All that the body of a server is made of: also whether its host is alive."""


class Views:
    """Makes bodies of many servers with a few queries."""

    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute
        self._texts = Texts()

    def page(self, call: Call, tx: Tx, heads: Sequence[tuple[Any, ...]]) -> list[Raw]:
        """Servers of a page, by their HEADs, as JSON in the call's version."""
        listing = self._compute.servers.listing
        return self._encoded(call, tx, heads, lambda ids: listing.rows(tx, ids), groups=False)

    def one(self, call: Call, tx: Tx, row: ServerRow) -> Raw:
        head = tuple(getattr(row, name) for name in HEAD)
        return self._encoded(call, tx, [head], lambda ids: [row], groups=True)[0]

    def _encoded(
        self,
        call: Call,
        tx: Tx,
        heads: Sequence[tuple[Any, ...]],
        load: Callable[[list[str]], list[ServerRow]],
        *,
        groups: bool,
    ) -> list[Raw]:
        """Those that are kept, and the others made anew."""
        admin = call.allowed(ATTRIBUTES)
        reader = (groups, admin, call.principal.is_admin)
        edition = self._compute.network.ports_edition(tx)
        alive = self._alive(tx, heads) if admin else frozenset()
        sources = [
            (id, (revision, edition, metal or host in alive)) for id, revision, host, metal in heads
        ]
        texts = self._texts.find(call, sources, *reader)
        missing = [id for (id, _), text in zip(sources, texts, strict=True) if text is None]
        if missing:
            made = {}
            known = dict(sources)
            for source in self._sources(tx, load(missing), admin=admin):
                body = _shown(call, source, ServerBody, groups=groups, admin=admin)
                id = source[0].id
                if tx.writable:
                    # It may be undone, and what comes in its stead have the same revision.
                    made[id] = self._texts.made(call, body)
                else:
                    made[id] = self._texts.keep(call, id, known[id], body, *reader)
            pairs = zip(sources, texts, strict=True)
            texts = [made[id] if text is None else text for (id, _), text in pairs]
        return cast(list[Raw], texts)

    def _alive(self, tx: Tx, heads: Sequence[tuple[Any, ...]]) -> Collection[str]:
        hosts = {host for _, _, host, metal in heads if host is not None and not metal}
        return self._compute.hosts.alive(tx, sorted(hosts))

    def servers(
        self,
        call: Call,
        tx: Tx,
        rows: Sequence[ServerRow],
        kind: type[B],
        *,
        groups: bool = False,
    ) -> list[B]:
        admin = call.allowed(ATTRIBUTES)
        return [
            _shown(call, source, kind, groups=groups, admin=admin)
            for source in self._sources(tx, rows, admin=admin)
        ]

    def _sources(self, tx: Tx, rows: Sequence[ServerRow], *, admin: bool) -> list[Source]:
        ids = [row.id for row in rows if row.deleted_at is None]
        ports = self._compute.network.ports_of(tx, ids) if ids else {}
        volumes = self._compute.volumes.attachments_of(tx, ids) if ids else {}
        hosts = [row.host_id for row in rows if row.host_id is not None] if admin else []
        alive = self._compute.hosts.alive(tx, hosts)
        return [
            (
                row,
                ports.get(row.id, []),
                volumes.get(row.id, []),
                row.metal or row.host_id in alive,
            )
            for row in rows
        ]

    def server(self, call: Call, tx: Tx, row: ServerRow, kind: type[B]) -> B:
        return self.servers(call, tx, [row], kind, groups=True)[0]


def _shown(call: Call, source: Source, kind: type[B], *, groups: bool, admin: bool) -> B:
    row, ports, volumes, alive = source
    body = _body(call, row, ports, volumes, kind)
    if groups:
        named = row.hints.get("group")
        body.server_groups = [] if named is None else [str(named)]
    # API 2.90 shows the host name to everybody, before it to administrators only.
    if admin or (call.version is not None and call.version >= (2, 90)):
        body.hostname = row.hostname
    if admin:
        _add_attributes(body, row, alive=alive)
    return body


def summary(call: Call, id: str, name: str) -> ServerSummary:
    return ServerSummary(id=id, name=name, links=links(call, "servers", id))


def _body(
    call: Call,
    row: ServerRow,
    ports: Sequence[PortInfo],
    volumes: Sequence[Attachment],
    kind: type[B],
) -> B:
    flavor = row.flavor
    names = dict.fromkeys(name for port in ports for name in port.security_groups)
    updated = issubclass(kind, UpdatedServer)
    return kind(
        id=row.id,
        name=row.name,
        links=links(call, "servers", row.id),
        status=row.status,
        tenant_id=row.project_id,
        user_id=row.user_id,
        metadata=row.metadata,
        hostId=host_hash(row),
        image=_image(call, row),
        flavor=FlavorOfServer(
            id=flavor.id,
            links=bookmark(call, "flavors", flavor.id),
            vcpus=flavor.vcpus,
            ram=flavor.ram,
            disk=flavor.disk,
            ephemeral=flavor.ephemeral,
            swap=flavor.swap,
            original_name=flavor.name,
            extra_specs=flavor.extra_specs,
        ),
        created=zulu(row.created_at),
        updated=zulu(row.updated_at),
        addresses=addresses(ports, AddressOfUpdated if updated else AddressBody),
        accessIPv4=row.access_ipv4,
        accessIPv6=row.access_ipv6,
        disk_config=row.disk_config,
        progress=_progress(row),
        fault=_fault(call, row),
        zone=row.zone if row.host_id is not None else "",
        config_drive="True" if row.config_drive else "",
        key_name=None if row.key is None else row.key.name,
        launched_at=row.launched_at,
        terminated_at=row.deleted_at,
        task_state=row.task_state,
        vm_state=row.vm_state,
        power_state=row.power_state,
        volumes=[
            VolumeOfServer(id=each.volume_id, delete_on_termination=each.delete_on_termination)
            for each in volumes
        ],
        security_groups=[{"name": name} for name in names] if names else UNSET,
        locked=row.locked,
        description=row.description,
        tags=row.tags,
        locked_reason=row.locked_reason,
        pinned_availability_zone=row.pinned_zone,
        scheduler_hints=row.hints,
    )


def _add_attributes(body: ServerBody, row: ServerRow, *, alive: bool) -> None:
    """What only administrators see."""
    body.host = row.host_id
    body.hypervisor = row.host_id
    body.instance_name = row.instance_name
    body.reservation_id = row.reservation_id
    body.launch_index = row.launch_index
    body.kernel_id = ""
    body.ramdisk_id = ""
    body.root_device_name = "/dev/vda"
    body.user_data = row.user_data
    body.host_status = "" if row.host_id is None else ("UP" if alive else "DOWN")


def _image(call: Call, row: ServerRow) -> ImageOfServer | str:
    if row.image is None:
        return ""
    where = bookmark(call, "images", row.image.id)
    return ImageOfServer(id=row.image.id, links=where, properties=row.image.properties)


def _progress(row: ServerRow) -> int | Unset:
    if row.status not in _PROGRESS:
        return UNSET
    return 100 if row.status in ("ACTIVE", "DELETED") else 0


def _fault(call: Call, row: ServerRow) -> dict[str, Any] | Unset:
    if row.fault is None or row.status not in ("ERROR", "DELETED"):
        return UNSET
    found: dict[str, Any] = {
        "code": row.fault.code,
        "created": zulu(row.fault.created),
        "message": row.fault.message,
    }
    if row.fault.details and (call.principal.is_admin or row.fault.code != 500):
        found["details"] = row.fault.details
    return found


def host_hash(row: ServerRow) -> str:
    """Tells a project which of its servers share a host, and not which host it is."""
    if row.host_id is None:
        return ""
    return hashlib.sha224(f"{row.project_id}{row.host_id}".encode()).hexdigest()


def addresses(
    ports: Sequence[PortInfo], kind: type[AddressBody] = AddressBody
) -> dict[str, list[Any]]:
    """network name → addresses, floating ones behind the fixed ones"""
    found: dict[str, list[Any]] = {}
    for port in ports:
        mine = found.setdefault(port.network_name, [])
        mine += [_address(kind, fixed.ip_address, "fixed", port) for fixed in port.fixed_ips]
        mine += [_address(kind, address, "floating", port) for address in port.floating_ips]
    return found


def _address(kind: type[AddressBody], address: str, what: str, port: PortInfo) -> AddressBody:
    version = 6 if ":" in address else 4
    return kind(version=version, addr=address, kind=what, mac=port.mac_address)
