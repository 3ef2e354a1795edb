"""`locations` in a patch document: where the settings show them and the policy allows it.

Only URLs at web servers can be added: a location in a store of ours could name another project's
image. They are believed as they are, as Glance does; their size is known once a copy is here.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden
from cumulo.core.wire.coercions import whole_or_none
from cumulo.image.model.image import ImageRow
from cumulo.image.model.location import LocationRow
from cumulo.image.service.cache import Cache
from cumulo.image.service.contents import Contents
from cumulo.image.service.imports import Imports, check_validation
from cumulo.image.service.patch import PatchStep

MOST_LOCATIONS = 10
Allow = Callable[[str], None]
"""Raises Forbidden unless the policy rule of this name lets the caller in."""


class Location(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    metadata: dict[str, str]
    validation_data: dict[str, str] = {}


class LocationPatches:
    def __init__(self, contents: Contents, imports: Imports, cache: Cache) -> None:
        self._contents = contents
        self._imports = imports
        self._cache = cache

    def apply(
        self, tx: Tx, row: ImageRow, step: PatchStep, who: Principal, allow: Allow
    ) -> ImageRow:
        """One step whose path begins with /locations. Raises Faults."""
        if not self._imports.rules.show_locations:
            raise Forbidden("It's not allowed to update locations if locations are invisible.")
        place = step.path.removeprefix("/locations").removeprefix("/")
        if row.import_task is not None:
            raise Conflict(f"Image {row.id} is in use by the task {row.import_task}.")
        if step.op == "replace":
            if place:
                raise BadRequest(f"Invalid JSON pointer for this resource: '{step.path}'")
            allow("set_image_location")
            return self._replace(tx, row, step.value, who)
        existing = self._contents.locations(tx, row.id)
        if step.op == "remove":
            allow("delete_image_location")
            return self._remove(tx, row, existing, place, who)
        allow("set_image_location")
        if place != "-" and _place(place) > len(existing):
            raise BadRequest("Invalid position for adding a location.")
        return self._add(tx, row, _location(step.value), who)

    def _add(self, tx: Tx, row: ImageRow, wish: Location, who: Principal) -> ImageRow:
        if row.content not in ("none", "present"):
            raise Conflict(f"It's not allowed to add locations if image status is {row.status}.")
        name = self._imports.check_location(wish.url)
        row = self._contents.forget_leftovers(tx, row)
        existing = self._contents.locations(tx, row.id)
        if any(each.key == wish.url for each in existing):
            raise BadRequest("Duplicate location")
        if len(existing) >= MOST_LOCATIONS:
            raise BadRequest(f"An image has {MOST_LOCATIONS} locations at most.")
        hashes = _hashes(row, wish)
        if row.content == "none":
            for missing in ("container_format", "disk_format"):
                if getattr(row, missing) is None:
                    raise BadRequest(f"'{missing}' needs to be set before a location is added")
            row = self._contents.move(tx, row, "present", **hashes)
        row = self._contents.add(tx, row, name, wish.url, wish.metadata)
        self._cache.wanted(tx, row)
        emit(tx, "image.location.add", row.id, principal=who, url=wish.url)
        return row

    def _remove(
        self, tx: Tx, row: ImageRow, existing: list[LocationRow], place: str, who: Principal
    ) -> ImageRow:
        if row.content != "present":
            raise Conflict(f"It's not allowed to remove locations if image status is {row.status}.")
        if _place(place) >= len(existing):
            raise BadRequest("Invalid position for removing a location.")
        if len(existing) == 1:
            raise Forbidden("Cannot remove last location in the image.")
        location = existing[int(place)]
        row = self._contents.drop(tx, row, location)
        emit(tx, "image.location.delete", row.id, principal=who, store=location.store)
        return row

    def _replace(self, tx: Tx, row: ImageRow, value: Any, who: Principal) -> ImageRow:
        if not isinstance(value, list):
            raise BadRequest("locations is a list")
        wishes = [_location(each) for each in value]
        if not wishes:
            raise Forbidden("Cannot set locations to empty list.")
        existing = self._contents.locations(tx, row.id)
        if not existing or row.content == "none":
            for wish in wishes:
                row = self._add(tx, row, wish, who)
            return row
        shown = [each["url"] for each in self._imports.locations(tx, row)]
        if sorted(shown) != sorted(wish.url for wish in wishes):
            raise BadRequest("Cannot replace locations from a non-empty list to a non-empty list.")
        for url, location in zip(shown, existing, strict=True):
            metadata = next(wish.metadata for wish in wishes if wish.url == url)
            metadata = {k: v for k, v in metadata.items() if k != "store"}
            if metadata != location.metadata:
                tx.update(location, metadata=metadata)
        return tx.update(row, updated_at=tx.now)


def _location(value: Any) -> Location:
    try:
        return msgspec.convert(value, Location)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid location: {error}") from None


def _hashes(row: ImageRow, wish: Location) -> dict[str, str]:
    """What the image gets from `validation_data`; an active image's own must be the same."""
    given = wish.validation_data
    if not given:
        return {}
    if row.content == "present":
        own = {
            "checksum": row.checksum,
            "os_hash_algo": row.hash_algo,
            "os_hash_value": row.hash_value,
        }
        for name, text in given.items():
            if own.get(name) != text:
                raise Conflict(f"{name} of the location is not that of the image.")
        return {}
    algorithm, value = check_validation(given)
    checksum = given.get("checksum")
    found = {"hash_algo": algorithm, "hash_value": value}
    return found if checksum is None else {**found, "checksum": checksum}


def _place(text: str) -> int:
    """A number from 0, or one that is beyond any list."""
    number = whole_or_none(text)
    return 2**62 if number is None or number < 0 else number
