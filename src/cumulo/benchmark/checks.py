"""What Rally looks at before a load, beyond arguments and images: names that are not the file's to
give, external networks, templates of stacks, services and extensions that a scenario cannot do
without. Messages are Rally's."""

from collections.abc import Mapping
from typing import Any

from cumulo.benchmark.actions import heat
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import (
    ApiError,
    BadRequest,
    NotFound,
    ServiceMissing,
    Session,
)
from cumulo.benchmark.engine.run import CheckFailed
from cumulo.benchmark.model.task import Workload

_NAMES = ("name", "display_name")
# Arguments that are passed on, and what in them is ours: things are found again by their names.
_OURS: Mapping[str, tuple[str, ...]] = {
    "network_create_args": ("name",),
    "network_update_args": ("name",),
    "subnet_create_args": ("name",),
    "subnet_update_args": ("name",),
    "router_create_args": ("name",),
    "router_update_args": ("name",),
    "port_create_args": ("name",),
    "port_update_args": ("name",),
    "create_volume_kwargs": _NAMES,
    "update_volume_kwargs": _NAMES,
    "create_volume_params": _NAMES,
    "create_vm_params": _NAMES,
    "create_snapshot_kwargs": _NAMES,
    "create_backup_kwargs": ("name",),
}
# The same of a scenario's own arguments, by the first part of its name.
_OWN: Mapping[str, tuple[str, ...]] = {
    "CinderVolumes": _NAMES,
    "IronicNodes": ("name",),
}


def restricted(name: str, args: Mapping[str, Any]) -> list[str]:
    """Names in a workload's arguments that the run gives itself."""
    inside: list[tuple[str, Mapping[str, Any], tuple[str, ...]]] = [
        ("args", args, _OWN.get(name.partition(".")[0], ()))
    ]
    for each, names in _OURS.items():
        given = args.get(each)
        if isinstance(given, dict):
            inside.append((each, given, names))
    found = []
    for where, given, names in inside:
        taken = [word for word in names if word in given]
        if taken:
            found.append(f"You can't specify parameters '{', '.join(taken)}' in '{where}'")
    return found


class Cloud:
    """What has been asked of a cloud is asked once a validation."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._known: dict[tuple[str, str], list[Any]] = {}

    async def listed(self, service: str, path: str, collection: str) -> list[Any]:
        key = (service, path)
        if key not in self._known:
            self._known[key] = (await self.session.get(service, path))[collection]
        return self._known[key]


async def cloud_problems(workload: Workload, services: tuple[str, ...], cloud: Cloud) -> list[str]:
    """What a cloud lacks for a workload. What it does not answer is no finding: the load shows."""
    try:
        return [
            *await _networks(workload, cloud),
            *await _extensions(workload, cloud),
            *await _backups(workload, cloud),
            *await _parts(workload, cloud),
            *await _volume_type(workload, cloud),
            *(await _template(workload, cloud) if "heat" in services else []),
        ]
    except (ApiError, HttpError, ServiceMissing, LookupError, TypeError, AttributeError):
        return []


async def _networks(workload: Workload, cloud: Cloud) -> list[str]:
    wanted = workload.args.get("floating_network")
    more = workload.args.get("create_floating_ip_args")
    if not wanted and isinstance(more, dict):
        wanted = more.get("ext_network") or more.get("floating_network")
    if not wanted or not isinstance(wanted, str):
        return []
    path = "/networks?router:external=true"
    found = await cloud.listed("network", path, "networks")
    if any(wanted in (network["name"], network["id"]) for network in found):
        return []
    names = [network["name"] for network in found]
    return [
        f"External (floating) network with name {wanted} not found. Available networks: {names}"
    ]


async def _extensions(workload: Workload, cloud: Cloud) -> list[str]:
    subports = workload.name.partition("@")[0].endswith("_subports")
    if not workload.name.startswith("NeutronTrunks.") and not subports:
        return []
    found = await cloud.listed("network", "/extensions", "extensions")
    there = any(extension["alias"] == "trunk" for extension in found)
    return [] if there else ["Neutron extension trunk is not configured"]


async def _backups(workload: Workload, cloud: Cloud) -> list[str]:
    if "backup" not in workload.name:
        return []
    found = await cloud.listed("volume", "/os-services", "services")
    up = any(s["binary"] == "cinder-backup" and s.get("state") == "up" for s in found)
    return [] if up else ["cinder-backup service is not available"]


# Parts of the volume service that a cloud may lack: by what is in a scenario's name.
_PARTS: Mapping[str, tuple[str, str]] = {
    "CinderQos.": ("/qos-specs", "QoS specs"),
    "transfer": ("/os-volume-transfer", "volume transfers"),
}


async def _parts(workload: Workload, cloud: Cloud) -> list[str]:
    for word, (path, title) in _PARTS.items():
        if workload.name.startswith("Cinder") and word in workload.name:
            try:
                await cloud.session.get("volume", path)
            except NotFound:
                return [f"The cloud's volume service has no {title}"]
    return []


async def _volume_type(workload: Workload, cloud: Cloud) -> list[str]:
    wanted = workload.args.get("volume_type")
    if not workload.name.startswith("CinderVolumes.") or not isinstance(wanted, str) or not wanted:
        return []
    made = workload.contexts.get("volume_types", workload.contexts.get("volume_types@openstack"))
    names = [each["name"] if isinstance(each, dict) else each for each in made or ()]
    found = await cloud.listed("volume", "/types?is_public=None", "volume_types")
    names += [each[key] for each in found for key in ("name", "id")]
    return [] if wanted in names else [f"Specified volume type {wanted} not found for user."]


async def _template(workload: Workload, cloud: Cloud) -> list[str]:
    path = workload.args.get("template_path")
    if not isinstance(path, str):
        return []
    try:
        body = heat.described(path, workload.args.get("files"), workload.args.get("environment"))
        await cloud.session.post("orchestration", "/validate", body)
    except (BadRequest, CheckFailed, OSError, ValueError) as error:
        return [f"Heat template validation failed on {path}. Original error message: {error}."]
    return []
