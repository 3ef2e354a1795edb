"""Who may import whom, and how long things may get: section 2 of the design, as a test.

`violations` is a pure function of {module: imported names}; the made-up examples at the end show
that it sees what it should. An imported name is dotted: `cumulo.image.queries` for both
`import cumulo.image.queries` and `from cumulo.image import queries`.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cumulo.order import LEVELS

SOURCE = Path(__file__).parent.parent / "src"
FILE_LINES = 600
FUNCTION_LINES = 80

# Who comes later may import the interface of who comes earlier; equals may not import each other.
ORDER = {name: place for place, level in enumerate(LEVELS) for name in level}

# What each room may import of its own service. `api` names no SQL, `drivers` no decisions.
ROOMS: dict[str, frozenset[str]] = {
    "model": frozenset({"model"}),
    "policy": frozenset({"policy", "model"}),
    "interface": frozenset({"interface", "model", "meters"}),
    "queries": frozenset({"queries", "model"}),
    "service": frozenset({"service", "queries", "model", "interface", "policy", "meters"}),
    "jobs": frozenset({"jobs", "service", "queries", "model", "interface"}),
    "part": frozenset({"part", "service", "queries", "model", "interface"}),
    "reconcile": frozenset({"reconcile", "jobs", "service", "queries", "model", "interface"}),
    "agent": frozenset({"agent", "drivers", "model"}),
    "drivers": frozenset({"drivers", "model"}),
    "api": frozenset({"api", "service", "model", "interface", "policy"}),
    "settings": frozenset({"settings"}),
    "first_run": frozenset({"first_run", "agent", "service", "model", "interface"}),
    "resources": frozenset({"resources", "service", "model", "interface"}),
    "meters": frozenset({"meters", "model"}),
    "panels": frozenset({"panels", "service", "model", "interface"}),
    "simulated": frozenset({"simulated", "queries", "model", "interface"}),
}

# Files of a service that are no room (say: the guest image's builder) are helpers: they may import
# the model and one another, and anyone in the service may import them.
HELPERS_MAY = frozenset({"model"})

DRIVERS_OF_CORE = (
    "cumulo.core.run",
    "cumulo.core.blobs",
    "cumulo.core.outbound",
    "cumulo.core.work.ending",
    "cumulo.core.work.pools",
)
# guest, ramdisk: what is built once, for `cumulo setup`; farm: machines beside the cloud.
MACHINE_ROOMS = ("drivers", "guest", "ramdisk", "farm")
FREE = (
    "cumulo.wiring",
    "cumulo.cloud",
    "cumulo.hosting",
    "cumulo.cli",
    "cumulo.migrations",
)
SQL_ROOMS = ("queries", "model")
PROCESS_MODULES = ("subprocess", "pty", "multiprocessing")

Imports = Mapping[str, frozenset[str]]


def inside(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or in one of them."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def place(name: str) -> tuple[str | None, str | None]:
    """(service, room) of a dotted name; None for what is in no service, or in no room."""
    parts = name.split(".")
    if parts[0] != "cumulo" or len(parts) < 2 or parts[1] not in ORDER:
        return None, None
    return parts[1], parts[2] if len(parts) > 2 else None


def violations(imports: Imports) -> list[str]:
    """One line for each import that the design forbids, sorted."""
    found = []
    for module, names in imports.items():
        if inside(module, *FREE):
            continue
        for name in names:
            reason = forbidden(module, name)
            if reason:
                found.append(f"{module} imports {name}: {reason}")
    return sorted(found)


def forbidden(module: str, name: str) -> str | None:
    """Why a module may not import a name, or None if it may."""
    if not inside(name, "cumulo"):
        return forbidden_outside(module, name)
    if inside(name, *FREE):
        return "only the command line and the wiring know these"
    service, room = place(module)
    other, other_room = place(name)
    if service is None:
        return "core knows no service" if other else None
    if other == service:
        return forbidden_room(room, other_room)
    if other is not None:
        return forbidden_service(service, room, other, other_room)
    if room == "assembly":
        return None
    if room == "drivers" and inside(name, "cumulo.core"):
        if inside(name, *DRIVERS_OF_CORE):
            return None
        # Fakes are made of simulated hosts and injected faults.
        if inside(name, "cumulo.core.sim") and "fake" in module.split(".")[3:]:
            return None
        return "of core, drivers import run, blobs, outbound, endings and pools only"
    if room != "api" and inside(name, "cumulo.core.http"):
        return "only api knows HTTP"
    if room not in SQL_ROOMS and inside(name, "cumulo.core.db.statements"):
        return "only queries and model write statements"
    if room not in MACHINE_ROOMS and inside(name, "cumulo.core.run"):
        return "only drivers touch the machine"
    return None


def forbidden_outside(module: str, name: str) -> str | None:
    _, room = place(module)
    if inside(name, "sqlalchemy", "alembic"):
        if room == "migrations" or inside(module, "cumulo.core.migrations"):
            return None
        in_core = module.split(".")[1:2] == ["core"]
        if in_core:
            room = module.split(".")[-1]
        if room in SQL_ROOMS or inside(module, "cumulo.core.db"):
            return None
        return "only queries, model and core.db import sqlalchemy"
    if inside(name, *PROCESS_MODULES):
        return None if inside(module, "cumulo.core.run") else "only core.run starts processes"
    if inside(name, "falcon"):
        if room == "api" or inside(module, "cumulo.core.http"):
            return None
        return "only api and core.http import falcon"
    return None


def forbidden_room(room: str | None, other_room: str | None) -> str | None:
    if other_room not in ROOMS or room == "assembly":
        return None
    if other_room in ROOMS.get(room or "", HELPERS_MAY):
        return None
    return f"{room or 'the package itself'} may not import {other_room}"


def forbidden_service(
    service: str, room: str | None, other: str, other_room: str | None
) -> str | None:
    if ORDER[other] >= ORDER[service]:
        return "upward or sideways: that goes by events"
    if other_room != "interface":
        return "of other services only the interface"
    if room in ("model", "queries", "agent", "drivers"):
        return f"{room} may not call other services"
    return None


def imported_names(module: str, tree: ast.AST, known: frozenset[str]) -> frozenset[str]:
    """All that a module imports, in functions and under TYPE_CHECKING too.

    `known`: the names of all modules, to tell `from package import module` from a name in it.
    """
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module if f"{module}.__init__" in known else module.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                names.add(whole if whole in known or place(whole)[1] == alias.name else base)
    return frozenset(names)


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def everything() -> Imports:
    paths = modules()
    packages = {f"{name}.__init__" for name, path in paths.items() if path.stem == "__init__"}
    known = frozenset(paths) | packages
    return {
        name: imported_names(name, ast.parse(path.read_text()), known)
        for name, path in paths.items()
    }


def too_long(name: str, source: str) -> Iterator[str]:
    """What in a module's text is longer than the design allows."""
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        yield f"{name}: {lines} lines, the limit is {FILE_LINES}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{name}.{node.name}: {length} lines, the limit is {FUNCTION_LINES}"


def test_the_house_is_in_order() -> None:
    assert violations(everything()) == []


def test_nothing_is_too_long() -> None:
    # Revisions are written by Alembic and never again: as long as there are tables.
    read = {n: p for n, p in modules().items() if "migrations" not in n.split(".")}
    long = [line for name, path in read.items() for line in too_long(name, path.read_text())]
    assert long == []


def test_threads_are_of_named_pools() -> None:
    """What is slow in the one default pool would hold up everything else there."""
    default = ("asyncio.to_thread(", "run_in_executor(None")
    found = [
        name
        for name, path in modules().items()
        if any(call in path.read_text() for call in default)
    ]
    assert found == []


def test_there_is_something_to_check() -> None:
    imports = everything()
    assert "cumulo.core.run.namespaces" in imports["cumulo.core.run.commands"]
    assert "subprocess" in imports["cumulo.core.run.commands"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        # core and the services
        ("cumulo.core.db.rows", "cumulo.identity.model"),
        ("cumulo.core.auth.policy", "cumulo.identity.interface"),
        ("cumulo.core.auth.policy", "cumulo.wiring"),
        ("cumulo.settings", "cumulo.compute.model"),
        ("cumulo.identity.service", "cumulo.cli.main"),
        # other services: the interface only, downward only, not from every room
        ("cumulo.compute.service.server", "cumulo.image.service"),
        ("cumulo.compute.service.server", "cumulo.image"),
        ("cumulo.compute.service.server", "cumulo.image.model.image"),
        ("cumulo.image.service", "cumulo.compute.interface"),
        ("cumulo.image.service", "cumulo.placement.interface"),
        ("cumulo.dns.service", "cumulo.object_store.interface"),
        ("cumulo.telemetry.service", "cumulo.benchmark.interface"),
        ("cumulo.compute.queries.server", "cumulo.image.interface"),
        ("cumulo.compute.agent", "cumulo.network.interface"),
        # rooms
        ("cumulo.image.api.images", "cumulo.image.queries"),
        ("cumulo.image.api.images", "cumulo.image.drivers.file"),
        ("cumulo.image.service", "cumulo.image.api.images"),
        ("cumulo.image.service", "cumulo.image.reconcile"),
        ("cumulo.image.queries", "cumulo.image.service"),
        ("cumulo.image.model.image", "cumulo.image.queries.image"),
        ("cumulo.image.reconcile", "cumulo.image.api"),
        ("cumulo.image.jobs", "cumulo.image.drivers.file"),
        ("cumulo.image.agent", "cumulo.image.queries"),
        ("cumulo.image.agent", "cumulo.image.service"),
        ("cumulo.image.drivers.file", "cumulo.image.agent"),
        ("cumulo.image.drivers.file", "cumulo.image.service"),
        ("cumulo.image.interface", "cumulo.image.service"),
        ("cumulo.image.guest.builder", "cumulo.image.service"),
        ("cumulo.image", "cumulo.image.service"),
        # drivers and core
        ("cumulo.image.drivers.file", "cumulo.core.sim.points"),
        ("cumulo.image.drivers.file", "cumulo.core.db"),
        ("cumulo.image.drivers.file", "cumulo.core.faults"),
        # the doors
        ("cumulo.image.service", "sqlalchemy"),
        ("cumulo.image.api.images", "sqlalchemy.sql"),
        ("cumulo.core.events", "sqlalchemy"),
        ("cumulo.image.drivers.file", "subprocess"),
        ("cumulo.core.hosts.registry", "subprocess"),
        ("cumulo.image.service", "cumulo.core.run.commands"),
        ("cumulo.image.service", "falcon"),
        ("cumulo.core.auth.tokens", "falcon.asgi"),
        ("cumulo.image.service", "cumulo.core.http.requests"),
    ],
)
def test_made_up_violations_are_seen(module: str, name: str) -> None:
    flagged = violations({module: frozenset({name, "json"})})
    assert len(flagged) == 1
    assert flagged[0].startswith(f"{module} imports {name}: ")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cumulo.wiring", "cumulo.image.service"),
        ("cumulo.cli.up", "subprocess"),
        ("cumulo.compute.service.server", "cumulo.image.interface"),
        ("cumulo.telemetry.reconcile", "cumulo.compute.interface"),
        ("cumulo.compute.service.server", "cumulo.core.db.transaction"),
        ("cumulo.image.api.images", "cumulo.image.service"),
        ("cumulo.image.api.images", "cumulo.core.http.operations"),
        ("cumulo.image.api.images", "falcon"),
        ("cumulo.image.service.image", "cumulo.image.queries.image"),
        ("cumulo.image.queries", "sqlalchemy"),
        ("cumulo.image.model", "sqlalchemy"),
        ("cumulo.core.db.rows", "sqlalchemy"),
        ("cumulo.image.agent", "cumulo.image.drivers.file"),
        ("cumulo.image.drivers.file", "cumulo.core.run"),
        ("cumulo.image.drivers.file", "cumulo.core.blobs.hashing"),
        ("cumulo.image.drivers.file", "cumulo.image.drivers.driver"),
        ("cumulo.core.run.daemons", "subprocess"),
        ("cumulo.core.events.queries", "sqlalchemy"),
        ("cumulo.image.drivers.fake", "cumulo.core.sim.points"),
        ("cumulo.image.guest.builder", "cumulo.core.run.commands"),
        ("cumulo.image.guest.builder", "cumulo.image.guest.kernel"),
        ("cumulo.image.service", "cumulo.image.formats"),
    ],
)
def test_what_is_allowed_is_not_flagged(module: str, name: str) -> None:
    assert violations({module: frozenset({name})}) == []


def test_imports_are_found_wherever_they_are() -> None:
    text = """
import os.path, cumulo.image.queries
from cumulo.network import interface, service as s
from . import sibling
from .drivers import fake
from ..core.db import rows
def later():
    from cumulo.image.service import ImageService
"""
    known = frozenset({"cumulo.compute.sibling", "cumulo.compute.drivers.fake", "cumulo.core.db"})
    assert imported_names("cumulo.compute.service", ast.parse(text), known) == {
        "os.path",
        "cumulo.image.queries",
        "cumulo.network.interface",
        "cumulo.network.service",
        "cumulo.compute.sibling",
        "cumulo.compute.drivers.fake",
        "cumulo.core.db",
        "cumulo.image.service",
    }


def test_long_ones_are_seen() -> None:
    body = "    pass\n" * FUNCTION_LINES
    assert list(too_long("m", f"def f():\n{body}")) == ["m.f: 81 lines, the limit is 80"]
    assert list(too_long("m", "x = 1\n" * 601)) == ["m: 601 lines, the limit is 600"]
    assert list(too_long("m", "x = 1\n" * 600)) == []
