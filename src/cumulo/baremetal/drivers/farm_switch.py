"""The farm's switch, as a machine's node knows it: a card is wired there if its BMC is the farm's
and the card is that machine's own, whatever else the node's ports say."""

from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.farm import switch
from cumulo.baremetal.farm.farm import Farm, FarmFault
from cumulo.baremetal.model.hardware import Machine, Outlet, Rejected
from cumulo.core.work import pools


class FarmSwitch:
    """Implements `model.hardware.Switch`."""

    def __init__(self, farm: Farm, places: Places, host: str) -> None:
        self.host: str | None = host
        self._farm = farm
        self._places = places

    def drives(self, machine: Machine, mac: str) -> bool:
        id = self._places.farm_machine(machine.info)
        return id is not None and self._farm.machine_with(id, mac) is not None

    async def wire(self, machine: Machine, mac: str, outlet: Outlet) -> bool:
        id = self._places.farm_machine(machine.info) or ""
        wish = switch.Outlet(outlet.place, outlet.tap, outlet.mtu)
        try:
            return await pools.TOOLS(self._farm.wire, id, mac, wish)
        except (FarmFault, OSError) as error:
            raise Rejected(f"the card {mac} cannot be wired: {error}") from error
