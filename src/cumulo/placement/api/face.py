"""Placement's whole HTTP face."""

from typing import Any

from cumulo.core.auth.policy import Rules
from cumulo.core.http import faults
from cumulo.core.http.operations import Call, Face, Microversions, Operation
from cumulo.core.wire.shapes import Version
from cumulo.placement.api.allocations import AllocationsApi
from cumulo.placement.api.candidates import CandidatesApi
from cumulo.placement.api.names import NamesApi
from cumulo.placement.api.providers import ProvidersApi
from cumulo.placement.policy import RULES
from cumulo.placement.service.placement import PlacementService

MINIMUM, MAXIMUM = Version(1, 0), Version(1, 39)


def placement_face(placement: PlacementService, rules: Rules | None = None) -> Face:
    return Face(
        name="placement",
        mount="/placement",
        faults=faults.placement,
        rules=rules or Rules(RULES),
        microversions=Microversions("placement", MINIMUM, MAXIMUM),
        answers="cumulo.placement.api.answers",
        operations=[
            Operation("GET", "", versions, public=True, kind="fixed"),
            *ProvidersApi(placement).operations(),
            *NamesApi(placement).operations(),
            *AllocationsApi(placement).operations(),
            *CandidatesApi(placement).operations(),
        ],
    )


def versions(call: Call) -> Any:
    one = {
        "id": "v1.0",
        "min_version": str(MINIMUM),
        "max_version": str(MAXIMUM),
        "status": "CURRENT",
        "links": [{"rel": "self", "href": ""}],
    }
    return {"versions": [one]}
