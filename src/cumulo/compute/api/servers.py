"""Servers on the wire: list, create, show, update, delete."""

import ipaddress
import secrets
from typing import Any

from msgspec import UNSET, field

from cumulo.compute.api.bodies import (
    CreateServer,
    CreateServerBefore237,
    CreateServerBefore294,
    Mapping,
    NewServer,
    OldMapping,
    UpdateServer,
    UpdateServerBefore294,
    UpdateServerFrom2104,
)
from cumulo.compute.api.common import (
    Links,
    address_of,
    files_of,
    links,
    server_of,
    user_data_of,
    who,
)
from cumulo.compute.api.listing import list_servers
from cumulo.compute.api.views import HEAD, UpdatedServer, Views, summary
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.hints import checked
from cumulo.compute.service.wishes import DiskWish, ServerWish
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import next_link
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.shapes import Body
from cumulo.network.interface import NicRequest

RULE = "os_compute_api:servers"


class CreatedServer(Body, kw_only=True):
    id: str
    links: Links
    disk_config: str = field(name="OS-DCF:diskConfig")
    security_groups: list[dict[str, str]]
    adminPass: str


class ServersApi:
    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute
        self._views = Views(compute)

    def operations(self) -> list[Operation]:
        all_, one = "/servers", "/servers/{server_id}"
        create: dict[str, Any] = {
            "policy": f"{RULE}:create",
            "status": 202,
            "title": "create server",
        }
        update: dict[str, Any] = {"policy": f"{RULE}:update", "early": False}
        return [
            Operation("GET", all_, self.index, policy=f"{RULE}:index"),
            Operation("GET", "/servers/detail", self.detail, policy=f"{RULE}:detail"),
            Operation(
                "POST",
                all_,
                self.create,
                body=CreateServerBefore237,
                until="2.36",
                **create,
            ),
            Operation(
                "POST",
                all_,
                self.create,
                body=CreateServerBefore294,
                since="2.37",
                until="2.93",
                **create,
            ),
            Operation("POST", all_, self.create, body=CreateServer, since="2.94", **create),
            Operation(
                "GET",
                one,
                self.show,
                policy=f"{RULE}:show",
                early=False,
            ),
            Operation("PUT", one, self.update, body=UpdateServerBefore294, until="2.93", **update),
            Operation(
                "PUT", one, self.update, body=UpdateServer, since="2.94", until="2.103", **update
            ),
            Operation("PUT", one, self.update, body=UpdateServerFrom2104, since="2.104", **update),
            Operation("DELETE", one, self.delete, policy=f"{RULE}:delete", early=False, status=204),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        page = list_servers(call, tx, self._compute, ("id", "name"))
        return self._listed(call, page, [summary(call, id, name) for id, name in page.rows])

    def detail(self, call: Call, tx: Tx) -> Any:
        page = list_servers(call, tx, self._compute, HEAD)
        return self._listed(call, page, self._views.page(call, tx, page.rows))

    def _listed(self, call: Call, page: Any, items: Any) -> Any:
        answer: dict[str, Any] = {"servers": items}
        link = next_link(call, page, page.rows[-1][0] if page.rows else None)
        if link is not None:
            answer["servers_links"] = [{"rel": "next", "href": link}]
        return answer

    def show(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        return {"server": self._views.one(call, tx, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._compute.operations.delete(tx, server_of(call, tx, self._compute), who(call))

    def update(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        wish = call.body.server
        changes: dict[str, Any] = {
            "name": wish.name,
            "disk_config": wish.disk_config,
            "description": wish.description,
            "hostname": wish.hostname,
            "access_ipv4": wish.accessIPv4
            if wish.accessIPv4 is UNSET
            else address_of(wish.accessIPv4, 4),
            "access_ipv6": wish.accessIPv6
            if wish.accessIPv6 is UNSET
            else address_of(wish.accessIPv6, 6),
        }
        zone = getattr(wish, "pinned_availability_zone", UNSET)
        if zone is not UNSET:
            changes["pinned_zone"] = self._compute.actions.pinned(row, zone)
        given = {name: value for name, value in changes.items() if value is not UNSET}
        row = self._compute.actions.update(tx, row, given, who(call))
        return {"server": self._views.server(call, tx, row, UpdatedServer)}

    # --- create -----------------------------------------------------------------------------

    def create(self, call: Call, tx: Tx) -> Any:
        body: CreateServer = call.body
        wish = self._wish(call, body)
        rows = self._compute.making.create(tx, wish, who(call))
        first = rows[0]
        if as_bool(body.server.return_reservation_id, "return_reservation_id"):
            return {"reservation_id": first.reservation_id}
        created = CreatedServer(
            id=first.id,
            links=links(call, "servers", first.id),
            disk_config=first.disk_config,
            security_groups=[{"name": name} for name in wish.security_groups or ["default"]],
            adminPass=wish.admin_password or "",
        )
        location = created.links[0]["href"]
        return Reply(202, {"server": created}, {"Location": location})

    def _wish(self, call: Call, body: CreateServer) -> ServerWish:
        asked = body.server
        if asked.trusted_image_certificates is not UNSET and asked.trusted_image_certificates:
            raise BadRequest("Image signatures can not be verified by this cloud.")
        least = as_int(1 if asked.min_count is None else asked.min_count, "min_count", minimum=1)
        most = as_int(least if asked.max_count is None else asked.max_count, "max_count", minimum=1)
        if least > most:
            raise BadRequest("min_count must be <= max_count")
        if most > 100:
            raise BadRequest("max_count: at most 100 servers are made by one request")
        zone, host = self._where(call, asked)
        description = None if asked.description is UNSET else asked.description
        tags = [] if asked.tags is UNSET else asked.tags
        config_drive = asked.config_drive
        return ServerWish(
            name=asked.name,
            flavor_id=str(asked.flavorRef).rpartition("/")[2],
            image_id=asked.imageRef.rpartition("/")[2] or None,
            disks=_disks(asked),
            nics=_nics(asked),
            security_groups=[group.name for group in asked.security_groups],
            key_name=asked.key_name,
            user_data=user_data_of(asked.user_data),
            files=files_of(asked.personality),
            config_drive=bool(config_drive) and as_bool(config_drive or "", "config_drive"),
            metadata=asked.metadata,
            tags=list(tags),
            description=description,
            hostname=None if asked.hostname is UNSET else asked.hostname.lower(),
            zone=zone,
            host=host,
            hints=checked(body.hints or body.other_hints or {}),
            admin_password=asked.adminPass or secrets.token_urlsafe(9),
            access_ipv4=address_of(asked.accessIPv4, 4),
            access_ipv6=address_of(asked.accessIPv6, 6),
            disk_config=asked.disk_config,
            least=least,
            most=most,
        )

    def _where(self, call: Call, asked: NewServer) -> tuple[str | None, str | None]:
        """(zone, host): `nova:compute1` or, from API 2.74 on, `host`; administrators only."""
        zone, _, host = (asked.availability_zone or "").partition(":")
        host = host.partition(":")[0]
        if host:
            call.allow(action=f"{RULE}:create:forced_host")
        for name in (asked.host, asked.hypervisor_hostname):
            if name is not UNSET:
                call.allow(action="compute:servers:create:requested_destination")
                host = str(name)
        return zone or None, host or None


def _nics(asked: NewServer) -> Any:
    if asked.networks is None or asked.networks == "auto":
        return "auto"
    if isinstance(asked.networks, str):
        return "none"
    if not asked.networks:
        return "auto"
    found, seen = [], set()
    for wish in asked.networks:
        if (wish.uuid is None) == (wish.port is None):
            raise BadRequest(
                "Bad network format: exactly one of 'uuid' and 'port' is expected for each network."
            )
        if wish.port is not None and wish.fixed_ip is not None:
            raise BadRequest(
                f"Specified Fixed IP '{wish.fixed_ip}' cannot be used with port "
                f"'{wish.port}': the two cannot be specified together."
            )
        if wish.fixed_ip is not None:
            try:
                ipaddress.ip_address(wish.fixed_ip)
            except ValueError:
                raise BadRequest(f"Invalid fixed IP address ({wish.fixed_ip})") from None
        if wish.port is not None and wish.port in seen:
            raise BadRequest(f"Port ID {wish.port} was specified twice: it must be unique.")
        seen.add(wish.port)
        found.append(
            NicRequest(
                network_id=wish.uuid,
                port_id=wish.port,
                fixed_ip=wish.fixed_ip,
                tag=None if wish.tag is UNSET else wish.tag,
            )
        )
    return found


def _disks(asked: NewServer) -> list[DiskWish]:
    """Of either syntax of the block device mapping."""
    if asked.block_device_mapping and asked.block_device_mapping_v2:
        raise BadRequest(
            "Using different block_device_mapping syntaxes is not allowed in the same request."
        )
    found: list[DiskWish] = []
    for old in asked.block_device_mapping:
        if old.no_device:  # Of the image's own mapping, say: not this one.
            continue
        found.append(_old_disk(old, root=not asked.imageRef and not found))
    given = asked.block_device_mapping_v2
    return [*found, *(_disk(each) for each in given if not as_bool(each.no_device, "no_device"))]


def _old_disk(old: OldMapping, *, root: bool) -> DiskWish:
    id = old.volume_id or old.snapshot_id
    if id is None:
        raise BadRequest("Block Device Mapping is Invalid: a volume or a snapshot is needed.")
    return DiskWish(
        source="volume" if old.volume_id else "snapshot",
        destination="volume",
        id=id,
        size=_size(old.volume_size),
        boot_index=0 if root else None,
        device=_device(old.device_name),
        delete_on_termination=as_bool(old.delete_on_termination, "delete_on_termination"),
    )


def _disk(each: Mapping) -> DiskWish:
    index = None if each.boot_index is None else as_int(each.boot_index, "boot_index")
    local = each.source_type in ("image", "blank") and each.destination_type in (None, "local")
    if each.destination_type == "local" and not local:
        raise BadRequest(
            f"Block Device Mapping is Invalid: {each.source_type} cannot be mapped to a local disk."
        )
    return DiskWish(
        source=each.source_type,
        destination="local" if local else "volume",
        id=each.uuid,
        size=_size(each.volume_size),
        boot_index=index if index is None or index >= 0 else None,
        device=_device(each.device_name),
        delete_on_termination=as_bool(each.delete_on_termination, "delete_on_termination"),
        tag=None if each.tag is UNSET else str(each.tag),
        volume_type=None if each.volume_type is UNSET else each.volume_type or None,
        format=each.guest_format,
    )


def _size(given: str | int | None) -> int | None:
    return None if given in (None, "") else as_int(given or 0, "volume_size", minimum=0)


def _device(name: str | None) -> str | None:
    if not name:
        return None
    return name if name.startswith("/dev/") else f"/dev/{name}"
