"""What DNS is to the cloud."""

import os
import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.ids import child_id
from cumulo.core.outbound.guard import Guard
from cumulo.dns import names, resources
from cumulo.dns.api.face import dns_face
from cumulo.dns.api.operator import OperatorApi
from cumulo.dns.drivers.bind import Bind
from cumulo.dns.drivers.embedded import EmbeddedNameServer, Tls
from cumulo.dns.drivers.fake_target import FakeTarget
from cumulo.dns.drivers.fetch import Fetcher
from cumulo.dns.drivers.powerdns import PowerDns
from cumulo.dns.interface import EVENTS
from cumulo.dns.meters import METERS
from cumulo.dns.model.pool import Pool, Target
from cumulo.dns.model.zone import DEFAULT_POOL
from cumulo.dns.policy import RULES
from cumulo.dns.reconcile.name_server import NameServerLoop
from cumulo.dns.reconcile.pools import PoolNames, PoolSweep, PoolSync
from cumulo.dns.reconcile.secondaries import SecondaryTransfers
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.guests import DomainsOfGuests
from cumulo.dns.service.pools import Pools
from cumulo.dns.service.reverses import FloatingIpsGone
from cumulo.dns.service.zones import Rules
from cumulo.dns.settings import DnsSettings, PoolSettings
from cumulo.identity.interface import Identity
from cumulo.network.interface import NamePublisher, Network
from cumulo.settings import BadSettings, instance_prefix


def build(frame: Frame) -> Service:
    own = frame.settings.of(DnsSettings)
    seal = KeyRing(frame.settings.secrets_dir / "dns-keys")
    hostname = socket.gethostname() or "localhost"
    dns = DnsService(
        _rules(own),
        Pools(_pools(own)),
        frame.get(Identity),
        frame.get(Network),
        seal,
        hostname=hostname,
        forward_to=_for_guests(own, frame),
        cloud_id=frame.registry.cloud_id,
    )
    frame.give(NamePublisher, dns.published)
    frame.database.subscribe(dns.changes.announcement)
    server = _name_server(own, frame, dns.pools.fixed) if own.serve else None
    loop = NameServerLoop(
        frame.database,
        dns.serving,
        server,
        server_id=f"{hostname}/{instance_prefix(frame.settings)}",
        hostname=hostname,
    )
    sweep = PoolSweep(frame.database, dns)
    loop.went_back = sweep.again
    guard = Guard(frame.settings.outbound.allowed_networks)

    def bells(found: Bells) -> None:
        """A change is for all of them."""
        loop.also_ring = [found[each.name] for each in (SecondaryTransfers, PoolSync, PoolNames)]

    if server is not None:
        folder = frame.settings.data_dir / "dns"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "where").write_text(f"{server.where}\n")  # `up` says it
    return Service(
        dns,
        faces=[
            dns_face(dns, frame.database, frame.settings.region, frame.rules("dns", RULES)),
            OperatorApi(dns).face(),
        ],
        reconcilers=[
            SecondaryTransfers(frame.database, dns, Fetcher(guard)),
            PoolSync(frame.database, dns),
            PoolNames(frame.database, dns),
            sweep,
        ],
        on_bells=bells,
        consumers=[FloatingIpsGone(dns.reverses), DomainsOfGuests(frame.get(Network))],
        workers=[loop.run],
        counts={"zones": dns.zones.count},
    )


def _name_server(own: DnsSettings, frame: Frame, pools: Sequence[Pool]) -> EmbeddedNameServer:
    for field, networks in (
        ("transfer_networks", own.transfer_networks),
        ("rate_limit_exempt", own.rate_limit_exempt),
    ):
        for each in networks:
            try:
                ip_network(each)
            except ValueError:
                raise BadSettings(f"[dns] {field}: {each!r} is no network") from None
    ids = {pool.name: pool.id for pool in pools}
    notify = {ids[name]: pool.also_notify for name, pool in own.pools.items() if pool.also_notify}
    if own.also_notify:
        notify[""] = own.also_notify
    addresses = [("tls_listen", own.tls_listen), ("listen", own.listen)]
    addresses += [("also_notify", each) for each in notify.values()]
    for field, found in addresses:
        for each in found:
            host, _, port = each.rpartition(":")
            # A name is not looked for again and again, by a server that answers for names.
            named = field == "also_notify" and not _is_address(host.strip("[]"))
            if not host or named or not port.isdecimal() or int(port) > 65535:
                raise BadSettings(f"[dns] {field}: {each!r} is not ADDRESS:PORT")
    tls = None
    if own.tls_listen:
        for each in (own.tls_certificate, own.tls_key):
            if not Path(each).is_file():
                raise BadSettings(f"[dns] tls_listen: {each!r} is no file of a certificate or key")
        tls = Tls(own.tls_listen, own.tls_certificate, own.tls_key)
    return EmbeddedNameServer(
        frame.settings.data_dir / "dns",
        own.listen,
        also=_at_the_gateway(own, frame),
        rate_limit=own.rate_limit,
        exempt=own.rate_limit_exempt,
        transfers=own.transfer_networks,
        notify=notify,
        catalogs={pool.id: pool.catalog for pool in pools if pool.catalog},
        tls=tls,
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _for_guests(own: DnsSettings, frame: Frame) -> str:
    """Where guests' own resolvers pass on questions for the cloud's names, as dnsmasq writes it."""
    if own.guests_ask == "none" or not own.serve:
        return ""
    found = [own.guests_ask] if own.guests_ask else [*own.listen, *_at_the_gateway(own, frame)]
    for each in found:
        host, _, port = each.rpartition(":")
        host = host.strip("[]")
        try:
            address = ip_address(host)
        except ValueError:
            raise BadSettings(f"[dns] guests_ask: {each!r} is not ADDRESS:PORT") from None
        if not (address.is_loopback or address.is_unspecified):
            return f"{host}#{port}"
    return ""


def _at_the_gateway(own: DnsSettings, frame: Frame) -> list[str]:
    """Where guests find it: their routers lead there."""
    if own.listen or frame.settings.fake or os.geteuid() != 0:
        return []
    return [f"{ip_network(frame.settings.networks.external_cidr)[1]}:53"]


def _pools(own: DnsSettings) -> list[Pool]:
    """The default pool, then the others in their order."""
    given = dict(own.pools)
    first = given.pop("default", None)
    default = Pool(
        id=DEFAULT_POOL,
        name="default",
        description=first.description if first else "The cloud's own name servers",
        attributes=first.attributes if first else {},
        nameservers=_servers("nameservers", first.nameservers if first else own.nameservers),
        targets=_targets("default", first) if first else (),
        catalog=_catalog(first.catalog_zone if first else own.catalog_zone),
    )
    others = [
        Pool(
            id=child_id("dns", "pool", name),
            name=name,
            description=each.description or None,
            attributes=each.attributes,
            nameservers=_servers(f"pools.{name}.nameservers", each.nameservers),
            targets=_targets(name, each),
            catalog=_catalog(each.catalog_zone),
        )
        for name, each in given.items()
    ]
    return [default, *others]


def _catalog(name: str) -> str:
    if name and names.fault_of(name.lower()) is not None:
        raise BadSettings(f"[dns] catalog_zone: {name!r} is no name with a dot at the end")
    return name.lower()


def _servers(where: str, given: Sequence[str]) -> list[str]:
    servers = [name.lower() for name in given]
    wrong = [name for name in servers if names.fault_of(name) is not None]
    if wrong or not servers:
        raise BadSettings(f"[dns] {where}: no names of servers, with a dot at the end: {wrong}")
    return servers


def _targets(pool: str, given: PoolSettings) -> list[Target]:
    made: list[Target] = []
    for each in given.targets:
        try:
            if given.driver == "pdns4":
                if each.ca_file and not Path(each.ca_file).is_file():
                    raise ValueError(f"ca_file: {each.ca_file!r} is no file")
                made.append(PowerDns(each.address, each.url, each.api_key, each.ca_file))
            elif given.driver == "fake":
                made.append(FakeTarget(each.address, each.faults))
            else:
                made.append(Bind(each.address, each.primary, each.rndc_conf, given.catalog_zone))
        except ValueError as error:
            raise BadSettings(f"[dns.pools.{pool}] {error}") from None
    return made


def _rules(own: DnsSettings) -> Rules:
    return Rules(
        email=own.managed_email,
        default_ttl=own.default_ttl,
        least_ttl=own.min_ttl,
        negative_ttl=own.negative_ttl,
    )


ASSEMBLY = Assembly(
    "dns",
    build,
    events=EVENTS,
    meters=METERS,
    catalog=(CatalogEntry("dns", (), "/dns", "designate"),),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
)
