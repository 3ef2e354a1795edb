"""Every setting, typed, with its reason. None is needed.

They are read from `DATA/cumulo.toml` (tables as below), then overridden by options of `up`.
"""

import os
import secrets
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""
    """Empty: SQLite in the data directory. `postgresql://user:password@host/name`: grown."""
    threads: int = 8
    """Connections to PostgreSQL; more gives more commits per flush."""
    durable_commits: bool = False
    """SQLite only: flush each commit to the disk, so that a power cut loses nothing either."""


class Networks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The networks that `up` makes itself: on one machine all four are inside it."""

    external_cidr: str = "172.24.4.0/24"
    """Addresses of the external network `public`: routers and floating IPs."""
    nat_to_outside: bool = True
    """Guests reach the world behind this machine's address."""


class OpenIdClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an OpenID provider knows this cloud."""

    issuer: str
    client_id: str
    client_secret: str = ""
    audiences: list[str] = []
    """For whom access tokens may have been made, besides for `client_id`."""
    scopes: str = "openid email profile"
    metadata_url: str = ""
    """Empty: ISSUER/.well-known/openid-configuration."""
    ca_file: str = ""
    """Who signed the provider's certificate, if no public authority did."""


class SamlProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A SAML identity provider."""

    metadata_file: str
    entity_id: str = ""
    """Which of the file's; empty: its only one."""


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token_lifetime: Seconds = 3600.0
    password_rounds: Annotated[int, msgspec.Meta(ge=4, le=16)] = 12
    """bcrypt's cost: 2^rounds. 12 is what keystone has."""
    allow_expired_window: Annotated[float, msgspec.Meta(ge=0)] = 172_800.0
    """Seconds after a token's end in which services may still finish what it began."""
    lockout_failure_attempts: Count = 0
    """Wrong passwords that lock an account; 0: back-off alone slows guesses."""
    lockout_duration: Seconds = 1800.0
    disable_user_account_days_inactive: Count = 0
    """Days without a login after which an account counts as disabled; 0: never."""
    password_expires_days: Count = 0
    """0: passwords do not expire."""
    unique_last_password_count: Count = 0
    """How many passwords in a row must differ; 0: any may come again."""
    minimum_password_age: Count = 0
    """Days that a user's own new password must be kept, so that the count above means something."""
    password_regex: str = ""
    """What a password must match; empty: anything."""
    password_regex_description: str = ""
    """The same in words, for whoever is refused."""
    change_password_upon_first_use: bool = False
    """A password that an administrator chose can only be used to choose another."""
    totp_once: bool = False
    """A one-time password is good for one login (RFC 6238, 5.2). Off, as in the real service: the
    command line logs in for each command, and would have to wait half a minute between two."""
    max_redelegation_count: Count = 3
    """How often a trust can be lent on."""
    user_limit_application_credentials: Count = 0
    """For each user; 0: any number."""
    limit_model: Literal["flat", "strict_two_level"] = "flat"
    """Unified limits: each project for itself, or a domain's above those of its projects."""
    openid: dict[str, OpenIdClient] = {}
    """By the id of the identity provider (OS-FEDERATION) that speaks OpenID Connect."""
    saml: dict[str, SamlProvider] = {}
    """By the id of the identity provider that speaks SAML 2.0."""
    directory_sync_seconds: Seconds = 60.0
    """How often the users and groups of LDAP directories are read anew."""
    trusted_dashboards: list[str] = []
    """Addresses that a browser may be sent to with a token after a sign-on (WebSSO)."""


class Outbound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests to URLs that users name: web downloads, webhooks, templates."""

    allowed_networks: tuple[str, ...] = ()
    """Networks (CIDR) that they may reach although they are private."""


class WebDownload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which URLs users may import images from. A list of what is allowed wins over its list of
    what is not."""

    allowed_schemes: tuple[str, ...] = ("http", "https")
    disallowed_schemes: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    disallowed_hosts: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = (80, 443)
    disallowed_ports: tuple[int, ...] = ()


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stores: dict[str, dict[str, Any]] = msgspec.field(
        default_factory=lambda: {"file": {"type": "file"}, "web": {"type": "http"}}
    )
    """Name → `type`, `description`, `weight` and the type's own options: docs/images.md."""
    default_store: str = "file"
    import_methods: tuple[
        Literal["glance-direct", "web-download", "copy-image", "glance-download"], ...
    ] = ("glance-direct", "web-download", "copy-image", "glance-download")
    web_download: WebDownload = WebDownload()
    largest_image_gib: Annotated[int, msgspec.Meta(ge=1)] = 1024
    largest_disk_gib: Annotated[int, msgspec.Meta(ge=1)] = 16384
    """Of the disk inside an image: a kilobyte of qcow2 can claim to be an exabyte."""
    convert_to: Literal["", "raw", "qcow2", "vmdk"] = ""
    """Imported disks are converted to this format."""
    decompress: bool = False
    """Imported gzip, xz and zip files are unpacked."""
    inject: dict[str, str] = {}
    """Properties that every imported image gets."""
    inject_ignored_roles: tuple[str, ...] = ("admin",)
    secure_hash: bool = True
    """The bytes of a location that a user names are read once, for their hashes."""
    show_locations: bool = False
    """`locations` of images are shown, and changed with PATCH, where the policy allows."""
    show_direct_url: bool = False
    cache_gib: Annotated[int, msgspec.Meta(ge=0)] = 10
    """Copies on this machine of images in remote stores; 0: hosts cannot use those images."""
    task_hours: Annotated[int, msgspec.Meta(ge=1)] = 48
    """How long an ended task is shown."""
    property_protection: str = ""
    """A file of rules, in the data directory: who may read and change which properties."""
    property_protection_format: Literal["roles", "policies"] = "roles"


class Compute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fake_hosts: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    """How many simulated hosts `--fake` brings."""
    fake_volumes: bool = True
    """False: the volumes of simulated hosts are files, as those of real ones."""
    cpu_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 4.0
    ram_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    disk_allocation_ratio: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: Path = Path("/var/lib/cumulo")
    """Everything that Cumulo keeps: database, images, disks, secrets, logs."""
    listen: str = "127.0.0.1:5000"
    """Address and port of all APIs."""
    public_url: str = ""
    """What the catalog says where clients reach us, behind a proxy; empty: http://LISTEN."""
    trusted_front: list[str] = []
    """Addresses (or networks) of web servers in front, whose word on users, certificates and
    addresses of clients is believed: docs/identity.md."""
    region: str = "RegionOne"
    history_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    """How long `cumulo why` remembers."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    fake: bool = False
    """Simulated hosts, networks and disks: the same control plane without a data plane."""
    database: Database = Database()
    networks: Networks = Networks()
    identity: Identity = Identity()
    image: Image = Image()
    outbound: Outbound = Outbound()
    compute: Compute = Compute()

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


def load(data_dir: Path | None = None, **overrides: object) -> Settings:
    """The settings of a data directory. Overrides that are None are ignored."""
    directory = (data_dir or default_data_dir()).absolute()
    path = directory / "cumulo.toml"
    try:
        written = tomllib.loads(path.read_text()) if path.exists() else {}
        given = {name: value for name, value in overrides.items() if value is not None}
        settings = msgspec.convert(
            {**written, **_remembered(directory), **given, "data_dir": directory},
            Settings,
            dec_hook=lambda kind, value: Path(value),
        )
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, OSError) as error:
        raise BadSettings(f"{path}: {error}") from None
    host, _, port = settings.listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadSettings(f"listen: {settings.listen!r} is not ADDRESS:PORT")
    for each in settings.trusted_front:
        try:
            ip_network(each)
        except ValueError:
            raise BadSettings(f"trusted_front: {each!r} is no address and no network") from None
    return settings
