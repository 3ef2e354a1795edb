"""Image, network and block storage as compute needs them: for compute's own tests.

They keep the promises of the interfaces that compute relies on, and nothing else. What they hold
is in a table of their own, so that it is undone with the transaction.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa

from cumulo.block_storage.interface import Attachment
from cumulo.core.auth.principal import Principal
from cumulo.core.db.rows import Key, Row, columns, table
from cumulo.core.db.statements import query
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.image.interface import ImageInfo
from cumulo.network.interface import FixedIp, NicRequest, PortInfo

T = TypeVar("T")
IMAGE = "11111111-1111-4111-8111-111111111111"
BIG_IMAGE = "22222222-2222-4222-8222-222222222222"
QUEUED_IMAGE = "33333333-3333-4333-8333-333333333333"
NETWORK = "44444444-4444-4444-8444-444444444444"
SUBNET = "88888888-8888-4888-8888-888888888888"
PORT = "55555555-5555-4555-8555-555555555555"
VOLUME = "66666666-6666-4666-8666-666666666666"
BOOT_VOLUME = "77777777-7777-4777-8777-777777777777"


@table("test_stand_ins")
class StandInRow(Row, frozen=True):
    id: Annotated[str, Key()]
    kind: str
    body: dict[str, Any]


ALL = query(StandInRow, sa.select(StandInRow.sql_table).order_by(columns(StandInRow).id))


def _held(tx: Tx, kind: type[T]) -> dict[str, T]:
    rows = [row for row in tx.all(ALL) if row.kind == kind.__name__]
    return {row.id: msgspec.convert(row.body, kind) for row in rows}


def _put(tx: Tx, thing: Any) -> None:
    row = StandInRow(thing.id, type(thing).__name__, msgspec.to_builtins(thing))
    if tx.get(StandInRow, thing.id) is None:
        tx.insert(row)
    else:
        tx.update(row, body=row.body)


def _drop(tx: Tx, id: str) -> None:
    row = tx.get(StandInRow, id)
    if row is not None:
        tx.delete(row)


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
            if nic.port_id not in (None, PORT):
                raise BadRequest(f"Port {nic.port_id} could not be found.")
            if nic.port_id in _held(tx, PortInfo):
                raise Conflict(f"Port {nic.port_id} is still in use.")
            id = nic.port_id or new_id()
            number = 10 + len(_held(tx, PortInfo)) % 200
            port = PortInfo(
                id=id,
                project_id=principal.project_id or "",
                network_id=NETWORK,
                network_name="private",
                mac_address=f"fa:16:3e:00:00:{number:02x}",
                fixed_ips=(FixedIp(SUBNET, nic.fixed_ip or f"10.0.0.{number}"),),
                floating_ips=(),
                security_groups=tuple(security_groups) or ("default",),
                status="ACTIVE",
                mtu=1450,
                tap=f"tap{id[:11]}",
                device_id=server_id,
                host_id=host_id,
                tag=nic.tag,
            )
            _put(tx, port)
            made.append(port)
        return made

    def ports_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        found: dict[str, list[PortInfo]] = {}
        for port in _held(tx, PortInfo).values():
            if port.device_id in server_ids:
                found.setdefault(port.device_id, []).append(port)
        return found

    def unplug(self, tx: Tx, port_id: str) -> None:
        _drop(tx, port_id)

    def unplug_server(self, tx: Tx, server_id: str) -> None:
        for port in self.ports_of(tx, [server_id]).get(server_id, []):
            _drop(tx, port.id)

    def routed_hosts(self, tx: Tx, host_id: str) -> None:
        return None


class StandInVolumes:
    """Two volumes; an attachment is connected at once."""

    def __init__(self) -> None:
        self.volumes = {VOLUME, BOOT_VOLUME}
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
        if any(each.volume_id == volume_id for each in _held(tx, Attachment).values()):
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
        _put(tx, made)
        return made

    def attachments_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[Attachment]]:
        found: dict[str, list[Attachment]] = {}
        for each in sorted(_held(tx, Attachment).values(), key=lambda one: one.device):
            if each.server_id in server_ids:
                found.setdefault(each.server_id, []).append(each)
        return found

    def detach(self, tx: Tx, attachment_id: str) -> None:
        self._state(tx, attachment_id, "detaching")

    def plugged(self, tx: Tx, attachment_id: str) -> None:
        self._state(tx, attachment_id, "attached")

    def unplugged(self, tx: Tx, attachment_id: str) -> None:
        _drop(tx, attachment_id)

    def release_server(self, tx: Tx, server_id: str) -> None:
        for each in self.attachments_of(tx, [server_id]).get(server_id, []):
            _drop(tx, each.id)

    def _state(self, tx: Tx, id: str, state: Any) -> None:
        _put(tx, msgspec.structs.replace(_held(tx, Attachment)[id], state=state))
