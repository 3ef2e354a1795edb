"""Subnet pools, address scopes and who may use what, in templates."""

from cumulo.core.resource_types import flag, items, number, text
from cumulo.network.resources.common import NAME, SPECS, TAGS, noun, plain

ADDRESS_SCOPE = noun(
    "OS::Neutron::AddressScope",
    "address-scopes",
    "address_scope",
    description="A resource for Neutron address scope.",
    properties={
        "name": NAME,
        "shared": flag("Whether all projects may use it.", default=False, update=True),
        "tenant_id": text("The project that owns it."),
        "ip_version": number(
            "The IP version.", default=4, constraints=[{"allowed_values": [4, 6]}]
        ),
    },
    attributes={
        "name": "The name.",
        "ip_version": "The IP version.",
        "shared": "Whether all projects may use it.",
        "tenant_id": "The project that owns it.",
    },
    sent=lambda given, place: plain(given, {}),
    emptied={"shared": False},
)
_LENGTH = [{"range": {"min": 0, "max": 128}}]
SUBNET_POOL = noun(
    "OS::Neutron::SubnetPool",
    "subnetpools",
    "subnetpool",
    description="A resource that implements neutron subnet pool.",
    properties={
        "name": NAME,
        "value_specs": SPECS,
        "prefixes": items(
            text(),
            "The prefixes that subnets are taken of.",
            required=True,
            update=True,
            constraints=[{"length": {"min": 1}}],
        ),
        "address_scope": text("The address scope.", update=True, find="address_scope"),
        "default_quota": number(
            "What a project may take of it.", update=True, constraints=[{"range": {"min": 0}}]
        ),
        "default_prefixlen": number(
            "Of a subnet that wishes none.", update=True, constraints=_LENGTH
        ),
        "min_prefixlen": number("The largest subnet.", update=True, constraints=_LENGTH),
        "max_prefixlen": number("The smallest subnet.", update=True, constraints=_LENGTH),
        "is_default": flag("Whether it is the default pool.", default=False, update=True),
        "tenant_id": text("The project that owns it."),
        "shared": flag("Whether all projects may use it.", default=False),
        "tags": TAGS,
    },
    attributes={
        "name": "The name.",
        "prefixes": "The prefixes that subnets are taken of.",
        "address_scope_id": "The address scope.",
        "default_quota": "What a project may take of it.",
        "default_prefixlen": "Of a subnet that wishes none.",
        "min_prefixlen": "The largest subnet.",
        "max_prefixlen": "The smallest subnet.",
        "is_default": "Whether it is the default pool.",
        "ip_version": "The IP version.",
        "shared": "Whether all projects may use it.",
        "tenant_id": "The project that owns it.",
    },
    sent=lambda given, place: plain(given, {"address_scope": "address_scope_id"}, "tags"),
    emptied={"is_default": False},
    renamed={"address_scope": "address_scope_id"},
)
RBAC_POLICY = noun(
    "OS::Neutron::RBACPolicy",
    "rbac-policies",
    "rbac_policy",
    description="A resource for managing Neutron rbac policy.",
    properties={
        "object_type": text("What kind of thing is shared.", required=True),
        "object_id": text("Its id or name.", required=True),
        "target_tenant": text("The project that may use it.", required=True, update=True),
        "action": text("How: access_as_shared, access_as_external.", required=True),
        "tenant_id": text("The project that owns the policy."),
    },
    named=False,
    sent=lambda given, place: plain(given, {}),
)
