"""Names that the world is told of ports and floating IPs, by DNS (networking API, extensions
`dns-integration`, `dns-domain-ports`, `subnet-dns-publish-fixed-ip`).

A port with a `dns_name` has a name in the domain that it says itself, or its network does. Its
fixed addresses are told where the outside reaches them: on networks that are no tunnels, and of
subnets that say so. A floating IP has the name that it was made with, or else its port's. Where
nobody says a domain, a server's is the one that its project has for all of them.
"""

import re
from collections.abc import Callable, Sequence

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.network.interface import NamePublisher, PublishedName
from cumulo.network.model.floatingip import FloatingIpRow
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import COMPUTE, PortRow
from cumulo.network.queries import floatingip as floatingip_queries
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.service import addresses
from cumulo.network.service.refusals import unfit

LOCAL_DOMAIN = "openstacklocal."
"""Of names that the world is not told."""
OUTSIDE = ("flat", "vlan")
_LABEL = r"(?!-)[a-zA-Z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"({_LABEL}\.)+")
KEYWORDS = ("<project_id>", "<project_name>", "<user_id>", "<user_name>")
_UNFIT = re.compile(r"[^a-z0-9_-]+")
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


class Names:
    def __init__(self, publisher: Callable[[], NamePublisher | None]) -> None:
        self._publisher = publisher

    def of_port(self, tx: Tx, row: PortRow, network: NetworkRow | None = None) -> PortRow:
        """Tell its names as they are now; the row, which notes whether there are any."""
        if not row.dns_name and not row.published:
            return row
        network = network or tx.get(NetworkRow, row.network_id)
        names = [] if network is None else self._of_fixed(tx, row, network)
        left = self._publish(tx, row.project_id, row.id, names, row.published)
        return row if left == row.published else tx.update(row, published=left)

    def of_floatingip(self, tx: Tx, row: FloatingIpRow) -> FloatingIpRow:
        left = self._publish(tx, row.project_id, row.id, _of_floating(tx, row), row.published)
        return row if left == row.published else tx.update(row, published=left)

    def of_floatingips(self, tx: Tx, port_id: str) -> None:
        """Of all that lead to this port."""
        for row in tx.all(floatingip_queries.OF_PORTS, ids=[port_id]):
            self.of_floatingip(tx, row)

    def forget(self, tx: Tx, row: PortRow | FloatingIpRow) -> None:
        if row.published:
            self._publish(tx, row.project_id, row.id, (), True)

    def _of_fixed(self, tx: Tx, row: PortRow, network: NetworkRow) -> list[PublishedName]:
        if domain_of(row, network) or not row.dns_name or network.external:
            return _of_fixed(tx, row, network)
        publisher = self._publisher()
        if publisher is None or row.role != COMPUTE:
            return []
        domain = publisher.sink(tx, row.project_id)
        if not domain:
            return []
        found = addresses.addresses_of(tx, [row.id]).get(row.id, [])
        return [PublishedName(f"{row.dns_name}.{domain}", domain, a.ip_address) for a in found]

    def _publish(
        self, tx: Tx, project_id: str, holder: str, names: Sequence[PublishedName], had: bool
    ) -> bool:
        publisher = self._publisher()
        if publisher is None or not (names or had):
            return False
        return publisher.publish(tx, project_id, holder, names)


def domain_of(row: PortRow, network: NetworkRow | None) -> str:
    """A network's domain with keywords is none: each port was given its own by it."""
    if row.dns_domain or network is None or "<" in network.dns_domain:
        return row.dns_domain
    return network.dns_domain


def domain_for(network: NetworkRow, who: Principal | None, project_id: str) -> str:
    """The domain of a new port whose network's has keywords (extension
    `dns-integration-domain-keywords`); empty where it has none, or where one says nothing."""
    if "<" not in network.dns_domain or who is None:
        return ""
    own = who.project_id == project_id
    words = {
        "<project_id>": project_id,
        "<project_name>": (who.project_name or "") if own else "",
        "<user_id>": who.user_id,
        "<user_name>": who.user_name,
    }
    domain = network.dns_domain
    for keyword, word in words.items():
        label = _UNFIT.sub("-", word.lower())[:63].strip("-")
        if keyword in domain and not label:
            return ""
        domain = domain.replace(keyword, label)
    return domain if len(domain) <= 255 else ""


def full_name(row: PortRow, network: NetworkRow | None, address: str) -> tuple[str, str]:
    """(host name, full name) of one address, as `dns_assignment` has them."""
    host = row.dns_name or "host-" + address.replace(".", "-").replace(":", "-")
    return host, f"{host}.{domain_of(row, network) or LOCAL_DOMAIN}"


def _of_fixed(tx: Tx, row: PortRow, network: NetworkRow) -> list[PublishedName]:
    domain = domain_of(row, network)
    if not domain or not row.dns_name or network.external:
        return []
    found = addresses.addresses_of(tx, [row.id]).get(row.id, [])
    if network.network_type not in OUTSIDE:
        subnets = tx.all(subnet_queries.OF_NETWORKS, ids=[network.id])
        told = {each.id for each in subnets if each.dns_publish_fixed_ip}
        found = [each for each in found if each.subnet_id in told]
    name = f"{row.dns_name}.{domain}"
    return [PublishedName(name, domain, each.ip_address) for each in found]


def _of_floating(tx: Tx, row: FloatingIpRow) -> list[PublishedName]:
    if row.dns_name and row.dns_domain:
        name = f"{row.dns_name}.{row.dns_domain}"
        return [PublishedName(name, row.dns_domain, row.floating_ip_address)]
    port = None if row.port_id is None else tx.get(PortRow, row.port_id)
    if port is None or not port.dns_name:
        return []
    domain = domain_of(port, tx.get(NetworkRow, port.network_id))
    if not domain:
        return []
    return [PublishedName(f"{port.dns_name}.{domain}", domain, row.floating_ip_address)]


def checked_domain(text: str, *, keywords: bool = False) -> str:
    """`keywords`: a network's, which may have some in place of labels. Raises BadRequest."""
    plain = text
    for keyword in KEYWORDS if keywords else ():
        plain = plain.replace(keyword, "x")
    if text and (len(text) > 255 or _DOMAIN.fullmatch(plain) is None):
        raise unfit("dns_domain", f"'{text}' is no full domain name, which ends with a dot")
    return text.lower()


def checked_name(text: str) -> str:
    """Of a floating IP: of one label or several. Raises BadRequest."""
    if text and (len(text) > 255 or _NAME.fullmatch(text) is None):
        raise unfit("dns_name", f"'{text}' is not a valid host name")
    return text.lower()
