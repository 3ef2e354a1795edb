"""What bare metal is to the cloud."""

import socket

from cumulo.baremetal.api.face import baremetal_face
from cumulo.baremetal.drivers.fake import FakeHardware
from cumulo.baremetal.farm.farm import Farm
from cumulo.baremetal.interface import EVENTS
from cumulo.baremetal.jobs import Machines
from cumulo.baremetal.model.hardware import Driver
from cumulo.baremetal.policy import RULES
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.assembly import Assembly, CatalogEntry, Frame, HostFrame, HostKind, Service
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.work import pools


def build(frame: Frame) -> Service:
    folder = frame.settings.data_dir / "baremetal"
    drivers: list[Driver] = [FakeHardware(folder / "fake")]
    service = BareMetalService(
        {driver.name: driver for driver in drivers},
        KeyRing(frame.settings.secrets_dir / "baremetal-keys"),
        frame.jobs,
        socket.gethostname() or "localhost",
    )
    for kind in Machines(service).kinds():
        frame.jobs.add(kind)
    return Service(
        service,
        faces=[baremetal_face(service, frame.database, frame.rules("baremetal", RULES))],
        counts={"nodes": service.nodes.count},
    )


async def _put_away(host: HostFrame, remove: bool) -> int:
    """The farm of virtual machines with BMCs, which runs beside the cloud."""
    farm = Farm(host.settings.data_dir)
    return await pools.TOOLS(farm.down if remove else farm.stop)


ASSEMBLY = Assembly(
    "baremetal",
    build,
    hosts=[HostKind("baremetal", lambda host: None, 60.0, _put_away)],
    events=EVENTS,
    catalog=(CatalogEntry("baremetal", (), "/baremetal", "ironic"),),
)
