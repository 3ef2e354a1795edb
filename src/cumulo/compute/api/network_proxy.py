"""Networks and floating IPs on compute's wire, up to API 2.35; actions with addresses up to 2.43.

Also what was nova-network's alone: 410, as everywhere since it is gone.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from cumulo.compute.api.common import action, server_of, who
from cumulo.compute.api.elsewhere import Elsewhere, as_bad_request, old
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, Fault, Gone, NotFound
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import StrictBody
from cumulo.network.interface import NicRequest, PortInfo

ACTIONS_LAST = "2.43"
_OF_OLD = (
    *("bridge", "bridge_interface", "broadcast", "cidr", "cidr_v6", "created_at", "deleted"),
    *("deleted_at", "dhcp_server", "dhcp_start", "dns1", "dns2", "enable_dhcp", "gateway"),
    *("gateway_v6", "host", "injected", "mtu", "multi_host", "netmask", "netmask_v6", "priority"),
    *("project_id", "rxtx_base", "share_address", "updated_at", "vlan", "vpn_private_address"),
    *("vpn_public_address", "vpn_public_port"),
)
"""What nova-network knew of a network, for administrators: nothing of it is known here."""
_USERS = frozenset(
    ("cidr", "netmask", "gateway", "broadcast", "dns1", "dns2", "cidr_v6", "gateway_v6")
) | {"netmask_v6"}
Address = Annotated[str, Meta(max_length=64)]


class NewFloatingIp(StrictBody):
    pool: str | None = None


class AddFloatingIp(StrictBody, kw_only=True):
    address: Address
    fixed_address: Address | None = None


class AddFloatingIpAction(StrictBody):
    wish: AddFloatingIp = field(name="addFloatingIp")


class RemoveFloatingIp(StrictBody):
    address: Address


class RemoveFloatingIpAction(StrictBody):
    wish: RemoveFloatingIp = field(name="removeFloatingIp")


class AddFixedIp(StrictBody):
    networkId: Uuid


class AddFixedIpAction(StrictBody):
    addFixedIp: AddFixedIp


class RemoveFixedIpAction(StrictBody):
    wish: RemoveFloatingIp = field(name="removeFixedIp")


class NetworkProxyApi:
    def __init__(self, compute: ComputeService, database: Database, caller: Caller) -> None:
        self._compute = compute
        self._devices = compute.devices
        self._database = database
        self._network = Elsewhere(caller, "/network/v2.0")

    def operations(self) -> list[Operation]:
        ips, multinic = "os-floating-ips", "os-multinic"
        all_, one = "/os-floating-ips", "/os-floating-ips/{id}"
        changing: dict[str, Any] = {"until": ACTIONS_LAST, "kind": "stream"}
        here: dict[str, Any] = {"until": ACTIONS_LAST}
        os = "os_compute_api"
        return [
            old("GET", "/os-networks", self.networks, "os-networks:list"),
            old("GET", "/os-networks/{id}", self.network, "os-networks:show"),
            old("GET", "/os-tenant-networks", self.tenants, "os-tenant-networks:list"),
            old("GET", "/os-tenant-networks/{id}", self.tenant, "os-tenant-networks:show"),
            old("GET", "/os-floating-ip-pools", self.pools, "os-floating-ip-pools"),
            old("GET", all_, self.floating_ips, f"{ips}:list"),
            old("POST", all_, self.allocate, f"{ips}:create", body=NewFloatingIp | None),
            old("GET", one, self.floating_ip, f"{ips}:show"),
            old("DELETE", one, self.release, f"{ips}:delete", status=202),
            action("addFloatingIp", self.add, f"{os}:{ips}:add", AddFloatingIpAction, **changing),
            action(
                "removeFloatingIp",
                self.remove,
                f"{os}:{ips}:remove",
                RemoveFloatingIpAction,
                **changing,
            ),
            action("addFixedIp", self.add_fixed, f"{os}:{multinic}:add", AddFixedIpAction, **here),
            action(
                "removeFixedIp",
                self.remove_fixed,
                f"{os}:{multinic}:remove",
                RemoveFixedIpAction,
                **here,
            ),
        ]

    # --- networks -----------------------------------------------------------------------------

    async def networks(self, call: Call) -> Any:
        found = await self._network.all(call, "/networks", "networks")
        return {"networks": [_network(call, each) for each in found]}

    async def network(self, call: Call) -> Any:
        return {"network": _network(call, await self._one(call))}

    async def tenants(self, call: Call) -> Any:
        found = await self._network.all(call, "/networks", "networks")
        return {"networks": [_tenant(each) for each in found]}

    async def tenant(self, call: Call) -> Any:
        return {"network": _tenant(await self._one(call))}

    async def _one(self, call: Call) -> dict[str, Any]:
        try:
            found = await self._network.ask(call, "GET", f"/networks/{call.path['id']}")
        except (NotFound, BadRequest):
            raise NotFound("Network not found") from None
        network: dict[str, Any] = found["network"]
        return network

    async def pools(self, call: Call) -> Any:
        found = await self._outside(call)
        return {"floating_ip_pools": [{"name": each["name"]} for each in found]}

    async def _outside(self, call: Call) -> list[dict[str, Any]]:
        return await self._network.all(call, "/networks", "networks", {"router:external": "true"})

    # --- floating IPs -------------------------------------------------------------------------

    async def floating_ips(self, call: Call) -> Any:
        project = {"project_id": call.principal.need_project()}
        found = await self._network.all(call, "/floatingips", "floatingips", project)
        shown = [await self._shown(call, each) for each in found]
        return {"floating_ips": shown}

    async def floating_ip(self, call: Call) -> Any:
        return {"floating_ip": await self._shown(call, await self._floating(call))}

    async def _floating(self, call: Call) -> dict[str, Any]:
        try:
            found = await self._network.ask(call, "GET", f"/floatingips/{call.path['id']}")
        except (NotFound, BadRequest):
            raise NotFound(f"Floating IP not found for ID {call.path['id']:.80}") from None
        floating: dict[str, Any] = found["floatingip"]
        return floating

    async def _shown(self, call: Call, floating: dict[str, Any]) -> dict[str, Any]:
        """With its pool's name and its server, which network knows by their ids."""
        pool = floating["floating_network_id"]
        names = {each["id"]: each["name"] for each in await self._outside(call)}
        server = None
        if floating["port_id"] is not None:
            found = await self._network.ask(call, "GET", f"/ports/{floating['port_id']}")
            server = found["port"]["device_id"] or None
        return {
            "id": floating["id"],
            "ip": floating["floating_ip_address"],
            "pool": names.get(pool, pool),
            "fixed_ip": floating["fixed_ip_address"],
            "instance_id": server,
        }

    async def allocate(self, call: Call) -> Any:
        asked = None if call.body is None else call.body.pool
        pools = await self._outside(call)
        fit = [each for each in pools if asked in (None, each["name"], each["id"])]
        if not fit:
            raise NotFound("Floating IP pool not found.")
        wish = {"floatingip": {"floating_network_id": fit[0]["id"]}}
        try:
            made = await self._network.ask(call, "POST", "/floatingips", wish)
        except Fault as fault:
            raise as_bad_request(fault) from None
        return {"floating_ip": await self._shown(call, made["floatingip"])}

    async def release(self, call: Call) -> None:
        found = await self._floating(call)
        await self._network.ask(call, "DELETE", f"/floatingips/{found['id']}")

    async def add(self, call: Call) -> None:
        wish: AddFloatingIp = call.body.wish
        ports = await self._database.read(lambda tx: self._ports(call, tx))
        pairs = [(port, fixed.ip_address) for port in ports for fixed in port.fixed_ips]
        fit = [
            (port, address)
            for port, address in pairs
            if ":" not in address and wish.fixed_address in (None, address)
        ]
        if not fit:
            raise BadRequest("No fixed IPs associated to instance")
        port, address = fit[0]
        found = await self._named(call, wish.address)
        change = {"floatingip": {"port_id": port.id, "fixed_ip_address": address}}
        try:
            await self._network.ask(call, "PUT", f"/floatingips/{found['id']}", change)
        except Fault as fault:
            raise as_bad_request(fault) from None

    async def remove(self, call: Call) -> None:
        ports = await self._database.read(lambda tx: self._ports(call, tx))
        found = await self._named(call, call.body.wish.address)
        if found["port_id"] not in {port.id for port in ports}:
            raise Conflict(
                f"Floating IP {found['floating_ip_address']} is not associated with instance "
                f"{call.path['server_id']}."
            )
        change = {"floatingip": {"port_id": None}}
        await self._network.ask(call, "PUT", f"/floatingips/{found['id']}", change)

    async def _named(self, call: Call, address: str) -> dict[str, Any]:
        query = {"floating_ip_address": address}
        found = await self._network.all(call, "/floatingips", "floatingips", query)
        if not found:
            raise NotFound("floating IP not found")
        return found[0]

    def _ports(self, call: Call, tx: Tx) -> list[PortInfo]:
        return self._devices.ports(tx, server_of(call, tx, self._compute))

    # --- fixed IPs ----------------------------------------------------------------------------

    def add_fixed(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        wish = NicRequest(network_id=call.body.addFixedIp.networkId)
        self._devices.plug(tx, row, wish, who(call))

    def remove_fixed(self, call: Call, tx: Tx) -> None:
        """With the port that has it."""
        row = server_of(call, tx, self._compute)
        wanted = call.body.wish.address
        for port in self._devices.ports(tx, row):
            if any(fixed.ip_address == wanted for fixed in port.fixed_ips):
                self._devices.unplug(tx, row, port.id, who(call))
                return
        raise BadRequest(f"Fixed IP {wanted} not found on instance {row.id}.")


def _network(call: Call, network: dict[str, Any]) -> dict[str, Any]:
    admin = call.principal.is_admin
    nothing = [name for name in _OF_OLD if admin or name in _USERS]
    return {"id": network["id"], "label": network["name"], **dict.fromkeys(nothing)}


def _tenant(network: dict[str, Any]) -> dict[str, Any]:
    return {"id": network["id"], "cidr": "None", "label": network["name"]}


_GONE = (
    *("os-fixed-ips/{id}", "os-floating-ip-dns", "os-floating-ips-bulk", "os-fping"),
    *("os-security-group-default-rules", "os-cells", "os-agents", "os-cloudpipe"),
    *("os-certificates/{id}", "servers/{server_id}/consoles", "os-virtual-interfaces"),
)


def gone() -> list[Operation]:
    rule = "os_compute_api:extensions"
    read = [Operation("GET", f"/{path}", _gone, policy=rule) for path in _GONE]
    make = [
        Operation(method, path, _gone, policy=rule)
        for method, path in (
            ("POST", "/os-networks"),
            ("DELETE", "/os-networks/{id}"),
            ("POST", "/os-tenant-networks"),
            ("DELETE", "/os-tenant-networks/{id}"),
        )
    ]
    return [*read, *make]


def _gone(call: Call, tx: Tx) -> None:
    raise Gone("This resource is no longer available. No forwarding address is given.")
