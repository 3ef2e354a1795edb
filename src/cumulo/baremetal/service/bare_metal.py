"""The service: what its face and its jobs are given."""

from collections.abc import Mapping

from cumulo.baremetal.model.hardware import Driver
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.ports import Ports
from cumulo.baremetal.service.secrets import Seal
from cumulo.baremetal.service.work import Work
from cumulo.core.clock import Moment, now
from cumulo.core.work.jobs import Jobs


class BareMetalService:
    def __init__(self, drivers: Mapping[str, Driver], seal: Seal, jobs: Jobs, host: str) -> None:
        self.drivers = drivers
        self.host = host
        self.began: Moment = now()
        self.nodes = Nodes(drivers, seal, host)
        self.ports = Ports(self.nodes)
        self.work = Work(self.nodes, self.ports, jobs)
