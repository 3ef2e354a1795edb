"""What image properties and extra specs make of a guest's machine; limits in control groups."""

from pathlib import Path
from typing import Any

import pytest

from cumulo.compute.drivers.driver import GuestSpec, NicSpec, RootDisk
from cumulo.compute.drivers.qemu import limits, pinning
from cumulo.compute.drivers.qemu.command import build_command
from cumulo.compute.drivers.qemu.hardware import (
    HardwareFault,
    hardware_of,
    memory_arguments,
    throttle_of,
)
from cumulo.compute.model.specs import complaint
from cumulo.core.run.accelerator import Accelerator


def guest(vcpus: int = 4, **more: Any) -> GuestSpec:
    return GuestSpec(
        id="11111111-1111-4111-8111-111111111111",
        generation=1,
        name="g",
        vcpus=vcpus,
        memory_mb=64,
        power="on",
        root=RootDisk("/x", "raw"),
        nics=[NicSpec("n", "52:54:00:00:00:01", "tap")],
        **more,
    )


def command(**more: Any) -> str:
    accelerator = Accelerator("tcg", ["-accel", "tcg"])
    return " ".join(
        build_command(guest(**more), binary="qemu", accelerator=accelerator, tap_fds={"n": 9})
    )


@pytest.mark.parametrize(
    ("properties", "specs", "wanted"),
    [
        ({}, {}, "4"),
        ({"hw_cpu_sockets": "2"}, {}, "4,sockets=2,cores=2,threads=1"),
        ({"hw_cpu_cores": "4"}, {}, "4,sockets=1,cores=4,threads=1"),
        ({"hw_cpu_threads": "2"}, {}, "4,sockets=2,cores=1,threads=2"),
        ({"hw_cpu_sockets": "4"}, {"hw:cpu_sockets": "1"}, "4,sockets=1,cores=4,threads=1"),
    ],
)
def test_processors(properties: dict[str, str], specs: dict[str, str], wanted: str) -> None:
    assert hardware_of(guest(properties=properties, specs=specs)).processors == wanted


@pytest.mark.parametrize(
    ("properties", "specs"),
    [
        ({"hw_cpu_sockets": "3"}, {}),
        ({"hw_cpu_sockets": "many"}, {}),
        ({"hw_machine_type": "microvm"}, {}),
        ({"hw_machine_type": "pc,accel=kvm"}, {}),
        ({"hw_machine_type": "q35,accel=kvm"}, {}),
        ({"hw_disk_bus": "usb"}, {}),
        ({"hw_tpm_model": "tpm-spapr"}, {}),
        ({"hw_tpm_version": "3.0"}, {}),
        ({"hw_tpm_model": "tpm-crb"}, {"hw:tpm_version": "1.2"}),
        ({}, {"hw:numa_nodes": "3"}),
        ({}, {"hw:cpu_policy": "mixed"}),
        (
            {"hw_machine_type": "pc", "hw_firmware_type": "uefi"},
            {"os:secure_boot": "required"},
        ),
        ({"hw_vif_model": "tulip"}, {}),
        ({"hw_video_model": "matrox"}, {}),
        ({"hw_firmware_type": "coreboot"}, {}),
        ({}, {"os:secure_boot": "required"}),
        ({}, {"hw:watchdog_action": "explode"}),
    ],
)
def test_what_is_not_made_here(properties: dict[str, str], specs: dict[str, str]) -> None:
    with pytest.raises(HardwareFault):
        hardware_of(guest(properties=properties, specs=specs))


def test_the_command_line_follows() -> None:
    plain = command()
    assert '"driver":"virtio-blk-pci","id":"root"' in plain and "-device VGA" in plain
    other = command(
        properties={
            "hw_disk_bus": "scsi",
            "hw_vif_model": "e1000e",
            "hw_video_model": "none",
            "hw_firmware_type": "uefi",
            "hw_watchdog_action": "reset",
        }
    )
    assert '"driver":"scsi-hd","id":"root"' in other and '"driver":"e1000e"' in other
    assert "VGA" not in other and "host_mtu" not in other
    assert "q35,pflash0=uefi-code,pflash1=uefi-vars" in other
    assert "-device i6300esb -action watchdog=reset" in other


def test_an_elder_machine_with_ide_disks() -> None:
    made = command(
        properties={"hw_machine_type": "pc-i440fx-7.2", "hw_disk_bus": "ide"},
        ephemerals=[1],
        swap_mb=8,
        config_drive={"a": b"b"},
    )
    assert '"driver":"ide-hd","id":"root"' in made and '"bus":"ide.0","unit":0' in made
    assert '"id":"swap","drive":"swap","bus":"ide.1","unit":0' in made
    assert "pcie" not in made and '"driver":"pci-bridge","id":"rp0"' in made
    with pytest.raises(HardwareFault, match="no room"):
        command(properties={"hw_disk_bus": "sata"}, ephemerals=[1] * 6)


def test_memory_in_cells_and_huge_pages() -> None:
    assert "-numa" not in command() and "-object" not in command()
    cells = command(specs={"hw:numa_nodes": "2"})
    assert "node,nodeid=1,cpus=2,cpus=3,memdev=ram1" in cells
    assert '{"qom-type":"memory-backend-ram","id":"ram0","size":33554432}' in cells
    huge = command(specs={"hw:mem_page_size": "large"})
    assert '"hugetlb":true,"hugetlbsize":2097152,"prealloc":true' in huge
    made = hardware_of(guest(specs={"hw:numa_nodes": "2"}))
    assert '"host-nodes":[1],"policy":"bind"' in " ".join(memory_arguments(made.layout, 2))


def test_a_tpm() -> None:
    made = command(specs={"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"})
    assert "-tpmdev emulator,id=tpm0,chardev=tpm" in made
    assert '{"driver":"tpm-crb","tpmdev":"tpm0"}' in made
    assert hardware_of(guest(properties={"hw_tpm_version": "1.2"})).tpm == ("tpm-tis", "1.2")


def test_processors_of_its_own() -> None:
    assert pinning.chosen([], 2, [1, 2, 3], {2}) == [1, 3]
    assert pinning.chosen([3, 1], 2, [1, 2, 3], {2}) == [3, 1], "it keeps what it had"
    assert pinning.chosen([3, 2], 2, [1, 2, 3], {2}) == [1, 3], "unless another one has it"
    with pytest.raises(HardwareFault, match="2 of those that are set aside"):
        pinning.chosen([], 3, [1, 2, 3], {2})


def test_limits_of_disks() -> None:
    assert throttle_of({}) == {}
    found = throttle_of({"quota:disk_read_iops_sec": "100", "quota:disk_total_bytes_sec": "x"})
    assert found["iops_rd"] == 100 and found["bps"] == 0


@pytest.mark.parametrize("version", [1, 2])
def test_limits_of_processors(tmp_path: Path, version: int) -> None:
    specs = {"quota:cpu_shares": "2048", "quota:cpu_quota": "5000", "quota:cpu_period": "10000"}
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu")
    else:
        (tmp_path / "cpu").mkdir()
    limits.apply("g", 4711, {}, tmp_path)
    assert not list(tmp_path.rglob("g"))
    limits.apply("g", 4711, specs, tmp_path)
    (group,) = tmp_path.rglob("g")
    found = {path.name: path.read_text() for path in group.iterdir()}
    assert found.pop("cgroup.procs") == "4711"
    if version == 2:
        assert found == {"cpu.weight": "200", "cpu.max": "5000 10000"}
    else:
        names = ("cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us")
        assert found == dict(zip(names, ("2048", "10000", "5000"), strict=True))


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("anything", "x", True),
        ("mine:own", "x", True),
        ("hw:cpu_policy", "dedicated", True),
        ("hw:cpu_policy", "devoted", False),
        ("hw:cpu_polciy", "dedicated", False),
        ("hw:numa_mem.0", "1024", True),
        ("quota:disk_read_bytes_sec", "1048576", True),
        ("quota:disk_read_bytes_sec", "fast", False),
        ("resources:CUSTOM_GPU", "1", True),
        ("resources_A:VCPU", "x", False),
        ("trait:HW_CPU_X86_AVX2", "required", True),
        ("trait:HW_CPU_X86_AVX2", "maybe", False),
        ("capabilities:whatever", "x", True),
    ],
)
def test_extra_specs(name: str, value: str, fine: bool) -> None:
    assert (complaint(name, value) is None) == fine
