"""Where a machine's cards are wired to, as a job goes on.

to_ramdisk   the provisioning network
to_tenant    the networks of its VIFs; None: they are there
off          nowhere

Of nodes whose network interface is `neutron`; the wires of all others stay as they are. Each may be
done twice.
"""

from collections.abc import Mapping

from cumulo.baremetal.model.hardware import Machine, Outlet, Switch
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.service.vifs import Card, Vifs, networked, switched
from cumulo.baremetal.service.work import Memo, Work
from cumulo.core.clock import now, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.work.jobs import Failed, Run

SECONDS = 60.0
"""How long a network may take to make its port."""


class Wires:
    def __init__(self, vifs: Vifs, work: Work, switches: Mapping[str, Switch]) -> None:
        """`switches`: by the name of a node's driver."""
        self._vifs = vifs
        self._work = work
        self._switches = switches

    async def to_ramdisk(self, run: Run[Memo], machine: Machine) -> None:
        """A card that no switch drives may well be there already: the ramdisk calls, or not."""
        await self._apart(run, machine, Outlet("provisioning"))

    async def off(self, run: Run[Memo], machine: Machine) -> None:
        await self._apart(run, machine, Outlet("nothing"))

    async def _apart(self, run: Run[Memo], machine: Machine, outlet: Outlet) -> None:
        if not networked(machine):
            return
        await run.hold()

        def unbind(tx: Tx) -> tuple[NodeRow | None, list[str]]:
            row = self._work.of(tx, run.subject, run.id)
            return row, [] if row is None else self._vifs.from_tenant(tx, row)

        row, macs = await run.write(unbind)
        for mac in macs if row is not None and switched(row) else ():
            assert row is not None
            switch = self._switch(row, machine, mac)
            if switch is not None:
                await switch.wire(machine, mac, outlet)

    async def to_tenant(self, run: Run[Memo], machine: Machine, *, again: bool = False) -> bool:
        """False: a network has not made its port yet. `again`: only of cards whose switch is known;
        and a machine that its tenant has not is taken off. Raises Failed, Rejected."""
        if not networked(machine):
            return True
        await run.hold()
        row, cards = await run.read(lambda tx: self._cards(tx, run))
        if row is None:
            raise Failed("the node is gone, or at something else")
        if again and row.provision_state != "active":
            # It may have been a ramdisk's, which failed or was given up: its disk starts now.
            if switched(row):
                await self.off(run, machine)
            return True
        found = {card.mac: self._switch(row, machine, card.mac) for card in cards}
        for card in cards if switched(row) else ():
            if card.vif is not None and found[card.mac] is None and not again:
                raise Failed(
                    f"the card {card.mac} has the VIF {card.vif} and is at no switch that is "
                    "driven from here"
                )
        hosts = [_host(found[card.mac]) if switched(row) else None for card in cards]
        outlets = await run.write(lambda tx: self._bound(tx, run, hosts))
        done = True
        for mac, outlet in outlets if switched(row) else ():
            switch = found.get(mac)
            if switch is not None and not await switch.wire(machine, mac, outlet):
                done = False
        if not done and seconds_of(now()) - seconds_of(row.updated_at or row.created_at) > SECONDS:
            raise Failed("the network has not made the ports of the node's VIFs")
        return done

    def _cards(self, tx: Tx, run: Run[Memo]) -> tuple[NodeRow | None, list[Card]]:
        row = self._work.of(tx, run.subject, run.id)
        return row, [] if row is None else self._vifs.cards(tx, row)

    def _bound(self, tx: Tx, run: Run[Memo], hosts: list[str | None]) -> list[tuple[str, Outlet]]:
        row = self._work.of(tx, run.subject, run.id)
        return [] if row is None else self._vifs.to_tenant(tx, row, hosts)

    def _switch(self, row: NodeRow, machine: Machine, mac: str) -> Switch | None:
        switch = self._switches.get(row.driver)
        return switch if switch is not None and switch.drives(machine, mac) else None


def _host(switch: Switch | None) -> str | None:
    return None if switch is None else switch.host
