"""Quotas of the projects."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from cumulo.benchmark.client.session import Session
from cumulo.benchmark.contexts.table import Context, declare
from cumulo.benchmark.contexts.users import all_done
from cumulo.benchmark.engine.run import CheckFailed
from cumulo.benchmark.engine.surroundings import Noted, Surroundings
from cumulo.benchmark.model.result import Note

NAMES = {
    "nova": (
        "instances cores ram floating_ips fixed_ips metadata_items injected_files "
        "injected_file_content_bytes injected_file_path_bytes key_pairs security_groups "
        "security_group_rules server_groups server_group_members"
    ),
    "cinder": "gigabytes snapshots volumes backups backup_gigabytes",
    "manila": "shares gigabytes snapshots snapshot_gigabytes share_networks",
    "designate": "zones zone_recordsets zone_records recordset_records api_export_size",
    "neutron": (
        "network subnet port router floatingip security_group security_group_rule pool vip "
        "health_monitor trunk rbac_policy subnetpool"
    ),
}
_SCHEMA = {
    "type": "object",
    "properties": {
        service: {
            "type": "object",
            "properties": {name: {"type": "integer", "minimum": -1} for name in names.split()},
            "additionalProperties": False,
        }
        for service, names in NAMES.items()
    },
    "additionalProperties": False,
}
# What compute no longer knows, and quotas that networking took over.
_OLD = frozenset({"floating_ips", "fixed_ips", "security_groups", "security_group_rules"})


async def update(admin: Session, service: str, tenant: str, values: dict[str, Any]) -> None:
    """Set a project's quotas with one service."""
    if service == "nova":
        wanted = {k: v for k, v in values.items() if k not in _OLD}
        await admin.put("compute", f"/os-quota-sets/{tenant}", {"quota_set": wanted})
    elif service == "cinder":
        await admin.put("volume", f"/os-quota-sets/{tenant}", {"quota_set": values})
    elif service == "neutron":
        await admin.put("network", f"/quotas/{tenant}", {"quota": values})
    elif service == "manila":
        path = f"/quota-sets/{tenant}"
        await admin.put("share", path, {"quota_set": values}, version="2.7")
    else:
        named = {"X-Auth-All-Projects": "true"}
        await admin.patch("dns", f"/quotas/{tenant}", values, headers=named)


async def shown(admin: Session, service: str, tenant: str) -> dict[str, Any]:
    """A project's quotas with one service, as they are."""
    if service == "nova":
        found = (await admin.get("compute", f"/os-quota-sets/{tenant}"))["quota_set"]
    elif service == "cinder":
        found = (await admin.get("volume", f"/os-quota-sets/{tenant}"))["quota_set"]
    elif service == "neutron":
        found = (await admin.get("network", f"/quotas/{tenant}"))["quota"]
    elif service == "manila":
        found = (await admin.get("share", f"/quota-sets/{tenant}", version="2.7"))["quota_set"]
    else:
        named = {"X-Auth-All-Projects": "true"}
        found = await admin.get("dns", f"/quotas/{tenant}", headers=named)
    return {k: v for k, v in found.items() if k != "id"}


async def reset(admin: Session, service: str, tenant: str) -> None:
    """Back to the defaults."""
    paths = {
        "nova": ("compute", f"/os-quota-sets/{tenant}"),
        "cinder": ("volume", f"/os-quota-sets/{tenant}"),
        "neutron": ("network", f"/quotas/{tenant}"),
        "manila": ("share", f"/quota-sets/{tenant}"),
        "designate": ("dns", f"/quotas/{tenant}"),
    }
    kind, path = paths[service]
    more: dict[str, Any] = {"version": "2.7"} if service == "manila" else {}
    if service == "designate":
        more["headers"] = {"X-Auth-All-Projects": "true"}
    await admin.delete(kind, path, **more)


async def remember(
    env: Surroundings,
    place: str,
    service: str,
    tenant: str,
    wanted: Iterable[str],
    after: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Note what an existing project has of some quotas, before they are changed to `after`; what
    another task has changed already as it was before that. `place` is whose list it is that
    `put_back` goes by."""
    assert env.admin is not None
    async with env.notes.alone():
        now = await shown(env.admin, service, tenant)
        known: dict[str, Any] = {}
        others = env.notes.others(Note("quota", service, tenant))
        for other in reversed(others):
            # What none of them has set was set by somebody else meanwhile: that is how it was.
            known |= {k: v for k, v in other.before.items() if _is_of(others, k, now.get(k))}
        before = {**now, **known}
        kept = {k: before[k] for k in wanted if k in before}
        made = {k: v for k, v in after.items() if k in kept}
        number = env.note("quota", service, tenant, kept, made)
    env.kept.setdefault(place, []).append((service, tenant, kept, made, number))


def _is_of(runs: Iterable[Noted], name: str, value: Any) -> bool:
    """Whether a quota's value may be one that a run has set."""
    return any(name in each.before and each.after.get(name, value) == value for each in runs)


def handed_on(before: Mapping[str, Any], others: Iterable[Noted]) -> dict[str, Any]:
    """What a run that ends puts back: of quotas that another one has in use, too, what that one
    has set, for by that it knows them as its own. Where it may have set anything they stay."""
    found = dict(before)
    for other in others:
        for name in set(found) & set(other.before) if other.alive else ():
            found[name] = other.after.get(name)
    return {name: value for name, value in found.items() if value is not None}


async def restore(
    admin: Session,
    service: str,
    tenant: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Quotas as they were; what an administrator has set since stays."""
    now = await shown(admin, service, tenant) if after else {}
    wanted = {k: v for k, v in before.items() if k not in after or now.get(k) == after[k]}
    if wanted:
        await update(admin, service, tenant, wanted)


async def put_back(env: Surroundings, place: str) -> None:
    """What `remember` has noted, as it was, unless another task that runs has noted it, too: that
    one does it. Raises CheckFailed."""
    assert env.admin is not None
    admin = env.admin

    async def one(
        service: str, tenant: str, before: dict[str, Any], after: dict[str, Any], number: int
    ) -> None:
        others = env.notes.others(Note("quota", service, tenant))
        await restore(admin, service, tenant, handed_on(before, others), after)
        env.notes.forget(number)

    async with env.notes.alone():
        await all_done(
            (f"quotas of {each[1]} with {each[0]}", one(*each)) for each in env.kept.pop(place, ())
        )


async def _setup(env: Surroundings, config: dict[str, dict[str, int]]) -> None:
    if env.admin is None:
        raise CheckFailed("No admin credentials for openstack: quotas cannot be set")
    for tenant in env.tenants:
        for service, values in config.items():
            if not values:
                continue
            if env.existing_users:
                await remember(env, "quotas", service, tenant, values, values)
            await update(env.admin, service, tenant, values)


async def _cleanup(env: Surroundings, config: dict[str, dict[str, int]]) -> None:
    if env.admin is None:
        return
    if env.existing_users:
        await put_back(env, "quotas")
        return
    admin = env.admin
    await all_done(
        (f"quotas of {tenant} with {service}", reset(admin, service, tenant))
        for tenant in env.tenants
        for service, values in config.items()
        if values
    )


declare(Context("quotas", 300, "Quotas of the projects", _SCHEMA, _setup, _cleanup))
