import json
from typing import Any

from cumulo.compute.drivers.driver import DiskSpec, GuestSpec, NicSpec, RootDisk
from cumulo.compute.drivers.qemu.command import MAX_PORTS, MIN_PORTS, build_command, port_count
from cumulo.core.run.accelerator import TCG

ID = "11111111-2222-3333-4444-555555555555"


def spec(**changes: Any) -> GuestSpec:
    values: dict[str, Any] = {
        "id": ID,
        "generation": 1,
        "name": "web,1 -S",
        "vcpus": 2,
        "memory_mb": 128,
        "power": "on",
        "root": RootDisk("/images/a.qcow2", "qcow2", 1),
    }
    return GuestSpec(**(values | changes))


def command(guest: GuestSpec) -> list[str]:
    taps = {nic.id: 10 + index for index, nic in enumerate(guest.nics)}
    return build_command(guest, binary="qemu", accelerator=TCG, tap_fds=taps)


def options(argv: list[str], name: str) -> list[str]:
    return [argv[i + 1] for i, part in enumerate(argv) if part == name]


def devices(argv: list[str]) -> list[dict[str, Any]]:
    return [json.loads(value) for value in options(argv, "-device") if value.startswith("{")]


def by_id(argv: list[str]) -> dict[str, dict[str, Any]]:
    return {device["id"]: device for device in devices(argv) if "id" in device}


def disk(name: str, device: str, path: str = "/volumes/a.qcow2") -> DiskSpec:
    return DiskSpec(name, device, {"driver": "file", "path": path, "format": "qcow2"})


def test_the_guest_is_confined_and_waits_for_its_start() -> None:
    argv = command(spec())
    assert "-S" in argv
    assert "-no-shutdown" in argv
    assert "-daemonize" not in argv
    assert options(argv, "-sandbox") == [
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
    ]


def test_a_name_chosen_by_a_user_is_nowhere_in_the_command() -> None:
    assert not [part for part in command(spec()) if "web,1" in part]


def test_a_path_with_commas_stays_one_value() -> None:
    argv = command(spec(disks=[disk("v1", "vdb", "/volumes/a,read-only=off.qcow2")]))
    nodes = [json.loads(value) for value in options(argv, "-blockdev")]
    assert nodes[1]["file"]["filename"] == "/volumes/a,read-only=off.qcow2"


def test_sockets_are_relative_to_the_guests_folder() -> None:
    argv = command(spec())
    assert options(argv, "-qmp") == ["unix:qmp,server=on,wait=off"]
    assert options(argv, "-vnc") == ["unix:vnc"]


def test_disks_are_in_the_order_of_their_device_names() -> None:
    disks = [disk("c", "vdaa"), disk("b", "vdc"), disk("a", "vdb")]
    ids = by_id(command(spec(disks=disks)))
    assert [ids[f"disk-{name}"]["bus"] for name in "abc"] == ["rp0", "rp1", "rp2"]


def test_ports_and_volumes_can_be_unplugged_and_the_root_disk_cannot() -> None:
    nic = NicSpec("port1", "52:54:00:00:00:01", "tap1", 1450)
    argv = command(spec(disks=[disk("v1", "vdb")], nics=[nic]))
    ids = by_id(argv)
    assert ids["nic-port1"]["bus"] == "rp0"
    assert ids["nic-port1"]["host_mtu"] == 1450
    assert ids["disk-v1"]["bus"] == "rp1"
    assert "bus" not in ids["root"]
    assert json.loads(options(argv, "-netdev")[0])["fd"] == "10"


def test_without_an_image_the_first_disk_boots() -> None:
    ids = by_id(command(spec(root=None, disks=[disk("b", "vdb"), disk("a", "vda")])))
    assert ids["disk-a"]["bootindex"] == 1
    assert ids["disk-a"]["bus"] == "pcie.0"
    assert "bootindex" not in ids["disk-b"]


def test_the_config_drive_is_read_only_and_comes_last() -> None:
    argv = command(spec(config_drive={"a": b""}, disks=[disk("v1", "vdb")]))
    node = json.loads(options(argv, "-blockdev")[-1])
    assert (node["read-only"], node["file"]["filename"]) == (True, "config.iso")
    assert by_id(argv)["config"]["bus"] == "rpc"


def test_a_volumes_serial_is_the_first_20_characters_of_its_id() -> None:
    ids = by_id(command(spec(disks=[disk(ID, "vdb")])))
    assert ids[f"disk-{ID}"]["serial"] == ID[:20]


def test_there_are_spare_ports_up_to_a_limit() -> None:
    assert port_count(spec()) == MIN_PORTS
    many = [disk(f"v{n}", f"vd{n}") for n in range(25)]
    assert port_count(spec(disks=many[:5])) == 11
    assert port_count(spec(disks=many)) == MAX_PORTS
