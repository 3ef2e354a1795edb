"""Volumes become images: the verbs. A job copies the volume on its host, and hands bytes over."""

from collections.abc import Mapping

import msgspec

from cumulo.block_storage.model.message import NOT_UPLOADED
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.messages import Messages
from cumulo.block_storage.service.volumes import Volumes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import Images, NewImage

UPLOAD = "block_storage.upload"
UPLOADING = "uploading"
OF_THE_OLD_IMAGE = frozenset(
    ("checksum", "container_format", "disk_format", "image_id", "image_name", "min_disk", "min_ram")
)
"""Of a volume's image metadata; `size` as well: the new image has its own."""


class Uploading(msgspec.Struct, frozen=True, kw_only=True):
    """The memo of the job; its subject is the volume."""

    image_id: str
    host_id: str
    """Where the copy is made; the volume may go meanwhile, by force."""
    format: str
    user_id: str
    user_name: str
    project_id: str


class Uploads:
    def __init__(self, volumes: Volumes, images: Images, jobs: Jobs, messages: Messages) -> None:
        self._volumes = volumes
        self._images = images
        self._jobs = jobs
        self._messages = messages

    def begin(
        self,
        tx: Tx,
        row: VolumeRow,
        who: Principal,
        *,
        name: str,
        format: str,
        visibility: str = "private",
        properties: Mapping[str, str] | None = None,
    ) -> tuple[VolumeRow, str]:
        """The volume as it is now, and the image's id. Raises BadRequest, Forbidden,
        QuotaExceeded."""
        if row.status != "available" or row.mark or row.attachments or row.host_id is None:
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be available, but current status "
                f"is: {row.status}."
            )
        if who.project_id is None:
            raise BadRequest("A token that is scoped to a project is required.")
        self._volumes.refuse_busy(tx, row)
        kept = {
            key: value
            for key, value in (row.image_metadata or {}).items()
            if key not in OF_THE_OLD_IMAGE and key != "size"
        }
        image_id = self._images.reserve(
            tx,
            who,
            NewImage(
                name=name,
                disk_format=format,
                min_disk=row.size,
                properties={**kept, **(properties or {})},
                visibility=visibility,
            ),
        )
        memo = Uploading(
            image_id=image_id,
            host_id=row.host_id,
            format=format,
            user_id=who.user_id,
            user_name=who.user_name,
            project_id=who.project_id,
        )
        self._jobs.begin(tx, UPLOAD, row.id, memo, project_id=row.project_id)
        emit(tx, "volume.upload.start", row.id, principal=who, image=image_id)
        return self._volumes.refresh(tx, row, mark=UPLOADING), image_id

    def end(self, tx: Tx, volume_id: str, image_id: str, reason: str | None) -> None:
        """The volume is free again; `reason`: there is no image, and why."""
        row = tx.get(VolumeRow, volume_id)
        if row is not None and row.mark == UPLOADING:
            self._volumes.refresh(tx, row, mark="")
        project = None if row is None else row.project_id
        if reason is None:
            emit(tx, "volume.upload.end", volume_id, project_id=project)
            return
        self._images.remove(tx, image_id)
        emit(tx, "volume.upload.error", volume_id, project_id=project, reason=reason)
        if row is not None:
            self._messages.failed(tx, "VOLUME", row.id, row.project_id, NOT_UPLOADED, reason)
