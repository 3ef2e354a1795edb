"""Discovery: `/` and `/v1`, and the range of microversions."""

from typing import Any

from cumulo.baremetal.api.common import BASE
from cumulo.core.http.operations import Call, Microversions, Operation
from cumulo.core.wire.shapes import Version

MINIMUM, MAXIMUM = Version(1, 1), Version(1, 72)
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
NOUNS = ("nodes", "ports", "drivers", "conductors")


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
        for noun in NOUNS
    }
    media = [{"base": "application/json", "type": "application/vnd.openstack.ironic.v1+json"}]
    one = _version(call)
    return {"id": "v1", "links": one["links"], "media_types": media, "version": one, **nouns}


def operations() -> list[Operation]:
    return [
        Operation("GET", "", root, public=True, kind="fixed"),
        Operation("GET", BASE, v1, public=True, kind="fixed"),
    ]
