"""What templates can ask of network: OS::Neutron::… types, by network's own operations."""

from cumulo.core.resource_types import Finder
from cumulo.network.resources.common import BASE
from cumulo.network.resources.nets import NET, PROVIDER_NET, QUOTA, SUBNET
from cumulo.network.resources.pools import ADDRESS_SCOPE, RBAC_POLICY, SUBNET_POOL
from cumulo.network.resources.ports import FLOATING_IP, FLOATING_IP_ASSOCIATION, PORT
from cumulo.network.resources.routers import (
    EXTRA_ROUTE,
    EXTRA_ROUTE_SET,
    ROUTER,
    ROUTER_GATEWAY,
    ROUTER_INTERFACE,
)
from cumulo.network.resources.security import SECURITY_GROUP, SECURITY_GROUP_RULE

FINDERS = (
    Finder("network", f"{BASE}/networks", "network", "neutron.network"),
    Finder("subnet", f"{BASE}/subnets", "subnet", "neutron.subnet"),
    Finder("subnetpool", f"{BASE}/subnetpools", "subnetpool", "neutron.subnetpool"),
    Finder("address_scope", f"{BASE}/address-scopes", "address_scope", "neutron.address_scope"),
    Finder("port", f"{BASE}/ports", "port", "neutron.port"),
    Finder("router", f"{BASE}/routers", "router", "neutron.router"),
    Finder("security_group", f"{BASE}/security-groups", "security_group", "neutron.security_group"),
    Finder(
        "floating_ip",
        f"{BASE}/floatingips",
        "floatingip",
        "neutron.floating_ip",
        by="floating_ip_address",
    ),
)
TYPES = (
    NET,
    PROVIDER_NET,
    SUBNET,
    ADDRESS_SCOPE,
    SUBNET_POOL,
    RBAC_POLICY,
    PORT,
    ROUTER,
    ROUTER_INTERFACE,
    ROUTER_GATEWAY,
    EXTRA_ROUTE,
    EXTRA_ROUTE_SET,
    FLOATING_IP,
    FLOATING_IP_ASSOCIATION,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    QUOTA,
)
