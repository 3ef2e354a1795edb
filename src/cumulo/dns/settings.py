"""The DNS service's own settings: the table `[dns]` of `cumulo.toml`."""

from typing import Annotated, ClassVar, Literal

import msgspec


class TargetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name server of a pool."""

    address: str
    """Where it answers questions, and hears of changes: `192.0.2.53:53`."""
    url: str = ""
    """pdns4: its HTTP API, say `http://192.0.2.53:8081`."""
    api_key: str = ""
    """pdns4: the key of the API."""
    ca_file: str = ""
    """pdns4: the file of the certificates, in PEM, that its own is signed with; empty: those that
    this machine trusts."""
    rndc_conf: str = ""
    """bind9: the configuration of `rndc` for it; empty: the machine's own."""
    primary: str = ""
    """bind9: where it finds this cloud's name server, `192.0.2.1:53`, which must let it have zones
    (`transfer_networks`); several control planes have one each: with commas."""
    faults: tuple[Literal["away", "refuses"], ...] = ()
    """fake: what is wrong with it."""


class PoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name servers that are not the cloud's own, and answer for the zones of this pool."""

    driver: Literal["bind9", "pdns4", "fake"]
    """fake: servers that are not there, for rehearsals."""
    nameservers: tuple[str, ...]
    """Their names, as the pool's zones have them."""
    targets: tuple[TargetSettings, ...]
    description: str = ""
    also_notify: tuple[str, ...] = ()
    """Who else is told of changes of its zones, say `192.0.2.53:53`."""
    catalog_zone: str = ""
    """The name of a catalog zone (RFC 9432) of its zones, say `catalog.inside.`: servers that
    follow it get and drop zones by themselves, and need no `rndc`."""
    attributes: dict[str, str] = {}
    """A zone whose own attributes have all of these goes to this pool."""


class DnsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "dns"

    nameservers: tuple[str, ...] = ("ns1.cumulo.internal.",)
    """The names of this cloud's name servers, as all zones have them; the first one is in their
    SOA. Whoever delegates a zone to this cloud names them."""
    serve: bool = True
    """This process runs a name server as soon as there is a zone."""
    listen: tuple[str, ...] = ()
    """Where it answers, say `172.24.4.1:53`; empty: a port of 127.0.0.1 that is free, 5354 if it
    is, the same one at each start, and, for root, port 53 of the external network's gateway."""
    guests_ask: str = ""
    """Where guests' networks ask for the names of their project's zones, say `172.24.4.1:53`;
    empty: at the first address of `listen` that is not this machine's alone; "none": nowhere."""
    rate_limit: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 200
    """Like answers a second by UDP to one network, so that nobody uses it to flood others; 0: any
    number."""
    rate_limit_exempt: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that the limit is not for: nobody from outside can pretend to be in them."""
    tls_listen: tuple[str, ...] = ()
    """Where it answers by TLS, too (RFC 7858), say `172.24.4.1:853`."""
    tls_certificate: str = ""
    """The file of the certificate and what it was signed with, in PEM; read again when it
    changes."""
    tls_key: str = ""
    """The file of its key."""
    transfer_networks: tuple[str, ...] = ()
    """Networks whose name servers may have any zone whole (AXFR), without a key; with a TSIG key
    of the API zones are given to anybody."""
    also_notify: tuple[str, ...] = ()
    """Who is told of changes of all zones, say `192.0.2.53:53`."""
    catalog_zone: str = ""
    """The name of a catalog zone (RFC 9432) of the default pool's zones, which those may have who
    may have zones at all."""
    pools: dict[str, PoolSettings] = {}
    """Further pools, by name; `default` is another one's driver for all zones."""
    managed_email: str = "hostmaster@cumulo.internal"
    """The address in the SOA of zones that are nobody's own."""
    default_ttl: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 3600
    """Of zones that name none."""
    min_ttl: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    """No zone and no record has a shorter one, unless an administrator says so."""
    negative_ttl: Annotated[int, msgspec.Meta(ge=0, le=86400)] = 3600
    """How long resolvers may remember that there is no such name (the SOA's minimum)."""
