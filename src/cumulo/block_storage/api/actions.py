"""The actions of volumes: `POST /volumes/{id}/action`."""

import functools
from typing import Annotated, Any, Literal

import msgspec

from cumulo.block_storage.api.bodies import Metadata
from cumulo.block_storage.api.types import type_body
from cumulo.block_storage.api.volumes import VolumesApi, refuse_too_much
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.sources import from_image
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import BoolLike, IntLike, Uuid, as_bool, as_int
from cumulo.core.wire.shapes import Body, Since, StrictBody, Version

STATUSES = (
    "creating",
    "available",
    "deleting",
    "error",
    "error_deleting",
    "error_managing",
    "managing",
    "attaching",
    "in-use",
    "detaching",
    "maintenance",
    "reserved",
    "uploading",
    "downloading",
    "awaiting-transfer",
    "backing-up",
    "restoring-backup",
    "error_restoring",
    "error_backing-up",
    "error_extending",
    "extending",
)


@functools.cache
def action_body(name: str, kind: Any, noun: str = "Volume") -> Any:
    """The body `{"os-…": …}` of one action."""
    return msgspec.defstruct(
        noun + "Action" + name.title().replace("-", "").replace("_", ""),
        [("value", kind, msgspec.field(name=name))],
        bases=(Body,),
        kw_only=True,
    )


class Extend(StrictBody):
    new_size: IntLike


class Reset(StrictBody):
    status: str | None = None
    attach_status: str | None = None
    migration_status: str | None = None


class Bootable(StrictBody):
    bootable: BoolLike


class ReadOnly(StrictBody):
    readonly: BoolLike


class Attach(StrictBody):
    instance_uuid: str | None = None
    host_name: str | None = None
    mountpoint: str | None = None
    mode: str = "rw"


class Detach(StrictBody):
    attachment_id: str | None = None


class ForceDetach(StrictBody):
    attachment_id: str | None = None
    connector: dict[str, Any] | None = None


class Connection(StrictBody):
    connector: dict[str, Any]


class Reimage(StrictBody):
    image_id: Uuid
    reimage_reserved: BoolLike = False


class Revert(StrictBody):
    snapshot_id: Uuid


class Extended(StrictBody):
    error: BoolLike = False


class UploadImage(StrictBody):
    image_name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    force: BoolLike = False
    container_format: str = "bare"
    disk_format: Literal["raw", "qcow2", "vmdk", "vdi"] = "raw"
    visibility: Annotated[Literal["private", "shared", "community", "public"], Since("3.1")] = (
        "private"
    )
    protected: Annotated[BoolLike, Since("3.1")] = False


class Retype(StrictBody):
    new_type: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    migration_policy: Literal["never", "on-demand"] = "never"


class ImageKey(StrictBody):
    key: str


class ImageMetadata(StrictBody):
    metadata: Metadata


class ActionsApi:
    def __init__(self, storage: BlockStorageService, volumes: VolumesApi) -> None:
        self._storage = storage
        self._volumes = storage.volumes
        self._found = volumes.found

    def operations(self) -> list[Operation]:
        any_ = dict[str, Any] | None
        actions, admin = "volume_extension:volume_actions:", "volume_extension:volume_admin_actions"
        image = "volume_extension:volume_image_metadata:"
        table: list[tuple[str, Any, str, Any, int]] = [
            ("os-extend", self.extend, "volume:extend", Extend, 202),
            ("os-reserve", self.reserve, f"{actions}reserve", any_, 202),
            ("os-unreserve", self.unreserve, f"{actions}unreserve", any_, 202),
            ("os-attach", self.attach, f"{actions}attach", Attach, 202),
            ("os-detach", self.detach, f"{actions}detach", Detach | None, 202),
            ("os-begin_detaching", self.begin, f"{actions}begin_detaching", any_, 202),
            ("os-roll_detaching", self.roll, f"{actions}roll_detaching", any_, 202),
            (
                "os-initialize_connection",
                self.initialize,
                f"{actions}initialize_connection",
                Connection,
                200,
            ),
            (
                "os-terminate_connection",
                self.terminate,
                f"{actions}terminate_connection",
                Connection,
                202,
            ),
            ("os-volume_upload_image", self.upload, f"{actions}upload_image", UploadImage, 202),
            ("os-retype", self.retype, "volume:retype", Retype, 202),
            ("os-reset_status", self.reset, f"{admin}:reset_status", Reset, 202),
            ("os-force_delete", self.force_delete, f"{admin}:force_delete", any_, 202),
            ("os-force_detach", self.force_detach, f"{admin}:force_detach", ForceDetach, 202),
            ("os-set_bootable", self.bootable, "volume:update", Bootable, 200),
            (
                "os-update_readonly_flag",
                self.read_only,
                "volume:update_readonly_flag",
                ReadOnly,
                202,
            ),
            ("os-show_image_metadata", self.show_image, f"{image}show", any_, 200),
            ("os-set_image_metadata", self.set_image, f"{image}set", ImageMetadata, 200),
            ("os-unset_image_metadata", self.unset_image, f"{image}remove", ImageKey, 200),
        ]
        path = "/volumes/{volume_id}/action"
        late: list[tuple[str, Any, str, Any, int, str]] = [
            ("revert", self.revert, "volume:revert_to_snapshot", Revert, 202, "3.40"),
            ("os-reimage", self.reimage, "volume:reimage", Reimage, 202, "3.68"),
            (
                "os-extend_volume_completion",
                self.extended,
                f"{admin}:extend_volume_completion",
                Extended,
                202,
                "3.71",
            ),
        ]
        return [
            *(self._action(path, *row) for row in late),
            *(self._action(path, *row) for row in table),
        ]

    def _action(
        self,
        path: str,
        name: str,
        handler: Any,
        policy: str,
        kind: Any,
        status: int,
        since: str | None = None,
    ) -> Operation:
        return Operation(
            "POST",
            path,
            handler,
            policy=policy,
            early=False,
            action=name,
            body=action_body(name, kind),
            status=status,
            since=since,
            title=name,
        )

    def reimage(self, call: Call, tx: Tx) -> None:
        """Another image in its place; `reimage_reserved`: also of one that a server holds."""
        row, wish = self._found(call, tx), call.body.value
        statuses = ["available", "error"]
        if as_bool(wish.reimage_reserved, "reimage_reserved"):
            call.allow({"project_id": row.project_id}, action="volume:reimage_reserved")
            statuses.append("reserved")
        source = from_image(self._storage.images.usable(tx, wish.image_id, call.principal))
        self._volumes.check_image(tx, row, source, statuses)
        self._volumes.write_image(tx, row, source, call.principal)

    def revert(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._volumes.revert(tx, row, call.body.value.snapshot_id, call.principal)

    def extended(self, call: Call, tx: Tx) -> None:
        """For drivers that leave the rest to a server's host and wait for its word. None here does:
        the host says itself how large a volume is."""
        row = self._found(call, tx)
        if row.status != "extending":
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be extending, but is {row.status}."
            )
        self._volumes.order(tx, row)

    def upload(self, call: Call, tx: Tx) -> Any:
        """It becomes an image. `force` means nothing, as with Cinder's own default: a volume that a
        server has is not uploaded."""
        row, wish = self._found(call, tx), call.body.value
        if wish.container_format != "bare":
            raise BadRequest("Invalid container format: images of volumes are bare.")
        if wish.visibility == "public":
            who = {"project_id": row.project_id}
            call.allow(who, action="volume_extension:volume_actions:upload_public")
        if as_bool(wish.protected, "protected"):
            raise BadRequest("Invalid input received: protect the image when it is active.")
        row, image_id = self._storage.uploads.begin(
            tx,
            row,
            call.principal,
            name=wish.image_name,
            format=wish.disk_format,
            visibility=wish.visibility,
        )
        kind = self._storage.types.of(tx, row.type_id)
        shown = {
            "id": row.id,
            "updated_at": row.updated_at,
            "status": row.status,
            "display_description": row.description,
            "size": row.size,
            "volume_type": type_body(kind, "os-volume-type-access:is_public"),
            "image_id": image_id,
            "container_format": "bare",
            "disk_format": wish.disk_format,
            "image_name": wish.image_name,
        }
        if call.version is not None and call.version >= Version(3, 1):
            shown |= {"visibility": wish.visibility, "protected": False}
        return {"os-volume_upload_image": shown}

    def retype(self, call: Call, tx: Tx) -> None:
        """Where it is: there is nothing to migrate, whatever the policy allows."""
        row = self._found(call, tx)
        kind = self._storage.types.chosen(tx, call.body.value.new_type, call.principal)
        self._volumes.retype(tx, row, kind, call.principal)

    def extend(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        size = as_int(call.body.value.new_size, "new_size", minimum=1, maximum=65536)
        self._volumes.extend(tx, row, size, call.principal)

    def reserve(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._storage.refuse_unfit(tx, row)
        self._volumes.refresh(tx, row, mark="attaching")

    def unreserve(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        if row.mark == "attaching":
            self._volumes.refresh(tx, row, mark="")

    def attach(self, call: Call, tx: Tx) -> None:
        row, wish = self._found(call, tx), call.body.value
        if wish.instance_uuid is None and wish.host_name is None:
            raise BadRequest("Invalid request to attach volume to an invalid target")
        if wish.mode not in ("rw", "ro"):
            raise BadRequest(
                "Invalid request to attach volume with an invalid mode. Attaching mode should be "
                "'rw' or 'ro'"
            )
        if row.read_only and wish.mode == "rw":
            raise BadRequest("Invalid volume: it may be attached read-only only.")
        self._storage.attach_now(tx, row, wish.instance_uuid, wish.mountpoint, wish.mode)

    def detach(self, call: Call, tx: Tx) -> None:
        row, wish = self._found(call, tx), call.body.value
        if row.status == "available":
            return  # as it is wished
        if row.status not in ("in-use", "detaching"):
            raise BadRequest(f"Invalid volume: it is {row.status}, not attached.")
        self._end(tx, row, None if wish is None else wish.attachment_id)

    def _end(self, tx: Tx, row: VolumeRow, attachment_id: str | None) -> None:
        rows = self._volumes.attachments_of(tx, [row.id]).get(row.id, [])
        if attachment_id is not None:
            rows = [each for each in rows if each.id == attachment_id]
            if not rows:
                raise NotFound(f"Volume attachment could not be found: {attachment_id}.")
        if len(rows) != 1:
            raise BadRequest("Invalid volume: which attachment is to end must be given.")
        self._storage.release(tx, rows[0])

    def begin(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        if row.status != "in-use":
            raise BadRequest(
                f"Invalid volume: Unable to detach volume. Volume status must be 'in-use' and "
                f"attach_status must be 'attached' to detach. Currently: {row.status}"
            )
        self._volumes.refresh(tx, row, mark="detaching")

    def roll(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        if row.mark == "detaching":
            self._volumes.refresh(tx, row, mark="")

    def initialize(self, call: Call, tx: Tx) -> Any:
        """How a client of the volume's own machine opens it, which then says `os-attach`."""
        row = self._found(call, tx)
        self._storage.refuse_foreign(tx, row)
        if row.connection is None:
            raise BadRequest(f"Invalid volume: Volume {row.id} is {row.status}, and not there.")
        mode = "ro" if row.read_only else "rw"
        data = {**row.connection, "volume_id": row.id, "access_mode": mode}
        return {"connection_info": {"driver_volume_type": "local", "data": data}}

    def terminate(self, call: Call, tx: Tx) -> None:
        """Nothing is exported, so nothing ends; not even in words while compute has it."""
        self._storage.refuse_foreign(tx, self._found(call, tx))

    def reset(self, call: Call, tx: Tx) -> None:
        row, wish = self._found(call, tx), call.body.value
        given = [wish.status, wish.attach_status, wish.migration_status]
        if not any(given):
            raise BadRequest("Must specify 'status', 'attach_status' or 'migration_status'.")
        if wish.attach_status not in (None, "attached", "detached"):
            raise BadRequest(f"Invalid attach_status: {wish.attach_status:.100}")
        if wish.status is None:
            return
        status = wish.status.lower()
        if status not in STATUSES:
            raise BadRequest(f"Must specify a valid status: {wish.status:.100}")
        if row.wanted == "absent" and status != "error":
            raise Conflict(f"Volume {row.id} is being deleted; force its deletion to try again.")
        self._volumes.reset(tx, row, status, call.principal)

    def force_delete(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        self._volumes.delete(tx, row, call.principal, force=True, cascade=False)

    def force_detach(self, call: Call, tx: Tx) -> None:
        row = self._volumes.look_again(tx, self._found(call, tx))
        self._end(tx, row, call.body.value.attachment_id)

    def bootable(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        wanted = as_bool(call.body.value.bootable, "bootable")
        self._volumes.update(tx, row, call.principal, bootable=wanted)

    def read_only(self, call: Call, tx: Tx) -> None:
        row = self._found(call, tx)
        if row.status != "available":
            raise BadRequest(
                f"Invalid volume: Volume {row.id} status must be available to update readonly "
                f"flag, but current status is: {row.status}."
            )
        wanted = as_bool(call.body.value.readonly, "readonly")
        self._volumes.update(tx, row, call.principal, read_only=wanted)

    def show_image(self, call: Call, tx: Tx) -> Any:
        return {"metadata": self._found(call, tx).image_metadata or {}}

    def set_image(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        merged = {**(row.image_metadata or {}), **call.body.value.metadata}
        refuse_too_much(merged)
        self._volumes.update(tx, row, call.principal, image_metadata=merged)
        return {"metadata": merged}

    def unset_image(self, call: Call, tx: Tx) -> None:
        row, key = self._found(call, tx), call.body.value.key
        if key not in (row.image_metadata or {}):
            raise NotFound(f"Volume has no image metadata with key {key}.")
        left = {k: v for k, v in (row.image_metadata or {}).items() if k != key}
        self._volumes.update(tx, row, call.principal, image_metadata=left)
