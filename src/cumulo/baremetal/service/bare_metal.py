"""The service: what its face and its jobs are given."""

from collections.abc import Mapping

from cumulo.baremetal.model.hardware import Agents, Driver, Ramdisks
from cumulo.baremetal.service.agents import AgentsService
from cumulo.baremetal.service.allocations import Allocations
from cumulo.baremetal.service.history import History
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.of_nodes import Connectors, Portgroups, Targets
from cumulo.baremetal.service.ports import Ports
from cumulo.baremetal.service.secrets import Seal
from cumulo.baremetal.service.simple import Chassis, Rules, Runbooks, Templates
from cumulo.baremetal.service.vifs import Vifs
from cumulo.baremetal.service.work import Work
from cumulo.core.blobs.content import Contents
from cumulo.core.clock import Moment, now
from cumulo.core.work.jobs import Jobs
from cumulo.image.interface import Images
from cumulo.network.interface import CardPorts


class BareMetalService:
    def __init__(
        self,
        drivers: Mapping[str, Driver],
        seal: Seal,
        jobs: Jobs,
        host: str,
        *,
        agents: Agents,
        ramdisks: Ramdisks,
        images: Images,
        contents: Contents,
        network: CardPorts,
    ) -> None:
        self.drivers = drivers
        self.host = host
        self.began: Moment = now()
        self.contents = contents
        self.nodes = Nodes(drivers, seal, host)
        self.ports = Ports(self.nodes)
        self.vifs = Vifs(self.nodes, network, jobs)
        self.nodes.vifs_of = self.vifs.of
        self.portgroups = Portgroups(self.nodes)
        self.connectors = Connectors(self.nodes)
        self.targets = Targets(self.nodes, seal)
        self.chassis = Chassis()
        self.templates = Templates()
        self.runbooks = Runbooks()
        self.rules = Rules()
        self.history = History(host)
        self.allocations = Allocations(self.nodes, jobs)
        self.nodes.forget_allocation = self.allocations.forget
        self.agents = AgentsService(self.nodes, jobs, seal, agents, ramdisks)
        self.nodes.forget_boot = self.agents.forget
        self.work = Work(
            self.nodes,
            self.ports,
            self.vifs,
            jobs,
            self.agents,
            images,
            self.allocations,
            self.history,
            self.rules,
            self.templates,
        )
