"""What a guest may know about itself: at 169.254.169.254 and on its config drive.

Both trees come from the same rows: OpenStack's (`openstack/latest/meta_data.json` …) and EC2's
(`2009-04-04/meta-data/…`). The network's proxy knows which port asks from where the request
came, and into which server compute plugged that; nothing that the guest or its owner says is
believed.
"""

import base64
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from cumulo.block_storage.interface import Attachment
from cumulo.compute.model.server import FileRow, ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.servers import Servers
from cumulo.core.db.transaction import Tx
from cumulo.network.interface import FixedIp, GuestAnswer, PortInfo, SubnetInfo

OPENSTACK_VERSIONS = (
    "2012-08-10",
    "2013-04-04",
    "2013-10-17",
    "2015-10-15",
    "2016-06-30",
    "2016-10-06",
    "2017-02-22",
    "2018-08-27",
    "2020-10-14",
    "latest",
)
EC2_VERSIONS = (
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "latest",
)
PASSWORD_LIMIT = 255
DOMAIN = "novalocal"
JSON = "application/json"

CONTENT = "content"

NOT_FOUND = GuestAnswer(404, body=b"404 Not Found\n")


class More(NamedTuple):
    """What a guest is told of besides its own row and ports."""

    volumes: Sequence[Attachment] = ()
    vendor: Mapping[str, Any] = {}
    """`[compute.vendordata]`, the same for all guests."""
    password: str | None = None
    """That of its administrator, as it is."""
    subnets: Mapping[str, SubnetInfo] = {}
    """Of its addresses, by id."""
    files: Sequence[FileRow] = ()
    """That are to be in it."""


class Details(NamedTuple):
    """Of several servers."""

    subnets: Mapping[str, SubnetInfo]
    files: Mapping[str, Sequence[FileRow]]
    """Server → its files."""


NO_DETAILS = Details({}, {})


class Metadata:
    def __init__(self, servers: Servers, vendordata: Mapping[str, Any] | None = None) -> None:
        self._servers = servers
        self._vendor = dict(vendordata or {})

    def more(
        self, row: ServerRow, volumes: Sequence[Attachment], details: "Details | None" = None
    ) -> More:
        known = details or NO_DETAILS
        password = self._servers.opened(row.admin_password)
        files = known.files.get(row.id, ())
        return More(volumes, self._vendor, password, known.subnets, files)

    def details(
        self, tx: Tx, rows: Sequence[ServerRow], ports: Mapping[str, Sequence[PortInfo]]
    ) -> "Details":
        """What only a few ask of these servers: two statements for all of them."""
        if not rows:
            return NO_DETAILS
        fixed = [ip for row in rows for port in ports.get(row.id, ()) for ip in port.fixed_ips]
        subnets = self._servers.network.subnets_of(tx, [each.subnet_id for each in fixed])
        files: dict[str, list[FileRow]] = {}
        for file in tx.all(queries.FILES, servers=[row.id for row in rows]):
            files.setdefault(file.server_id, []).append(file)
        return Details(subnets, files)

    def answer(
        self, tx: Tx, server_id: str, port_id: str, method: str, path: str, body: bytes = b""
    ) -> GuestAnswer:
        """The answer to a guest's request; a POST of the password needs a writing transaction.

        The port must be plugged into the server, by compute, and be of the server's project.
        """
        row = self._servers.find(tx, server_id)
        if row is None:
            return NOT_FOUND
        ports = self._servers.network.ports_of(tx, [row.id]).get(row.id, [])
        if not any(port.id == port_id and port.project_id == row.project_id for port in ports):
            return NOT_FOUND
        parts = [part for part in re.split("/+", path.partition("?")[0]) if part]
        if method == "POST":
            return self._post(tx, row, parts, body)
        if method not in ("GET", "HEAD"):
            return GuestAnswer(405, body=b"405 Method Not Allowed\n")
        volumes = self._servers.volumes.attachments_of(tx, [row.id]).get(row.id, [])
        wants = parts[:1] == ["openstack"] and len(parts) > 1
        details = self.details(tx, [row], {row.id: ports}) if wants else NO_DETAILS
        return get(row, ports, parts, self.more(row, volumes, details))

    def _post(self, tx: Tx, row: ServerRow, parts: Sequence[str], body: bytes) -> GuestAnswer:
        """The guest posts its password once, encrypted with its owner's key."""
        if len(parts) != 3 or parts[0] != "openstack" or parts[2] != "password":
            return NOT_FOUND
        if len(body) > PASSWORD_LIMIT:
            return GuestAnswer(400, body=b"400 password too long\n")
        if row.password:
            return GuestAnswer(409, body=b"409 password already set\n")
        tx.update(row, password=body.decode("utf-8", "replace"))
        return GuestAnswer(200)


def get(row: ServerRow, ports: Sequence[PortInfo], parts: Sequence[str], more: More) -> GuestAnswer:
    """The answer to GET of a path, split at its slashes."""
    if not parts:
        return _listing([*EC2_VERSIONS])
    if parts[0] == "openstack":
        return _openstack(row, ports, parts[1:], more)
    if parts[0] in EC2_VERSIONS:
        return _ec2(row, ports, parts[1:])
    return NOT_FOUND


def _listing(names: Sequence[str]) -> GuestAnswer:
    return GuestAnswer(200, body="\n".join(names).encode())


# --- OpenStack ------------------------------------------------------------------------------


def _openstack(
    row: ServerRow, ports: Sequence[PortInfo], parts: Sequence[str], more: More
) -> GuestAnswer:
    if not parts:
        return _listing(OPENSTACK_VERSIONS)
    if parts[0] == CONTENT:
        return _content(more.files, parts[1:])
    if parts[0] not in OPENSTACK_VERSIONS or len(parts) > 2:
        return NOT_FOUND
    files = openstack_files(row, ports, more)
    names = [*files, "password"]
    if len(parts) == 1:
        return _listing(names)
    if parts[1] == "meta_data.json":
        seed = base64.b64encode(os.urandom(512)).decode()
        known = meta_data(row, tagged(ports, more.volumes), more)
        content = msgspec.json.encode({**known, "random_seed": seed})
        return GuestAnswer(200, JSON, content)
    if parts[1] == "password":
        return GuestAnswer(200, body=row.password.encode())
    if parts[1] not in files:
        return NOT_FOUND
    kind = JSON if parts[1].endswith(".json") else "application/octet-stream"
    return GuestAnswer(200, kind, files[parts[1]])


def openstack_files(row: ServerRow, ports: Sequence[PortInfo], more: More) -> dict[str, bytes]:
    """name → content of `openstack/latest`"""
    encode = msgspec.json.encode
    files = {"meta_data.json": encode(meta_data(row, tagged(ports, more.volumes), more))}
    if row.user_data:
        files["user_data"] = user_data(row)
    files["vendor_data.json"] = encode(more.vendor)
    files["vendor_data2.json"] = b"{}"
    files["network_data.json"] = encode(network_data(ports, more.subnets))
    return files


def _content(files: Sequence[FileRow], parts: Sequence[str]) -> GuestAnswer:
    """Files that are to be in the guest, by the names that `meta_data.json` gives them."""
    if not parts:
        return _listing([_content_name(each) for each in files])
    for each in files:
        if list(parts) == [_content_name(each)]:
            return GuestAnswer(200, "application/octet-stream", base64.b64decode(each.content))
    return NOT_FOUND


def _content_name(file: FileRow) -> str:
    return f"{file.number:04}"


def meta_data(row: ServerRow, devices: list[dict[str, Any]], more: More) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uuid": row.id,
        "name": row.name,
        "hostname": _full_name(row.hostname),
        "launch_index": row.launch_index,
        "availability_zone": row.zone,
        "project_id": row.project_id,
        "devices": devices,
        "dedicated_cpus": [],
    }
    if row.metadata:
        found["meta"] = row.metadata
    if row.key is not None:
        key = row.key
        found["public_keys"] = {key.name: key.public_key}
        found["keys"] = [{"name": key.name, "type": key.type, "data": key.public_key}]
    if more.files:
        found["files"] = [
            {"content_path": f"/{CONTENT}/{_content_name(each)}", "path": each.path}
            for each in more.files
        ]
    if more.password:
        found["admin_pass"] = more.password
    return found


def tagged(ports: Sequence[PortInfo], volumes: Sequence[Attachment]) -> list[dict[str, Any]]:
    """The devices that their owner gave a role (API 2.32): how the guest finds each, its tag."""
    found: list[dict[str, Any]] = [
        {"type": "nic", "bus": "pci", "mac": port.mac_address, "tags": [port.tag]}
        for port in ports
        if port.tag
    ]
    found += [
        {"type": "disk", "bus": "virtio", "serial": each.volume_id, "tags": [each.tag]}
        for each in volumes
        if each.tag
    ]
    return found


def user_data(row: ServerRow) -> bytes:
    return base64.b64decode(row.user_data or "")


def network_data(ports: Sequence[PortInfo], subnets: Mapping[str, SubnetInfo]) -> dict[str, Any]:
    """Links with their MACs; addresses are told where no DHCP and no router does."""
    links, networks = [], []
    names: dict[str, None] = {}
    for index, port in enumerate(ports):
        links.append(
            {
                "id": port.tap,
                "vif_id": port.id,
                "type": "ovs",
                "mtu": port.mtu,
                "ethernet_mac_address": port.mac_address,
            }
        )
        for number, fixed in enumerate(port.fixed_ips):
            subnet = subnets.get(fixed.subnet_id)
            made = {
                "id": f"network{index}" + (f"-{number}" if number else ""),
                "link": port.tap,
                "network_id": port.network_id,
            }
            networks.append(made | _how(fixed, subnet))
            names |= dict.fromkeys(() if subnet is None else subnet.dns)
    services = [{"type": "dns", "address": name} for name in names]
    return {"links": links, "networks": networks, "services": services}


def _how(fixed: FixedIp, subnet: SubnetInfo | None) -> dict[str, Any]:
    """How a guest comes to an address."""
    kind = "ipv6" if ":" in fixed.ip_address else "ipv4"
    if subnet is None or (subnet.dhcp and subnet.address_mode is None):
        return {"type": f"{kind}_dhcp"}
    nothing = "::" if kind == "ipv6" else "0.0.0.0"
    routes = [(f"{nothing}/0", subnet.gateway)] if subnet.gateway else []
    return {
        "type": kind if subnet.address_mode is None else f"{kind}_{subnet.address_mode}",
        "ip_address": fixed.ip_address,
        "netmask": str(ipaddress.ip_network(subnet.cidr, strict=False).netmask),
        "routes": [_route(*each) for each in (*routes, *subnet.routes)],
        "services": [{"type": "dns", "address": each} for each in subnet.dns],
    }


def _route(destination: str, gateway: str) -> dict[str, str]:
    network = ipaddress.ip_network(destination, strict=False)
    return {
        "network": str(network.network_address),
        "netmask": str(network.netmask),
        "gateway": gateway,
    }


# --- EC2 --------------------------------------------------------------------------------------


def _ec2(row: ServerRow, ports: Sequence[PortInfo], parts: Sequence[str]) -> GuestAnswer:
    if not parts:
        return _listing(["meta-data/", *(["user-data"] if row.user_data else [])])
    if parts[0] == "user-data":
        if len(parts) > 1 or not row.user_data:
            return NOT_FOUND
        return GuestAnswer(200, "application/octet-stream", user_data(row))
    if parts[0] != "meta-data":
        return NOT_FOUND
    found: Any = ec2_tree(row, ports)
    rest = list(parts[1:])
    if rest[:1] == ["public-keys"] and len(rest) > 1:
        if row.key is None or rest[1] != "0":
            return NOT_FOUND
        found = {"openssh-key": row.key.public_key}
        rest = rest[2:]
    for part in rest:
        if not isinstance(found, dict) or part not in found:
            return NOT_FOUND
        found = found[part]
    if isinstance(found, dict):
        return _listing([f"{k}/" if isinstance(v, dict) else k for k, v in found.items()])
    return GuestAnswer(200, body=str(found).encode())


def ec2_tree(row: ServerRow, ports: Sequence[PortInfo]) -> dict[str, Any]:
    addresses = [fixed.ip_address for port in ports for fixed in port.fixed_ips]
    ipv4 = [address for address in addresses if ":" not in address]
    floating = [address for port in ports for address in port.floating_ips]
    hostname = _full_name(row.hostname)
    groups = dict.fromkeys(name for port in ports for name in port.security_groups)
    tree: dict[str, Any] = {
        "ami-id": "None" if row.image is None else f"ami-{row.image.id[:8]}",
        "ami-launch-index": row.launch_index,
        "ami-manifest-path": "",
        "block-device-mapping": {"ami": "vda", "root": "/dev/vda"},
        "hostname": hostname,
        "instance-action": "none",
        "instance-id": f"i-{row.id[:8]}",
        "instance-type": row.flavor.name,
        "local-hostname": hostname,
        "local-ipv4": ipv4[0] if ipv4 else "",
        "placement": {"availability-zone": row.zone},
        "public-hostname": hostname,
        "public-ipv4": floating[0] if floating else "",
        "reservation-id": row.reservation_id,
        "security-groups": "\n".join(groups),
    }
    if row.key is not None:
        tree["public-keys"] = {f"0={row.key.name}": ""}
    return tree


def config_drive(row: ServerRow, ports: Sequence[PortInfo], more: More) -> dict[str, bytes]:
    """path → content of the drive: the same always for the same rows, so without a seed."""
    files = {
        f"openstack/{version}/{name}": content
        for version in ("2020-10-14", "latest")
        for name, content in openstack_files(row, ports, more).items()
    }
    tree = ec2_tree(row, ports)
    if row.key is not None:
        tree["public-keys"] = {"0": {"openssh-key": row.key.public_key}}
    for each in more.files:
        files[f"openstack/{CONTENT}/{_content_name(each)}"] = base64.b64decode(each.content)
    files["ec2/latest/meta-data.json"] = msgspec.json.encode(tree)
    if row.user_data:
        files["ec2/latest/user-data"] = user_data(row)
    return files


def _full_name(hostname: str) -> str:
    """Since API 2.94 a client may give the whole name itself."""
    return hostname if "." in hostname else f"{hostname}.{DOMAIN}"
