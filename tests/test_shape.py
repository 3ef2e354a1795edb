"""Every service against section 2 of the design: its rooms, its README, its self-description."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cumulo import order, settings, wiring

ROOMS = {
    "README.md",
    "__init__.py",
    "agent",
    "api",
    "assembly",
    "debian.txt",
    "drivers",
    "first_run",
    "interface",
    "jobs",
    "meters",
    "migrations",
    "model",
    "panels",
    "simulated",
    "part",
    "policy",
    "queries",
    "reconcile",
    "resources",
    "service",
    "settings",
}
NEEDED = ("README.md", "assembly.py")
HELPERS = {
    # What a service has besides: no room of the design, and why.
    "orchestration": {"language"},
    "dns": {"names", "nameserver", "rdata", "serials"},
    "baremetal": {"farm", "ramdisk"},
    "dashboard": {"assets", "locale", "templates"},
    "image": {"catalogue", "formats", "guest", "patterns"},
}
SERVICES = order.services()


def complaints(name: str, folder: Path) -> Iterator[str]:
    """What a service's folder has that the design does not know, and what it lacks."""
    for needed in NEEDED:
        if not (folder / needed).exists():
            yield f"{name} has no {needed}"
    for path in sorted(folder.iterdir()):
        room = path.name if path.suffix in (".md", ".txt") else path.stem
        if path.name in ("__init__.py", "__pycache__"):
            continue
        if room not in ROOMS | HELPERS.get(name, set()):
            yield f"{name}: {path.name} is no room of the design"
    readme = folder / "README.md"
    if readme.exists() and not re.search(r"^#+ .*[Ll]imits", readme.read_text(), re.M):
        yield f"{name}: the README has no Limits"


@pytest.mark.parametrize("name", SERVICES)
def test_rooms(name: str) -> None:
    assert list(complaints(name, order.ROOT / name)) == []


def test_what_is_wrong_is_seen(tmp_path: Path) -> None:
    (tmp_path / "utils.py").touch()
    (tmp_path / "README.md").write_text("# A service\n")
    assert list(complaints("x", tmp_path)) == [
        "x has no assembly.py",
        "x: utils.py is no room of the design",
        "x: the README has no Limits",
    ]


def test_assemblies_are_named_as_their_folders() -> None:
    assert [each.name for each in wiring.assemblies()] == SERVICES


def test_the_wiring_names_no_service() -> None:
    text = (order.ROOT / "wiring.py").read_text()
    assert len(text.splitlines()) < 100
    names = [name for level in order.LEVELS for name in level]
    # `/identity/v3` is where all clients of OpenStack begin.
    assert [n for n in names if re.search(rf"\b{n}\b", text.replace("/identity/v3", ""))] == []


def test_every_setting_has_a_default() -> None:
    for kind in settings.service_tables():
        assert kind.table in SERVICES, kind
        for field in msgspec.structs.fields(kind):
            assert not field.required, f"{kind.__name__}.{field.name}"


def test_catalog_types_are_given_once() -> None:
    types = [
        kind
        for assembly in wiring.assemblies()
        for entry in assembly.catalog
        for kind in (entry.type, *entry.aliases)
    ]
    assert len(types) == len(set(types))


TOP = {
    ".ci", ".gitignore", "LICENSE", "README.md", "bench", "cumulo", "docs", "pyproject.toml",
    "requirements", "src", "tests",
}  # fmt: skip


def test_nothing_that_a_cloud_has_made_is_in_the_source() -> None:
    """Data directories have keys and passwords in them."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        pytest.skip("this is no clone")
    told = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    kept = [Path(name) for name in told.stdout.split("\0") if name]
    assert len(kept) > 1000
    assert {path.parts[0] for path in kept} <= TOP
    made = {".db", ".sqlite", ".log", ".journal", ".pyc"}
    assert [path for path in kept if path.suffix in made or "secrets" in path.parts] == []
