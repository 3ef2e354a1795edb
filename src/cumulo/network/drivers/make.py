"""Which driver a setting names."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cumulo.network.drivers.driver import NetworkDriver
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.model.metadata import MetadataHandler

DRIVERS = ("linux", "fake")


def make_driver(
    name: str,
    *,
    prefix: str = "",
    state: Path | None = None,
    metadata: MetadataHandler | None = None,
    outer: str | None = None,
    nat_to_outside: bool = False,
    forwarders: Sequence[str] = (),
    outside: bool = True,
    tunnel: Callable[[], str | None] = lambda: None,
    vxlan_port: int = 4789,
) -> NetworkDriver:
    """The driver of one host; the arguments after `name` are the Linux driver's.

    Raises ValueError for an unknown name, an unusable prefix or state directory.
    """
    if name == "fake":
        return FakeNetworkDriver()
    if name != "linux":
        raise ValueError(f"unknown network driver {name!r}: one of {', '.join(DRIVERS)}")
    if state is None:
        raise ValueError("the Linux driver needs a state directory")
    # Not imported where nothing is wired: it loads libnftables.
    from cumulo.network.drivers.linux.driver import LinuxNetworkDriver

    return LinuxNetworkDriver(
        prefix,
        state=state,
        metadata=metadata,
        outer=outer,
        nat_to_outside=nat_to_outside,
        forwarders=forwarders,
        outside=outside,
        tunnel=tunnel,
        vxlan_port=vxlan_port,
    )
