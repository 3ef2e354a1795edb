"""Scenarios of quotas."""

import random
from typing import Any

from cumulo.benchmark.contexts import quotas
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario

_NAMES = {
    "nova": (
        "metadata_items key_pairs injected_file_content_bytes injected_file_path_bytes ram "
        "instances injected_files cores"
    ),
    "cinder": "volumes snapshots gigabytes",
    "neutron": "network subnet port router floatingip security_group security_group_rule",
}


def _some(service: str, most: int) -> dict[str, Any]:
    return {name: random.randint(-1, most) for name in _NAMES[service].split()}


async def _update(run: Run, service: str, most: int) -> None:
    with run.action("quotas.update_quotas"):
        await quotas.update(run.admin, service, run.tenant["id"], _some(service, most))


async def _delete(run: Run, service: str) -> None:
    with run.action("quotas.delete_quotas"):
        await quotas.reset(run.admin, service, run.tenant["id"])


def _declare(service: str) -> None:
    resource = "quota" if service == "neutron" else "quotas"
    more: Any = {
        "admin": True,
        "services": (service,),
        "admin_cleanup": (f"{service}.{resource}",),
    }

    async def update(run: Run, max_quota: int = 1024) -> None:
        await _update(run, service, max_quota)

    async def update_and_delete(run: Run, max_quota: int = 1024) -> None:
        await _update(run, service, max_quota)
        await _delete(run, service)

    async def get(run: Run) -> None:
        with run.action("quotas.get_quotas"):
            await quotas.shown(run.admin, service, run.tenant["id"])

    update.__doc__ = f"Set quotas of a project with {service}"
    update_and_delete.__doc__ = f"Set quotas of a project with {service} and reset them"
    get.__doc__ = f"Show quotas of a project with {service}"
    scenario(f"Quotas.{service}_update", **more)(update)
    if service != "neutron":
        scenario(f"Quotas.{service}_update_and_delete", **more)(update_and_delete)
        scenario(f"Quotas.{service}_get", **more)(get)


for _service in _NAMES:
    _declare(_service)
