"""Bare metal nodes on compute's wire, up to API 2.35."""

from typing import Any

from cumulo.compute.api.elsewhere import Elsewhere, old
from cumulo.core.faults import NotFound
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation

RULE = "os-baremetal-nodes"


class NodeProxyApi:
    def __init__(self, caller: Caller) -> None:
        self._baremetal = Elsewhere(caller, "/baremetal/v1", version="1.1")

    def operations(self) -> list[Operation]:
        all_ = "/os-baremetal-nodes"
        return [
            old("GET", all_, self.index, f"{RULE}:list"),
            old("GET", all_ + "/{id}", self.show, f"{RULE}:show"),
        ]

    async def index(self, call: Call) -> Any:
        found = await self._baremetal.all(call, "/nodes/detail", "nodes")
        return {"nodes": [_node(each) for each in found]}

    async def show(self, call: Call) -> Any:
        try:
            node = await self._baremetal.ask(call, "GET", f"/nodes/{call.path['id']}")
            ports = await self._baremetal.all(call, f"/nodes/{call.path['id']}/ports", "ports")
        except NotFound:
            raise NotFound(f"Node {call.path['id']:.80} could not be found.") from None
        interfaces = [{"address": each["address"]} for each in ports]
        return {"node": {**_node(node), "interfaces": interfaces}}


def _node(node: dict[str, Any]) -> dict[str, Any]:
    has = node.get("properties") or {}
    return {
        "id": node["uuid"],
        "instance_uuid": node.get("instance_uuid"),
        "interfaces": [],
        "host": "IRONIC MANAGED",
        "task_state": node.get("provision_state"),
        "cpus": str(has.get("cpus", 0)),
        "memory_mb": str(has.get("memory_mb", 0)),
        "disk_gb": str(has.get("local_gb", 0)),
    }
