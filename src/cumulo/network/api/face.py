"""Network's whole HTTP face."""

from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults
from cumulo.core.http.operations import Face
from cumulo.network.api import extensions, versions
from cumulo.network.api.address_groups import AddressesApi, address_groups
from cumulo.network.api.agents import AgentsApi
from cumulo.network.api.auto_topology import AutoTopologyApi
from cumulo.network.api.availability import PoolsApi, availabilities
from cumulo.network.api.collection import Collection, Within
from cumulo.network.api.default_rules import DefaultRulesCollection, default_rules
from cumulo.network.api.floatingips import floatingips
from cumulo.network.api.networks import networks
from cumulo.network.api.port_forwardings import port_forwardings
from cumulo.network.api.ports import ports
from cumulo.network.api.qos import RuleTypesApi, qos_policies, qos_rules
from cumulo.network.api.quotas import QuotasApi
from cumulo.network.api.rbac import rbac_policies
from cumulo.network.api.routers import InterfacesApi, RoutesApi, routers
from cumulo.network.api.security_groups import (
    GroupsCollection,
    security_group_rules,
    security_groups,
)
from cumulo.network.api.subnetpools import PoolActionsApi, address_scopes, subnetpools
from cumulo.network.api.subnets import subnets
from cumulo.network.api.tags import TagsApi
from cumulo.network.api.trunks import SubPortsApi, trunks
from cumulo.network.model.qos import FIELDS
from cumulo.network.policy import RULES
from cumulo.network.service.network import NetworkService


def network_face(network: NetworkService, rules: Rules | None = None) -> Face:
    routers_api = Collection(routers(network))
    floatingips_api = Collection(floatingips(network))
    trunks_api = Collection(trunks(network))
    policies_api = Collection(qos_policies(network))
    addresses_api = Collection(address_groups(network))
    pools_api = Collection(subnetpools(network))
    collections = [
        Collection(networks(network)),
        Collection(subnets(network)),
        Collection(ports(network)),
        routers_api,
        floatingips_api,
        GroupsCollection(network, security_groups(network)),
        GroupsCollection(network, security_group_rules(network)),
        Collection(rbac_policies(network)),
        pools_api,
        policies_api,
        trunks_api,
        addresses_api,
        DefaultRulesCollection(default_rules(network)),
        Collection(availabilities(network)),
        Collection(address_scopes(network)),
    ]
    parts = [
        Within(port_forwardings(network), floatingips_api),
        *(Within(qos_rules(network, kind), policies_api) for kind in FIELDS),
    ]
    tagged = [each for each in collections if each.noun.tags]
    return Face(
        name="network",
        mount="/network",
        faults=faults.network,
        rules=rules or Rules(RULES),
        quota_status=409,
        answers="cumulo.network.api.answers",
        operations=[
            *versions.operations([(each.noun.plural, each.noun.path) for each in collections]),
            *extensions.operations(),
            *(operation for each in (*collections, *parts) for operation in each.operations()),
            *AddressesApi(network, addresses_api).operations(),
            *PoolActionsApi(network, pools_api).operations(),
            *SubPortsApi(network, trunks_api).operations(),
            *RuleTypesApi().operations(),
            *RoutesApi(network, routers_api).operations(),
            *AutoTopologyApi(network).operations(),
            *PoolsApi(network).operations(),
            *InterfacesApi(network, routers_api).operations(),
            *(operation for each in tagged for operation in TagsApi(each).operations()),
            *QuotasApi(network).operations(),
            *AgentsApi(network).operations(),
        ],
    )
