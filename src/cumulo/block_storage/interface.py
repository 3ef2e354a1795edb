"""What other services may ask of block storage.

An attachment is one row, owned here; compute's block device mapping is a view of it.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from cumulo.block_storage.meters import METERS
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.types import events, on

EVENTS = (
    *events(
        "block_storage",
        on("volume", "volume.create.start", host=str | None, fault=str | None),
        on(
            "volume",
            "volume.delete.start",
            *(f"volume.{v}.end" for v in ("create", "delete", "extend", "revert")),
        ),
        on("volume", "volume.extend.start", size=int),
        on("volume", "volume.reimage.start", image=str),
        on("volume", "volume.reimage.end"),
        on("volume", "volume.revert.start", snapshot=str),
        on(
            "volume",
            *(f"volume.{v}.error" for v in ("create", "delete", "extend", "reimage", "revert")),
            reason=str,
        ),
        on(
            "volume",
            *(f"volume.{verb}.{end}" for verb in ("attach", "detach") for end in ("start", "end")),
            server=str | None,
        ),
        on("volume", "volume.unmanage"),
        on("snapshot", "snapshot.unmanage"),
        on("volume", "volume.adopt", host=str, size=int),
        on("volume", "volume.upload.start", image=str),
        on("volume", "volume.upload.end"),
        on("volume", "volume.retype", before=str, after=str),
        on("volume", "volume.upload.error", reason=str),
        on("volume", "volume.update", changed=list[str]),
        on("volume", "volume.reset", status=str | None),
        on("volume_type", "volume.type.create", "volume.type.delete", name=str),
        on("volume_type", "volume.type.update"),
        on("volume_type", "volume.type.access.add", "volume.type.access.remove", project=str),
        on("volume_type", "volume.type.default", project=str),
        on("qos_specs", "volume.qos.create", "volume.qos.delete", name=str),
        on("qos_specs", "volume.qos.update"),
        on(
            "volume",
            *(f"volume.transfer.{v}" for v in ("create", "accept", "delete")),
            transfer=str,
        ),
        on("backup", "backup.create.start", volume=str),
        on(
            "backup",
            *(f"backup.{v}" for v in ("create.end", "restore.end", "update", "import")),
            *(f"backup.delete.{end}" for end in ("start", "end")),
        ),
        on("backup", "backup.create.error", "backup.delete.error", reason=str),
        on("backup", "backup.restore.start", volume=str),
        on("backup", "backup.restore.error", reason=str, volume=str),
        on("backup", "backup.reset", status=str),
        on("group_type", "group_type.create", "group_type.delete", name=str),
        on("group_type", "group_type.update"),
        on("group", "group.create", type=str),
        on("group", "group.update", added=list[str], removed=list[str]),
        on("group", "group.delete.start", "group.delete.end"),
        on("group", "group.reset", status=str),
        on("group_snapshot", "group_snapshot.create", group=str),
        on("group_snapshot", "group_snapshot.delete.start", "group_snapshot.delete.end"),
        on("group_snapshot", "group_snapshot.reset", status=str),
        on("snapshot", "snapshot.create.start", volume=str),
        on("snapshot", "snapshot.create.end", "snapshot.delete.start", "snapshot.delete.end"),
        on("snapshot", "snapshot.create.error", "snapshot.delete.error", reason=str),
        on("snapshot", "snapshot.update"),
        on("snapshot", "snapshot.reset", status=str | None),
    ),
    *(event for each in METERS for event in each.declared("block_storage")),
)


AttachmentState = Literal["attaching", "attached", "detaching"]


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that a server has, or is about to have or lose."""

    id: str
    volume_id: str
    server_id: str
    host_id: str
    device: str
    """`/dev/vdb`"""
    state: AttachmentState
    delete_on_termination: bool
    read_only: bool
    boot_index: int | None
    tag: str | None
    size: int
    """GiB"""
    generation: int
    image_id: str | None = None
    """What the volume was made of."""
    shared: bool = False
    """Several servers may have it, and write to it at once."""
    connection: dict[str, Any] | None
    """The block device for the hypervisor, as the driver describes it; None until the volume's
    host has made it ready."""
    throttle: dict[str, int] = msgspec.field(default_factory=dict)
    """What the guest may do with it in a second, in the words of QEMU's block_set_io_throttle;
    empty: without limits of its own."""


class NewVolume(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wishes of a new volume; `size` (GiB) may follow from its source."""

    size: int | None = None
    name: str | None = None
    description: str | None = None
    image_id: str | None = None
    snapshot_id: str | None = None
    source_volume_id: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] | None = None
    multiattach: bool = False
    group_id: str | None = None
    backup_id: str | None = None
    host_id: str | None = None
    """Only this host (a server that boots from it runs there)."""


class AttachedViews(Protocol):
    """Who keeps what servers' volumes look like. Compute implements it: bound late."""

    def changed(self, tx: Tx, server_ids: Sequence[str]) -> None:
        """What `attachments_of` says of these servers is another thing from now on."""


class BlockStorage(Protocol):
    def create_volume(self, tx: Tx, principal: Principal, wish: NewVolume) -> str:
        """Make a volume and return its id. It may be attached at once: the attachment's
        `connection` is None until the volume's host has made it, and the host `compute` part of
        the server's host is touched then. Raises NotFound, BadRequest, QuotaExceeded."""

    def attach(
        self,
        tx: Tx,
        principal: Principal,
        *,
        volume_id: str,
        server_id: str,
        host_id: str | None,
        device: str,
        delete_on_termination: bool = False,
        boot_index: int | None = None,
        tag: str | None = None,
    ) -> Attachment:
        """Reserve a volume for a server: the row of the attachment, state `attaching`.

        Raises NotFound (unknown or foreign volume), BadRequest (its status does not allow it, it
        is attached and not multi-attach, it is to be booted from and not bootable, it is on
        another machine), in compute's words.
        """

    def check_image(self, tx: Tx, principal: Principal, volume_id: str, image_id: str) -> None:
        """Can this image be written over a volume that a server has? Raises NotFound,
        BadRequest."""

    def write_image(self, tx: Tx, principal: Principal, volume_id: str, image_id: str) -> None:
        """What was in it goes: its host makes it anew of the image. Its server has to be off; the
        attachment's `connection` is None until it is done. Raises the same."""

    def image_written(self, tx: Tx, volume_id: str) -> bool:
        """Whether it is done. Raises BadRequest with the reason when it cannot be."""

    def check_owned(self, tx: Tx, principal: Principal, volume_id: str) -> None:
        """Raises NotFound for an unknown or foreign volume."""

    def machine_of(self, tx: Tx, volume_ids: Sequence[str]) -> str | None:
        """The host on which a server with these volumes has to be; None: on any. The first one's,
        where they are on several: `attach` refuses the others."""

    def attachments_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[Attachment]]:
        """The attachments of servers, in order of devices; servers without one are absent."""

    def detach(self, tx: Tx, attachment_id: str) -> None:
        """Ask for the end of an attachment: state `detaching` until the guest has let go."""

    def set_deletion(self, tx: Tx, attachment_id: str, wanted: bool) -> None:
        """Whether the volume goes with its server."""

    def plugged(self, tx: Tx, attachment_id: str) -> None:
        """The hypervisor has it: `attached`, and the volume is `in-use`."""

    def unplugged(self, tx: Tx, attachment_id: str) -> None:
        """The hypervisor has let go: the row goes; the volume is `available`, or deleted if the
        attachment says so and its server is gone."""

    def move_server(self, tx: Tx, server_id: str, host_id: str | None) -> None:
        """Its attachments are for this host from now on; None: it is on none, and keeps them."""

    def snapshot_attached(self, tx: Tx, principal: Principal, volume_id: str, name: str) -> str:
        """Begin a snapshot of a volume that a server has; its id. Raises BadRequest,
        QuotaExceeded."""

    def release_server(self, tx: Tx, server_id: str) -> None:
        """The server is gone from its host: the same for all its attachments."""
