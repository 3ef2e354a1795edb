"""Volumes and interfaces of a server on the wire."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.block_storage.interface import Attachment
from cumulo.compute.api.bodies import AttachInterface, AttachVolume, SwapVolume
from cumulo.compute.api.common import server_of, who
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import limit_of, offset_of
from cumulo.core.wire.coercions import as_bool
from cumulo.core.wire.shapes import Body, Since, Unset, Until, Version
from cumulo.network.interface import NicRequest, PortInfo

VOLUMES = "/servers/{server_id}/os-volume_attachments"
PORTS = "/servers/{server_id}/os-interface"


class AttachmentBody(Body, kw_only=True):
    id: Annotated[str | Unset, Until("2.88")]
    volumeId: str
    serverId: str
    device: str | None
    tag: Annotated[str | Unset | None, Since("2.70")]
    delete_on_termination: Annotated[bool | Unset, Since("2.79")]
    attachment_id: Annotated[str | Unset, Since("2.89")] = UNSET
    bdm_uuid: Annotated[str | Unset, Since("2.89")] = UNSET


class NewAttachmentBody(Body, kw_only=True):
    """The answer to an attach keeps its `id` in every version."""

    id: str
    volumeId: str
    serverId: str
    device: str | None
    tag: Annotated[str | Unset | None, Since("2.70")]
    delete_on_termination: Annotated[bool | Unset, Since("2.79")]


class InterfaceBody(Body, kw_only=True):
    port_id: str
    net_id: str
    mac_addr: str
    port_state: str
    fixed_ips: list[dict[str, str]]
    tag: Annotated[str | Unset | None, Since("2.70")]


class DevicesApi:
    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute
        self._devices = compute.devices

    def operations(self) -> list[Operation]:
        rule, ports = "os_compute_api:os-volumes-attachments", "os_compute_api:os-attach-interfaces"

        def operation(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=rule, early=False, **more)

        return [
            operation("GET", VOLUMES, self.attachments, f"{rule}:index"),
            operation(
                "POST", VOLUMES, self.attach, f"{rule}:create", body=AttachVolume, until="2.100"
            ),
            operation(
                "POST",
                VOLUMES,
                self.attach_later,
                f"{rule}:create",
                body=AttachVolume,
                status=202,
                since="2.101",
            ),
            operation(
                "PUT",
                VOLUMES + "/{volume_id}",
                self.swap,
                f"{rule}:update",
                body=SwapVolume,
                status=202,
            ),
            operation("GET", VOLUMES + "/{volume_id}", self.attachment, f"{rule}:show"),
            operation(
                "DELETE", VOLUMES + "/{volume_id}", self.detach, f"{rule}:delete", status=202
            ),
            operation("GET", PORTS, self.interfaces, f"{ports}:list"),
            operation("POST", PORTS, self.plug, f"{ports}:create", body=AttachInterface),
            operation("GET", PORTS + "/{port_id}", self.interface, f"{ports}:show"),
            operation("DELETE", PORTS + "/{port_id}", self.unplug, f"{ports}:delete", status=202),
        ]

    # --- volumes ------------------------------------------------------------------------------

    def attachments(self, call: Call, tx: Tx) -> Any:
        found = self._devices.attachments(tx, server_of(call, tx, self._compute))
        limit = limit_of(call)
        found = found[offset_of(call) :]
        chosen = found if limit is None else found[:limit]
        return {"volumeAttachments": [_attachment(each) for each in chosen]}

    def attachment(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        found = self._devices.attachment(tx, row, call.path["volume_id"])
        return {"volumeAttachment": _attachment(found)}

    def attach(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        wish = call.body.volumeAttachment
        drop = wish.delete_on_termination
        made = self._devices.attach(
            tx,
            row,
            who(call),
            volume_id=wish.volumeId,
            device=wish.device,
            tag=None if wish.tag is UNSET else wish.tag,
            delete_on_termination=drop is not UNSET and as_bool(drop, "delete_on_termination"),
            shared=_at(call, 60),
        )
        body = NewAttachmentBody(
            id=made.volume_id,
            volumeId=made.volume_id,
            serverId=row.id,
            device=made.device,
            tag=made.tag,
            delete_on_termination=made.delete_on_termination,
        )
        return {"volumeAttachment": body}

    def attach_later(self, call: Call, tx: Tx) -> None:
        """API 2.101: it is asked for; what came of it the list of attachments says."""
        self.attach(call, tx)

    def swap(self, call: Call, tx: Tx) -> None:
        row = self._row_of(call, tx)
        wish, volume_id = call.body.volumeAttachment, call.path["volume_id"]
        if wish.volumeId != volume_id:
            call.allow(action="os_compute_api:os-volumes-attachments:swap")
        given = wish.delete_on_termination
        drop = None if given is UNSET else as_bool(given, "delete_on_termination")
        if wish.volumeId == volume_id and not _at(call, 85):
            raise BadRequest("Invalid volume: the volume cannot take its own place.")
        self._devices.swap(tx, row, volume_id, wish.volumeId, who(call), drop)

    def _row_of(self, call: Call, tx: Tx) -> ServerRow:
        """The rule depends on what is asked for: see `swap`."""
        row = self._compute.servers.get(tx, call.path["server_id"], call.principal)
        if call.body.volumeAttachment.volumeId == call.path["volume_id"]:
            call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    def detach(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        self._devices.detach(tx, row, call.path["volume_id"], who(call))

    # --- interfaces ---------------------------------------------------------------------------

    def interfaces(self, call: Call, tx: Tx) -> Any:
        ports = self._devices.ports(tx, server_of(call, tx, self._compute))
        return {"interfaceAttachments": [_interface(port) for port in ports]}

    def interface(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        port = self._devices.port(tx, row, call.path["port_id"])
        return {"interfaceAttachment": _interface(port)}

    def plug(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        wish = call.body.interfaceAttachment
        if wish.net_id is not None and wish.port_id is not None:
            raise BadRequest("Must not input both network_id and port_id")
        if wish.fixed_ips and wish.net_id is None:
            raise BadRequest("Must input network_id when request IP address")
        request = None
        if wish.net_id is not None or wish.port_id is not None:
            request = NicRequest(
                network_id=wish.net_id,
                port_id=wish.port_id,
                fixed_ip=wish.fixed_ips[0].ip_address if wish.fixed_ips else None,
                tag=None if wish.tag is UNSET else wish.tag,
            )
        port = self._devices.plug(tx, row, request, who(call))
        return {"interfaceAttachment": _interface(port)}

    def unplug(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        self._devices.unplug(tx, row, call.path["port_id"], who(call))


def _at(call: Call, minor: int) -> bool:
    return call.version is not None and call.version >= Version(2, minor)


def _attachment(each: Attachment) -> AttachmentBody:
    return AttachmentBody(
        id=each.volume_id,
        volumeId=each.volume_id,
        serverId=each.server_id,
        device=each.device,
        tag=each.tag,
        delete_on_termination=each.delete_on_termination,
        attachment_id=each.id,
        bdm_uuid=each.id,
    )


def _interface(port: PortInfo) -> InterfaceBody:
    return InterfaceBody(
        port_id=port.id,
        net_id=port.network_id,
        mac_addr=port.mac_address,
        port_state=port.status,
        fixed_ips=[
            {"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address}
            for fixed in port.fixed_ips
        ],
        tag=port.tag,
    )
