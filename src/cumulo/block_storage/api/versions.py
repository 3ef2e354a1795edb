"""Discovery: which versions of the block storage API there are."""

from typing import Any

from cumulo.core.http.operations import Call, Microversions, Operation, Reply
from cumulo.core.wire.shapes import Version

RANGE = Microversions(service_type="volume", minimum=Version(3, 0), maximum=Version(3, 71))

DOCUMENT = dict[str, list[dict[str, Any]]]
"""`versions`, and what each is: few, and for every reader of it the same."""


def _document(call: Call) -> dict[str, Any]:
    return {
        "versions": [
            {
                "id": "v3.0",
                "status": "CURRENT",
                "version": str(RANGE.maximum),
                "min_version": str(RANGE.minimum),
                "updated": "2026-01-01T00:00:00Z",
                "links": [
                    {"rel": "self", "href": f"{call.base_url}/v3/"},
                    {
                        "rel": "describedby",
                        "type": "text/html",
                        "href": "https://docs.openstack.org/",
                    },
                ],
                "media-types": [
                    {
                        "base": "application/json",
                        "type": "application/vnd.openstack.volume+json;version=3",
                    }
                ],
            }
        ]
    }


def choices(call: Call) -> Reply:
    return Reply(300, _document(call))


def v3(call: Call) -> Any:
    return _document(call)


def operations() -> list[Operation]:
    return [
        Operation("GET", "", choices, public=True, kind="fixed", status=300, response=DOCUMENT),
        Operation("GET", "/v3", v3, public=True, kind="fixed", response=DOCUMENT),
    ]
