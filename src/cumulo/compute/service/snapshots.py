"""Images of servers: createImage, backups with their rotation, and the copy that a shelf needs.

The image's row is made with the request; a job (`compute.image`) copies the root disk on its host
and uploads it. A server that boots from a volume is kept as snapshots of its volumes, which the
image's `block_device_mapping` names.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.block_storage.interface import Attachment
from cumulo.compute.model.server import BackupRow, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.servers import USABLE, Servers
from cumulo.compute.service.who import Who
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import NewImage

IMAGE = "compute.image"
_OF_ITS_OWN = (
    *("image_type", "instance_uuid", "user_id", "base_image_ref", "backup_type"),
    *("block_device_mapping", "bdm_v2", "root_device_name", "cache_in_nova"),
    *("os_glance_", "signature_verified"),
)
"""Properties that an image of a server does not have from the server's own image."""
PROPERTY_LENGTH = 255


class Copying(msgspec.Struct, frozen=True):
    """The memo of the job that makes an image of a server."""

    image_id: str
    action: str
    request_id: str
    user_id: str
    user_name: str
    project_id: str
    backup: str | None = None
    rotation: int = 0


class Snapshots:
    def __init__(self, servers: Servers, jobs: Jobs) -> None:
        self._servers = servers
        self._jobs = jobs

    def create(
        self, tx: Tx, row: ServerRow, name: str, metadata: Mapping[str, str], who: Who
    ) -> str:
        """The id of the image that it will be."""
        self._servers.require(row, "createImage", vm=USABLE)
        self._servers.check_metadata(tx, row.project_id, metadata)
        if row.image is None:
            return self._of_volumes(tx, row, name, metadata, who)
        return self._begin(tx, row, name, dict(metadata), who, "createImage")

    def backup(
        self,
        tx: Tx,
        row: ServerRow,
        name: str,
        kind: str,
        rotation: int,
        metadata: Mapping[str, str],
        who: Who,
    ) -> str:
        """The same; of its kind only the `rotation` newest ones stay."""
        self._servers.require_unlocked(row, who.principal)
        self._servers.require(row, "createBackup", vm=USABLE)
        self._servers.check_metadata(tx, row.project_id, metadata)
        if row.image is None:
            raise BadRequest("Backup is not supported for volume-backed instances.")
        properties = {**metadata, "backup_type": kind, "image_type": "backup"}
        image_id = self._begin(
            tx, row, name, properties, who, "createBackup", backup=kind, rotation=rotation
        )
        tx.insert(BackupRow(image_id, row.id, kind, tx.now))
        return image_id

    def _begin(
        self,
        tx: Tx,
        row: ServerRow,
        name: str,
        properties: dict[str, str],
        who: Who,
        action: str,
        **more: Any,
    ) -> str:
        principal = who.principal
        image_id = self.reserve(tx, row, name, principal, properties)
        self._servers.act(tx, row, action, who, image=image_id)
        task = "image_snapshot_pending" if action == "createImage" else "image_backup"
        self._servers.save(tx, row, operation=task)
        memo = Copying(
            image_id=image_id,
            action=action,
            request_id=who.request_id,
            user_id=principal.user_id,
            user_name=principal.user_name,
            project_id=principal.project_id or row.project_id,
            **more,
        )
        self._jobs.begin(tx, IMAGE, row.id, memo, project_id=row.project_id)
        return image_id

    def reserve(
        self,
        tx: Tx,
        row: ServerRow,
        name: str,
        principal: Principal,
        properties: Mapping[str, str],
        **more: Any,
    ) -> str:
        """The row of an image, with what it has from the server's own image."""
        image = row.image
        kept = {} if image is None else image.properties
        own = {
            key: value
            for key, value in kept.items()
            if not key.startswith(_OF_ITS_OWN) and len(value) <= PROPERTY_LENGTH
        }
        about = {"image_type": "snapshot", "instance_uuid": row.id, "user_id": principal.user_id}
        about["base_image_ref"] = "" if image is None else image.id
        wish = {
            "disk_format": "qcow2",
            "min_disk": row.flavor.disk,
            "min_ram": 0 if image is None else image.min_ram,
            **more,
        }
        named = NewImage(name=name, properties={**own, **about, **properties}, **wish)
        return self._servers.images.reserve(tx, principal, named)

    # --- servers that boot from a volume ---------------------------------------------------------

    def _of_volumes(
        self, tx: Tx, row: ServerRow, name: str, metadata: Mapping[str, str], who: Who
    ) -> str:
        volumes = self._servers.volumes
        attached = volumes.attachments_of(tx, [row.id]).get(row.id, [])
        if any(each.state != "attached" for each in attached):
            raise Conflict(f"Cannot 'createImage' instance {row.id} while a volume is on its way")
        mapping = []
        for each in attached:
            title = f"snapshot for {name}"
            made = volumes.snapshot_attached(tx, who.principal, each.volume_id, title)
            mapping.append(_mapping(each, made))
        properties = {
            **metadata,
            "bdm_v2": "True",
            "root_device_name": "/dev/vda",
            "block_device_mapping": msgspec.json.encode(mapping).decode(),
        }
        image_id = self.reserve(tx, row, name, who.principal, properties, min_disk=0)
        self._servers.images.activate_empty(tx, image_id)
        self._servers.act(tx, row, "createImage", who, over=True, image=image_id)
        return image_id

    # --- rotation --------------------------------------------------------------------------------

    def rotate(self, tx: Tx, server_id: str, kind: str, keep: int) -> None:
        """The oldest backups of a kind go; with 0 all do. Those that somebody has deleted are none
        any more, and those that somebody has protected stay, as in Glance."""
        rows = tx.all(queries.BACKUPS, server=server_id, kind=kind)
        images = self._servers.images.find(tx, [row.image_id for row in rows])
        for row in rows:
            if row.image_id not in images:
                tx.delete(row)
        there = [row for row in rows if row.image_id in images]
        for row in there[keep:]:
            if not images[row.image_id].protected:
                self._servers.images.remove(tx, row.image_id)
                tx.delete(row)

    def forget(self, tx: Tx, image_id: str) -> None:
        """It has become no backup."""
        row = tx.get(BackupRow, image_id)
        if row is not None:
            tx.delete(row)


def _mapping(each: Attachment, snapshot_id: str) -> dict[str, Any]:
    return {
        "source_type": "snapshot",
        "destination_type": "volume",
        "snapshot_id": snapshot_id,
        "volume_size": each.size,
        "boot_index": each.boot_index,
        "device_name": each.device,
        "delete_on_termination": each.delete_on_termination,
        "disk_bus": "virtio",
        "device_type": "disk",
        "tag": each.tag,
    }
