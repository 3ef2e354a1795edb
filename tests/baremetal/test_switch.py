"""The farm's switch beside a network's agent that takes away and makes what it deals with."""

import os
from collections.abc import Sequence

import pytest

from cumulo.baremetal.farm.switch import Outlet, Switch, devices
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.namespaces import create_namespace, delete_namespace, in_namespace

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for network namespaces")
PREFIX = f"cs{os.getpid() % 0x100000:05x}"
TAP, PORT = "tf000001", "tap0123abcd-ef"


def test_links_that_are_gone_or_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    switch, plane = Switch(PREFIX), f"{PREFIX}-host"
    network = Outlet("network", PORT, 1400)
    of_bridge, batch = Switch._of_bridge, Switch._batch

    def before(self: Switch, bridge: str, there: Sequence[str]) -> list[str]:
        return ["wgone", *of_bridge(self, bridge, there)]

    def quicker(self: Switch, *lines: str, namespace: str | None = None) -> None:
        if any("type veth" in line for line in lines):
            ip(plane, f"tuntap add dev {PORT} mode tap")
        batch(self, *lines, namespace=namespace)

    create_namespace(plane)
    try:
        switch.ensure([TAP], plane)
        ip(plane, "link add br1 type bridge")
        ip(plane, f"tuntap add dev {PORT} mode tap")
        ip(plane, f"link set dev {PORT} master br1")
        monkeypatch.setattr(Switch, "_batch", quicker)
        assert not switch.set(TAP, network)
        assert not [name for name in in_namespace(switch.namespace, devices) if name[0] == "w"]
        monkeypatch.setattr(Switch, "_batch", batch)
        ip(plane, f"link set dev {PORT} master br1")
        assert switch.set(TAP, network)
        monkeypatch.setattr(Switch, "_of_bridge", before)
        assert switch.set(TAP, network)
        assert switch.set(TAP, Outlet("nothing"))
        assert PORT not in in_namespace(plane, devices)
    finally:
        switch.remove()
        delete_namespace(plane)


def ip(namespace: str, words: str) -> None:
    run_blocking(["ip", *words.split()], namespace=namespace)
