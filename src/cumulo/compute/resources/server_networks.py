"""A server's networks in a template: what compute is asked for, and how they are changed in place.

Compute knows networks, addresses and ports. Where a template says more (a subnet, properties of the
port), the port is made first; it goes after the server.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.faults import BadRequest
from cumulo.core.resource_types import Place, Request, items, mapping, text

NETWORK, COMPUTE, VERSION = "/network/v2.0", "/compute/v2.1", "2.79"
Given = Mapping[str, Any]
KEY = "port-"
"""Of what is made first, with a port's wishes after it."""

PROPERTY = items(
    mapping(
        {
            "network": text("The network.", find="network"),
            "uuid": text("Deprecated.", stands_for="network", find="network"),
            "port": text("A port.", find="port"),
            "fixed_ip": text("The address."),
            "subnet": text("The subnet; its network need not be named.", find="subnet"),
            "port_extra_properties": mapping(
                None, "More properties of the port, as those of OS::Neutron::Port."
            ),
            "floating_ip": text("A floating address that leads there.", find="floating_ip"),
            "vnic_type": text("Of the port: direct, normal …"),
            "tag": text("The tag of the device."),
            "allocate_network": text(
                "auto or none.", constraints=[{"allowed_values": ["auto", "none"]}]
            ),
        }
    ),
    "Its networks and ports.",
    update=True,
)


def _own_port(one: Given) -> bool:
    """It needs a port of its own, made before the server."""
    more = ("subnet", "port_extra_properties", "vnic_type", "floating_ip")
    return not one.get("port") and any(one.get(name) for name in more)


def _key(n: int, one: Given) -> str:
    """The same wish at the same place finds the port that was made for it."""
    parts = (one.get(name) or "" for name in ("network", "subnet", "fixed_ip"))
    return f"{KEY}{n}:{':'.join(str(part) for part in parts)}"


def ports_wanted(given: Given, place: Place) -> Mapping[str, Request]:
    """The ports that have to be made, of those that are not there yet."""
    wishes = list(given.get("networks") or ())
    if place.physical is not None:
        wishes = [one for one, port in _matched(wishes, place) if port is None]
    made = {}
    for n, one in enumerate(wishes):
        key = _key(n, one)
        if _own_port(one) and key not in (place.stored.get("first") or {}):
            body = _port(one, given, place, n)
            made[key] = Request("POST", f"{NETWORK}/ports", {"port": body})
    return made


def _port(one: Given, given: Given, place: Place, n: int) -> dict[str, Any]:
    network = one.get("network")
    if not network:
        found = None if place.read is None else place.read(f"{NETWORK}/subnets/{one['subnet']}")
        if found is None:
            raise BadRequest(f"The subnet ({one.get('subnet')}) could not be found.")
        network = found["subnet"]["network_id"]
    body: dict[str, Any] = {"name": f"{place.name}-port-{n}", "network_id": network}
    address = {"subnet_id": one.get("subnet"), "ip_address": one.get("fixed_ip")}
    address = {name: value for name, value in address.items() if value}
    if address:
        body["fixed_ips"] = [address]
    if given.get("security_groups"):
        body["security_groups"] = [_group(each, place) for each in given["security_groups"]]
    if one.get("vnic_type"):
        body["binding:vnic_type"] = one["vnic_type"]
    more = dict(one.get("port_extra_properties") or {})
    body |= more.pop("value_specs", None) or {}
    return body | {name: value for name, value in more.items() if value is not None}


def _group(named: str, place: Place) -> str:
    """A security group's id: compute takes names, network does not."""
    found = None if place.read is None else place.read(f"{NETWORK}/security-groups?name={named}")
    groups = (found or {}).get("security_groups") or []
    return str(groups[0]["id"]) if len(groups) == 1 else named


def ports_gone(kept: Given, place: Place) -> Sequence[Request]:
    made = kept.get("first") or {}
    return [Request("DELETE", f"{NETWORK}/ports/{made[key]}") for key in made if key[:5] == KEY]


def wanted(given: Given, place: Place) -> Any:
    """What compute is asked for."""
    wishes = given.get("networks")
    if not wishes:
        return "auto"
    if len(wishes) == 1 and wishes[0].get("allocate_network"):
        return wishes[0]["allocate_network"]
    ports = place.stored.get("first") or {}
    made = []
    for n, each in enumerate(wishes):
        one: dict[str, Any] = {}
        port = each.get("port") or ports.get(_key(n, each))
        if port:
            one["port"] = port
        elif each.get("network"):
            one["uuid"] = each["network"]
            if each.get("fixed_ip"):
                one["fixed_ip"] = each["fixed_ip"]
        if each.get("tag"):
            one["tag"] = each["tag"]
        made.append(one)
    return made


def connected(physical: str, given: Given, place: Place) -> Sequence[Request]:
    """The floating addresses that lead to the server's own ports."""
    ports = place.stored.get("first") or {}
    made = []
    for n, each in enumerate(given.get("networks") or ()):
        port = each.get("port") or ports.get(_key(n, each))
        if each.get("floating_ip") and port:
            path = f"{NETWORK}/floatingips/{each['floating_ip']}"
            made.append(Request("PUT", path, {"floatingip": {"port_id": port}}))
    return made


def _matched(wishes: Sequence[Given], place: Place) -> list[tuple[Given, Any]]:
    """Each wish with the port that meets it, None where there is none. What says most is looked for
    first, so that it is not taken by who would be content with another one."""
    found = None
    if place.read is not None and place.physical is not None:
        found = place.read(f"{NETWORK}/ports?device_id={place.physical}")
    left = list((found or {}).get("ports") or ())
    by_weight = sorted(range(len(wishes)), key=lambda n: (-_weight(wishes[n]), n))
    chosen: dict[int, Any] = {}
    for n in by_weight:
        chosen[n] = next((port for port in left if _meets(port, wishes[n])), None)
        left = [port for port in left if port is not chosen[n]]
    return [(one, chosen[n]) for n, one in enumerate(wishes)]


def _weight(one: Given) -> int:
    return 8 * bool(one.get("port")) + 4 * bool(one.get("fixed_ip")) + 2 * bool(one.get("subnet"))


def _meets(port: Given, one: Given) -> bool:
    if one.get("port"):
        return bool(port["id"] == one["port"])
    subnets = {each["subnet_id"] for each in port["fixed_ips"]}
    addresses = {each["ip_address"] for each in port["fixed_ips"]}
    return (
        (not one.get("network") or port["network_id"] == one["network"])
        and (not one.get("subnet") or one["subnet"] in subnets)
        and (not one.get("fixed_ip") or one["fixed_ip"] in addresses)
    )


def changes(physical: str, given: Given, place: Place) -> list[Request]:
    """What takes off the interfaces that nobody wants any more, and puts on those that lack."""
    wishes = list(given.get("networks") or ())
    if not wishes or place.read is None:
        return []
    matched = _matched(wishes, place)
    kept = {port["id"] for _, port in matched if port is not None}
    there = (place.read(f"{NETWORK}/ports?device_id={physical}") or {}).get("ports") or ()
    interfaces = f"{COMPUTE}/servers/{physical}/os-interface"
    made = [
        Request("DELETE", f"{interfaces}/{port['id']}", None, VERSION)
        for port in there
        if port["id"] not in kept
    ]
    lacking = [one for one, port in matched if port is None]
    ports = place.stored.get("first") or {}
    for n, each in enumerate(lacking):
        one: dict[str, Any] = {}
        port = each.get("port") or ports.get(_key(n, each))
        if port:
            one["port_id"] = port
        else:
            one["net_id"] = each.get("network")
            if each.get("fixed_ip"):
                one["fixed_ips"] = [{"ip_address": each["fixed_ip"]}]
        body = {"interfaceAttachment": one}
        made.append(Request("POST", interfaces, body, VERSION))
    return made


def released(physical: str, given: Given, place: Place) -> Sequence[Request]:
    """The template's own ports leave a server that another one takes the place of."""
    path = f"{COMPUTE}/servers/{physical}/os-interface"
    ports = [each["port"] for each in given.get("networks") or () if each.get("port")]
    return [Request("DELETE", f"{path}/{port}", None, VERSION) for port in ports]
