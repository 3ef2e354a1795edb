"""Opens a guest's tap device: as root, in the data-plane namespace, for a QEMU that may not."""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from cumulo.compute.drivers.driver import NicUsage, NotReady
from cumulo.core.run.namespaces import in_namespace, namespace_exists

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
IFF_VNET_HDR = 0x4000


def open_tap(name: str, namespace: str | None) -> int:
    """A file descriptor of the existing tap `name`; the caller closes it.

    Raises NotReady when the device (or its namespace) is not there or still held by another
    process.
    """
    if not 0 < len(name.encode()) < 16:
        raise ValueError(f"not an interface name: {name!r}")
    if namespace is not None and not namespace_exists(namespace):
        raise NotReady(f"network namespace {namespace} does not exist yet")
    return in_namespace(namespace, _open, name)


def name_of(port_id: str) -> str:
    """As the network's driver names a port's tap."""
    return f"tap{port_id[:11]}"


def counters(namespace: str | None, names: Iterable[str]) -> list[NicUsage]:
    """What went through these taps; those that are not there are left out."""
    if namespace is not None and not namespace_exists(namespace):
        return []
    wanted = set(names)
    return [each for each in in_namespace(namespace, _counters) if each.name in wanted]


def _counters() -> list[NicUsage]:
    made = []
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]:
        name, _, rest = line.partition(":")
        found = [int(each) for each in rest.split()]
        if len(found) >= 12:
            # What the tap takes in is what its guest sends.
            made.append(
                NicUsage(
                    name.strip(),
                    *(found[8], found[9], found[10], found[11]),
                    *(found[0], found[1], found[2], found[3]),
                )
            )
    return made


def _open(name: str) -> int:
    # TUNSETIFF would make the device when it is absent: that is the network driver's to do.
    try:
        socket.if_nametoindex(name)
    except OSError as absent:
        raise NotReady(f"tap {name} does not exist yet") from absent
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
    try:
        fcntl.ioctl(descriptor, TUNSETIFF, request)
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EBUSY:
            raise NotReady(f"tap {name} is held by another process") from error
        raise
    return descriptor
