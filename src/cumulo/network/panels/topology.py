"""How the project's networks hang together, from the outside to the servers."""

from collections.abc import Mapping, Sequence

from cumulo.core.panels import Drawing, Item, Layer
from cumulo.core.resource_types import Request
from cumulo.network.panels.common import BASE

Rows = Mapping[str, Sequence[Item]]


def _cidrs(item: Item, rows: Rows) -> str:
    return ", ".join(s["cidr"] for s in rows["subnets"] if s["network_id"] == item["id"])


def _outside(item: Item, rows: Rows) -> str:
    found = item.get("external_gateway_info") or {}
    return ", ".join(each["ip_address"] for each in found.get("external_fixed_ips") or ())


def _addresses(item: Item, rows: Rows) -> str:
    return ", ".join(a["addr"] for found in (item.get("addresses") or {}).values() for a in found)


def _edges(rows: Rows) -> Sequence[tuple[str, str]]:
    made = []
    for router in rows["routers"]:
        found = router.get("external_gateway_info") or {}
        if found.get("network_id"):
            made.append((str(found["network_id"]), str(router["id"])))
    for port in rows["ports"]:
        owner = str(port.get("device_owner") or "")
        if port.get("device_id") and owner.startswith(("compute:", "network:router_interface")):
            made.append((str(port["device_id"]), str(port["network_id"])))
    return list(dict.fromkeys(made))


def _is_own(item: Item, rows: Rows) -> bool:
    """The project's own networks, and of others' those on which it has something."""
    if item.get("router:external"):
        return False
    used = {port["network_id"] for port in rows["ports"]}
    return item["id"] in used or item.get("project_id") in {each["id"] for each in rows["project"]}


TOPOLOGY = Drawing(
    name="topology",
    title="Topology",
    group="Network",
    about="What hangs together with what, now. Choose a thing to see it and to act.",
    layers={
        "external": Layer(
            "networks",
            Request("GET", f"{BASE}/networks?router:external=true&limit=50"),
            "networks",
            _cidrs,
        ),
        "routers": Layer(
            "routers",
            Request("GET", f"{BASE}/routers?project_id={{project}}&limit=300"),
            "routers",
            _outside,
        ),
        "networks": Layer(
            "networks",
            Request("GET", f"{BASE}/networks?router:external=false&limit=300"),
            "networks",
            _cidrs,
            _is_own,
        ),
        "servers": Layer(
            "servers",
            Request("GET", "/compute/v2.1/servers/detail?limit=300", None, "2.79"),
            "servers",
            _addresses,
        ),
    },
    others={
        "subnets": (Request("GET", f"{BASE}/subnets?limit=500"), "subnets"),
        "ports": (Request("GET", f"{BASE}/ports?project_id={{project}}&limit=1000"), "ports"),
    },
    edges=_edges,
    events="network router port server subnet",
)
