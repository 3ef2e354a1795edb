"""Discovery: `/` and `/v1`, and the range of microversions."""

from typing import Any

from cumulo.baremetal.api.common import BASE
from cumulo.core.http.operations import Call, Microversions, Operation
from cumulo.core.wire.shapes import Version

MINIMUM, MAXIMUM = Version(1, 1), Version(1, 112)
RANGE = Microversions(
    "baremetal",
    MINIMUM,
    MAXIMUM,
    legacy_header="X-OpenStack-Ironic-API-Version",
    range_headers=(
        "X-OpenStack-Ironic-API-Minimum-Version",
        "X-OpenStack-Ironic-API-Maximum-Version",
    ),
)
NOUNS = {
    "nodes": "1.1", "ports": "1.1", "chassis": "1.1", "drivers": "1.1", "lookup": "1.22",
    "heartbeat": "1.22", "portgroups": "1.23", "volume": "1.32", "conductors": "1.49",
    "allocations": "1.52", "events": "1.54", "deploy_templates": "1.55", "shards": "1.82",
    "runbooks": "1.92", "inspection_rules": "1.96",
}  # fmt: skip
"""What `/v1` names, each since its version."""


def _version(call: Call) -> dict[str, Any]:
    return {
        "id": "v1",
        "links": [{"href": f"{call.base_url}{BASE}/", "rel": "self"}],
        "status": "CURRENT",
        "min_version": str(MINIMUM),
        "version": str(MAXIMUM),
    }


def root(call: Call) -> Any:
    one = _version(call)
    return {
        "name": "OpenStack Ironic API",
        "description": "Bare metal: machines enrolled, inspected, deployed and given back.",
        "default_version": one,
        "versions": [one],
    }


def v1(call: Call) -> Any:
    nouns = {
        noun: [
            {"href": f"{call.base_url}{BASE}/{noun}/", "rel": "self"},
            {"href": f"{call.base_url}/{noun}/", "rel": "bookmark"},
        ]
        for noun, since in NOUNS.items()
        if call.version is None or call.version >= Version.parse(since)
    }
    media = [{"base": "application/json", "type": "application/vnd.openstack.ironic.v1+json"}]
    one = _version(call)
    return {"id": "v1", "links": one["links"], "media_types": media, "version": one, **nouns}


def document(call: Call) -> Any:
    """Of the service at its root, of its one version below."""
    return v1(call) if call.raw_path.rstrip("/").endswith(BASE) else root(call)


def operations() -> list[Operation]:
    return [Operation("GET", "", document, public=True, kind="fixed")]
