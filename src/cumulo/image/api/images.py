"""Images on the wire: image API v2, `images`, their tags and actions."""

from typing import Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden, NotFound, UnsupportedMediaType
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import next_link, page_of
from cumulo.core.wire.shapes import Unset
from cumulo.image.api.envelope import (
    access_of,
    allowed,
    full_body,
    image_body,
    query_without_marker,
    relative,
)
from cumulo.image.api.filters import image_filters
from cumulo.image.api.sorting import sort_of
from cumulo.image.model.image import ImageRow
from cumulo.image.service.image import ImageService
from cumulo.image.service.patch import OPS, Op, PatchStep, Path, split
from cumulo.image.service.protection import Access


class PatchLine(msgspec.Struct):
    """One line of a patch document in either of its forms: `{"op": "add", "path": …}`, or the elder
    `{"add": path, …}` of `application/openstack-images-v2.0-json-patch`."""

    op: Op | Unset = UNSET
    path: Path | Unset = UNSET
    value: Any = None
    add: Path | Unset = UNSET
    replace: Path | Unset = UNSET
    remove: Path | Unset = UNSET


PATCHES = ", ".join(f"application/openstack-images-v2.{n}-json-patch" for n in (1, 0))


class ImagesApi:
    def __init__(self, images: ImageService) -> None:
        self._service = images
        self._images = images.images

    def operations(self) -> list[Operation]:
        one = "/v2/images/{image_id}"
        tag = f"{one}/tags/{{tag}}"
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", "/v2/images", self.index, policy="get_images"),
            Operation(
                "POST",
                "/v2/images",
                self.create,
                policy="add_image",
                body=dict[str, Any],
                status=201,
                **late,
            ),
            Operation("GET", one, self.show, policy="get_image", **late),
            Operation(
                "PATCH", one, self.update, policy="modify_image", body=list[PatchLine], **late
            ),
            Operation("DELETE", one, self.delete, policy="delete_image", status=204, **late),
            Operation("PUT", tag, self.tag, policy="modify_image", status=204, **late),
            Operation("DELETE", tag, self.untag, policy="modify_image", status=204, **late),
            Operation(
                "POST",
                f"{one}/actions/deactivate",
                self.deactivate,
                policy="deactivate",
                status=204,
                **late,
            ),
            Operation(
                "POST",
                f"{one}/actions/reactivate",
                self.reactivate,
                policy="reactivate",
                status=204,
                **late,
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        access = access_of(call, self._service)
        page = page_of(
            call,
            tx,
            self._images.listing,
            image_filters(call, access),
            find_marker=lambda id: self._marker(call, tx, id),
            sort=sort_of(call),
        )
        body: dict[str, Any] = {
            "images": [self._listed(call, tx, row, access) for row in page.rows],
            "first": relative(call, call.url + query_without_marker(call)),
            "schema": "/v2/schemas/images",
        }
        following = next_link(call, page, page.rows[-1].id if page.rows else None)
        if following is not None:
            body["next"] = relative(call, following)
        return body

    def _listed(self, call: Call, tx: Tx, row: ImageRow, access: Access) -> dict[str, Any]:
        rules = self._service.imports.rules
        if rules.show_locations or rules.show_direct_url:
            return full_body(call, tx, self._service, row)
        return image_body(row, access)

    def create(self, call: Call, tx: Tx) -> Any:
        attributes, properties = split(call.body, access_of(call, self._service))
        mine = call.principal.project_id
        owner = attributes.get("owner", mine)
        call.allow({"project_id": mine, "owner": owner})
        if owner != mine and not call.principal.is_admin:
            raise Forbidden(f"You are not permitted to create images owned by '{owner}'.")
        self._check_visibility(call, attributes.get("visibility"), mine)
        row = self._images.create(tx, attributes, properties, owner, call.principal)
        headers = {
            "Location": f"{call.base_url}/v2/images/{row.id}",
            "OpenStack-image-import-methods": ",".join(self._service.imports.rules.methods),
            "OpenStack-image-store-ids": ",".join(self._service.stores.writable()),
        }
        return Reply(body=full_body(call, tx, self._service, row), headers=headers)

    def _marker(self, call: Call, tx: Tx, id: str) -> ImageRow | None:
        try:
            return self._images.get(tx, id, call.principal)
        except NotFound:
            return None

    def show(self, call: Call, tx: Tx) -> Any:
        return full_body(call, tx, self._service, allowed(call, tx, self._service))

    def update(self, call: Call, tx: Tx) -> Any:
        kind = (call.header("Content-Type") or "").partition(";")[0].strip()
        if "json-patch" not in kind:
            raise UnsupportedMediaType(
                f"Unsupported Content-Type: {kind}", headers={"Accept-Patch": PATCHES}
            )
        row = allowed(call, tx, self._service)
        steps = [_step(line, elder="v2.0" in kind) for line in call.body]
        for step in steps:
            if step.path == "/visibility" and isinstance(step.value, str):
                self._check_visibility(call, step.value, row.owner)
            if step.path == "/owner" and not call.principal.is_admin:
                raise Forbidden("You are not permitted to change the owner of an image.")
        plain = [step for step in steps if not _is_location(step)]
        access = access_of(call, self._service)
        changed = self._images.patch(tx, row, plain, call.principal, access)
        target = {"project_id": row.owner, "owner": row.owner}
        for step in steps:
            if _is_location(step):
                changed = self._service.location_patches.apply(
                    tx, changed, step, call.principal, lambda rule: call.allow(target, rule)
                )
        return full_body(call, tx, self._service, changed)

    def _check_visibility(self, call: Call, wanted: str | None, owner: str | None) -> None:
        rule = {"public": "publicize_image", "community": "communitize_image"}.get(wanted or "")
        if rule is not None:
            call.allow({"project_id": owner, "owner": owner}, rule)

    def delete(self, call: Call, tx: Tx) -> None:
        row = allowed(call, tx, self._service)
        self._images.delete(tx, row, call.principal)

    def tag(self, call: Call, tx: Tx) -> None:
        tag = call.path["tag"]
        if len(tag) > 255:
            raise BadRequest("Provided object does not match schema 'image': a tag is too long")
        self._images.tag(tx, allowed(call, tx, self._service), tag, call.principal)

    def untag(self, call: Call, tx: Tx) -> None:
        row = allowed(call, tx, self._service)
        self._images.untag(tx, row, call.path["tag"], call.principal)

    def deactivate(self, call: Call, tx: Tx) -> None:
        row = allowed(call, tx, self._service)
        self._images.deactivate(tx, row, True, call.principal)

    def reactivate(self, call: Call, tx: Tx) -> None:
        row = allowed(call, tx, self._service)
        self._images.deactivate(tx, row, False, call.principal)


def _is_location(step: PatchStep) -> bool:
    return step.path == "/locations" or step.path.startswith("/locations/")


def _step(line: PatchLine, *, elder: bool) -> PatchStep:
    if not elder:
        if line.op is UNSET or line.path is UNSET:
            raise BadRequest("Unable to find 'op' or 'path' in JSON Schema change")
        return PatchStep(line.op, line.path, line.value)
    given: list[PatchStep] = []
    for op in OPS:
        path = getattr(line, op)
        if path is not UNSET:
            given.append(PatchStep(op, path, line.value))
    if len(given) != 1:
        raise BadRequest(
            "Operation objects must contain exactly one member named 'add', 'remove', or 'replace'."
        )
    return given[0]
