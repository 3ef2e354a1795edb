"""What DNS is to the cloud."""

import socket
from ipaddress import ip_network
from pathlib import Path

from cumulo.core.assembly import Assembly, CatalogEntry, Frame, Service
from cumulo.core.auth.keyring import KeyRing
from cumulo.dns import names
from cumulo.dns.api.face import dns_face
from cumulo.dns.drivers.embedded import EmbeddedNameServer
from cumulo.dns.interface import EVENTS
from cumulo.dns.policy import RULES
from cumulo.dns.reconcile import NameServerLoop
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.zones import Rules
from cumulo.dns.settings import DnsSettings
from cumulo.identity.interface import Identity
from cumulo.settings import BadSettings, instance_prefix


def build(frame: Frame) -> Service:
    own = frame.settings.of(DnsSettings)
    seal = KeyRing(frame.settings.secrets_dir / "dns-keys")
    hostname = socket.gethostname() or "localhost"
    dns = DnsService(_rules(own), frame.get(Identity), seal, hostname=hostname)
    frame.database.subscribe(dns.changes.announcement)
    folder = frame.settings.data_dir / "dns"
    server = _name_server(own, folder) if own.serve else None
    loop = NameServerLoop(
        frame.database,
        dns.serving,
        server,
        server_id=f"{hostname}/{instance_prefix(frame.settings)}",
        hostname=hostname,
    )
    return Service(
        dns,
        faces=[dns_face(dns, frame.database, frame.rules("dns", RULES))],
        workers=[loop.run],
        counts={"zones": dns.zones.count},
    )


def _name_server(own: DnsSettings, folder: Path) -> EmbeddedNameServer:
    for each in own.transfer_networks:
        try:
            ip_network(each)
        except ValueError:
            raise BadSettings(f"[dns] transfer_networks: {each!r} is no network") from None
    for each in own.also_notify:
        host, _, port = each.rpartition(":")
        if not host or not port.isdecimal():
            raise BadSettings(f"[dns] also_notify: {each!r} is not ADDRESS:PORT")
    return EmbeddedNameServer(
        folder,
        own.listen,
        rate_limit=own.rate_limit,
        transfers=own.transfer_networks,
        notify={"": own.also_notify} if own.also_notify else {},
    )


def _rules(own: DnsSettings) -> Rules:
    servers = [name.lower() for name in own.nameservers]
    wrong = [name for name in servers if names.fault_of(name) is not None]
    if wrong or not servers:
        raise BadSettings(f"[dns] nameservers: no names of servers, with a dot at the end: {wrong}")
    return Rules(
        nameservers=servers,
        email=own.managed_email,
        default_ttl=own.default_ttl,
        least_ttl=own.min_ttl,
        negative_ttl=own.negative_ttl,
    )


ASSEMBLY = Assembly(
    "dns", build, events=EVENTS, catalog=(CatalogEntry("dns", (), "/dns", "designate"),)
)
