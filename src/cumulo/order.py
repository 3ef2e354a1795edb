"""The services in their order: who stands on whom (section 2 of the design).

A service may call the interfaces of those on the lines above its own. It is part of the cloud as
soon as its folder has an `assembly.py`.
"""

from pathlib import Path

LEVELS: tuple[tuple[str, ...], ...] = (
    ("identity",),
    ("placement", "image"),
    ("network",),
    ("block_storage",),
    ("compute",),
    ("object_store", "shared_file_system", "dns", "baremetal"),
    ("orchestration",),
    ("telemetry",),
    ("benchmark", "dashboard"),
)

ROOT = Path(__file__).parent


def services() -> list[str]:
    """The names of the services that there are, each after those that it stands on."""
    names = (name for level in LEVELS for name in level)
    return [name for name in names if (ROOT / name / "assembly.py").exists()]
