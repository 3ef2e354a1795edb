"""Security groups, and their rules in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Panel,
    Part,
    Said,
    column,
    delete,
    given,
    ref,
    said,
)
from cumulo.core.resource_types import Request
from cumulo.network.panels.common import (
    BASE,
    EVERYWHERE,
    OWN,
    SEARCH,
    collection_of,
    edit,
)

_USUAL: Mapping[str, tuple[str, int]] = {
    "ssh": ("tcp", 22),
    "http": ("tcp", 80),
    "https": ("tcp", 443),
    "dns": ("udp", 53),
    "rdp": ("tcp", 3389),
    "postgresql": ("tcp", 5432),
    "mysql": ("tcp", 3306),
}


def rule_in_words(rule: Item) -> Said:
    """What a rule lets through, for people."""
    other = rule.get("remote_ip_prefix")
    if other in ("0.0.0.0/0", "::/0"):
        other = None
    who: Any = other or Said("anybody")
    if rule.get("remote_group_id"):
        who = Said("servers in a certain group")
    what: Any = rule.get("protocol")
    low, high = rule.get("port_range_min"), rule.get("port_range_max")
    if not what:
        what = Said("everything")
    elif low is None:
        what = said("all {protocol}", protocol=what)
    elif str(what).startswith(("icmp", "ipv6-icmp")):
        what = said("{protocol} of type {n}", protocol=what, n=low)
    elif low == high:
        what = said("{protocol} to port {n}", protocol=what, n=low)
    else:
        what = said("{protocol} to ports {low} to {high}", protocol=what, low=low, high=high)
    ethertype = rule.get("ethertype") or "IPv4"
    if rule.get("direction") == "egress":
        return said(
            "Servers may send {what} to {who} ({ethertype}).",
            what=what,
            who=who,
            ethertype=ethertype,
        )
    return said(
        "Servers take {what} from {who} ({ethertype}).", what=what, who=who, ethertype=ethertype
    )


def _wanted(form: Form) -> dict[str, Any]:
    """The rule that a form means. Ports are numbers, as they were typed."""
    rule: dict[str, Any] = {
        "direction": form.get("direction") or "ingress",
        "ethertype": form.get("ethertype") or "IPv4",
        **given(form, "remote_ip_prefix", "remote_group_id", "description"),
    }
    usual = _USUAL.get(form.get("what", ""))
    if usual is not None:
        rule |= {"protocol": usual[0], "port_range_min": usual[1], "port_range_max": usual[1]}
        return rule
    kind = form.get("what") or "tcp"
    if kind != "any":
        rule["protocol"] = kind
    first, last = form.get("first", ""), form.get("last", "")
    if first and kind != "any":
        rule["port_range_min"] = int(first)
        if not kind.startswith("icmp"):
            rule["port_range_max"] = int(last or first)
    if ":" in rule.get("remote_ip_prefix", ""):
        rule["ethertype"] = "IPv6"
    return rule


def _add(item: Item, form: Form) -> Request:
    rule = {**_wanted(form), "security_group_id": item["of"]["id"]}
    return Request("POST", f"{BASE}/security-group-rules", {"security_group_rule": rule})


def _check(form: Form, facts: Mapping[str, Any]) -> Sequence[Said]:
    return [rule_in_words(_wanted(form))]


RULES = Part(
    "rules",
    "Rules",
    lambda item, place: Request("GET", f"{BASE}/security-groups/{item['id']}"),
    "security_group_rules",
    (
        Column("What it means", rule_in_words),
        ref("Security group", "remote_group_id", "securitygroups"),
        column("Direction", "direction"),
        column("Description", "description"),
    ),
    rows=lambda body, item: sorted(
        body["security_group"]["security_group_rules"],
        key=lambda r: (r["direction"] != "ingress", str(r.get("protocol")), r["id"]),
    ),
    actions=(delete(collection_of("security-group-rules")),),
    create=(
        Action(
            "add",
            "Add rule",
            _add,
            fields=(
                Field(
                    "what",
                    "What",
                    "select",
                    default="ssh",
                    choices=(
                        ("ssh", "SSH"),
                        ("http", "HTTP"),
                        ("https", "HTTPS"),
                        ("dns", "DNS"),
                        ("rdp", "RDP"),
                        ("postgresql", "PostgreSQL"),
                        ("mysql", "MySQL"),
                        ("tcp", "TCP, ports below"),
                        ("udp", "UDP, ports below"),
                        ("icmp", "ICMP (ping)"),
                        ("ipv6-icmp", "ICMP of IPv6"),
                        ("any", "Everything"),
                    ),
                ),
                Field("first", "First port", "number", required=False),
                Field("last", "Last port", "number", required=False),
                Field(
                    "direction",
                    "Direction",
                    "select",
                    default="ingress",
                    choices=(("ingress", "To the servers"), ("egress", "From the servers")),
                ),
                Field(
                    "remote_ip_prefix",
                    "Addresses of the other side",
                    required=False,
                    help="For example 203.0.113.0/24. Empty: anybody.",
                ),
                Field(
                    "remote_group_id",
                    "Or the servers in a group",
                    "select",
                    required=False,
                    options=Options(
                        Request("GET", f"{BASE}/security-groups?project_id={{project}}"),
                        "security_groups",
                    ),
                ),
                Field(
                    "ethertype",
                    "Version of IP",
                    "select",
                    default="IPv4",
                    choices=(("IPv4", "IPv4"), ("IPv6", "IPv6")),
                    advanced=True,
                ),
                Field("description", "Description", required=False, advanced=True),
            ),
            check=_check,
        ),
    ),
)
SECURITY_GROUPS = Panel(
    name="securitygroups",
    title="Security groups",
    group="Network",
    order=36,
    about="Who may reach servers, and whom they may reach. What no rule lets through is dropped.",
    items=Request("GET", f"{BASE}/security-groups"),
    key="security_groups",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("Description", "description"),
        Column("Rules", lambda item: len(item.get("security_group_rules") or ())),
    ),
    search=SEARCH,
    everywhere=EVERYWHERE,
    everywhere_rule="context_is_admin",
    own=OWN,
    detail=lambda id: Request("GET", f"{BASE}/security-groups/{id}"),
    detail_key="security_group",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create security group",
            lambda item, form: Request(
                "POST",
                f"{BASE}/security-groups",
                {
                    "security_group": {
                        "name": form["name"],
                        "description": form.get("description", ""),
                    }
                },
            ),
            fields=(Field("name", "Name"), Field("description", "Description", required=False)),
        ),
    ),
    actions=(
        edit("security-groups", "security_group"),
        delete(collection_of("security-groups"), allowed=lambda i: i.get("name") != "default"),
    ),
    parts=(RULES,),
    events="security_group",
)
