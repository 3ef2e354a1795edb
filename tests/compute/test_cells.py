"""How a guest's processors and memory are laid out."""

from pathlib import Path

import pytest

from cumulo.compute.drivers.machine import huge_pages
from cumulo.compute.model.cells import Cell, Layout, cpus_of, layout_of


@pytest.mark.parametrize(
    ("specs", "wanted"),
    [
        ({}, Layout()),
        ({"hw:mem_page_size": "small"}, Layout([Cell([0, 1, 2, 3], 1024)], 4)),
        ({"hw:mem_page_size": "1GB"}, Layout([Cell([0, 1, 2, 3], 1024)], 1 << 20)),
        ({"hw:cpu_policy": "dedicated"}, Layout([Cell([0, 1, 2, 3], 1024)], None, True)),
        ({"hw:numa_nodes": "2"}, Layout([Cell([0, 1], 512), Cell([2, 3], 512)])),
        (
            {
                "hw:numa_nodes": "2",
                "hw:numa_cpus.0": "0-2,^1",
                "hw:numa_mem.0": "256",
                "hw:numa_cpus.1": "1,3",
                "hw:numa_mem.1": "768",
            },
            Layout([Cell([0, 2], 256), Cell([1, 3], 768)]),
        ),
    ],
)
def test_layouts(specs: dict[str, str], wanted: Layout) -> None:
    assert layout_of(4, 1024, specs, {}) == wanted
    properties = {name.replace("hw:", "hw_"): value for name, value in specs.items()}
    assert layout_of(4, 1024, {}, properties) == wanted


@pytest.mark.parametrize(
    "specs",
    [
        {"hw:numa_nodes": "0"},
        {"hw:numa_nodes": "9" * 5000},
        {"hw:numa_nodes": "3"},
        {"hw:numa_nodes": "2", "hw:numa_cpus.0": "0-3"},
        {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-2", "hw:numa_mem.0": "1024"},
        {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-3", "hw:numa_mem.0": "512"},
        {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-9", "hw:numa_mem.0": "1024"},
        {"hw:mem_page_size": "3MB"},
        {"hw:mem_page_size": "huge"},
        {"hw:cpu_policy": "mixed"},
    ],
)
def test_what_is_no_layout(specs: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="hw:"):
        layout_of(4, 1024, specs, {})


def test_lists_of_processors() -> None:
    assert cpus_of("0-3,^2,7", 8) == [0, 1, 3, 7]
    for bad in ("", "a", "1-x", "0-8", "123456", "-1"):
        with pytest.raises(ValueError, match="processors"):
            cpus_of(bad, 8)


def test_huge_pages_of_a_machine(tmp_path: Path) -> None:
    for size, number in ((2048, 10), (1048576, 0)):
        folder = tmp_path / f"hugepages-{size}kB"
        folder.mkdir()
        (folder / "nr_hugepages").write_text(f"{number}\n")
    assert huge_pages(tmp_path) == {2048: 10}
