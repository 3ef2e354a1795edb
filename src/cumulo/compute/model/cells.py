"""How a guest's processors and memory are laid out, by its flavor's extra specs and its image's
properties: cells (NUMA nodes), pages, and whether each processor has one of the host's for itself.

Pure; the driver makes it, and the API shows it (2.78). Where both speak, the flavor has the last
word.
"""

import re
from collections.abc import Mapping

import msgspec

MOST_CELLS = 16
_SIZE = re.compile(r"(\d{1,9})([kKmMgGtT]i?[bB]?)?")
_UNITS = {"": 1, "k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30}
SMALL, LARGE = 4, 2048
"""KiB"""


class Cell(msgspec.Struct, frozen=True):
    cpus: list[int]
    """The guest's, from 0 on"""
    memory_mb: int


class Layout(msgspec.Struct, frozen=True):
    """`cells` empty: nobody asked for any."""

    cells: list[Cell] = []
    page_kb: int | None = None
    """None: nobody asked."""
    dedicated: bool = False

    @property
    def huge(self) -> bool:
        return self.page_kb is not None and self.page_kb > SMALL


def layout_of(
    vcpus: int, memory_mb: int, specs: Mapping[str, str], properties: Mapping[str, str]
) -> Layout:
    """Raises ValueError, in words that name what asks for it."""

    def said(name: str) -> str | None:
        return specs.get(f"hw:{name}") or properties.get(f"hw_{name}")

    policy = said("cpu_policy") or "shared"
    if policy not in ("shared", "dedicated"):
        raise ValueError(f"hw:cpu_policy: {policy:.40} is not made here, only shared and dedicated")
    page = _page(said("mem_page_size"))
    nodes = said("numa_nodes")
    if nodes is None and page is None and policy == "shared":
        return Layout()
    count = _number(nodes or "1", "hw:numa_nodes", MOST_CELLS)
    cpus = [said(f"numa_cpus.{each}") for each in range(count)]
    memory = [said(f"numa_mem.{each}") for each in range(count)]
    if all(each is None for each in (*cpus, *memory)):
        cells = _even(count, vcpus, memory_mb)
    else:
        cells = _as_said(cpus, memory, vcpus, memory_mb)
    return Layout(cells, page, policy == "dedicated")


def _page(text: str | None) -> int | None:
    if text is None:
        return None
    named = {"small": SMALL, "any": SMALL, "large": LARGE}
    if text in named:
        return named[text]
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * _UNITS[(match[2] or "")[:1].lower()] if match else 0
    if size < SMALL or size & (size - 1) or size > 1 << 20:
        raise ValueError(f"hw:mem_page_size: {text:.40} is no size of pages")
    return size


def _number(text: str, name: str, most: int) -> int:
    if not text.isdecimal() or len(text) > 9 or not 0 < int(text) <= most:
        raise ValueError(f"{name}: {text:.40} is not a number from 1 to {most}")
    return int(text)


def _even(count: int, vcpus: int, memory_mb: int) -> list[Cell]:
    if vcpus % count or memory_mb % count:
        raise ValueError(
            f"hw:numa_nodes: {vcpus} processors and {memory_mb} MiB are not {count} equal cells: "
            "say hw:numa_cpus and hw:numa_mem of each"
        )
    each = vcpus // count
    return [
        Cell(list(range(place * each, (place + 1) * each)), memory_mb // count)
        for place in range(count)
    ]


def _as_said(
    cpus: list[str | None], memory: list[str | None], vcpus: int, memory_mb: int
) -> list[Cell]:
    cells = []
    for place, (listed, size) in enumerate(zip(cpus, memory, strict=True)):
        if listed is None or size is None:
            raise ValueError(
                f"hw:numa_cpus.{place} and hw:numa_mem.{place}: one of them is missing"
            )
        number = _number(size, f"hw:numa_mem.{place}", memory_mb)
        cells.append(Cell(_listed(listed, f"hw:numa_cpus.{place}", vcpus), number))
    everyone = sorted(cpu for cell in cells for cpu in cell.cpus)
    if everyone != list(range(vcpus)) or sum(cell.memory_mb for cell in cells) != memory_mb:
        raise ValueError(
            f"hw:numa_cpus, hw:numa_mem: the cells have to share out {vcpus} processors and "
            f"{memory_mb} MiB"
        )
    return cells


def cpus_of(text: str, most: int) -> list[int]:
    """`0-3,^2,5` as numbers below `most`. Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        word = part.strip()
        first, _, last = word.removeprefix("^").partition("-")
        if not first.isdecimal() or len(first) > 5 or len(last) > 5:
            raise ValueError(f"not a list of processors: {text:.40}")
        if last and not last.isdecimal():
            raise ValueError(f"not a list of processors: {text:.40}")
        some = range(int(first), int(last or first) + 1)
        if some.stop > most:
            raise ValueError(f"there are {most} processors only: {text:.40}")
        found = found - set(some) if word.startswith("^") else found | set(some)
    return sorted(found)


def _listed(text: str, name: str, vcpus: int) -> list[int]:
    try:
        return cpus_of(text[:1000], vcpus)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
