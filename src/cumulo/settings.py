"""The cloud's own settings, typed, with a reason each. None is needed. Each service has its own
table, typed in its `settings.py`.

They are read from `DATA/cumulo.toml` (tables as below), then overridden by options of `up`.
"""

import importlib
import os
import re
import secrets
import tomllib
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, cast

import msgspec

from cumulo import order

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

RESTORED = "restored"
"""The file in the data directory that says: an older copy of the database was put in place. See
`core.hosts.lineage`."""


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""
    """Empty: SQLite in the data directory. `postgresql://user:password@host/name`: grown."""
    threads: int = 8
    """Connections to PostgreSQL; more gives more commits per flush."""
    durable_commits: bool = False
    """SQLite only: flush each commit to the disk, so that a power cut loses nothing either."""

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", self.url)


class Networks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The networks that `up` makes itself: on one machine all four are inside it."""

    external_cidr: str = "172.24.4.0/24"
    """Addresses of the external network `public`: routers and floating IPs."""
    nat_to_outside: bool = True
    """Guests reach the world behind this machine's address."""
    management: str = ""
    """Address (ADDRESS or ADDRESS:PORT) at which hosts on other machines dial in; empty: that of
    `listen`. The port is the one after the APIs' unless it is said."""
    guest: str = ""
    """This machine's address for guests' traffic between hosts (VXLAN); empty: the one that hosts
    dial, or are dialled from."""
    vxlan_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 4789
    """UDP port of that traffic; the same on all hosts."""


class Outbound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests to URLs that users name: web downloads, webhooks, templates."""

    allowed_networks: tuple[str, ...] = ()
    """Networks (CIDR) that they may reach although they are private."""


class Hosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fake: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    """How many simulated hosts `--fake` brings."""
    sample_seconds: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 60.0
    """How often hosts tell what their guests use."""


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This control node, where a cloud has several."""

    content: bool = True
    """The files of images and objects are here, and this machine is a host. `node join` writes
    false: then requests for files are handed on to the node that has them."""
    drain_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 5.0
    """How long a node that is told to end goes on answering while `/healthz` sends balancers to the
    others; not waited for where there are no others."""


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be asked at once. Buckets of requests bite only while the event loop is late."""

    lag: Seconds = 0.3
    """Seconds that the loop may be late, time after time, before they do."""
    per_second: Seconds = 50.0
    """Requests of one user, or from one address without a token, that are always welcome."""
    burst: Seconds = 500.0
    """How many of them may come at once."""
    at_once: Annotated[int, msgspec.Meta(ge=8)] = 1000
    """Requests at work; more are told to come again."""


class Table(Protocol):
    """A service's settings: a frozen Struct whose every field has a default and a reason."""

    table: ClassVar[str]


S = TypeVar("S", bound=Table)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: Path = Path("/var/lib/cumulo")
    """Everything that Cumulo keeps: database, images, disks, secrets, logs."""
    listen: str = "127.0.0.1:5000"
    """Address and port of all APIs."""
    public_url: str = ""
    """What the catalog says where clients reach us, behind a proxy; empty: http://LISTEN."""
    trusted_front: list[str] = []
    """Addresses (or networks) of web servers in front, whose word on users, certificates,
    addresses of clients and the scheme and host that they asked for (`X-Forwarded-Proto`, `-Host`)
    is believed: docs/identity.md."""
    connections_per_address: Annotated[int, msgspec.Meta(ge=8)] = 512
    """How many connections one address (of IPv6: one network of 64 bits) may hold open to the APIs;
    `trusted_front` as many as it likes."""
    region: str = "RegionOne"
    history_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    """How long `cumulo why` remembers."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fake: bool = False
    """Simulated hosts, networks and disks: the same control plane without a data plane."""
    database: Database = Database()
    networks: Networks = Networks()
    outbound: Outbound = Outbound()
    hosts: Hosts = Hosts()
    load: Load = Load()
    node: Node = Node()
    tables: dict[str, Any] = {}
    """The services' own settings, by table, each of the type that its `settings.py` declares."""

    def of(self, kind: type[S]) -> S:
        """A service's own settings."""
        found = self.tables.get(kind.table)
        return kind() if found is None else cast(S, found)

    @property
    def alike(self) -> dict[str, Any]:
        """Those that a cloud's machines must have alike."""
        return {"[networks] vxlan_port": self.networks.vxlan_port}

    @property
    def base_url(self) -> str:
        """Where clients reach the APIs, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.listen}"

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def link_address(self) -> tuple[str, int]:
        """Where hosts on other machines dial in."""
        named = self.networks.management
        address, _, port = named.rpartition(":") if ":" in named.strip("[]") else (named, "", "")
        if named.count(":") > 1 and not named.startswith("["):
            address, port = named, ""
        return address.strip("[]") or self.host, int(port) if port else self.port + 1

    @property
    def secrets_dir(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "logs" / "cumulo.log"

    @property
    def guest_image(self) -> Path:
        """The cached image of `cumulo image build-guest`."""
        named = os.environ.get("CUMULO_GUEST_IMAGE")
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return Path(named) if named else cache / "cumulo" / "guest" / "guest.qcow2"


class BadSettings(Exception):
    """The settings file or an option makes no sense; the text says which and why."""


def remember(settings: Settings, **options: object) -> None:
    """Keep the options of the first `up`, so that the next one needs none."""
    path = settings.data_dir / "options.json"
    known = _remembered(settings.data_dir)
    wanted = {**known, **{name: value for name, value in options.items() if value is not None}}
    if wanted != known:
        temporary = path.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(wanted))
        temporary.replace(path)


def fake_before(directory: Path) -> bool | None:
    """Whether the cloud of a data directory has simulated hosts: it never changes. None: there
    was no cloud yet."""
    told = _remembered(directory).get("fake")
    if isinstance(told, bool):
        return told
    # From before it was kept at every first start.
    if (directory / "fake").is_dir() and not (directory / "agent").exists():
        return True
    return False if (directory / "agent").exists() else None


def is_cloud(directory: Path) -> bool:
    """Whether a cloud was begun in there: what `down --purge` may remove."""
    if (directory / "cumulo.db").is_file():
        return True
    try:
        mark = (directory / "instance").read_text()
    except OSError:
        mark = ""
    return re.fullmatch(r"cm[0-9a-f]{5}\n", mark) is not None or "fake" in _remembered(directory)


def _remembered(directory: Path) -> dict[str, object]:
    path = directory / "options.json"
    if not path.exists():
        return {}
    return msgspec.json.decode(path.read_bytes(), type=dict[str, object])


def instance_prefix(settings: Settings) -> str:
    """The prefix of every device, namespace and table of this cloud: `cm` and 5 digits."""
    path = settings.data_dir / "instance"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(f"cm{secrets.token_hex(3)[:5]}\n")
        temporary.replace(path)
    return path.read_text().strip()


def default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/cumulo")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "cumulo"


def service_tables() -> list[type[Table]]:
    """What the services' `settings.py` declare: in each, the one Struct with a table."""
    found: list[type[Table]] = []
    for name in order.services():
        if (order.ROOT / name / "settings.py").exists():
            module = importlib.import_module(f"cumulo.{name}.settings")
            found += [
                each
                for each in vars(module).values()
                if isinstance(each, type) and "table" in vars(each)
            ]
    return found


def flat(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Every setting's full name and value: `identity.token_lifetime`."""
    for field in settings.__struct_fields__:
        if field != "tables":
            yield from _flat(field, getattr(settings, field))
    for kind in service_tables():
        yield from _flat(kind.table, settings.of(kind))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, msgspec.Struct):
        yield name, value
        return
    for field in value.__struct_fields__:
        yield from _flat(f"{name}.{field}", getattr(value, field))


def written_in(directory: Path) -> dict[str, Any]:
    """What the operator's `cumulo.toml` says. Raises OSError, TOMLDecodeError."""
    path = directory / "cumulo.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


def load(data_dir: Path | None = None, *, read_file: bool = True, **overrides: object) -> Settings:
    """The settings of a data directory. Overrides that are None are ignored. Without `read_file`
    the operator's `cumulo.toml` is left aside."""
    directory = (data_dir or default_data_dir()).absolute()
    path = directory / "cumulo.toml"
    try:
        written = written_in(directory) if read_file else {}
        given = {name: value for name, value in overrides.items() if value is not None}
        wanted = {**written, **_remembered(directory), **given, "data_dir": directory}
        tables = {
            kind.table: msgspec.convert(wanted.pop(kind.table), kind)
            for kind in service_tables()
            if kind.table in wanted
        }
        settings = msgspec.convert(
            {**wanted, "tables": tables}, Settings, dec_hook=lambda kind, value: Path(value)
        )
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as error:
        raise BadSettings(f"{path}: {error}") from None
    engine, mark, _ = settings.database.url.partition("://")
    if mark and engine not in ("postgresql", "postgres"):
        raise BadSettings(
            f"{path}: database.url: postgresql://user:password@host/name, or nothing for SQLite"
        )
    host, _, port = settings.listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadSettings(f"listen: {settings.listen!r} is not ADDRESS:PORT")
    for each in settings.trusted_front:
        try:
            ip_network(each)
        except ValueError:
            raise BadSettings(f"trusted_front: {each!r} is no address and no network") from None
    return settings
