"""What placement is to the cloud."""

from cumulo.core.assembly import Assembly, CatalogEntry, Frame, Service
from cumulo.core.auth.policy import project_only
from cumulo.placement.api.face import placement_face
from cumulo.placement.interface import Placement
from cumulo.placement.policy import RULES
from cumulo.placement.service.placement import PlacementService


def build(frame: Frame) -> Service:
    placement = PlacementService()
    frame.give(Placement, placement)
    return Service(
        placement,
        faces=[placement_face(placement, frame.rules("placement", RULES, project_only(RULES)))],
    )


ASSEMBLY = Assembly(
    "placement", build, catalog=(CatalogEntry("placement", (), "/placement", "placement"),)
)
