"""Discovery: which versions of the shared file systems API there are."""

from typing import Any

from cumulo.core.http.operations import Call, Microversions, Operation, Reply
from cumulo.core.wire.shapes import Body, Version

RANGE = Microversions(
    service_type="shared-file-system",
    minimum=Version(2, 0),
    maximum=Version(2, 99),
    legacy_header="X-OpenStack-Manila-API-Version",
    legacy_first=True,
)


class Versions(Body):
    versions: list[dict[str, Any]]


def _document(call: Call) -> Versions:
    links = [
        {"rel": "self", "href": f"{call.base_url}/v2/"},
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
    ]
    kind = "application/vnd.openstack.share+json;version=1"
    return Versions(
        versions=[
            {
                "id": "v2.0",
                "status": "CURRENT",
                "version": str(RANGE.maximum),
                "min_version": str(RANGE.minimum),
                "updated": "2015-08-27T11:33:21Z",
                "links": links,
                "media-types": [{"base": "application/json", "type": kind}],
            }
        ]
    )


def choices(call: Call) -> Reply:
    return Reply(300, _document(call))


def v2(call: Call) -> Any:
    return _document(call)


def operations() -> list[Operation]:
    return [
        Operation("GET", "", choices, public=True, kind="fixed", status=300, response=Versions),
    ]


def of_v2() -> list[Operation]:
    """In the versions of the API itself: what is asked for is answered, or refused."""
    return [Operation("GET", "/v2", v2, public=True, kind="fixed", response=Versions)]
