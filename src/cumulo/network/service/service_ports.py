"""Ports of services of the cloud's own in projects' networks (`interface.ServicePorts`)."""

import ipaddress

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.network.interface import ServicePlace, ServicePort
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import SERVICE
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.queries import port as queries
from cumulo.network.service.addresses import FixedIpWish, addresses_of
from cumulo.network.service.networks import Networks
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.subnets import Subnets


class ServicePorts:
    def __init__(self, networks: Networks, subnets: Subnets, ports: Ports) -> None:
        self._networks = networks
        self._subnets = subnets
        self._ports = ports

    def place(self, tx: Tx, who: Principal, network_id: str, subnet_id: str) -> ServicePlace:
        network = self._networks.get(tx, network_id, who)
        subnet = self._subnets.get(tx, subnet_id, who)
        if subnet.network_id != network.id:
            raise BadRequest(f"Subnet {subnet.id} is not of network {network.id}.")
        return ServicePlace(
            network_id=network.id,
            subnet_id=subnet.id,
            cidr=subnet.cidr,
            ip_version=subnet.ip_version,
            gateway=subnet.gateway_ip,
            mtu=network.mtu,
        )

    def plug(
        self, tx: Tx, *, holder: str, owner: str, host_id: str, network_id: str, subnet_id: str
    ) -> ServicePort:
        wishes = PortWishes(
            network_id=network_id,
            name=owner,
            fixed_ips=[FixedIpWish(subnet_id, None)],
            device_id=holder,
            device_owner=owner,
            security_groups=[],
            port_security_enabled=False,
            host_id=host_id,
        )
        row = self._ports.create(tx, wishes, None, "", holder=holder, role=SERVICE)
        subnet, network = tx.get(SubnetRow, subnet_id), tx.get(NetworkRow, network_id)
        assert subnet is not None and network is not None
        given = addresses_of(tx, [row.id])[row.id]
        address = next(each.ip_address for each in given if each.subnet_id == subnet_id)
        return ServicePort(
            id=row.id,
            mac=row.mac_address,
            address=f"{address}/{ipaddress.ip_network(subnet.cidr).prefixlen}",
            gateway=subnet.gateway_ip,
            mtu=network.mtu,
            tap=f"tap{row.id[:11]}",
        )

    def unplug(self, tx: Tx, holder: str) -> None:
        for port in tx.all(queries.OF_HOLDERS, ids=[holder]):
            if port.role == SERVICE:
                self._ports.remove(tx, port, None)
