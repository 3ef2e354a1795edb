"""Limits and quotas on the wire."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.compute.api.elsewhere import Elsewhere
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import BoolLike, IntLike, as_bool, as_int
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset, Until

RULE = "os_compute_api:os-quota-sets"
MAX_INT = 2**31 - 1
DEFAULT = "default"
"""The class of quotas that every project has."""
LONGEST_NAME = 255


class QuotaSet(Body, kw_only=True):
    id: str | Unset = UNSET
    instances: Any
    cores: Any
    ram: Any
    metadata_items: Any
    key_pairs: Any
    server_groups: Any
    server_group_members: Any
    floating_ips: Annotated[Any, Until("2.35")]
    fixed_ips: Annotated[Any, Until("2.35")]
    security_groups: Annotated[Any, Until("2.35")]
    security_group_rules: Annotated[Any, Until("2.35")]
    injected_files: Annotated[Any, Until("2.56")]
    injected_file_content_bytes: Annotated[Any, Until("2.56")]
    injected_file_path_bytes: Annotated[Any, Until("2.56")]


class QuotaClassSet(QuotaSet, kw_only=True):
    """The same with other bounds: the network's went in API 2.50, when groups came."""

    server_groups: Annotated[Any, Since("2.50")]
    server_group_members: Annotated[Any, Since("2.50")]
    floating_ips: Annotated[Any, Until("2.49")]
    fixed_ips: Annotated[Any, Until("2.49")]
    security_groups: Annotated[Any, Until("2.49")]
    security_group_rules: Annotated[Any, Until("2.49")]


class ChangedQuotas(StrictBody, kw_only=True):
    force: BoolLike = False
    instances: IntLike | Unset = UNSET
    cores: IntLike | Unset = UNSET
    ram: IntLike | Unset = UNSET
    metadata_items: IntLike | Unset = UNSET
    key_pairs: IntLike | Unset = UNSET
    server_groups: IntLike | Unset = UNSET
    server_group_members: IntLike | Unset = UNSET
    floating_ips: Annotated[IntLike | Unset, Until("2.35")] = UNSET
    fixed_ips: Annotated[IntLike | Unset, Until("2.35")] = UNSET
    security_groups: Annotated[IntLike | Unset, Until("2.35")] = UNSET
    security_group_rules: Annotated[IntLike | Unset, Until("2.35")] = UNSET
    injected_files: Annotated[IntLike | Unset, Until("2.56")] = UNSET
    injected_file_content_bytes: Annotated[IntLike | Unset, Until("2.56")] = UNSET
    injected_file_path_bytes: Annotated[IntLike | Unset, Until("2.56")] = UNSET


class UpdateQuotas(StrictBody):
    quota_set: ChangedQuotas


class ChangedClass(ChangedQuotas, kw_only=True):
    """Groups can be set at any version, though they are shown from 2.50 on only."""

    floating_ips: Annotated[IntLike | Unset, Until("2.49")] = UNSET
    fixed_ips: Annotated[IntLike | Unset, Until("2.49")] = UNSET
    security_groups: Annotated[IntLike | Unset, Until("2.49")] = UNSET
    security_group_rules: Annotated[IntLike | Unset, Until("2.49")] = UNSET


class UpdateClass(StrictBody):
    quota_class_set: ChangedClass


class AbsoluteLimits(Body, kw_only=True):
    maxTotalInstances: int
    maxTotalCores: int
    maxTotalRAMSize: int
    maxServerMeta: int
    maxTotalKeypairs: int
    maxServerGroups: int
    maxServerGroupMembers: int
    totalInstancesUsed: int
    totalCoresUsed: int
    totalRAMUsed: int
    totalServerGroupsUsed: int
    maxImageMeta: Annotated[int | Unset, Until("2.38")]
    maxPersonality: Annotated[int | Unset, Until("2.56")]
    maxPersonalitySize: Annotated[int | Unset, Until("2.56")]
    maxTotalFloatingIps: Annotated[int | Unset, Until("2.35")] = -1
    totalFloatingIpsUsed: Annotated[int | Unset, Until("2.35")] = 0
    maxSecurityGroups: Annotated[int | Unset, Until("2.35")] = -1
    totalSecurityGroupsUsed: Annotated[int | Unset, Until("2.35")] = 0
    maxSecurityGroupRules: Annotated[int | Unset, Until("2.35")] = -1


class LimitsApi:
    def __init__(self, compute: ComputeService, database: Database, caller: Caller) -> None:
        self._quotas = compute.quotas
        self._database = database
        self._identity = Elsewhere(caller, "/identity/v3")

    def operations(self) -> list[Operation]:
        # The path's name of the project must not be `project_id`: that is the URL prefix's.
        one, classes = "/os-quota-sets/{tenant}", "/os-quota-class-sets/{name}"
        return [
            Operation("GET", "/limits", self.limits, policy="os_compute_api:limits"),
            Operation("GET", one, self.show, policy=f"{RULE}:show", early=False),
            Operation("GET", one + "/detail", self.detail, policy=f"{RULE}:detail", early=False),
            Operation("GET", one + "/defaults", self.defaults, policy=f"{RULE}:defaults"),
            Operation(
                "PUT", one, self.update, policy=f"{RULE}:update", early=False, body=UpdateQuotas
            ),
            Operation("DELETE", one, self.reset, policy=f"{RULE}:delete", early=False, status=202),
            Operation(
                "GET", classes, self.show_class, policy="os_compute_api:os-quota-class-sets:show"
            ),
            Operation(
                "PUT",
                classes,
                self.update_class,
                policy="os_compute_api:os-quota-class-sets:update",
                body=UpdateClass,
                kind="stream",
            ),
        ]

    def limits(self, call: Call, tx: Tx) -> Any:
        tenant = call.query.get("tenant_id")
        project_id = tenant if tenant and call.principal.is_admin else call.project_id
        most, used = self._limits(tx, project_id), self._usages(tx, project_id)
        absolute = AbsoluteLimits(
            maxTotalInstances=most["instances"],
            maxTotalCores=most["cores"],
            maxTotalRAMSize=most["ram"],
            maxServerMeta=most["metadata_items"],
            maxTotalKeypairs=most["key_pairs"],
            maxServerGroups=most["server_groups"],
            maxServerGroupMembers=most["server_group_members"],
            totalInstancesUsed=used["instances"],
            totalCoresUsed=used["cores"],
            totalRAMUsed=used["ram"],
            totalServerGroupsUsed=used["server_groups"],
            maxImageMeta=most["metadata_items"],
            maxPersonality=most["injected_files"],
            maxPersonalitySize=most["injected_file_content_bytes"],
            maxTotalFloatingIps=most["floating_ips"],
            maxSecurityGroups=most["security_groups"],
            maxSecurityGroupRules=most["security_group_rules"],
        )
        return {"limits": {"rate": [], "absolute": absolute}}

    def _limits(self, tx: Tx, project_id: str) -> dict[str, int]:
        return self._quotas.as_legacy(self._quotas.limits(tx, project_id))

    def _usages(self, tx: Tx, project_id: str) -> dict[str, int]:
        return self._quotas.as_legacy(self._quotas.usages(tx, project_id))

    def _defaults(self, tx: Tx) -> dict[str, int]:
        return self._quotas.as_legacy(self._quotas.defaults(tx))

    def _project(self, call: Call) -> str:
        project_id = call.path["tenant"]
        call.allow({"project_id": project_id})
        return project_id

    def show(self, call: Call, tx: Tx) -> Any:
        project_id = self._project(call)
        limits = self._limits(tx, project_id)
        return {"quota_set": QuotaSet(id=project_id, **limits)}

    def defaults(self, call: Call, tx: Tx) -> Any:
        found = QuotaSet(id=call.path["tenant"], **self._defaults(tx))
        return {"quota_set": found}

    def show_class(self, call: Call, tx: Tx) -> Any:
        name = call.path["name"]
        found = QuotaClassSet(id=name, **self._class(tx, name))
        return {"quota_class_set": found}

    def _class(self, tx: Tx, name: str) -> dict[str, int]:
        set_ = {} if name == DEFAULT else self._quotas.class_limits(tx, name)
        return {**self._defaults(tx), **self._quotas.as_legacy(set_)}

    async def update_class(self, call: Call) -> Any:
        """The class `default` is what is registered for all projects in identity: set there.
        Others are remembered and shown, and count for nobody, as with Nova."""
        name, wish = call.path["name"], call.body.quota_class_set
        known = await self._database.read(lambda tx: self._quotas.as_legacy(self._quotas.known(tx)))
        values = {}
        for each in known:
            given = getattr(wish, each)
            if given is not UNSET:
                resource = self._quotas.resource(each)
                values[resource] = as_int(given, each, minimum=-1, maximum=MAX_INT)
        if name == DEFAULT:
            await self._register(call, values)
        else:
            if len(name) > LONGEST_NAME:
                raise BadRequest(f"quota_class {name:.20}… is too long.")
            await self._database.write(lambda tx: self._quotas.set_class_limits(tx, name, values))
        found: dict[str, Any] = await self._database.read(lambda tx: self._class(tx, name))
        return {"quota_class_set": QuotaClassSet(**found)}

    async def _register(self, call: Call, values: dict[str, int]) -> None:
        of_compute = {"type": "compute"}
        [service, *_] = await self._identity.all(call, "/services", "services", of_compute)
        of_service = {"service_id": service["id"]}
        limits = "registered_limits"
        there = await self._identity.all(call, f"/{limits}", limits, of_service)
        ids = {each["resource_name"]: each["id"] for each in there}
        for resource, value in values.items():
            if resource in ids:
                path = f"/{limits}/{ids[resource]}"
                change = {"registered_limit": {"default_limit": value}}
                await self._identity.ask(call, "PATCH", path, change)
            else:
                wish = {**of_service, "resource_name": resource, "default_limit": value}
                await self._identity.ask(call, "POST", f"/{limits}", {limits: [wish]})

    def detail(self, call: Call, tx: Tx) -> Any:
        project_id = self._project(call)
        limits = self._limits(tx, project_id)
        used = self._usages(tx, project_id)
        details = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in limits.items()
        }
        return {"quota_set": QuotaSet(id=project_id, **details)}

    def update(self, call: Call, tx: Tx) -> Any:
        project_id = self._project(call)
        wish: ChangedQuotas = call.body.quota_set
        force = as_bool(wish.force, "force")
        used = self._usages(tx, project_id)
        values: dict[str, int] = {}
        for name in self._quotas.as_legacy(self._quotas.known(tx)):
            given = getattr(wish, name)
            if given is UNSET:
                continue
            value = as_int(given, name, minimum=-1, maximum=MAX_INT)
            if 0 <= value < used.get(name, 0) and not force:
                raise BadRequest(
                    f"Quota value {value} for {name} are less than already used and reserved "
                    f"{used[name]}."
                )
            values[self._quotas.resource(name)] = value
        self._quotas.set_limits(tx, project_id, values)
        limits: dict[str, Any] = self._limits(tx, project_id)
        return {"quota_set": QuotaSet(**limits)}

    def reset(self, call: Call, tx: Tx) -> None:
        self._quotas.reset_limits(tx, self._project(call))
