"""Agents and availability zones: the hosts that do network work, as the network API sees them."""

from typing import Any

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.model import HostRow
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation
from cumulo.core.ids import child_id
from cumulo.network.api.attributes import Wrapped
from cumulo.network.service.network import NetworkService

ZONE = "nova"


class AgentsApi:
    def __init__(self, network: NetworkService) -> None:
        self._registry = network.registry

    def operations(self) -> list[Operation]:
        one = "/v2.0/agents/{id}"
        return [
            Operation("GET", "/v2.0/agents", self.index, policy="get_agent", early=False),
            Operation("GET", one, self.show, policy="get_agent"),
            Operation("PUT", one, self.update, policy="update_agent", body=Wrapped),
            Operation(
                "GET", "/v2.0/availability_zones", self.zones, policy="get_availability_zone"
            ),
        ]

    def _hosts(self, tx: Tx) -> list[HostRow]:
        return [host for host in self._registry.all(tx) if "network" in host.roles]

    def index(self, call: Call, tx: Tx) -> Any:
        """Empty for those who may not see any."""
        if not call.allowed("get_agent"):
            return {"agents": []}
        found = [_body(host, tx.now) for host in self._hosts(tx)]
        for name in ("agent_type", "host", "binary", "id"):
            wanted = call.query.all(name)
            if wanted:
                found = [body for body in found if body[name] in wanted]
        alive = call.query.get("alive")
        if alive is not None:
            found = [b for b in found if b["alive"] is (alive.lower() in ("true", "1"))]
        return {"agents": found}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"agent": _body(self._find(call, tx), tx.now)}

    def update(self, call: Call, tx: Tx) -> Any:
        host = self._find(call, tx)
        wanted = (call.body.agent or {}).get("admin_state_up")
        if wanted is not None:
            if not isinstance(wanted, bool):
                raise BadRequest(
                    "Invalid input for admin_state_up. Reason: not a boolean.",
                    kind="HTTPBadRequest",
                )
            self._registry.enable(tx, host.id, wanted)
        return {"agent": _body(self._find(call, tx), tx.now)}

    def _find(self, call: Call, tx: Tx) -> HostRow:
        for host in self._hosts(tx):
            if _id(host) == call.path["id"]:
                return host
        raise NotFound(f"Agent {call.path['id']} could not be found.", kind="AgentNotFound")

    def zones(self, call: Call, tx: Tx) -> Any:
        state = "available" if any(host.enabled for host in self._hosts(tx)) else "unavailable"
        return {
            "availability_zones": [
                {"name": ZONE, "resource": resource, "state": state}
                for resource in ("network", "router")
            ]
        }


def _id(host: HostRow) -> str:
    return child_id(host.id, "network agent")


def _body(host: HostRow, now: Moment) -> dict[str, Any]:
    return {
        "id": _id(host),
        "agent_type": "Cumulo agent",
        "binary": "cumulo-agent",
        "topic": "N/A",
        "host": host.id,
        "admin_state_up": host.enabled,
        "alive": is_alive(host, now),
        "availability_zone": ZONE,
        "description": None,
        "configurations": {},
        "resources_synced": None,
        "created_at": host.created_at[:19].replace("T", " "),
        "started_at": host.created_at[:19].replace("T", " "),
        "heartbeat_timestamp": host.last_seen[:19].replace("T", " "),
    }
