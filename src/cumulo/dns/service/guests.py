"""Guests ask for their project's zones at the cloud's name server: their networks are told of zones
that come and go."""

from collections.abc import Sequence

from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.network.interface import Network

_CONCERN = frozenset(f"dns.zone.{verb}" for verb in ("create", "gone", "abandon", "transfer"))
_WORDS = ("giver", "taker")


class DomainsOfGuests:
    """A consumer of events, so that who makes a zone does not wait for its networks."""

    name = "dns domains of guests"

    def __init__(self, network: Network) -> None:
        self._network = network

    def handle(self, tx: Tx, events: Sequence[EventRow]) -> None:
        projects: set[str | None] = set()
        for event in events:
            if event.type in _CONCERN:
                detail = event.detail
                projects.update((event.project_id, *(detail.get(word) for word in _WORDS)))
        wanted = sorted(each for each in projects if each)
        if wanted:
            self._network.domains_changed(tx, wanted)
