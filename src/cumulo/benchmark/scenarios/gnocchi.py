"""Scenarios of metrics."""

from typing import Any

from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario

Found = dict[str, Any]

_LOOK: Any = {"services": ("gnocchi",)}


def _made(*kinds: str, admin: bool = False) -> Any:
    if admin:
        return {"services": ("gnocchi",), "admin": True, "admin_cleanup": kinds}
    return {"services": ("gnocchi",), "cleanup": kinds}


@scenario("Gnocchi.get_status", services=("gnocchi",), admin=True)
async def get_status(run: Run, detailed: bool = False) -> None:
    """Show how the service is"""
    with run.action("gnocchi.get_status"):
        await run.admin.get("metric", "/status", query={"details": detailed})


@scenario("Gnocchi.list_capabilities", **_LOOK)
async def list_capabilities(run: Run) -> None:
    """List what the service can aggregate by"""
    with run.action("gnocchi.list_capabilities"):
        await run.cloud.get("metric", "/capabilities")


# archive policies


@scenario("GnocchiArchivePolicy.list_archive_policy", **_LOOK)
async def list_archive_policy(run: Run) -> None:
    """List archive policies"""
    with run.action("gnocchi.list_archive_policy"):
        await run.cloud.get("metric", "/archive_policy")


async def _policy(
    run: Run, definition: list[Found] | None, aggregation_methods: list[str] | None
) -> str:
    with run.action("gnocchi.create_archive_policy"):
        name = run.name()
        body: Found = {
            "name": name,
            "definition": definition or [{"granularity": "0:00:01", "timespan": "1:00:00"}],
        }
        if aggregation_methods:
            body["aggregation_methods"] = aggregation_methods
        await run.admin.post("metric", "/archive_policy", body)
        return name


@scenario(
    "GnocchiArchivePolicy.create_archive_policy", **_made("gnocchi.archive_policy", admin=True)
)
async def create_archive_policy(
    run: Run,
    definition: list[Found] | None = None,
    aggregation_methods: list[str] | None = None,
) -> None:
    """Create an archive policy"""
    await _policy(run, definition, aggregation_methods)


@scenario(
    "GnocchiArchivePolicy.create_delete_archive_policy",
    **_made("gnocchi.archive_policy", admin=True),
)
async def create_delete_archive_policy(
    run: Run,
    definition: list[Found] | None = None,
    aggregation_methods: list[str] | None = None,
) -> None:
    """Create an archive policy and delete it"""
    name = await _policy(run, definition, aggregation_methods)
    with run.action("gnocchi.delete_archive_policy"):
        await run.admin.delete("metric", f"/archive_policy/{name}")


@scenario("GnocchiArchivePolicyRule.list_archive_policy_rule", **_LOOK)
async def list_archive_policy_rule(run: Run) -> None:
    """List rules of archive policies"""
    with run.action("gnocchi.list_archive_policy_rule"):
        await run.cloud.get("metric", "/archive_policy_rule")


async def _rule(run: Run, pattern: str, policy: str) -> str:
    with run.action("gnocchi.create_archive_policy_rule"):
        name = run.name()
        body = {"name": name, "metric_pattern": pattern, "archive_policy_name": policy}
        await run.admin.post("metric", "/archive_policy_rule", body)
        return name


@scenario(
    "GnocchiArchivePolicyRule.create_archive_policy_rule",
    **_made("gnocchi.archive_policy_rule", admin=True),
)
async def create_archive_policy_rule(
    run: Run, metric_pattern: str = "cpu_*", archive_policy_name: str = "low"
) -> None:
    """Create a rule of archive policies"""
    await _rule(run, metric_pattern, archive_policy_name)


@scenario(
    "GnocchiArchivePolicyRule.create_delete_archive_policy_rule",
    **_made("gnocchi.archive_policy_rule", admin=True),
)
async def create_delete_archive_policy_rule(
    run: Run, metric_pattern: str = "cpu_*", archive_policy_name: str = "low"
) -> None:
    """Create a rule of archive policies and delete it"""
    name = await _rule(run, metric_pattern, archive_policy_name)
    with run.action("gnocchi.delete_archive_policy_rule"):
        await run.admin.delete("metric", f"/archive_policy_rule/{name}")


# metrics


@scenario("GnocchiMetric.list_metric", **_LOOK)
async def list_metric(run: Run, limit: int | None = None) -> None:
    """List metrics"""
    with run.action("gnocchi.list_metric"):
        await run.cloud.get("metric", "/metric", query={"limit": limit})


async def _metric(run: Run, policy: str, resource_id: str | None, unit: str | None) -> str:
    with run.action("gnocchi.create_metric"):
        body = {
            "name": run.name(),
            "archive_policy_name": policy,
            "resource_id": resource_id,
            "unit": unit,
        }
        wanted = {k: v for k, v in body.items() if v is not None}
        id: str = (await run.cloud.post("metric", "/metric", wanted))["id"]
        return id


@scenario("GnocchiMetric.create_metric", **_made("gnocchi.metric"))
async def create_metric(
    run: Run,
    archive_policy_name: str = "low",
    resource_id: str | None = None,
    unit: str | None = None,
) -> None:
    """Create a metric"""
    await _metric(run, archive_policy_name, resource_id, unit)


@scenario("GnocchiMetric.create_delete_metric", **_made("gnocchi.metric"))
async def create_delete_metric(
    run: Run,
    archive_policy_name: str = "low",
    resource_id: str | None = None,
    unit: str | None = None,
) -> None:
    """Create a metric and delete it"""
    id = await _metric(run, archive_policy_name, resource_id, unit)
    with run.action("gnocchi.delete_metric"):
        await run.cloud.delete("metric", f"/metric/{id}")


# resources


async def _resource(run: Run, kind: str) -> str:
    """Its id is our name, which the service turns into a UUID of its own."""
    with run.action("gnocchi.create_resource"):
        body = {"id": run.name()}
        made = await run.cloud.post("metric", f"/resource/{kind}", body)
        return str(made["id"])


@scenario("GnocchiResource.create_resource", **_made("gnocchi.resource"))
async def create_resource(run: Run, resource_type: str = "generic") -> None:
    """Create a resource"""
    await _resource(run, resource_type)


@scenario("GnocchiResource.create_delete_resource", **_made("gnocchi.resource"))
async def create_delete_resource(run: Run, resource_type: str = "generic") -> None:
    """Create a resource and delete it"""
    id = await _resource(run, resource_type)
    with run.action("gnocchi.delete_resource"):
        await run.cloud.delete("metric", f"/resource/generic/{id}")


@scenario("GnocchiResourceType.list_resource_type", **_LOOK)
async def list_resource_type(run: Run) -> None:
    """List types of resources"""
    with run.action("gnocchi.list_resource_type"):
        await run.cloud.get("metric", "/resource_type")


async def _type(run: Run, attributes: Found | None) -> str:
    with run.action("gnocchi.create_resource_type"):
        name = run.name()
        body = {"name": name, "attributes": attributes or {}}
        await run.admin.post("metric", "/resource_type", body)
        return name


@scenario("GnocchiResourceType.create_resource_type", **_made("gnocchi.resource_type", admin=True))
async def create_resource_type(run: Run, attributes: Found | None = None) -> None:
    """Create a type of resources"""
    await _type(run, attributes)


@scenario(
    "GnocchiResourceType.create_delete_resource_type",
    **_made("gnocchi.resource_type", admin=True),
)
async def create_delete_resource_type(run: Run, attributes: Found | None = None) -> None:
    """Create a type of resources and delete it"""
    name = await _type(run, attributes)
    with run.action("gnocchi.delete_resource_type"):
        await run.admin.delete("metric", f"/resource_type/{name}")
