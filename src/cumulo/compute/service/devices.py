"""Volumes and ports of a server that is there: plugging and unplugging."""

from cumulo.block_storage.interface import Attachment
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.servers import Servers, next_device, own_devices
from cumulo.compute.service.who import Who
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.network.interface import NicRequest, PortInfo

ATTACHABLE = (
    *("active", "paused", "stopped", "resized", "soft-delete", "shelved", "shelved_offloaded"),
)
"""vm_states in which volumes come and go: what a suspended server has in memory knows them."""
PLUGGABLE = ("active", "paused", "stopped")


class Devices:
    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    # --- volumes ------------------------------------------------------------------------------

    def attachments(self, tx: Tx, row: ServerRow) -> list[Attachment]:
        return self._servers.volumes.attachments_of(tx, [row.id]).get(row.id, [])

    def attachment(self, tx: Tx, row: ServerRow, volume_id: str) -> Attachment:
        for found in self.attachments(tx, row):
            if found.volume_id == volume_id:
                return found
        raise NotFound(f"Instance {row.id} is not attached.: volume {volume_id}")

    def attach(
        self,
        tx: Tx,
        row: ServerRow,
        who: Who,
        *,
        volume_id: str,
        device: str | None,
        tag: str | None,
        delete_on_termination: bool,
        shared: bool = True,
    ) -> Attachment:
        """`shared`: the client knows of volumes that several servers have (API 2.60)."""
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "attach_volume", vm=ATTACHABLE)
        away = row.vm_state == "shelved_offloaded"
        host_id = None if away else _host_of(row)
        used = {each.device for each in self.attachments(tx, row)} | own_devices(row)
        if device is not None and not device.startswith("/dev/"):
            device = f"/dev/{device}"
        if device is not None and device in used:
            raise Conflict(f"The supplied device path ({device}) is in use.")
        found = self._servers.volumes.attach(
            tx,
            who.principal,
            volume_id=volume_id,
            server_id=row.id,
            host_id=host_id,
            device=device or next_device(used),
            delete_on_termination=delete_on_termination,
            tag=tag,
        )
        if found.shared and not shared:
            raise BadRequest(
                "Multiattach volumes are only supported starting with compute API version 2.60."
            )
        self._servers.act(tx, row, "attach_volume", who, volume=volume_id)
        if away:
            # It has the volume from now on, and finds it on whatever host it goes to.
            self._servers.volumes.plugged(tx, found.id)
            self._servers.finish_actions(tx, row, None)
        else:
            self._servers.desire(tx, row)
        return found

    def swap(
        self, tx: Tx, row: ServerRow, volume_id: str, other: str, who: Who, drop: bool | None
    ) -> None:
        """`drop`: whether the volume goes with the server, from now on. Another volume takes its
        place only while block storage moves it, and that it does by itself."""
        self._servers.require_unlocked(row, who.principal)
        found = self.attachment(tx, row, volume_id)
        if other != volume_id:
            self._servers.require(row, "swap_volume", vm=("active", "paused", "resized"))
            raise Conflict(
                f"Volume {volume_id} is not being migrated: another one cannot take its place."
            )
        if drop is not None and drop != found.delete_on_termination:
            self._servers.volumes.set_deletion(tx, found.id, drop)

    def detach(self, tx: Tx, row: ServerRow, volume_id: str, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        found = self.attachment(tx, row, volume_id)
        if found.boot_index == 0:
            raise Forbidden("Cannot detach a root device volume")
        self._servers.require(row, "detach_volume", vm=ATTACHABLE)
        if found.state == "detaching":
            raise BadRequest(
                "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. "
                "Volume status must be 'in-use' and attach_status must be 'attached' to detach."
            )
        self._servers.volumes.detach(tx, found.id)
        self._servers.act(tx, row, "detach_volume", who, volume=volume_id)
        if row.host_id is None:
            self._servers.volumes.unplugged(tx, found.id)
            self._servers.finish_actions(tx, row, None)
        else:
            self._servers.desire(tx, row)

    # --- ports --------------------------------------------------------------------------------

    def ports(self, tx: Tx, row: ServerRow) -> list[PortInfo]:
        return self._servers.network.ports_of(tx, [row.id]).get(row.id, [])

    def port(self, tx: Tx, row: ServerRow, port_id: str) -> PortInfo:
        for found in self.ports(tx, row):
            if found.id == port_id:
                return found
        raise NotFound(f"Port id {port_id} could not be found.")

    def plug(self, tx: Tx, row: ServerRow, request: NicRequest | None, who: Who) -> PortInfo:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "attach_interface", vm=PLUGGABLE)
        before = {port.id for port in self.ports(tx, row)}
        made = self._servers.network.plug_server(
            tx,
            who.principal,
            server_id=row.id,
            hostname=row.hostname.partition(".")[0],
            host_id=_host_of(row),
            zone=row.zone,
            nics="auto" if request is None else [request],
        )
        new = [port_id for port_id in made if port_id not in before]
        if not new:
            raise BadRequest("No network that an interface could be made on was found.")
        if row.metal:
            self._servers.plug_metal(tx, row, None)
        self._servers.act(tx, row, "attach_interface", who, port=new[0])
        self._servers.desire(tx, row)
        return self.port(tx, row, new[0])

    def unplug(self, tx: Tx, row: ServerRow, port_id: str, who: Who) -> None:
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "detach_interface", vm=PLUGGABLE)
        self.port(tx, row, port_id)
        self._servers.act(tx, row, "detach_interface", who, port=port_id)
        if row.metal:
            self._servers.plug_metal(tx, row, port_id)
        self._servers.network.unplug(tx, port_id)
        self._servers.desire(tx, row)


def _host_of(row: ServerRow) -> str:
    if row.host_id is None:
        raise Conflict(f"Instance {row.id} is not ready")
    return row.host_id
