"""Flavors on the wire: with their extra specs and who may use them."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, field

from cumulo.compute.api.common import Links, links, or_none
from cumulo.compute.model.flavor import FlavorRow
from cumulo.compute.model.specs import complaint
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import MAX_LIMIT, Page, limit_of, next_link, order_of, page_of
from cumulo.core.wire.coercions import BoolLike, IntLike, as_bool, as_int, whole_or_none
from cumulo.core.wire.patterns import BadPattern, Pattern
from cumulo.core.wire.shapes import Before, Body, Since, StrictBody, Unset, Until, Version

MAX_INT = 2**31 - 1
FlavorName = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^\S(.*\S)?\Z")]
SpecKey = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9\-_:. ]+\Z")]
Spec = Annotated[str, Meta(max_length=255)]


class FlavorSummary(Body, kw_only=True):
    id: str
    name: str
    links: Links
    description: Annotated[str | Unset | None, Since("2.55")] = None


def _empty(swap: Any) -> Any:
    return swap or ""


class FlavorBody(FlavorSummary, kw_only=True):
    ram: int
    disk: int
    vcpus: int
    swap: Annotated[int | str, Before("2.75", _empty)]
    ephemeral: int = field(name="OS-FLV-EXT-DATA:ephemeral")
    disabled: Annotated[bool | Unset, Until("2.101")] = field(name="OS-FLV-DISABLED:disabled")
    rxtx_factor: Annotated[float | Unset, Until("2.101")]
    is_public: bool = field(name="os-flavor-access:is_public")
    extra_specs: Annotated[dict[str, str] | Unset, Since("2.61")] = UNSET


class NewFlavor(StrictBody, kw_only=True):
    name: FlavorName
    ram: IntLike
    vcpus: IntLike
    disk: IntLike
    id: str | int | None = None
    swap: IntLike = 0
    ephemeral: IntLike = field(name="OS-FLV-EXT-DATA:ephemeral", default=0)
    rxtx_factor: Annotated[float | str | Unset, Until("2.101")] = UNSET
    is_public: BoolLike = field(name="os-flavor-access:is_public", default=True)
    description: Annotated[Annotated[str, Meta(max_length=65535)] | Unset | None, Since("2.55")] = (
        None
    )


class CreateFlavor(StrictBody):
    flavor: NewFlavor


class ChangedFlavor(StrictBody):
    description: Annotated[str, Meta(max_length=65535)] | None


class UpdateFlavor(StrictBody):
    flavor: ChangedFlavor


class ExtraSpecs(StrictBody):
    extra_specs: dict[SpecKey, Spec | int | float]


class Tenant(StrictBody):
    tenant: Annotated[str, Meta(min_length=1, max_length=255)]


class AddAccess(StrictBody):
    addTenantAccess: Tenant


class RemoveAccess(StrictBody):
    removeTenantAccess: Tenant


class FlavorsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._flavors = compute.flavors

    def operations(self) -> list[Operation]:
        one = "/flavors/{flavor_id}"
        manage = "os_compute_api:os-flavor-manage"
        return [
            Operation("GET", "/flavors", self.index, policy="os_compute_api:flavors"),
            Operation("GET", "/flavors/detail", self.detail, policy="os_compute_api:flavors"),
            Operation("GET", one, self.show, policy="os_compute_api:flavors"),
            Operation(
                "POST", "/flavors", self.create, policy=f"{manage}:create", body=CreateFlavor
            ),
            Operation(
                "PUT",
                one,
                self.update,
                policy=f"{manage}:update",
                body=UpdateFlavor,
                since="2.55",
            ),
            Operation("DELETE", one, self.delete, policy=f"{manage}:delete", status=202),
            *self._spec_operations(one + "/os-extra_specs"),
            *self._access_operations(one),
        ]

    def _spec_operations(self, all_: str) -> list[Operation]:
        rule, one = "os_compute_api:os-flavor-extra-specs", all_ + "/{key}"
        return [
            Operation("GET", all_, self.specs, policy=f"{rule}:index"),
            Operation("POST", all_, self.add_specs, policy=f"{rule}:create", body=ExtraSpecs),
            Operation("GET", one, self.spec, policy=f"{rule}:show"),
            Operation(
                "PUT",
                one,
                self.set_spec,
                policy=f"{rule}:update",
                body=dict[SpecKey, Spec | int | float],
            ),
            Operation("DELETE", one, self.drop_spec, policy=f"{rule}:delete"),
        ]

    def _access_operations(self, one: str) -> list[Operation]:
        rule = "os_compute_api:os-flavor-access"
        return [
            Operation("GET", one + "/os-flavor-access", self.access, policy=rule),
            Operation(
                "POST",
                one + "/action",
                self.add_access,
                policy=f"{rule}:add_tenant_access",
                body=AddAccess,
                action="addTenantAccess",
            ),
            Operation(
                "POST",
                one + "/action",
                self.drop_access,
                policy=f"{rule}:remove_tenant_access",
                body=RemoveAccess,
                action="removeTenantAccess",
            ),
        ]

    # --- flavors ----------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, flavor_summary, "flavors")

    def detail(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, flavor_body, "flavors")

    def _list(self, call: Call, tx: Tx, body: Any, key: str) -> Any:
        name = call.query.get("name") if _at(call, 102) else None
        if _at(call, 102) and "rxtx_factor" in call.query.all("sort_key"):
            raise BadRequest("Invalid input for query parameters sort_key. Value: rxtx_factor.")
        if name:
            page = self._named(call, tx, name)
        else:
            page = page_of(
                call,
                tx,
                self._flavors.listing,
                self._where(call),
                find_marker=lambda id: self._marker(call, tx, id),
            )
        answer: dict[str, Any] = {key: [body(call, row) for row in page.rows]}
        link = next_link(call, page, page.rows[-1].id if page.rows else None)
        if link is not None:
            answer[f"{key}_links"] = [{"rel": "next", "href": link}]
        return answer

    def _marker(self, call: Call, tx: Tx, id: str) -> FlavorRow | None:
        found: FlavorRow | None = or_none(lambda: self._flavors.get(tx, id, call.principal))
        return found

    def _named(self, call: Call, tx: Tx, name: str) -> Page[FlavorRow]:
        """API 2.102: by a regular expression that is found somewhere in the name."""
        try:
            pattern = Pattern(name, ignore_case=False)
        except BadPattern as error:
            raise BadRequest(
                f"Invalid filter: {name:.80} is no regular expression: {error}"
            ) from None
        limit, id = limit_of(call), call.query.get("marker")
        if limit == 0:
            return Page([], False)
        marker = self._marker(call, tx, id) if id else None
        if id and marker is None:
            raise BadRequest(f"marker [{id}] not found")
        found = self._flavors.listing.look(
            tx,
            where=self._where(call),
            columns=("name",),
            fits=lambda rows: [pattern.found_in(name) for _, name in rows],
            sort=order_of(call, self._flavors.listing, {}),
            marker=marker,
            limit=MAX_LIMIT if limit is None else limit,
        )
        return Page(found.rows, found.more)

    def _where(self, call: Call) -> dict[str, Any]:
        where: dict[str, Any] = {"disabled": False}
        for name, column in (("minDisk", "min_disk"), ("minRam", "min_ram")):
            text = call.query.get(name)
            if text is not None:
                number = whole_or_none(text)
                if number is None or number < 0:
                    raise BadRequest(f"Invalid {name} filter [{text:.80}]")
                where[column] = number
        if not call.principal.is_admin:
            where["usable_by"] = call.principal.project_id or ""
            return where
        public = call.query.get("is_public", "true") or "true"
        if public.lower() not in ("none", "null"):
            where["is_public"] = as_bool(public, "is_public")
        return where

    def show(self, call: Call, tx: Tx) -> Any:
        return {"flavor": flavor_body(call, self._one(call, tx))}

    def _one(self, call: Call, tx: Tx) -> FlavorRow:
        return self._flavors.get(tx, call.path["flavor_id"], call.principal)

    def create(self, call: Call, tx: Tx) -> Any:
        wish: NewFlavor = call.body.flavor
        try:
            factor = 1.0 if wish.rxtx_factor is UNSET else float(wish.rxtx_factor)
        except ValueError:
            factor = 0.0
        if not 0.0 < factor <= 3.40282e38:
            raise BadRequest(
                "Invalid input for field/attribute rxtx_factor. "
                f"Value: {wish.rxtx_factor}. It is not a positive number."
            )
        flavor_id = None if wish.id is None else str(wish.id)
        if flavor_id is not None and (not flavor_id.strip() or len(flavor_id) > 255):
            raise BadRequest(f"Invalid input for field/attribute id. Value: {flavor_id}.")
        wishes = {
            "name": wish.name,
            "id": flavor_id,
            "ram": as_int(wish.ram, "ram", minimum=1, maximum=MAX_INT),
            "vcpus": as_int(wish.vcpus, "vcpus", minimum=1, maximum=MAX_INT),
            "disk": as_int(wish.disk, "disk", minimum=0, maximum=MAX_INT),
            "swap": as_int(wish.swap or 0, "swap", minimum=0, maximum=MAX_INT),
            "ephemeral": as_int(wish.ephemeral, "ephemeral", minimum=0, maximum=MAX_INT),
            "rxtx_factor": factor,
            "is_public": as_bool(wish.is_public, "os-flavor-access:is_public"),
            "description": None if wish.description is UNSET else wish.description,
        }
        row = self._flavors.create(tx, wishes, call.principal)
        return {"flavor": flavor_body(call, row)}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        description = call.body.flavor.description
        row = self._flavors.update(tx, row, call.principal, description=description)
        return {"flavor": flavor_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._flavors.delete(tx, self._one(call, tx), call.principal)

    # --- extra specs ------------------------------------------------------------------------

    def specs(self, call: Call, tx: Tx) -> Any:
        return {"extra_specs": self._one(call, tx).extra_specs}

    def add_specs(self, call: Call, tx: Tx) -> Any:
        specs = _checked(call, {key: str(v) for key, v in call.body.extra_specs.items()})
        self._flavors.set_specs(tx, self._one(call, tx), specs, call.principal)
        return {"extra_specs": specs}

    def spec(self, call: Call, tx: Tx) -> Any:
        key = call.path["key"]
        return {key: self._flavors.spec(self._one(call, tx), key)}

    def set_spec(self, call: Call, tx: Tx) -> Any:
        key = call.path["key"]
        if len(call.body) != 1:
            raise BadRequest("Request body contains too many items")
        if key not in call.body:
            raise BadRequest("Request body and URI mismatch")
        specs = _checked(call, {key: str(call.body[key])})
        self._flavors.set_specs(tx, self._one(call, tx), specs, call.principal)
        return specs

    def drop_spec(self, call: Call, tx: Tx) -> None:
        self._flavors.drop_spec(tx, self._one(call, tx), call.path["key"], call.principal)

    # --- access -----------------------------------------------------------------------------

    def access(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        if row.is_public:
            raise NotFound("Access list not available for public flavors.")
        return self._access(tx, row)

    def _access(self, tx: Tx, row: FlavorRow) -> Any:
        names = self._flavors.access(tx, row)
        return {"flavor_access": [{"flavor_id": row.id, "tenant_id": name} for name in names]}

    def add_access(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        self._flavors.add_access(
            tx, row, call.body.addTenantAccess.tenant, call.principal, public=not _at(call, 7)
        )
        return self._access(tx, row)

    def drop_access(self, call: Call, tx: Tx) -> Any:
        row = self._one(call, tx)
        self._flavors.drop_access(tx, row, call.body.removeTenantAccess.tenant, call.principal)
        return self._access(tx, row)


def _at(call: Call, minor: int) -> bool:
    return call.version is not None and call.version >= Version(2, minor)


def _checked(call: Call, specs: dict[str, str]) -> dict[str, str]:
    """API 2.86 knows what may be said."""
    if call.version is not None and call.version >= (2, 86):
        for name, value in specs.items():
            wrong = complaint(name, value)
            if wrong is not None:
                raise BadRequest(wrong)
    return specs


def flavor_summary(call: Call, row: FlavorRow) -> FlavorSummary:
    return FlavorSummary(
        id=row.id, name=row.name, links=links(call, "flavors", row.id), description=row.description
    )


def flavor_body(call: Call, row: FlavorRow) -> FlavorBody:
    return FlavorBody(
        id=row.id,
        name=row.name,
        links=links(call, "flavors", row.id),
        description=row.description,
        ram=row.ram,
        disk=row.disk,
        vcpus=row.vcpus,
        swap=row.swap,
        ephemeral=row.ephemeral,
        disabled=row.disabled,
        rxtx_factor=row.rxtx_factor,
        is_public=row.is_public,
        extra_specs=row.extra_specs,
    )
