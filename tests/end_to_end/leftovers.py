"""What users' resources left on the host."""

import json

from cumulo.core.run import namespaces
from tests.end_to_end.lab import Lab


def at_first(lab: Lab, prefix: str) -> dict[str, list[str]]:
    """What a new cloud has of its own, as soon as its host has made it: `up` answers before that,
    since only the API must be there then. The demo project's network and router: a namespace each.
    """
    own = [f"{prefix}-host", f"{prefix}-n-", f"{prefix}-r-"]
    lab.until(
        lambda: sorted(namespaces.list_namespaces(prefix)),
        lambda found: len(found) == len(own) and all(map(str.startswith, found, own)),
        60,
    )
    return leftovers(lab, prefix)


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
