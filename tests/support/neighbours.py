"""Image, network and block storage as compute needs them, in memory: for compute's own tests.

They keep the promises of the interfaces that compute relies on, and nothing else; what they hold
is not undone when a transaction fails.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from cumulo.block_storage.interface import Attachment
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.image.interface import ImageInfo
from cumulo.network.interface import FixedIp, NicRequest, PortInfo

IMAGE = "11111111-1111-4111-8111-111111111111"
BIG_IMAGE = "22222222-2222-4222-8222-222222222222"
QUEUED_IMAGE = "33333333-3333-4333-8333-333333333333"
NETWORK = "44444444-4444-4444-8444-444444444444"
SUBNET = "88888888-8888-4888-8888-888888888888"
PORT = "55555555-5555-4555-8555-555555555555"
VOLUME = "66666666-6666-4666-8666-666666666666"
BOOT_VOLUME = "77777777-7777-4777-8777-777777777777"


def _image(id: str, **more: Any) -> ImageInfo:
    known: dict[str, Any] = {
        "name": "guest",
        "status": "active",
        "owner": None,
        "disk_format": "qcow2",
        "container_format": "bare",
        "size": 20 * 2**20,
        "virtual_size": 64 * 2**20,
        "sha512": "ab" * 64,
        "min_disk": 0,
        "min_ram": 0,
        "protected": False,
        "properties": {"os_distro": "debian"},
        "path": "/nowhere/guest",
    }
    return ImageInfo(id=id, **{**known, **more})


class StandInImages:
    def __init__(self) -> None:
        self.images = {
            IMAGE: _image(IMAGE),
            BIG_IMAGE: _image(BIG_IMAGE, virtual_size=2**40, min_ram=512),
            QUEUED_IMAGE: _image(QUEUED_IMAGE, status="queued", path=None),
        }

    def usable(self, tx: Tx, image_id: str, principal: Principal) -> ImageInfo:
        if image_id not in self.images:
            raise NotFound(f"No image found with ID {image_id}")
        return self.images[image_id]

    def find(self, tx: Tx, image_ids: Sequence[str]) -> dict[str, ImageInfo]:
        return {id: self.images[id] for id in image_ids if id in self.images}


class StandInNetwork:
    """One network, `private`, and one port that was made before."""

    def __init__(self) -> None:
        self.ports: dict[str, PortInfo] = {}
        self.next = 10
        self.given = {PORT}

    def plug_server(
        self,
        tx: Tx,
        principal: Principal,
        *,
        server_id: str,
        hostname: str,
        host_id: str,
        zone: str,
        nics: Sequence[NicRequest] | Literal["auto", "none"],
        security_groups: Sequence[str] = (),
    ) -> list[PortInfo]:
        if nics == "none":
            return []
        wanted = [NicRequest(network_id=NETWORK)] if nics == "auto" else list(nics)
        made = []
        for nic in wanted:
            assert not isinstance(nic, str)
            if nic.network_id not in (None, NETWORK):
                raise BadRequest(f"Network {nic.network_id} could not be found.")
            if nic.port_id is not None and nic.port_id not in self.given:
                raise BadRequest(f"Port {nic.port_id} could not be found.")
            if nic.port_id in self.ports:
                raise Conflict(f"Port {nic.port_id} is still in use.")
            self.next += 1
            id = nic.port_id or new_id()
            port = PortInfo(
                id=id,
                project_id=principal.project_id or "",
                network_id=NETWORK,
                network_name="private",
                mac_address=f"fa:16:3e:00:00:{self.next:02x}",
                fixed_ips=(FixedIp(SUBNET, nic.fixed_ip or f"10.0.0.{self.next}"),),
                floating_ips=(),
                security_groups=tuple(security_groups) or ("default",),
                status="ACTIVE",
                mtu=1450,
                tap=f"tap{id[:11]}",
                device_id=server_id,
                host_id=host_id,
                tag=nic.tag,
            )
            self.ports[id] = port
            made.append(port)
        return made

    def ports_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        found: dict[str, list[PortInfo]] = {}
        for port in self.ports.values():
            if port.device_id in server_ids:
                found.setdefault(port.device_id, []).append(port)
        return found

    def unplug(self, tx: Tx, port_id: str) -> None:
        self.ports.pop(port_id, None)

    def unplug_server(self, tx: Tx, server_id: str) -> None:
        self.ports = {id: port for id, port in self.ports.items() if port.device_id != server_id}

    def routed_hosts(self, tx: Tx, host_id: str) -> None:
        return None


class StandInVolumes:
    """Two volumes; an attachment is connected at once."""

    def __init__(self) -> None:
        self.volumes = {VOLUME, BOOT_VOLUME}
        self.attached: dict[str, Attachment] = {}
        self.connected = True

    def attach(
        self,
        tx: Tx,
        principal: Principal,
        *,
        volume_id: str,
        server_id: str,
        host_id: str,
        device: str,
        delete_on_termination: bool = False,
        boot_index: int | None = None,
        tag: str | None = None,
    ) -> Attachment:
        if volume_id not in self.volumes:
            raise NotFound(f"Volume {volume_id} could not be found.")
        if any(each.volume_id == volume_id for each in self.attached.values()):
            raise Conflict(f"volume {volume_id} already attached")
        made = Attachment(
            id=new_id(),
            volume_id=volume_id,
            server_id=server_id,
            host_id=host_id,
            device=device,
            state="attaching",
            delete_on_termination=delete_on_termination,
            read_only=False,
            boot_index=boot_index,
            tag=tag,
            size=1,
            generation=1,
            connection={"driver": "null-co"} if self.connected else None,
        )
        self.attached[made.id] = made
        return made

    def attachments_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[Attachment]]:
        found: dict[str, list[Attachment]] = {}
        for each in sorted(self.attached.values(), key=lambda one: one.device):
            if each.server_id in server_ids:
                found.setdefault(each.server_id, []).append(each)
        return found

    def detach(self, tx: Tx, attachment_id: str) -> None:
        self._state(attachment_id, "detaching")

    def plugged(self, tx: Tx, attachment_id: str) -> None:
        self._state(attachment_id, "attached")

    def unplugged(self, tx: Tx, attachment_id: str) -> None:
        del self.attached[attachment_id]

    def release_server(self, tx: Tx, server_id: str) -> None:
        self.attached = {
            id: each for id, each in self.attached.items() if each.server_id != server_id
        }

    def _state(self, id: str, state: Any) -> None:
        self.attached[id] = msgspec.structs.replace(self.attached[id], state=state)
