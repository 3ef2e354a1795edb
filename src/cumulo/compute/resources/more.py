"""Key pairs, groups of servers, flavors, aggregates and quotas in templates."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from cumulo.core.resource_types import (
    Place,
    Reader,
    Request,
    ResourceType,
    flag,
    items,
    mapping,
    number,
    rest,
    text,
)

BASE = "/compute/v2.1"
VERSION = "2.79"
Given = Mapping[str, Any]


def _key_pair(given: Given, place: Place) -> Request:
    body = {"name": given["name"]}
    for name, wanted in (("public_key", "public_key"), ("user", "user_id"), ("type", "type")):
        if given.get(name):
            body[wanted] = given[name]
    return Request("POST", f"{BASE}/os-keypairs", {"keypair": body}, "2.79")


def _key_pair_at(name: str, given: Given) -> str:
    """Without its owner's id, the caller's own pair of that name is meant."""
    whose = f"?user_id={quote(str(given['user']), safe='')}" if given.get("user") else ""
    return f"{BASE}/os-keypairs/{quote(name, safe='')}{whose}"


KEY_PAIR = ResourceType(
    "OS::Nova::KeyPair",
    {
        "name": text("The name of the key pair.", required=True),
        "save_private_key": flag("Whether the private key can be asked for.", default=False),
        "public_key": text("The public key; without one a pair is made."),
        "user": text("Whose it is; administrators may say another's.", find="user"),
        "type": text("ssh.", constraints=[{"allowed_values": ["ssh", "x509"]}]),
    },
    _key_pair,
    lambda answer: str(answer["keypair"]["name"]),
    lambda physical, given, place: Request("GET", _key_pair_at(given["name"], given), None, "2.79"),
    lambda physical, now, changed, place: [],
    lambda physical, given, place: Request("DELETE", _key_pair_at(physical, given), None, "2.79"),
    attributes={"public_key": "The public key.", "private_key": "The private key if it was saved."},
    attribute=lambda name, body, read: "" if name == "private_key" else NotImplemented,
    kept=lambda given, answer: (
        {"private_key": answer["keypair"].get("private_key", "")}
        if given.get("save_private_key")
        else {}
    ),
    tells_once=lambda given: bool(given.get("save_private_key")) and not given.get("public_key"),
    names_whose=True,
    outside=True,
    exclusive=("name",),
    reference="name",
    description="A resource for creating Nova key pairs.",
)

SERVER_GROUP = rest(
    "OS::Nova::ServerGroup",
    f"{BASE}/os-server-groups",
    "server_group",
    version="2.64",
    description="A resource for managing a Nova server group.",
    properties={
        "name": text("Server Group name."),
        "policies": items(text(), "A list of exactly one policy.", default=["anti-affinity"]),
        "rules": mapping(None, "max_server_per_host, with the policy anti-affinity."),
    },
    body=lambda given, place: (
        {
            "name": given.get("name") or place.name,
            "policy": given["policies"][0],
        }
        | ({"rules": given["rules"]} if given.get("rules") else {})
    ),
    check=lambda given: (
        None if len(given["policies"]) == 1 else "A server group has exactly one policy."
    ),
)


MOST = 2147483647


def _flavor(given: Given, place: Place) -> Request:
    names = {
        "flavorid": "id",
        "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
        "is_public": "os-flavor-access:is_public",
    }
    body = {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and name not in ("extra_specs", "tenants")
    }
    body["name"] = given.get("name") or place.name
    return Request("POST", f"{BASE}/flavors", {"flavor": body}, "2.55")


def _flavor_after(physical: str, given: Given, body: Any, place: Place) -> list[Request]:
    """Extra specs and who may use it, as they shall be; asked at each change."""
    one, made = f"{BASE}/flavors/{physical}", []
    specs = {str(name): str(value) for name, value in (given.get("extra_specs") or {}).items()}
    found = None if place.read is None else place.read(f"{one}/os-extra_specs", VERSION)
    before = (found or {}).get("extra_specs") or {}
    for name in sorted(set(before) - set(specs)):
        made.append(Request("DELETE", f"{one}/os-extra_specs/{quote(name, safe='')}"))
    if {name: before.get(name) for name in specs} != specs:
        made.append(Request("POST", f"{one}/os-extra_specs", {"extra_specs": specs}))
    if given.get("is_public"):
        return made
    wanted = set(given.get("tenants") or ())
    seen = None if place.read is None else place.read(f"{one}/os-flavor-access", VERSION)
    there = {each["tenant_id"] for each in (seen or {}).get("flavor_access") or ()}
    for verb, projects in (("add", wanted - there), ("remove", there - wanted)):
        for each in sorted(projects):
            action = {f"{verb}TenantAccess": {"tenant": each}}
            made.append(Request("POST", f"{one}/action", action))
    return made


def _flavor_attribute(name: str, body: Any, read: Reader) -> Any:
    if body is None:
        return NotImplemented
    if name == "is_public":
        return body["flavor"].get("os-flavor-access:is_public")
    if name == "extra_specs":
        found = read(f"{BASE}/flavors/{body['flavor']['id']}/os-extra_specs", VERSION)
        return (found or {}).get("extra_specs")
    return NotImplemented


FLAVOR = ResourceType(
    "OS::Nova::Flavor",
    {
        "tenants": items(
            text("A project.", find="project"), "Who may use it.", update=True, default=[]
        ),
        "name": text("Name of the flavor."),
        "flavorid": text("Unique ID of the flavor."),
        "ram": number("Memory in MB.", required=True, constraints=[{"range": {"min": 1}}]),
        "vcpus": number("Number of VCPUs.", required=True, constraints=[{"range": {"min": 1}}]),
        "disk": number("Size of local disk in GB.", default=0),
        "swap": number("Swap space in MB.", default=0),
        "ephemeral": number("Size of a secondary ephemeral data disk in GB.", default=0),
        "rxtx_factor": number("RX/TX factor.", default=1),
        "extra_specs": mapping(None, "Key/value pairs to extend the flavor.", update=True),
        "is_public": flag("Whether everybody may use it.", default=True),
    },
    _flavor,
    lambda answer: str(answer["flavor"]["id"]),
    lambda physical, given, place: Request("GET", f"{BASE}/flavors/{physical}", None, VERSION),
    lambda physical, now, changed, place: [],
    lambda physical, given, place: Request("DELETE", f"{BASE}/flavors/{physical}"),
    attributes={
        "is_public": "Whether the flavor is shared across all projects.",
        "extra_specs": "Extra specs of the flavor in key-value pairs.",
    },
    attribute=_flavor_attribute,
    after=_flavor_after,
    description="A resource for creating flavors; administrators only.",
)


def _aggregate_after(physical: str, given: Given, body: Any, place: Place) -> list[Request]:
    """Metadata and hosts as they shall be."""
    path = f"{BASE}/os-aggregates/{physical}/action"
    seen = (body or {}).get("aggregate") or {}
    before = {n: v for n, v in (seen.get("metadata") or {}).items() if n != "availability_zone"}
    wanted = {str(n): str(v) for n, v in (given.get("metadata") or {}).items()}
    change: dict[str, Any] = {n: None for n in before if n not in wanted}
    change |= {n: v for n, v in wanted.items() if before.get(n) != v}
    made = []
    if change:
        made.append(Request("POST", path, {"set_metadata": {"metadata": change}}))
    there, hosts = set(seen.get("hosts") or ()), set(given.get("hosts") or ())
    for verb, some in (("add_host", hosts - there), ("remove_host", there - hosts)):
        made += [Request("POST", path, {verb: {"host": each}}) for each in sorted(some)]
    return made


def _empty_aggregate(physical: str, body: Any) -> Sequence[Request]:
    path = f"{BASE}/os-aggregates/{physical}/action"
    hosts = ((body or {}).get("aggregate") or {}).get("hosts") or ()
    return [Request("POST", path, {"remove_host": {"host": each}}) for each in hosts]


PLAIN = ("name", "availability_zone")
HOST_AGGREGATE = rest(
    "OS::Nova::HostAggregate",
    f"{BASE}/os-aggregates",
    "aggregate",
    description="A resource for managing aggregates of hosts; administrators only.",
    named=False,
    properties={
        "name": text("Name for the aggregate.", required=True, update=True),
        "availability_zone": text("Name for the availability zone.", update=True),
        "hosts": items(text(), "Its hosts.", update=True),
        "metadata": mapping(None, "Key/value pairs.", update=True, default={}),
    },
    body=lambda given, place: {
        name: given[name] for name in ("name", "availability_zone") if given.get(name)
    },
    update=lambda physical, now, changed, place: (
        [
            Request(
                "PUT",
                f"{BASE}/os-aggregates/{physical}",
                {"aggregate": {n: v for n, v in changed.items() if n in PLAIN}},
            )
        ]
        if set(changed) & set(PLAIN)
        else []
    ),
    after=_aggregate_after,
    before_delete=_empty_aggregate,
)

_LIMITS = {
    "cores": "Cores.",
    "fixed_ips": "Kept for old templates.",
    "floating_ips": "Kept for old templates.",
    "injected_file_content_bytes": "Bytes of an injected file.",
    "injected_file_path_bytes": "Letters of an injected file's path.",
    "injected_files": "Injected files.",
    "instances": "Servers.",
    "key_pairs": "Key pairs.",
    "metadata_items": "Items of a server's metadata.",
    "ram": "MB of memory.",
    "security_groups": "Kept for old templates.",
    "security_group_rules": "Kept for old templates.",
    "server_groups": "Server groups.",
    "server_group_members": "Members of a server group.",
}


def quota(name: str, path: str, limits: Mapping[str, str], version: str | None) -> ResourceType:
    """A project's limits: all that are named are set, and all are back at the defaults when it
    goes."""

    def ask(given: Given, place: Place) -> Request:
        some = {n: v for n, v in given.items() if n != "project" and v is not None}
        return Request("PUT", path.format(given["project"]), {"quota_set": some}, version)

    return ResourceType(
        name,
        {
            "project": text("The project.", required=True, find="project"),
            **{
                each: number(said, update=True, constraints=[{"range": {"min": -1}}])
                for each, said in limits.items()
            },
        },
        ask,
        lambda answer: "quota",
        lambda physical, given, place: None,
        lambda physical, now, changed, place: [ask(now, place)],
        lambda physical, given, place: Request(
            "DELETE", path.format(given["project"]), None, version
        ),
        description="A project's quotas; administrators only.",
        waits_for_gone=False,
        check=lambda given: (
            None if len(given) > 1 else "At least one of the limits must be specified."
        ),
    )


QUOTA = quota("OS::Nova::Quota", f"{BASE}/os-quota-sets/{{}}", _LIMITS, "2.1")
