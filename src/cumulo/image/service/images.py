"""Images: who sees them, create, change, delete, deactivate."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Conflict, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.image.interface import ImageInfo, NewImage
from cumulo.image.meters import IMAGES
from cumulo.image.model.image import HASH, ImageRow, MemberRow, PastImageRow, status_of
from cumulo.image.queries import image as queries
from cumulo.image.service.contents import Contents
from cumulo.image.service.patch import (
    TYPES,
    PatchStep,
    is_free,
    patched,
    refuse_too_many,
    unique_tags,
)
from cumulo.image.service.protection import EVERYTHING, Access, Protection


class Images:
    """Implements `image.interface.Images`."""

    listing = queries.IMAGES

    def __init__(self, contents: Contents, quotas: Quotas) -> None:
        self.contents = contents
        self.quotas = quotas
        self.protection = Protection()
        self.end_task: Callable[[Tx, str], None] = lambda tx, task_id: None
        """Called with the task that is at work on an image that goes."""

    # --- who sees what ----------------------------------------------------------------------

    def get(self, tx: Tx, image_id: str, who: Principal) -> ImageRow:
        """An image that the caller may see; NotFound otherwise, whoever owns it."""
        row = tx.get(ImageRow, image_id)
        if row is None or not self._visible(tx, row, who):
            raise NotFound(f"No image found with ID {image_id}")
        return row

    def _visible(self, tx: Tx, row: ImageRow, who: Principal) -> bool:
        if who.system or who.domain_id is not None:
            # Image knows projects only; a refusal to show is a 404.
            return False
        return self.visible_to(tx, row, who.project_id, who.roles)

    def visible_to(
        self, tx: Tx, row: ImageRow, project_id: str | None, roles: Sequence[str]
    ) -> bool:
        if "admin" in roles or row.visibility in ("public", "community"):
            return True
        if project_id is None:
            return False
        shared = row.visibility == "shared"
        return row.owner == project_id or (
            shared and tx.get(MemberRow, row.id, project_id) is not None
        )

    def member(self, tx: Tx, row: ImageRow, who: Principal) -> MemberRow | None:
        """The caller's own membership of a shared image."""
        if who.project_id is None:
            return None
        return tx.get(MemberRow, row.id, who.project_id)

    def usable(self, tx: Tx, image_id: str, principal: Principal) -> ImageInfo:
        return _info(self.get(tx, image_id, principal))

    def find(self, tx: Tx, image_ids: Sequence[str]) -> dict[str, ImageInfo]:
        return {row.id: _info(row) for row in tx.all(queries.BY_IDS, ids=list(image_ids))}

    def named(self, tx: Tx, name: str, owner: str) -> ImageRow | None:
        """An image of a project by its name, for first-run content."""
        return tx.one(queries.BY_NAME, name=name, owner=owner)

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    # --- verbs ------------------------------------------------------------------------------

    def create(
        self,
        tx: Tx,
        attributes: dict[str, Any],
        properties: dict[str, str],
        owner: str | None,
        who: Principal | None,
    ) -> ImageRow:
        image_id = attributes.get("id") or new_id()
        known = tx.get(ImageRow, image_id) is not None
        # Whoever still names a deleted image would get a stranger's (OSSN-0075).
        named = who is not None and bool(attributes.get("id"))
        past = named and tx.get(PastImageRow, image_id) is not None
        if known or past or self.contents.being_removed(tx, image_id):
            raise Conflict(f"Image ID {image_id} already exists!")
        if owner is not None:
            self.quotas.take(tx, owner, image_count_total=1)
        row = ImageRow(
            id=image_id,
            name=attributes.get("name"),
            owner=owner,
            status=status_of("none", False),
            content="none",
            upload_id=None,
            deactivated=False,
            visibility=attributes.get("visibility", "shared"),
            os_hidden=attributes.get("os_hidden", False),
            protected=attributes.get("protected", False),
            disk_format=attributes.get("disk_format"),
            container_format=attributes.get("container_format"),
            min_disk=attributes.get("min_disk", 0),
            min_ram=attributes.get("min_ram", 0),
            size=None,
            virtual_size=None,
            checksum=None,
            hash_algo=None,
            hash_value=None,
            stores=[],
            staged_size=None,
            import_task=None,
            importing_to=None,
            failed_import=None,
            tags=attributes.get("tags", []),
            properties=properties,
            created_at=tx.now,
            updated_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "image.create", row.id, project_id=owner, principal=who, name=row.name)
        return row

    def reserve(self, tx: Tx, principal: Principal, wish: NewImage) -> str:
        """Properties that the caller may not make are left out: they come from what the image is
        made of, and nobody has asked for them here."""
        attributes = msgspec.structs.asdict(wish)
        access = self.protection.access(principal.roles, lambda policy: False)
        properties = {
            name: value
            for name, value in attributes.pop("properties").items()
            if name not in TYPES and is_free(name) and access.may("create", name)
        }
        refuse_too_many(properties)
        owner = principal.project_id
        return self.create(tx, attributes, properties, owner, principal).id

    def remove(self, tx: Tx, image_id: str) -> None:
        row = tx.get(ImageRow, image_id)
        if row is not None:
            self.delete(tx, msgspec.structs.replace(row, protected=False), None)

    def activate_empty(self, tx: Tx, image_id: str) -> None:
        row = tx.get(ImageRow, image_id)
        if row is not None and row.content == "none":
            status = status_of("present", row.deactivated)
            tx.update(row, content="present", status=status, size=0, updated_at=tx.now)
            emit(tx, "image.activate", row.id, project_id=row.owner, size=0)

    def patch(
        self,
        tx: Tx,
        row: ImageRow,
        steps: list[PatchStep],
        who: Principal,
        access: Access = EVERYTHING,
    ) -> ImageRow:
        changes, properties = patched(row, steps, access)
        for name in ("disk_format", "container_format"):
            if name in changes and row.content != "none" and changes[name] != getattr(row, name):
                raise Forbidden(f"Attribute {name} can be only replaced for a queued image.")
        owner = changes.get("owner", row.owner)
        if owner != row.owner:
            self._give(tx, row, owner)
        if properties != row.properties:
            changes["properties"] = properties
        if changes:
            before, row = row, tx.update(row, updated_at=tx.now, **changes)
            IMAGES.changed(tx, before, row)
            emit(tx, "image.update", row.id, principal=who, changed=sorted(changes))
        return row

    def _give(self, tx: Tx, row: ImageRow, owner: str | None) -> None:
        """The counters follow an image to its new owner."""
        amounts = self.contents.charges(tx, row)
        if row.owner is not None:
            self.quotas.give_back(tx, row.owner, **amounts)
        if owner is not None:
            self.quotas.take(tx, owner, **amounts)

    def tag(self, tx: Tx, row: ImageRow, tag: str, who: Principal) -> None:
        if tag not in row.tags:
            tx.update(row, tags=unique_tags([*row.tags, tag]), updated_at=tx.now)
            emit(tx, "image.update", row.id, principal=who, tag=tag)

    def untag(self, tx: Tx, row: ImageRow, tag: str, who: Principal) -> None:
        if tag not in row.tags:
            raise NotFound(f"Tag {tag} not found")
        tx.update(row, tags=[each for each in row.tags if each != tag], updated_at=tx.now)
        emit(tx, "image.update", row.id, principal=who, untag=tag)

    def deactivate(self, tx: Tx, row: ImageRow, wanted: bool, who: Principal) -> None:
        if row.content != "present":
            verb = "deactivated" if wanted else "active"
            raise Forbidden(f"Not allowed: status transition from {row.status} to {verb}.")
        if row.deactivated == wanted:
            return
        status = status_of(row.content, wanted)
        tx.update(row, deactivated=wanted, status=status, updated_at=tx.now)
        emit(tx, f"image.{'deactivate' if wanted else 'reactivate'}", row.id, principal=who)

    def delete_copy(self, tx: Tx, row: ImageRow, name: str, who: Principal) -> None:
        """Remove the bytes from one store; the last copy stays."""
        found = [each for each in self.contents.locations(tx, row.id) if each.store == name]
        if self.contents.stores.find(name) is None or not found:
            raise NotFound(f"Image {row.id} is not stored in store {name}.")
        if row.content != "present":
            raise Conflict("It's not allowed to delete copies of images that are not active.")
        if row.import_task is not None:
            raise Conflict(f"Image {row.id} is in use by the task {row.import_task}.")
        if row.protected:
            raise Forbidden(f"Image {row.id} is protected and cannot be deleted.")
        if row.stores == [name]:
            raise Forbidden("Cannot delete the last copy of an image from its stores.")
        for location in found:
            row = self.contents.drop(tx, row, location)
        emit(tx, "image.copy.delete", row.id, principal=who, store=name)

    def delete(self, tx: Tx, row: ImageRow, who: Principal | None) -> None:
        """The row goes at once; the bytes are work for the reconciler."""
        if row.protected:
            raise Forbidden(f"Image {row.id} is protected and cannot be deleted.")
        self.contents.drop_all(tx, row)
        tx.delete(row)
        tx.insert(PastImageRow(row.id, tx.now), ignore_duplicate=True)
        IMAGES.changed(tx, row, None)
        if row.import_task is not None:
            self.end_task(tx, row.import_task)
        emit(tx, "image.delete", row.id, project_id=row.owner, principal=who, name=row.name)


def _info(row: ImageRow) -> ImageInfo:
    return ImageInfo(
        id=row.id,
        name=row.name,
        status=row.status,
        owner=row.owner,
        disk_format=row.disk_format,
        container_format=row.container_format,
        size=row.size,
        virtual_size=row.virtual_size,
        sha512=row.hash_value if row.hash_algo == HASH else None,
        min_disk=row.min_disk,
        min_ram=row.min_ram,
        protected=row.protected,
        properties=row.properties,
    )
