"""An export server's place in a project's network: a namespace with the device of its port.

Network's driver makes a tap for every port and plugs it into the network's bridge; it takes a
device of another kind under the same name as well. So the tap is replaced by one end of a veth,
on the same bridge, whose other end is in the namespace. All functions block.
"""

import json
from typing import Any

from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.namespaces import create_namespace, delete_namespace, namespace_exists
from cumulo.shared_file_system.drivers.driver import Waiting
from cumulo.shared_file_system.model.orders import WantedServer

DEVICE = "share0"


def namespace_of(prefix: str, server_id: str) -> str:
    return f"{prefix}-s-{server_id[:8]}"


def plug(prefix: str, server: WantedServer) -> str:
    """The namespace, with the server's address. Raises Waiting, OSError."""
    host, own = f"{prefix}-host", namespace_of(prefix, server.id)
    link = _link(host, server.tap) if namespace_exists(host) else None
    if link is None or "master" not in link:
        raise Waiting(f"its port is not wired yet ({server.tap})")
    kind = link.get("linkinfo", {}).get("info_kind", "")
    inside = _link(own, DEVICE) if namespace_exists(own) else None
    if kind != "veth" or inside is None:
        create_namespace(own)
        _batch(
            host,
            f"link del dev {server.tap}",
            f"link add name {server.tap} mtu {server.mtu} type veth peer name {DEVICE}"
            f" mtu {server.mtu} address {server.mac} netns {own}",
            f"link set dev {server.tap} master {link['master']} up",
        )
    lines = ["link set dev lo up", f"link set dev {DEVICE} up"]
    extra = " nodad" if ":" in server.address else ""
    lines.append(f"addr replace {server.address} dev {DEVICE}{extra}")
    if server.gateway:
        lines.append(f"route replace default via {server.gateway}")
    _batch(own, *lines)
    return own


def is_plugged(prefix: str, server: WantedServer) -> bool:
    own = namespace_of(prefix, server.id)
    return namespace_exists(own) and _link(own, DEVICE) is not None


def unplug(prefix: str, server_id: str) -> None:
    """Its end of the veth goes, and the other one with it."""
    delete_namespace(namespace_of(prefix, server_id))


def _link(namespace: str, device: str) -> dict[str, Any] | None:
    try:
        text = run_blocking(["ip", "-j", "-d", "link", "show", "dev", device], namespace=namespace)
    except CommandFailed:
        return None
    found: list[dict[str, Any]] = json.loads(text or b"[]")
    return found[0] if found else None


def _batch(namespace: str, *lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    try:
        run_blocking(["ip", "-batch", "-"], stdin=text, namespace=namespace)
    except CommandFailed as failed:
        raise OSError(str(failed)) from failed
