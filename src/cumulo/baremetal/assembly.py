"""What bare metal is to the cloud."""

import socket

from cumulo.baremetal.api.face import baremetal_face
from cumulo.baremetal.drivers.fake import FakeHardware
from cumulo.baremetal.interface import EVENTS
from cumulo.baremetal.jobs import Machines
from cumulo.baremetal.model.hardware import Driver
from cumulo.baremetal.policy import RULES
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.core.assembly import Assembly, CatalogEntry, Frame, Service
from cumulo.core.auth.keyring import KeyRing


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


ASSEMBLY = Assembly(
    "baremetal",
    build,
    events=EVENTS,
    catalog=(CatalogEntry("baremetal", (), "/baremetal", "ironic"),),
)
