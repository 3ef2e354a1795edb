"""What bare metal is to the cloud."""

import socket
from collections.abc import Sequence
from pathlib import Path

from cumulo.baremetal.api.face import baremetal_face
from cumulo.baremetal.drivers.agents import AgentCalls
from cumulo.baremetal.drivers.fake import FakeHardware
from cumulo.baremetal.drivers.farm_switch import FarmSwitch
from cumulo.baremetal.drivers.ipmi import Ipmi
from cumulo.baremetal.drivers.media import Media
from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.drivers.redfish import Redfish
from cumulo.baremetal.farm.farm import Farm
from cumulo.baremetal.interface import EVENTS
from cumulo.baremetal.jobs.machines import Machines
from cumulo.baremetal.jobs.ramdisk import Ramdisk
from cumulo.baremetal.jobs.wires import Wires
from cumulo.baremetal.model.hardware import Driver
from cumulo.baremetal.policy import RULES
from cumulo.baremetal.ramdisk.builder import KERNEL, RAMDISK
from cumulo.baremetal.reconcile import PowerWatch
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.baremetal.service.for_compute import ForCompute
from cumulo.baremetal.settings import BaremetalSettings
from cumulo.compute.interface import MetalHosts, MetalNodes
from cumulo.core.assembly import (
    AgentParts,
    Assembly,
    CatalogEntry,
    Frame,
    HostFrame,
    HostKind,
    Service,
)
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.blobs.content import Contents
from cumulo.core.work import pools
from cumulo.image.interface import Images
from cumulo.network.interface import CardPorts


def build(frame: Frame) -> Service:
    folder = frame.settings.data_dir / "baremetal"
    own = frame.settings.of(BaremetalSettings)
    here = socket.gethostname() or "localhost"
    api = f"{frame.settings.base_url}/baremetal"
    farm = Farm(frame.settings.data_dir)
    places = Places(
        farm,
        bmcs=own.bmc_networks,
        agents=own.agent_networks,
        agent_url=own.agent_url.rstrip("/") or api,
        media_url=own.media_url.rstrip("/") or api,
    )
    built = frame.settings.guest_image.parent.parent / "ramdisk"
    media = Media(
        folder / "media",
        places,
        Path(own.deploy_kernel or built / KERNEL),
        Path(own.deploy_ramdisk or built / RAMDISK),
    )
    fake = FakeHardware(folder / "fake")
    drivers: list[Driver] = [fake, Redfish(places), Ipmi(places)]
    service = BareMetalService(
        {driver.name: driver for driver in drivers},
        KeyRing(frame.settings.secrets_dir / "baremetal-keys"),
        frame.jobs,
        here,
        agents=AgentCalls(places),
        ramdisks=media,
        images=frame.get(Images),
        contents=frame.get(Contents),
        network=frame.get(CardPorts),
    )
    switch = FarmSwitch(farm, places, here)
    wires = Wires(
        service.vifs, service.work, {fake.name: fake, Redfish.name: switch, Ipmi.name: switch}
    )
    ramdisk = Ramdisk(service.agents, wires, own.callback_timeout, own.work_timeout)
    for kind in Machines(service, ramdisk, wires, own.erase).kinds():
        frame.jobs.add(kind)
    metal = ForCompute(service.nodes, service.vifs, service.work, frame.get(MetalHosts))
    frame.give(MetalNodes, metal)

    async def tell_compute(hosts: Sequence[AgentParts]) -> None:
        await frame.database.write(metal.tell_all, name="nodes are told to compute")

    return Service(
        service,
        first_run=tell_compute,
        faces=[baremetal_face(service, frame.database, frame.rules("baremetal", RULES))],
        workers=[PowerWatch(frame.database, service, own.power_seconds).run],
        counts={"nodes": service.nodes.count},
        has_files=True,
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
