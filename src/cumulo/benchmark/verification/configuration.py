"""A tempest.conf for a cloud, out of what it says of itself: catalog, images, flavors, networks.

What a cloud may lack is asked for where it can be (services, extensions, microversions); features
that nobody can ask for are on, so that what does not work is seen. `--extend` overrides.
"""

import configparser
import io
from collections.abc import Mapping
from typing import Any

from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import SERVICES, ApiError, ServiceMissing, Session

Config = dict[str, dict[str, str]]

# Tempest's name of a service → ours.
_KINDS: Mapping[str, str] = {
    "nova": "compute",
    "neutron": "network",
    "glance": "image",
    "cinder": "volume",
    "swift": "object-store",
    "heat": "orchestration",
    "designate": "dns",
    "manila": "share",
    "ironic": "baremetal",
    "aodh": "alarming",
    "gnocchi": "metric",
}
_SECTIONS: Mapping[str, str] = {
    "compute": "compute",
    "network": "network",
    "image": "image",
    "volume": "volume",
    "object-storage": "object-store",
    "placement": "placement",
    "dns": "dns",
    "share": "share",
    "baremetal": "baremetal",
    "heat_plugin": "orchestration",
}


class _Writer:
    def __init__(self) -> None:
        self.config: Config = {}

    def put(self, section: str, **options: object) -> None:
        for name, value in options.items():
            if value is None or value == "":
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self.config.setdefault(section, {})[name] = text


async def configuration(cloud: Session, folder: str) -> Config:
    """Ask the cloud, as its administrator. `folder`: where logs and locks go."""
    catalog = await cloud.services()
    writer = _Writer()
    writer.put("DEFAULT", log_dir=f"{folder}/logs", log_file="tempest.log", use_stderr=False)
    writer.put("oslo_concurrency", lock_path=f"{folder}/lock")
    _credentials(writer, cloud, "network" in catalog)
    available = {name: _type(kind, catalog) for name, kind in _KINDS.items()}
    writer.put("service_available", **{name: bool(kind) for name, kind in available.items()})
    writer.put("service_available", horizon=False, barbican=False, ironic_inspector=False)
    for section, kind in _SECTIONS.items():
        writer.put(section, catalog_type=_type(kind, catalog), region=cloud.credentials.region)
    if available["nova"]:
        await _compute(writer, cloud)
    if available["neutron"]:
        await _network(writer, cloud)
    if available["cinder"]:
        await _volume(writer, cloud)
    writer.put("image-feature-enabled", import_image=True, os_glance_reserved=True)
    writer.put("placement", min_microversion="1.0", max_microversion="latest")
    await _roles(writer, cloud)
    writer.put("object-storage-feature-enabled", container_sync=False, discoverable_apis="all")
    return writer.config


def _type(kind: str, catalog: Mapping[str, str]) -> str:
    return next((name for name in SERVICES[kind][0] if name in catalog), "")


def _credentials(writer: _Writer, cloud: Session, networks: bool) -> None:
    c = cloud.credentials
    base = c.auth_url.rstrip("/").removesuffix("/v3")
    writer.put(
        "auth",
        use_dynamic_credentials=True,
        admin_username=c.username,
        admin_password=c.password,
        admin_project_name=c.project or cloud.project_name,
        admin_domain_name=c.user_domain,
        admin_user_domain_name=c.user_domain,
        admin_project_domain_name=c.project_domain,
        create_isolated_networks=networks,
        default_credentials_domain_name=c.project_domain,
    )
    writer.put(
        "identity",
        uri=base,
        uri_v3=f"{base}/v3",
        auth_version="v3",
        region=c.region,
        v3_endpoint_type=c.interface.removesuffix("URL"),
        admin_domain_scope=False,
    )
    writer.put("identity-feature-enabled", api_v2=False, api_v3=True, access_rules=True)


async def _roles(writer: _Writer, cloud: Session) -> None:
    """By the names that the cloud has, in its own letters."""
    found = await _asked(cloud, "identity", "/roles", "roles")
    there = {role["name"].lower(): role["name"] for role in found}
    operator = next((there[n] for n in ("swiftoperator", "member", "_member_") if n in there), None)
    writer.put(
        "object-storage", operator_role=operator, reseller_admin_role=there.get("reselleradmin")
    )


async def _compute(writer: _Writer, cloud: Session) -> None:
    images = await _asked(cloud, "image", "/images", "images")
    # One whose size nobody knows may be of any; what no disk can boot from is none.
    active = sorted(
        (i for i in images if i["status"] == "active" and i.get("container_format") == "bare"),
        key=lambda i: (i.get("size") is None, i.get("size") or 0, i["id"]),
    )
    flavors = await _asked(cloud, "compute", "/flavors/detail", "flavors")
    # Compute refuses to boot an image on a flavor without a disk, unless a volume is there.
    flavors.sort(key=lambda f: (f["disk"] == 0, f["ram"], f["vcpus"], f["disk"]))
    hosts = len(await _asked(cloud, "compute", "/os-hypervisors", "hypervisors"))
    if active:
        writer.put("compute", image_ref=active[0]["id"], image_ref_alt=active[-1]["id"])
    if flavors:
        other = flavors[1] if len(flavors) > 1 else flavors[0]
        writer.put("compute", flavor_ref=flavors[0]["id"], flavor_ref_alt=other["id"])
    writer.put(
        "compute",
        min_compute_nodes=max(1, hosts),
        min_microversion="2.1",
        max_microversion="latest",
        build_interval=1,
        shelved_offload_time=0,
    )
    writer.put(
        "compute-feature-enabled",
        resize=True,
        pause=True,
        suspend=True,
        shelve=True,
        snapshot=True,
        rescue=True,
        interface_attach=True,
        console_output=True,
        vnc_console=True,
        live_migration=hosts > 1,
        cold_migration=hosts > 1,
        change_password=False,
        personality=False,
    )
    # Guests need not be reached: the APIs are what is verified.
    writer.put("validation", run_validation=False)


async def _network(writer: _Writer, cloud: Session) -> None:
    path = "/networks?router:external=true"
    found = await _asked(cloud, "network", path, "networks")
    # An administrator sees those that are outside for some projects alone: not one of them, if
    # another is for all.
    path = "/rbac-policies?action=access_as_external&target_tenant=*"
    everybodys = {p["object_id"] for p in await _asked(cloud, "network", path, "rbac_policies")}
    found.sort(key=lambda network: network["id"] not in everybodys)
    for network in found[:1]:
        writer.put(
            "network", public_network_id=network["id"], floating_network_name=network["name"]
        )
    writer.put("network", project_network_cidr="10.100.0.0/16", project_network_mask_bits=28)
    extensions = await _asked(cloud, "network", "/extensions", "extensions")
    aliases = ",".join(sorted(e["alias"] for e in extensions))
    writer.put(
        "network-feature-enabled", api_extensions=aliases, ipv6=True, ipv6_subnet_attributes=True
    )


async def _volume(writer: _Writer, cloud: Session) -> None:
    writer.put("volume", min_microversion="3.0", max_microversion="latest", volume_size=1)
    extensions = await _asked(cloud, "volume", "/extensions", "extensions")
    writer.put(
        "volume-feature-enabled",
        backup=True,
        snapshot=True,
        clone=True,
        manage_volume=False,
        manage_snapshot=False,
        extend_attached_volume=True,
        api_extensions=",".join(sorted(e["alias"] for e in extensions)) or "all",
    )


async def _asked(cloud: Session, kind: str, path: str, collection: str) -> list[Any]:
    """A list, or nothing where the cloud does not answer: a gap is a finding, not an end."""
    try:
        found: list[Any] = (await cloud.get(kind, path))[collection]
    except (ApiError, HttpError, ServiceMissing, KeyError, TypeError):
        return []
    return found


def options(text: str) -> Config:
    """A file's options by their sections. Raises ValueError for what is no such file."""
    parser = _parser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from None
    made: Config = {"DEFAULT": dict(parser.defaults())} if parser.defaults() else {}
    for section in parser.sections():
        made[section] = {k: v for k, v in parser.items(section) if k not in parser.defaults()}
    return made


def read(text: str) -> Config:
    """A file that `written` made. Raises ValueError."""
    return {
        section: {name: value.replace("$$", "$") for name, value in own.items()}
        for section, own in options(text).items()
    }


def extended(config: Config, more: Config) -> Config:
    """With other options over it."""
    made = {section: dict(options) for section, options in config.items()}
    for section, own in more.items():
        made.setdefault(section, {}).update(own)
    return made


def written(config: Config) -> str:
    """As a file. Dollars are doubled: the reader would substitute them."""
    parser = _parser()
    for section, options in config.items():
        if section != "DEFAULT":
            parser.add_section(section)
        for name, value in options.items():
            parser.set(section, name, value.replace("$", "$$"))
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def _parser() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(interpolation=None, strict=True)
    # Some options of Tempest's plugins have capitals.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    return parser
