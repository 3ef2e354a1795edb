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
from cumulo.shared_file_system.model.orders import Port, WantedServer

DEVICE = "share"


def namespace_of(prefix: str, server_id: str) -> str:
    return f"{prefix}-s-{server_id[:8]}"


def plug(prefix: str, server: WantedServer) -> str:
    """The namespace, with the server's addresses. Raises Waiting, OSError."""
    host, own = f"{prefix}-host", namespace_of(prefix, server.id)
    found = [(port, _wired(host, port)) for port in server.ports()]
    for number, (port, link) in enumerate(found):
        device = f"{DEVICE}{number}"
        kind = link.get("linkinfo", {}).get("info_kind", "")
        inside = _link(own, device) if namespace_exists(own) else None
        if kind != "veth" or inside is None:
            create_namespace(own)
            _batch(
                host,
                f"link del dev {port.tap}",
                f"link add name {port.tap} mtu {port.mtu} type veth peer name {device}"
                f" mtu {port.mtu} address {port.mac} netns {own}",
                f"link set dev {port.tap} master {link['master']} up",
            )
        extra = " nodad" if ":" in port.address else ""
        lines = ["link set dev lo up", f"link set dev {device} up"]
        lines.append(f"addr replace {port.address} dev {device}{extra}")
        if port.gateway and not _has_default(server, number):
            six = "-6 " if ":" in port.gateway else ""
            lines.append(f"{six}route replace default via {port.gateway} dev {device}".strip())
        _lines(own, lines)
    return own


def _wired(host: str, port: Port) -> dict[str, Any]:
    link = _link(host, port.tap) if namespace_exists(host) else None
    if link is None or "master" not in link:
        raise Waiting(f"its port is not wired yet ({port.tap})")
    return link


def _has_default(server: WantedServer, number: int) -> bool:
    """A place before this one, of the same IP version, has led to the outside already."""
    ports = server.ports()
    six = ":" in ports[number].address
    return any(port.gateway and (":" in port.address) == six for port in ports[:number])


def _lines(namespace: str, lines: list[str]) -> None:
    """Commands for either IP version."""
    for six in (False, True):
        chosen = [line.removeprefix("-6 ") for line in lines if line.startswith("-6 ") == six]
        if chosen:
            _batch(namespace, *chosen, six=six)


def is_plugged(prefix: str, server: WantedServer) -> bool:
    own = namespace_of(prefix, server.id)
    return namespace_exists(own) and all(
        _link(own, f"{DEVICE}{number}") is not None for number in range(len(server.ports()))
    )


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


def _batch(namespace: str, *lines: str, six: bool = False) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    try:
        run_blocking(
            ["ip", *(["-6"] if six else []), "-batch", "-"], stdin=text, namespace=namespace
        )
    except CommandFailed as failed:
        raise OSError(str(failed)) from failed
