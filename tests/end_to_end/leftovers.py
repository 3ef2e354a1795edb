"""What users' resources left on the host."""

import json

from cumulo.core.run import namespaces
from tests.end_to_end.lab import Lab


def leftovers(lab: Lab, prefix: str) -> dict[str, list[str]]:
    """What a user's resources left on the host: taps, router namespaces, guests, disks."""
    host = f"{prefix}-host"
    links = lab.run("ip", "-n", host, "-j", "link", "show")
    return {
        "taps": [link["ifname"] for link in json.loads(links) if link["ifname"].startswith("tap")],
        "namespaces": [n for n in namespaces.list_namespaces(prefix) if n != host],
        "guests": sorted(p.name for p in (lab.data_dir / "guests").glob("*")),
        "volumes": sorted(p.name for p in (lab.data_dir / "volumes").glob("*")),
    }
