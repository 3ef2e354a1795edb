"""What templates can ask of shared file systems: OS::Manila::… types, by its own operations."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import (
    READY,
    WORKING,
    Finder,
    Place,
    Reader,
    Request,
    State,
    flag,
    items,
    mapping,
    number,
    rest,
    text,
)

BASE = "/share/v2"
VERSION = "2.51"
FINDERS = (
    Finder("share_type", f"{BASE}/types", "share_type", "manila.share_type", version=VERSION),
    Finder("share", f"{BASE}/shares", "share", "", version=VERSION),
    Finder("share_snapshot", f"{BASE}/snapshots", "snapshot", "manila.share_snapshot"),
    Finder(
        "security_service",
        f"{BASE}/security-services",
        "security_service",
        "manila.security_service",
    ),
    Finder("share_network", f"{BASE}/share-networks", "share_network", "manila.share_network"),
)
Given = Mapping[str, Any]
RULE = mapping(
    {
        "access_to": text("Who may use it.", required=True),
        "access_type": text(
            "What that names.",
            required=True,
            constraints=[{"allowed_values": ["ip", "domain", "user", "cert", "cephx"]}],
        ),
        "access_level": text("ro or rw.", constraints=[{"allowed_values": ["ro", "rw"]}]),
    }
)


def _share(given: Given, place: Place) -> dict[str, Any]:
    names = {"share_protocol": "share_proto", "snapshot": "snapshot_id"}
    names |= {"share_network": "share_network_id"}
    return {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and name != "access_rules"
    }


def _state(body: Any) -> State:
    word = body["share"]["status"]
    if word == "available":
        return READY
    return State("failed", f"went to status {word}") if "error" in word else WORKING


def _rule(one: Given) -> dict[str, Any]:
    return {name: value for name, value in one.items() if value is not None}


def _allowed(physical: str, rules: Sequence[Given]) -> list[Request]:
    path = f"{BASE}/shares/{physical}/action"
    return [Request("POST", path, {"allow_access": _rule(each)}, VERSION) for each in rules]


def _update(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
    """Names and metadata at once; rules one by one, since each takes the share for a moment."""
    one = f"{BASE}/shares/{physical}"
    names = {"name": "display_name", "description": "display_description"}
    plain = {names.get(n, n): v for n, v in changed.items() if n in (*names, "is_public")}
    made = []
    if plain:
        made.append(Request("PUT", one, {"share": plain}, VERSION))
    if "metadata" in changed:
        body = {"metadata": dict(changed["metadata"] or {})}
        made.append(Request("PUT", f"{one}/metadata", body, VERSION))
    return made


def _rules_later(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
    if "access_rules" not in changed or place.read is None:
        return []
    before, wanted = place.before.get("access_rules") or [], changed["access_rules"] or []
    found = place.read(f"{BASE}/share-access-rules?share_id={physical}", VERSION) or {}
    gone = [each for each in before if each not in wanted]
    path, made = f"{BASE}/shares/{physical}/action", []
    for each in found.get("access_list") or ():
        if any(each["access_to"] == one["access_to"] for one in gone):
            made.append(Request("POST", path, {"deny_access": {"access_id": each["id"]}}, VERSION))
    return made + _allowed(physical, [each for each in wanted if each not in before])


def _attribute(name: str, body: Any, read: Reader) -> Any:
    if body is None:
        return NotImplemented
    share = body["share"]
    if name == "export_locations":
        found = read(f"{BASE}/shares/{share['id']}/export_locations", VERSION) or {}
        return [each["path"] for each in found.get("export_locations") or ()]
    return share.get({"share_protocol": "share_proto"}.get(name, name))


SHARE = rest(
    "OS::Manila::Share",
    f"{BASE}/shares",
    "share",
    version=VERSION,
    description="A shared file system.",
    properties={
        "share_protocol": text(
            "Its protocol.",
            required=True,
            constraints=[
                {"allowed_values": ["NFS", "CIFS", "GlusterFS", "HDFS", "CEPHFS", "MAPRFS"]}
            ],
        ),
        "size": number("Its size in GB.", required=True, constraints=[{"range": {"min": 1}}]),
        "snapshot": text("What it is made from.", find="share_snapshot"),
        "name": text("Share name.", update=True),
        "metadata": mapping(None, "Key/value pairs.", update=True),
        "share_network": text("Its share network.", find="share_network"),
        "description": text("Share description.", update=True),
        "share_type": text("Its type.", find="share_type"),
        "is_public": flag("Whether everybody sees it.", default=False, update=True),
        "access_rules": items(RULE, "Who may use it.", default=[], update=True),
    },
    attributes={
        "availability_zone": "Its availability zone.",
        "host": "Its host.",
        "export_locations": "Where it can be mounted from.",
        "share_server_id": "Its server.",
        "created_at": "When it was made.",
        "status": "Its status.",
        "project_id": "Its project.",
        "share_protocol": "Its protocol.",
        "size": "Its size in GB.",
    },
    attribute=_attribute,
    body=_share,
    update=_update,
    state=_state,
    later=_rules_later,
    grown=lambda physical, given, place: _allowed(physical, given.get("access_rules") or ()),
)

SHARE_NETWORK = rest(
    "OS::Manila::ShareNetwork",
    f"{BASE}/share-networks",
    "share_network",
    version=VERSION,
    description="The network that shares are reached in.",
    properties={
        "name": text("Name of the share network.", update=True),
        "neutron_network": text("The network.", update=True, find="network"),
        "neutron_subnet": text("The subnet.", update=True, find="subnet"),
        "description": text("Description.", update=True),
        "security_services": items(
            text("", find="security_service"), "Its security services.", default=[], update=True
        ),
    },
    attributes={
        "segmentation_id": "Its number.",
        "cidr": "Its range.",
        "network_type": "Its kind.",
    },
    body=lambda given, place: _network(given),
    update=lambda physical, now, changed, place: _network_update(physical, changed, place),
    grown=lambda physical, given, place: _attached(
        physical, "add", given.get("security_services") or ()
    ),
)


def _network(given: Given, *, keep: bool = False) -> dict[str, Any]:
    names = {"neutron_network": "neutron_net_id", "neutron_subnet": "neutron_subnet_id"}
    return {
        names.get(n, n): v
        for n, v in given.items()
        if n != "security_services" and (keep or v is not None)
    }


def _network_update(physical: str, changed: Given, place: Place) -> Sequence[Request]:
    """Its place and its words; then security services one by one, the old ones first."""
    made = []
    plain = _network(changed, keep=True)
    if plain:
        path = f"{BASE}/share-networks/{physical}"
        made.append(Request("PUT", path, {"share_network": plain}, VERSION))
    if "security_services" in changed:
        before = place.before.get("security_services") or []
        wanted = changed["security_services"] or []
        made += _attached(physical, "remove", [each for each in before if each not in wanted])
        made += _attached(physical, "add", [each for each in wanted if each not in before])
    return made


def _attached(physical: str, verb: str, ids: Sequence[str]) -> list[Request]:
    path = f"{BASE}/share-networks/{physical}/action"
    name = f"{verb}_security_service"
    return [Request("POST", path, {name: {"security_service_id": id}}, VERSION) for id in ids]


def _type_after(physical: str, given: Given, body: Any, place: Place) -> list[Request]:
    one = f"{BASE}/types/{physical}"
    wanted = {str(n): str(v) for n, v in (given.get("extra_specs") or {}).items()}
    before = {str(n): str(v) for n, v in (place.before.get("extra_specs") or {}).items()}
    made = [
        Request("DELETE", f"{one}/extra_specs/{name}", None, VERSION)
        for name in sorted(set(before) - set(wanted))
        if place.physical is not None
    ]
    if wanted:
        made.append(Request("POST", f"{one}/extra_specs", {"extra_specs": wanted}, VERSION))
    return made


SHARE_TYPE = rest(
    "OS::Manila::ShareType",
    f"{BASE}/types",
    "share_type",
    version=VERSION,
    description="A type of shares; administrators only.",
    properties={
        "name": text("Name of the share type.", required=True),
        "driver_handles_share_servers": flag("Of its back end.", required=True),
        "is_public": flag("Whether everybody may use it.", default=True),
        "extra_specs": mapping(None, "Extra specs.", update=True),
        "snapshot_support": flag("Whether its shares can have snapshots.", update=True),
    },
    body=lambda given, place: {
        "name": given["name"],
        "share_type_access:is_public": given["is_public"],
        "extra_specs": {
            "driver_handles_share_servers": str(given["driver_handles_share_servers"]),
            **(
                {"snapshot_support": str(given["snapshot_support"])}
                if given.get("snapshot_support") is not None
                else {}
            ),
        },
    },
    update=lambda physical, now, changed, place: [],
    after=_type_after,
)
SECURITY_SERVICE = rest(
    "OS::Manila::SecurityService",
    f"{BASE}/security-services",
    "security_service",
    version=VERSION,
    description="A directory of users that share networks name.",
    properties={
        "name": text("Security service name.", update=True),
        "type": text(
            "Its kind.",
            required=True,
            constraints=[{"allowed_values": ["ldap", "kerberos", "active_directory"]}],
        ),
        "dns_ip": text("DNS server of its users.", update=True),
        "server": text("Its host or address.", update=True),
        "domain": text("Its domain.", update=True),
        "user": text("Whom it is asked as.", update=True),
        "password": text("With which password.", update=True),
        "description": text("Security service description.", update=True),
    },
    body=lambda given, place: _given(given),
    update=lambda physical, now, changed, place: [
        Request(
            "PUT",
            f"{BASE}/security-services/{physical}",
            {"security_service": dict(changed)},
            VERSION,
        )
    ],
)


def _given(given: Given) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


TYPES = (SHARE, SHARE_NETWORK, SHARE_TYPE, SECURITY_SERVICE)
