"""Volumes on the wire: block storage API v3, `volumes`, their metadata and the summary."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from cumulo.block_storage.api.bodies import (
    CreateVolume,
    MetaBody,
    MetadataBody,
    SummaryBody,
    UpdateVolume,
    VolumeBody,
    changed,
)
from cumulo.block_storage.api.filters import by_time
from cumulo.block_storage.api.lists import counted, links, offset_of, own_or_all, page_links
from cumulo.block_storage.interface import NewVolume
from cumulo.block_storage.model.attachment import AttachmentRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import Page, page_of
from cumulo.core.http.texts import Texts
from cumulo.core.wire.coercions import as_bool, as_int

MOST_METADATA = 1024
Source = tuple[VolumeRow, str, list[AttachmentRow], bool]
"""What the body of a volume is made of: its row, its type's name, its attachments, and whether its
group is one of those that older clients know."""


def attachment_entry(row: AttachmentRow) -> dict[str, Any]:
    return {
        "id": row.volume_id,
        "attachment_id": row.id,
        "volume_id": row.volume_id,
        "server_id": row.server_id,
        "host_name": row.host_id,
        "device": row.device,
        "attached_at": row.attached_at,
    }


class VolumesApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._storage = storage
        self._volumes = storage.volumes
        self._texts = Texts()

    def operations(self) -> list[Operation]:
        one, meta = "/volumes/{volume_id}", "/volumes/{volume_id}/metadata"
        late: dict[str, Any] = {"early": False}
        read, write = "volume:get_volume_metadata", "volume:update_volume_metadata"
        remove, create = "volume:delete_volume_metadata", "volume:create_volume_metadata"
        return [
            Operation("GET", "/volumes", self.index, policy="volume:get_all"),
            Operation("GET", "/volumes/detail", self.detail, policy="volume:get_all"),
            Operation(
                "GET", "/volumes/summary", self.summary, policy="volume:get_all", since="3.12"
            ),
            Operation(
                "POST",
                "/volumes",
                self.create,
                policy="volume:create",
                body=CreateVolume,
                status=202,
            ),
            Operation("GET", one, self.show, policy="volume:get", **late),
            Operation("PUT", one, self.update, policy="volume:update", body=UpdateVolume, **late),
            Operation("DELETE", one, self.delete, policy="volume:delete", status=202, **late),
            Operation(
                "GET",
                f"{one}/encryption",
                self.encryption,
                policy="volume_extension:volume_encryption_metadata",
                **late,
            ),
            Operation("GET", meta, self.metadata, policy=read, **late),
            Operation("POST", meta, self.add_metadata, policy=create, body=MetadataBody, **late),
            Operation("PUT", meta, self.set_metadata, policy=write, body=MetadataBody, **late),
            Operation("GET", f"{meta}/{{key}}", self.meta, policy=read, **late),
            Operation("PUT", f"{meta}/{{key}}", self.set_meta, policy=write, body=MetaBody, **late),
            Operation("DELETE", f"{meta}/{{key}}", self.drop_meta, policy=remove, **late),
        ]

    # --- bodies -----------------------------------------------------------------------------

    def bodies(
        self, call: Call, tx: Tx, rows: Sequence[VolumeRow], *, brief: bool = False
    ) -> list[VolumeBody]:
        """`brief`: as an answer to create and update, without the extensions."""
        admin = call.principal.is_admin
        return [self._body(call, source, brief, admin) for source in self._sources(tx, rows)]

    def encoded(self, call: Call, tx: Tx, rows: Sequence[VolumeRow]) -> list[msgspec.Raw]:
        """The same as `bodies`, as JSON in the call's version."""
        admin = call.principal.is_admin
        # The links name the caller's own project.
        reader = (admin, call.principal.project_id)
        found = []
        for source in self._sources(tx, rows):
            make = partial(self._body, call, source, False, admin)
            found.append(self._texts.of(call, source[0].id, source, make, *reader))
        return found

    def _sources(self, tx: Tx, rows: Sequence[VolumeRow]) -> list[Source]:
        names = self._storage.types.names(tx, {row.type_id for row in rows}) if rows else {}
        attached = self._volumes.attachments_of(tx, [row.id for row in rows])
        groups = {row.group_id for row in rows if row.group_id is not None}
        consistent = self._storage.groups.consistent(tx, groups) if groups else ()
        return [
            (row, names[row.type_id], attached.get(row.id, []), row.group_id in consistent)
            for row in rows
        ]

    def _body(self, call: Call, source: Source, brief: bool, admin: bool) -> VolumeBody:
        row, kind, attached, consistent = source
        metadata = dict(row.metadata)
        if row.read_only is not None:
            metadata["readonly"] = str(row.read_only)
        body = VolumeBody(
            id=row.id,
            name=row.name,
            description=row.description,
            status=row.status,
            size=row.size,
            user_id=row.user_id,
            availability_zone=row.availability_zone,
            created_at=row.created_at,
            updated_at=row.updated_at,
            volume_type=kind,
            snapshot_id=row.snapshot_id,
            source_volid=row.source_volume_id,
            bootable="true" if row.bootable else "false",
            encrypted=False,
            multiattach=row.multiattach,
            metadata=metadata,
            attachments=[attachment_entry(each) for each in attached if each.state == "attached"],
            links=links(call, "volumes", row.id),
            volume_type_id=row.type_id,
            group_id=row.group_id,
            consistencygroup_id=row.group_id if consistent else None,
        )
        if brief:
            return body
        body.tenant_id = row.project_id
        if row.image_metadata is not None:
            body.volume_image_metadata = row.image_metadata
        if admin:
            body.migration_status = body.migstat = body.name_id = None
            body.provider_id = body.cluster_name = None
            if row.host_id is not None:
                body.host = f"{row.host_id}@file#file"
        return body

    def found(self, call: Call, tx: Tx) -> VolumeRow:
        """The volume of the path, with the operation's own rule checked on it."""
        row = self._volumes.get(tx, call.path["volume_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        return row

    # --- lists ------------------------------------------------------------------------------

    def _page(self, call: Call, tx: Tx) -> tuple[Page[Any], dict[str, Any]]:
        """And what stands beside it in an answer."""
        where = own_or_all(call)
        query = call.query
        for name in ("name", "status", "availability_zone", "user_id", "id", "group_id"):
            value = query.get(name)
            if value is not None:
                where[name] = value.strip("'\"")
        if query.get("name~"):
            where["name_part"] = query.get("name~")
        if query.get("display_name") is not None:
            where["name"] = query.get("display_name")
        for name in ("bootable", "multiattach"):
            value = query.get(name)
            if value is not None:
                where[name] = as_bool(value, name)
        size = query.get("size")
        if size is not None:
            where["size"] = as_int(size, "size")
        host = query.get("host")
        if host is not None and call.principal.is_admin:
            where["host_id"] = host.partition("@")[0]
        metadata = query.get("metadata")
        if metadata:
            where.update(_metadata_filters(metadata))
        where.update(by_time(call))
        page = page_of(
            call,
            tx,
            self._volumes.listing,
            where,
            find_marker=lambda id: self._volumes.get(tx, id, call.principal),
            offset=offset_of(call),
            sort_names={"display_name": "name"},
        )
        more = page_links(call, page, "volumes_links") | counted(
            call, tx, self._volumes.listing, where
        )
        return page, more

    def index(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        items = [
            {"id": row.id, "name": row.name, "links": links(call, "volumes", row.id)}
            for row in page.rows
        ]
        return {"volumes": items, **more}

    def detail(self, call: Call, tx: Tx) -> Any:
        page, more = self._page(call, tx)
        return {
            "volumes": self.encoded(call, tx, page.rows),
            **more,
        }

    def summary(self, call: Call, tx: Tx) -> Any:
        project = own_or_all(call).get("project_id")
        count, size = self._volumes.summary(tx, project)
        body = SummaryBody(total_size=size, total_count=count)
        body.metadata = self._volumes.metadata_of(tx, project)
        return {"volume-summary": body}

    # --- one --------------------------------------------------------------------------------

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.volume
        if wish.source_replica:
            raise BadRequest("Invalid input received: source_replica is not supported here.")
        image = wish.imageRef or wish.image_id
        sources = [image, wish.snapshot_id, wish.source_volid, wish.backup_id]
        if len([each for each in sources if each]) > 1:
            raise BadRequest("Invalid input received: a volume has one source at most.")
        size = None if wish.size is None else as_int(wish.size, "size", minimum=1, maximum=65536)
        wanted = NewVolume(
            size=size,
            name=wish.name or wish.display_name,
            description=wish.description or wish.display_description,
            image_id=image or None,
            snapshot_id=wish.snapshot_id or None,
            source_volume_id=wish.source_volid or None,
            volume_type=wish.volume_type,
            availability_zone=wish.availability_zone or None,
            metadata=wish.metadata,
            multiattach=as_bool(wish.multiattach, "multiattach"),
            backup_id=wish.backup_id,
            group_id=wish.group_id or wish.consistencygroup_id or None,
        )
        try:
            volume_id = self._storage.create_volume(tx, call.principal, wanted)
        except NotFound as missing:
            if wanted.image_id is None:
                raise
            raise BadRequest(
                f"Invalid image identifier or unable to access requested image: {missing.message}"
            ) from None
        row = self._volumes.get(tx, volume_id, call.principal)
        return {"volume": self.bodies(call, tx, [row], brief=True)[0]}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"volume": self.encoded(call, tx, [self.found(call, tx)])[0]}

    def encryption(self, call: Call, tx: Tx) -> Any:
        self.found(call, tx)
        return {"encryption_key_id": None}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        changes = changed(call.body.volume)
        if not changes:
            raise BadRequest("Invalid input received: nothing to change is given.")
        row = self._volumes.update(tx, row, call.principal, **changes)
        return {"volume": self.bodies(call, tx, [row], brief=True)[0]}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self.found(call, tx)
        force = as_bool(call.query.get("force", "false") or "false", "force")
        cascade = as_bool(call.query.get("cascade", "false") or "false", "cascade")
        if force:
            call.allow({"project_id": row.project_id}, "volume:force_delete")
        self._volumes.delete(tx, row, call.principal, force=force, cascade=cascade)

    # --- metadata ---------------------------------------------------------------------------

    def metadata(self, call: Call, tx: Tx) -> Any:
        return {"metadata": self.found(call, tx).metadata}

    def _write(
        self, call: Call, tx: Tx, row: VolumeRow, metadata: dict[str, str]
    ) -> dict[str, str]:
        refuse_too_much(metadata)
        return self._volumes.update(tx, row, call.principal, metadata=metadata).metadata

    def add_metadata(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        added = {**row.metadata, **call.body.metadata}
        return {"metadata": self._write(call, tx, row, added)}

    def set_metadata(self, call: Call, tx: Tx) -> Any:
        return {"metadata": self._write(call, tx, self.found(call, tx), call.body.metadata)}

    def meta(self, call: Call, tx: Tx) -> Any:
        return {"meta": one_item(self.found(call, tx).metadata, call.path["key"], "Volume")}

    def set_meta(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        item = same_item(call.body.meta, call.path["key"])
        self._write(call, tx, row, {**row.metadata, **item})
        return {"meta": item}

    def drop_meta(self, call: Call, tx: Tx) -> None:
        row = self.found(call, tx)
        gone = one_item(row.metadata, call.path["key"], "Volume")
        self._write(call, tx, row, {k: v for k, v in row.metadata.items() if k not in gone})


def refuse_too_much(metadata: dict[str, str]) -> None:
    if len(metadata) > MOST_METADATA:
        raise BadRequest(f"Metadata has more than {MOST_METADATA} items.")


def one_item(metadata: dict[str, str], key: str, noun: str) -> dict[str, str]:
    if key not in metadata:
        raise NotFound(f"{noun} has no metadata with key {key}.")
    return {key: metadata[key]}


def same_item(meta: dict[str, str], key: str) -> dict[str, str]:
    if set(meta) != {key}:
        raise BadRequest("Request body and URI mismatch, or more than one item.")
    return meta


def _metadata_filters(text: str) -> dict[str, str]:
    """`{"key": "value"}`, also as Python writes it."""
    try:
        wanted = msgspec.json.decode(text.replace("'", '"'), type=dict[str, str])
    except msgspec.MsgspecError:
        raise BadRequest(f"Invalid filter metadata: {text:.100}") from None
    if len(wanted) > 8:
        raise BadRequest("A list can be filtered by 8 items of metadata at most.")
    pieces = (msgspec.json.encode({key: value}).decode()[1:-1] for key, value in wanted.items())
    return {f"metadata_{i}": piece for i, piece in enumerate(pieces)}
