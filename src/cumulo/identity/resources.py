"""What templates can ask of identity: OS::Keystone::… types, by its own operations.

All of them are for administrators: what identity refuses to the stack's owner is refused to the
stack. Users' passwords are given by the template; a user without one cannot sign in by it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import (
    Finder,
    Place,
    Request,
    ResourceType,
    flag,
    items,
    mapping,
    rest,
    text,
)

BASE = "/identity/v3"
KNOWN = {"known": "true"}
"""Lists that wait for directories cannot be asked inside of a transaction: what is known can."""
FINDERS = (
    Finder("project", f"{BASE}/projects", "project", "keystone.project"),
    Finder("user", f"{BASE}/users", "user", "keystone.user", query=KNOWN),
    Finder("role", f"{BASE}/roles", "role", "keystone.role"),
    Finder("group", f"{BASE}/groups", "group", "keystone.group", query=KNOWN),
    Finder("domain", f"{BASE}/domains", "domain", "keystone.domain"),
    Finder("service", f"{BASE}/services", "service", "keystone.service"),
    Finder("region", f"{BASE}/regions", "region", "keystone.region"),
)
Given = Mapping[str, Any]
ROLE = mapping(
    {
        "role": text("The role.", required=True, find="role"),
        "project": text("Where it is held.", find="project"),
        "domain": text("Where it is held.", find="domain"),
    }
)


def _body(given: Given, names: Mapping[str, str], *without: str) -> dict[str, Any]:
    return {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and name not in without
    }


def _assigned(who: str, physical: str, roles: Sequence[Given] | None, verb: str) -> list[Request]:
    made = []
    for each in roles or ():
        place, where = ("projects", each.get("project")), ("domains", each.get("domain"))
        kind, id = place if place[1] else where
        made.append(Request(verb, f"{BASE}/{kind}/{id}/{who}/{physical}/roles/{each['role']}"))
    return made


def _roles_after(who: str, physical: str, given: Given, place: Place) -> list[Request]:
    """Roles as they shall be: those of before that are not named any more are taken away."""
    before, now = place.before.get("roles") or [], given.get("roles") or []
    gone = [each for each in before if each not in now]
    fresh = [each for each in now if each not in before or place.physical is None]
    return [
        *_assigned(who, physical, gone, "DELETE"),
        *_assigned(who, physical, fresh, "PUT"),
    ]


def _check_roles(given: Given) -> str | None:
    for each in given.get("roles") or ():
        if bool(each.get("project")) == bool(each.get("domain")):
            return "A role is held in a project or in a domain: one of both must be named."
    return None


def _without_roles(collection: str, key: str, names: Mapping[str, str], *without: str) -> Any:
    def update(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
        body = {names.get(n, n): v for n, v in changed.items() if n not in without}
        if "name" in body and body["name"] is None:
            body["name"] = place.name
        if "description" in body and body["description"] is None:
            body["description"] = ""
        return [Request("PATCH", f"{BASE}/{collection}/{physical}", {key: body})] if body else []

    return update


PROJECT = rest(
    "OS::Keystone::Project",
    f"{BASE}/projects",
    "project",
    description="A project; administrators only.",
    properties={
        "name": text("Name of the project.", update=True),
        "domain": text("The domain.", default="default", find="domain"),
        "description": text("Description.", default="", update=True),
        "enabled": flag("Whether it can be used.", default=True, update=True),
        "parent": text("The project above it.", find="project"),
        "tags": items(text(), "Tags.", default=[], update=True),
    },
    attributes={
        "name": "Its name.",
        "parent_id": "The project above it.",
        "domain_id": "Its domain.",
        "enabled": "Whether it can be used.",
        "is_domain": "Whether it is a domain.",
    },
    body=lambda given, place: _body(given, {"domain": "domain_id", "parent": "parent_id"}),
    update=_without_roles("projects", "project", {}),
)

DOMAIN = rest(
    "OS::Keystone::Domain",
    f"{BASE}/domains",
    "domain",
    description="A domain; administrators only.",
    properties={
        "name": text("Name of the domain.", update=True),
        "description": text("Description.", update=True),
        "enabled": flag("Whether it can be used.", default=True, update=True),
    },
    update=_without_roles("domains", "domain", {}),
    # Only a disabled domain can go.
    before_delete=lambda physical, body: [
        Request("PATCH", f"{BASE}/domains/{physical}", {"domain": {"enabled": False}})
    ],
)

ROLE_TYPE = rest(
    "OS::Keystone::Role",
    f"{BASE}/roles",
    "role",
    description="A role; administrators only.",
    properties={
        "name": text("Name of the role.", update=True),
        "domain": text("The domain.", find="domain"),
    },
    body=lambda given, place: _body(given, {"domain": "domain_id"}),
    update=_without_roles("roles", "role", {}),
)

GROUP = rest(
    "OS::Keystone::Group",
    f"{BASE}/groups",
    "group",
    description="A group of users; administrators only.",
    properties={
        "name": text("Name of the group.", update=True),
        "domain": text("The domain.", default="default", find="domain", update=True),
        "description": text("Description.", default="", update=True),
        "roles": items(ROLE, "Roles of its members.", update=True),
    },
    body=lambda given, place: _body(given, {"domain": "domain_id"}, "roles"),
    update=_without_roles("groups", "group", {"domain": "domain_id"}, "roles"),
    after=lambda physical, given, body, place: _roles_after("groups", physical, given, place),
    check=_check_roles,
)


def _memberships(physical: str, given: Given, place: Place) -> list[Request]:
    before, now = set(place.before.get("groups") or ()), set(given.get("groups") or ())
    if place.physical is None:
        before = set()
    gone = [f"{BASE}/groups/{each}/users/{physical}" for each in sorted(before - now)]
    fresh = [f"{BASE}/groups/{each}/users/{physical}" for each in sorted(now - before)]
    return [*(Request("DELETE", path) for path in gone), *(Request("PUT", path) for path in fresh)]


ASSIGNED = {
    "roles": items(ROLE, "The roles.", update=True),
}


def assignment(name: str, who: str, description: str) -> ResourceType:
    """Roles of a user or a group: they are given, and taken away when the resource goes."""
    plural = f"{who}s"
    return ResourceType(
        name,
        {who: text(f"The {who}.", required=True, find=who, update=True), **ASSIGNED},
        lambda given, place: Request("GET", f"{BASE}/{plural}/{given[who]}"),
        lambda answer: str(answer[who]["id"]),
        lambda physical, given, place: None,
        lambda physical, now, changed, place: [],
        lambda physical, given, place: None,
        after=lambda physical, given, body, place: (
            _assigned(plural, given[who], given.get("roles"), "PUT")
            if place.physical is None
            else _roles_after(plural, given[who], given, place)
        ),
        leave=lambda physical, given, place: _assigned(
            plural, given[who], given.get("roles"), "DELETE"
        ),
        check=_check_roles,
        description=description,
        waits_for_gone=False,
    )


USER_ROLES = assignment(
    "OS::Keystone::UserRoleAssignment", "user", "Roles of a user; administrators only."
)
GROUP_ROLES = assignment(
    "OS::Keystone::GroupRoleAssignment", "group", "Roles of a group; administrators only."
)

REGION = rest(
    "OS::Keystone::Region",
    f"{BASE}/regions",
    "region",
    named=False,
    description="A region; administrators only.",
    properties={
        "id": text("The region's id."),
        "parent_region": text("The region above it.", update=True, find="region"),
        "description": text("Description.", update=True),
        "enabled": flag("Kept for old templates.", default=True, update=True),
    },
    body=lambda given, place: _body(given, {"parent_region": "parent_region_id"}, "enabled"),
    update=_without_roles("regions", "region", {"parent_region": "parent_region_id"}, "enabled"),
)

SERVICE = rest(
    "OS::Keystone::Service",
    f"{BASE}/services",
    "service",
    description="A service of the catalog; administrators only.",
    properties={
        "name": text("Name of the service.", update=True),
        "description": text("Description.", update=True),
        "type": text("Its type.", required=True, update=True),
        "enabled": flag("Whether it is shown.", default=True, update=True),
    },
    update=_without_roles("services", "service", {}),
)

ENDPOINT = rest(
    "OS::Keystone::Endpoint",
    f"{BASE}/endpoints",
    "endpoint",
    description="An endpoint of the catalog; administrators only.",
    properties={
        "region": text("The region.", update=True, find="region"),
        "service": text("The service.", required=True, update=True, find="service"),
        "interface": text(
            "Who it is for.",
            default="public",
            update=True,
            constraints=[{"allowed_values": ["public", "internal", "admin"]}],
        ),
        "url": text("Its URL.", required=True, update=True),
        "name": text("A name.", update=True),
        "enabled": flag("Whether it is shown.", default=True, update=True),
    },
    body=lambda given, place: _body(given, {"region": "region_id", "service": "service_id"}),
    update=_without_roles(
        "endpoints", "endpoint", {"region": "region_id", "service": "service_id"}
    ),
)

TYPES = (
    PROJECT,
    DOMAIN,
    ROLE_TYPE,
    GROUP,
    USER_ROLES,
    GROUP_ROLES,
    REGION,
    SERVICE,
    ENDPOINT,
)
