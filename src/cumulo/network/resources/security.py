"""Security groups in templates."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.resource_types import Place, Request, items, mapping, number, rest, text
from cumulo.network.resources.common import BASE, NAME, Given, plain

RULE = {
    "direction": text("Ingress or egress.", default="ingress"),
    "ethertype": text("IPv4 or IPv6.", default="IPv4"),
    "port_range_min": number("First port, or ICMP type."),
    "port_range_max": number("Last port, or ICMP code."),
    "protocol": text("The protocol."),
    "remote_mode": text("What the rule matches: remote_ip_prefix or remote_group_id."),
    "remote_group_id": text("The group whose members are matched.", find="security_group"),
    "remote_ip_prefix": text("The prefix that is matched."),
}


def _rule(given: Given) -> dict[str, Any]:
    return {
        name: value
        for name, value in given.items()
        if value is not None and name not in ("remote_mode", "remote_group", "security_group")
    }


def _group_rules(group: str, rules: Sequence[Given]) -> list[Request]:
    made = []
    for each in rules:
        rule = _rule(each) | {"security_group_id": group}
        if each.get("remote_mode") == "remote_group_id" and not each.get("remote_group_id"):
            rule["remote_group_id"] = group
        made.append(Request("POST", f"{BASE}/security-group-rules", {"security_group_rule": rule}))
    return made


SECURITY_GROUP_RULE = rest(
    "OS::Neutron::SecurityGroupRule",
    f"{BASE}/security-group-rules",
    "security_group_rule",
    description="A resource for managing Neutron security group rules.",
    named=False,
    properties={
        "security_group": text("The group.", required=True, find="security_group"),
        "description": text("A description."),
        "direction": RULE["direction"],
        "ethertype": RULE["ethertype"],
        "port_range_min": RULE["port_range_min"],
        "port_range_max": RULE["port_range_max"],
        "protocol": RULE["protocol"],
        "remote_group": text("The group whose members are matched.", find="security_group"),
        "remote_ip_prefix": RULE["remote_ip_prefix"],
    },
    body=lambda given, place: (
        _rule(given)
        | {"security_group_id": given["security_group"]}
        | ({"remote_group_id": given["remote_group"]} if given.get("remote_group") else {})
    ),
)

SECURITY_GROUP = rest(
    "OS::Neutron::SecurityGroup",
    f"{BASE}/security-groups",
    "security_group",
    description="A resource for managing Neutron security groups.",
    properties={
        "name": NAME,
        "description": text("Description of the security group.", update=True),
        "rules": items(mapping(RULE), "List of rules.", default=[], update=True),
    },
    body=lambda given, place: plain(given, {}, "rules"),
    after=lambda physical, given, body, place: _first_rules(physical, given, body),
    update=lambda physical, now, changed, place: _group_update(physical, changed, place),
)


def _first_rules(group: str, given: Given, body: Any) -> list[Request]:
    """The rules as the template has them: what the group lets out by itself goes where the template
    speaks of what goes out."""
    existing = ((body or {}).get("security_group") or {}).get("security_group_rules") or []
    speaks = any(each.get("direction") == "egress" for each in given.get("rules") or ())
    gone = [
        Request("DELETE", f"{BASE}/security-group-rules/{each['id']}")
        for each in existing
        if each["direction"] == "ingress" or speaks
    ]
    return [*gone, *_group_rules(group, given.get("rules") or ())]


def _group_update(physical: str, changed: Given, place: Place) -> list[Request]:
    some = {name: value for name, value in changed.items() if name != "rules"}
    if "name" in some:
        some["name"] = some["name"] or place.name
    if "description" in some:
        some["description"] = some["description"] or ""
    path = f"{BASE}/security-groups/{physical}"
    return [Request("PUT", path, {"security_group": some})] if some else []
