"""Discovery: which versions of the networking API there are, and the nouns of v2.0."""

from typing import Any

from cumulo.core.http.operations import Call, Operation


def _versions(call: Call) -> Any:
    link = {"rel": "self", "href": f"{call.base_url}/v2.0/"}
    return {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}


def operations(collections: list[tuple[str, str]]) -> list[Operation]:
    """`collections`: (plural name, path) of each noun."""

    def v2(call: Call) -> Any:
        return {
            "resources": [
                {
                    "name": plural.removesuffix("s"),
                    "collection": plural,
                    "links": [{"rel": "self", "href": f"{call.base_url}/v2.0/{path}"}],
                }
                for plural, path in collections
            ]
        }

    return [
        Operation("GET", "", _versions, public=True, kind="fixed"),
        Operation("GET", "/v2.0", v2, public=True, kind="fixed"),
    ]
