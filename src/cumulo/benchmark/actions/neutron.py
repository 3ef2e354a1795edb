"""Steps of networking."""

import ipaddress
from typing import Any

from cumulo.benchmark.cidrs import next_cidr
from cumulo.benchmark.client.session import NotFound, Session
from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]

IPV4_START = "10.2.0.0/24"
IPV6_START = "dead:beaf::/64"

# How Rally's arguments are called on the wire.
_NETWORK_WORDS = {
    "router_external": "router:external",
    "provider_network_type": "provider:network_type",
    "provider_physical_network": "provider:physical_network",
    "provider_segmentation_id": "provider:segmentation_id",
    "project_id": "tenant_id",
}


async def create_network(run: Run, **args: Any) -> Found:
    with run.action("neutron.create_network"):
        args.pop("name", None)
        body = {_NETWORK_WORDS.get(k, k): v for k, v in args.items()}
        return await _made(run.cloud, "networks", "network", {"name": run.name(), **body})


async def get_network(run: Run, id: str) -> Found:
    with run.action("neutron.show_network"):
        return await _shown(run.cloud, "networks", "network", id)


async def update_network(run: Run, id: str, **changes: Any) -> None:
    with run.action("neutron.update_network"):
        await _changed(run, "networks", "network", id, changes)


async def delete_network(run: Run, id: str) -> None:
    with run.action("neutron.delete_network"):
        await run.cloud.delete("network", f"/networks/{id}")


async def list_networks(run: Run, **query: Any) -> list[Found]:
    with run.action("neutron.list_networks"):
        return await _listed(run.cloud, "networks", query)


async def find_network(run: Run, named: str | None, *, external: bool = False) -> Found:
    """A network by name or id; without a name: the first external one."""
    for network in await list_networks(run):
        if named in (network["name"], network["id"]):
            if external and not network.get("router:external"):
                raise NotFound(404, "GET", "/networks", f"Network '{named}' is not external.", "")
            return network
        if named is None and network.get("router:external"):
            return network
    raise NotFound(404, "GET", "/networks", f"no name or id matches {named}", "")


async def create_subnet(
    run: Run,
    network_id: str,
    *,
    start_cidr: str | None = None,
    router_id: str | None = None,
    **args: Any,
) -> Found:
    """A subnet with a CIDR of its own. With a router: attached to it."""
    with run.action("neutron.create_subnet"):
        args.pop("name", None)
        version = args.get("ip_version")
        if "cidr" not in args:
            usual = IPV6_START if version == 6 else IPV4_START
            args["cidr"] = next_cidr(start_cidr or usual)
        args["ip_version"] = ipaddress.ip_network(args["cidr"], strict=False).version
        nameservers = ["8.8.8.8", "8.8.4.4"]
        if args["ip_version"] == 6:
            nameservers = ["dead:beaf::1", "dead:beaf::2"]
        args.setdefault("dns_nameservers", nameservers)
        body = {"name": run.name(), "network_id": network_id, **args}
        subnet = await _made(run.cloud, "subnets", "subnet", body)
    if router_id is not None:
        await add_interface(run, router_id, subnet["id"])
    return subnet


async def get_subnet(run: Run, id: str) -> Found:
    with run.action("neutron.show_subnet"):
        return await _shown(run.cloud, "subnets", "subnet", id)


async def update_subnet(run: Run, id: str, **changes: Any) -> None:
    with run.action("neutron.update_subnet"):
        await _changed(run, "subnets", "subnet", id, changes)


async def delete_subnet(run: Run, id: str) -> None:
    with run.action("neutron.delete_subnet"):
        await run.cloud.delete("network", f"/subnets/{id}")


async def list_subnets(run: Run) -> list[Found]:
    with run.action("neutron.list_subnets"):
        return await _listed(run.cloud, "subnets", {})


async def create_router(run: Run, *, external: bool = False, **args: Any) -> Found:
    """A router; `external`: with a gateway to the first external network, if there is one."""
    args.pop("name", None)
    snat = args.pop("enable_snat", None)
    if external and "external_gateway_info" not in args:
        for network in await list_networks(run, **{"router:external": True}):
            args["external_gateway_info"] = {"network_id": network["id"]}
            if snat is not None:
                args["external_gateway_info"]["enable_snat"] = snat
            break
    with run.action("neutron.create_router"):
        return await _made(run.cloud, "routers", "router", {"name": run.name(), **args})


async def get_router(run: Run, id: str) -> Found:
    with run.action("neutron.show_router"):
        return await _shown(run.cloud, "routers", "router", id)


async def update_router(run: Run, id: str, **changes: Any) -> None:
    with run.action("neutron.update_router"):
        await _changed(run, "routers", "router", id, changes)


async def delete_router(run: Run, id: str) -> None:
    with run.action("neutron.delete_router"):
        await run.cloud.delete("network", f"/routers/{id}")


async def list_routers(run: Run) -> list[Found]:
    with run.action("neutron.list_routers"):
        return await _listed(run.cloud, "routers", {})


async def add_interface(run: Run, router_id: str, subnet_id: str) -> None:
    with run.action("neutron.add_interface_router"):
        path = f"/routers/{router_id}/add_router_interface"
        await run.cloud.put("network", path, {"subnet_id": subnet_id})


async def remove_interface(run: Run, router_id: str, subnet_id: str) -> None:
    with run.action("neutron.remove_interface_router"):
        path = f"/routers/{router_id}/remove_router_interface"
        await run.cloud.put("network", path, {"subnet_id": subnet_id})


async def add_gateway(
    run: Run, router_id: str, network_id: str, enable_snat: bool | None = None
) -> None:
    with run.action("neutron.add_gateway_router"):
        info: Found = {"network_id": network_id}
        if enable_snat is not None:
            info["enable_snat"] = enable_snat
        body = {"router": {"external_gateway_info": info}}
        await run.cloud.put("network", f"/routers/{router_id}", body)


async def remove_gateway(run: Run, router_id: str) -> None:
    with run.action("neutron.remove_gateway_router"):
        body: Found = {"router": {"external_gateway_info": {}}}
        await run.cloud.put("network", f"/routers/{router_id}", body)


async def create_port(run: Run, network_id: str, **args: Any) -> Found:
    with run.action("neutron.create_port"):
        args.pop("name", None)
        body = {"name": run.name(), "network_id": network_id, **args}
        return await _made(run.cloud, "ports", "port", body)


async def get_port(run: Run, id: str) -> Found:
    with run.action("neutron.show_port"):
        return await _shown(run.cloud, "ports", "port", id)


async def update_port(run: Run, id: str, *, admin: bool = False, **changes: Any) -> None:
    with run.action("neutron.update_port"):
        cloud = run.admin if admin else run.cloud
        await cloud.put("network", f"/ports/{id}", {"port": _named(run, changes)})


async def delete_port(run: Run, id: str) -> None:
    with run.action("neutron.delete_port"):
        await run.cloud.delete("network", f"/ports/{id}")


async def list_ports(run: Run, **query: Any) -> list[Found]:
    with run.action("neutron.list_ports"):
        return await _listed(run.cloud, "ports", query)


async def create_floating_ip(run: Run, floating_network: Any = None, **args: Any) -> Found:
    """`floating_network`: a name, an id or a network as it was shown."""
    if isinstance(floating_network, dict):
        network_id = floating_network["id"]
    else:
        network_id = (await find_network(run, floating_network, external=True))["id"]
    with run.action("neutron.create_floating_ip"):
        body = {"floating_network_id": network_id, "description": run.name(), **args}
        return await _made(run.cloud, "floatingips", "floatingip", body)


async def delete_floating_ip(run: Run, id: str) -> None:
    with run.action("neutron.delete_floating_ip"):
        await run.cloud.delete("network", f"/floatingips/{id}")


async def list_floating_ips(run: Run) -> list[Found]:
    with run.action("neutron.list_floating_ips"):
        return await _listed(run.cloud, "floatingips", {})


async def associate_floating_ip(run: Run, id: str, port_id: str) -> Found:
    with run.action("neutron.associate_floating_ip"):
        body = {"floatingip": {"port_id": port_id}}
        changed = await run.cloud.put("network", f"/floatingips/{id}", body)
        found: Found = changed["floatingip"]
        return found


async def dissociate_floating_ip(run: Run, id: str) -> Found:
    with run.action("neutron.dissociate_floating_ip"):
        body: Found = {"floatingip": {"port_id": None}}
        changed = await run.cloud.put("network", f"/floatingips/{id}", body)
        found: Found = changed["floatingip"]
        return found


async def list_agents(run: Run, **query: Any) -> list[Found]:
    with run.action("neutron.list_agents"):
        return await _listed(run.admin, "agents", query)


# security groups and rules


async def create_security_group(run: Run, **args: Any) -> Found:
    with run.action("neutron.create_security_group"):
        body = {"name": run.name(), **args}
        return await _made(run.cloud, "security-groups", "security_group", body)


async def get_security_group(run: Run, id: str) -> None:
    with run.action("neutron.show_security_group"):
        await run.cloud.get("network", f"/security-groups/{id}")


async def update_security_group(run: Run, id: str, **changes: Any) -> None:
    with run.action("neutron.update_security_group"):
        await _changed(
            run, "security-groups", "security_group", id, {"name": run.name(), **changes}
        )


async def delete_security_group(run: Run, id: str) -> None:
    with run.action("neutron.delete_security_group"):
        await run.cloud.delete("network", f"/security-groups/{id}")


async def list_security_groups(run: Run) -> list[Found]:
    with run.action("neutron.list_security_groups"):
        return await _listed(run.cloud, "security-groups", {})


async def create_rule(run: Run, group_id: str, **args: Any) -> Found:
    with run.action("neutron.create_security_group_rule"):
        body = {"direction": "ingress", "protocol": "tcp", "security_group_id": group_id, **args}
        return await _made(run.cloud, "security-group-rules", "security_group_rule", body)


async def get_rule(run: Run, id: str) -> None:
    with run.action("neutron.show_security_group_rule"):
        await run.cloud.get("network", f"/security-group-rules/{id}")


async def delete_rule(run: Run, id: str) -> None:
    with run.action("neutron.delete_security_group_rule"):
        await run.cloud.delete("network", f"/security-group-rules/{id}")


async def list_rules(run: Run) -> list[Found]:
    with run.action("neutron.list_security_group_rules"):
        return await _listed(run.cloud, "security-group-rules", {})


# trunks


async def create_trunk(run: Run, **args: Any) -> Found:
    with run.action("neutron.create_trunk"):
        return await _made(run.cloud, "trunks", "trunk", {"name": run.name(), **args})


async def list_trunks(run: Run) -> None:
    with run.action("neutron.list_trunks"):
        await _listed(run.cloud, "trunks", {})


async def list_subports(run: Run, trunk_id: str) -> None:
    with run.action("neutron.list_subports_by_trunk"):
        await run.cloud.get("network", f"/trunks/{trunk_id}/get_subports")


async def add_subports(run: Run, trunk_id: str, subports: list[Found]) -> None:
    with run.action("neutron.add_subports_to_trunk"):
        body = {"sub_ports": subports}
        await run.cloud.put("network", f"/trunks/{trunk_id}/add_subports", body)


# several at once


async def topology(
    run: Run,
    *,
    network_args: Found | None = None,
    router_args: Found | None = None,
    router_per_subnet: bool = False,
    subnet_args: Found | None = None,
    subnets: int = 1,
    dualstack: bool = False,
) -> tuple[Found, list[Found], list[Found]]:
    """A network with its subnets and, if `router_args` is given, routers."""
    network = await create_network(run, **(network_args or {}))
    routers = []
    if router_args is not None:
        for _ in range(subnets if router_per_subnet else 1):
            routers.append(await create_router(run, **router_args))
    made = []
    for number in range(subnets):
        args = dict(subnet_args or {})
        if dualstack and not {"cidr", "ip_version"} & set(args):
            args["ip_version"] = 4 if number % 2 == 0 else 6
            args.pop("start_cidr", None)
        if routers:
            args["router_id"] = routers[number if router_per_subnet else 0]["id"]
        made.append(await create_subnet(run, network["id"], **args))
    network["subnets"] = [subnet["id"] for subnet in made]
    return network, made, routers


async def _made(cloud: Session, plural: str, noun: str, body: Found) -> Found:
    made: Found = (await cloud.post("network", f"/{plural}", {noun: body}))[noun]
    return made


async def _shown(cloud: Session, plural: str, noun: str, id: str) -> Found:
    found: Found = (await cloud.get("network", f"/{plural}/{id}"))[noun]
    return found


async def _changed(run: Run, plural: str, noun: str, id: str, changes: Found) -> None:
    await run.cloud.put("network", f"/{plural}/{id}", {noun: _named(run, changes)})


def _named(run: Run, changes: Found) -> Found:
    """`update_name: true` in a task file stands for a new name."""
    changes = dict(changes)
    if changes.pop("update_name", False) or changes.get("name") is not None:
        changes["name"] = run.name()
    return {_NETWORK_WORDS.get(k, k): v for k, v in changes.items()}


async def _listed(cloud: Session, plural: str, query: Found) -> list[Found]:
    found: list[Found] = (await cloud.get("network", f"/{plural}", query=query))[
        plural.replace("-", "_")
    ]
    return found
