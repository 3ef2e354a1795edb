"""Scenarios of bare metal."""

from typing import Any

from cumulo.benchmark.actions import waiting
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario

_OWN: Any = {"services": ("ironic",), "admin": True, "admin_cleanup": ("ironic",)}


async def _create(
    run: Run, driver: str, properties: dict[str, Any] | None, more: dict[str, Any]
) -> dict[str, Any]:
    """A node that is available, as a new one is with the oldest version of the API."""
    with run.action("ironic.create_node"):
        body = {**more, "name": run.plain_name(), "driver": driver}
        if properties:
            body["properties"] = properties
        made = await run.admin.post("baremetal", "/nodes", body, version="1.10")

        async def fetch() -> Any:
            return await run.admin.get("baremetal", f"/nodes/{made['uuid']}", version="1.10")

        what = f"node {made['uuid']}"
        found: dict[str, Any] = await waiting.status(
            fetch,
            ("AVAILABLE",),
            what,
            run.timeout("ironic_node_create_timeout"),
            field="provision_state",
        )
        return found


@scenario("IronicNodes.create_and_list_node", **_OWN)
async def create_and_list_node(
    run: Run,
    driver: str,
    properties: dict[str, Any] | None = None,
    associated: bool | None = None,
    maintenance: bool | None = None,
    detail: bool = False,
    sort_dir: str | None = None,
    marker: str | None = None,
    limit: int | None = None,
    sort_key: str | None = None,
    **kwargs: Any,
) -> None:
    """Create a node and find it in the list of all"""
    node = await _create(run, driver, properties, kwargs)
    with run.action("ironic.list_nodes"):
        query = {"associated": associated, "maintenance": maintenance, "sort_dir": sort_dir}
        path = "/nodes/detail" if detail else "/nodes"
        listed = (await run.admin.get("baremetal", path, query=query, version="1.10"))["nodes"]
    run.check(any(n["uuid"] == node["uuid"] for n in listed), "the node is not in the list")


@scenario("IronicNodes.create_and_delete_node", **_OWN)
async def create_and_delete_node(
    run: Run, driver: str, properties: dict[str, Any] | None = None, **kwargs: Any
) -> None:
    """Create a node and delete it"""
    node = await _create(run, driver, properties, kwargs)
    with run.action("ironic.delete_node"):
        path = f"/nodes/{node['uuid']}"
        await run.admin.delete("baremetal", path, version="1.10")

        async def fetch() -> Any:
            return await run.admin.get("baremetal", path, version="1.10")

        timeout = run.timeout("ironic_node_delete_timeout")
        await waiting.gone(fetch, f"node {node['uuid']}", timeout)
