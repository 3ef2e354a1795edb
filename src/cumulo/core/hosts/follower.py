"""How a host follows its orders of one kind: fetch what is newer, refuse what is older.

Omission is no order. An item that the whole set does not speak of any more is *lost*, not gone:
it stays as it was last ordered. Orders of another cloud, of an older epoch, or older than one
that was accepted are refused; when the whole set has such, the control plane speaks out of an old
copy of its database, and is told so (`rewound`): the epoch grows, and then its word counts.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec

from cumulo.core.hosts.digest import digest_of
from cumulo.core.hosts.journal import Journal, Order
from cumulo.core.hosts.link import Link
from cumulo.core.hosts.long import Change, Long, does
from cumulo.core.hosts.messages import Fetch, Items, Mark

log = logging.getLogger("cumulo.agent")


class Follower:
    """`take` is given the orders that are new or lost; after the first whole set of this life all
    of them, since nobody has worked at them yet. Of a whole set nothing is taken before its end."""

    def __init__(
        self,
        kind: str,
        link: Callable[[], Link],
        journal: Journal,
        take: Callable[[Sequence[Order]], None],
    ) -> None:
        self.kind = kind
        self.journal = journal
        self.greeted = False
        """It has got the whole set in this life."""
        self.fetches = 0
        self._link = link
        self._take = take
        self._rewound = False
        self._long = {id for id, each in journal.orders.items() if does(each.item, Long)}
        self._unclear: set[str] = set()
        """Long lists of which a change came that was not one of ours."""

    @property
    def mark(self) -> Mark:
        return self.journal.mark

    def greet_again(self) -> None:
        """The next fetch asks for the whole set."""
        self.greeted = False

    async def follow(self, *, audit: bool = False) -> None:
        """Fetch, and take over what is new. `audit`: also compare all that there is."""
        told: set[str] = set()
        new: list[Order] = []
        since = self.mark.version if self.greeted else None
        digest = self._digest() if audit and since is not None else None
        whole, more = since is None, True
        while more:
            asked = sorted(self._unclear)
            has = self._stamps() if since is not None else {}
            self._unclear.clear()
            message = Fetch(self.kind, since, self.mark, digest, self._rewound, asked, has)
            self.fetches += 1
            answer = await self._link().fetch(message)
            self._rewound, digest = False, None
            if answer.whole:
                whole, told, new = True, set(), []
            accepted = self._accept(answer, told, whole=whole)
            if accepted is None:
                return
            new += accepted
            since, more = answer.upto, answer.more or bool(self._unclear)
        if not whole:
            if new:
                self._take(new)
            return
        new += self._lose(told)
        first, self.greeted = not self.greeted, not self._rewound
        self._take(list(self.journal.orders.values()) if first else new)

    def _stamps(self) -> dict[str, str]:
        """Of the long lists that are here."""
        orders = self.journal.orders
        self._long = {id for id in self._long if id in orders and not orders[id].gone}
        return {id: orders[id].item.stamp for id in self._long if id not in self._unclear}

    def _digest(self) -> str:
        own = [order for order in self.journal.orders.values() if not order.lost]
        return digest_of((order.id, order.version) for order in own)

    def _accept(self, answer: Items, told: set[str], *, whole: bool) -> list[Order] | None:
        """What is new; None: all of it was refused."""
        mark = self.mark
        other = answer.cloud != mark.cloud
        if other and self.greeted:
            log.error("%s: an order of another cloud (%s) is refused", self.kind, answer.cloud)
            return None
        if other:
            if mark.cloud:
                log.warning("%s: this host belongs to the cloud %s now", self.kind, answer.cloud)
            mark = Mark()
        if answer.epoch < mark.epoch:
            log.warning("%s: an order of epoch %d is refused", self.kind, answer.epoch)
            self._rewound, self.greeted = True, False
            return None
        new = []
        for order in _orders(answer):
            told.add(order.id)
            known = self.journal.orders.get(order.id)
            if order.gone and known is not None:
                order = msgspec.structs.replace(order, item=known.item)
            elif does(order.item, Change):
                if known is None or getattr(known.item, "stamp", "") != order.item.base:
                    self._unclear.add(order.id)
                    continue
                whole_list = known.item.changed_by(order.item)
                order = msgspec.structs.replace(order, item=whole_list)
            elif does(order.item, Long):
                self._long.add(order.id)
            if known is None or known.cloud != order.cloud or known.place < order.place:
                new.append(order)
            elif known.place > order.place:
                log.warning("%s %s: an older order is refused", self.kind, order.id)
                if whole:
                    self._rewound = True
            elif known != order:
                new.append(order)
        newest = answer.upto if answer.epoch > mark.epoch else max(answer.upto, mark.version)
        self.journal.note(new, Mark(answer.cloud, answer.epoch, newest))
        return new

    def _lose(self, told: set[str]) -> list[Order]:
        """The whole set is there; what it does not speak of is over, or lost."""
        rest = [order for order in self.journal.orders.values() if order.id not in told]
        over = [order.id for order in rest if order.gone]
        lost = [
            msgspec.structs.replace(order, lost=True)
            for order in rest
            if not order.gone and not order.lost
        ]
        self.journal.note(lost, self.mark, dropped=over)
        if lost:
            log.warning("%s: %d things are not spoken of any more: kept", self.kind, len(lost))
        return lost


def _orders(answer: Items) -> list[Order]:
    cloud, epoch = answer.cloud, answer.epoch
    return [
        *(
            Order(id=each.id, cloud=cloud, epoch=epoch, version=each.version, item=each.state)
            for each in answer.changed
        ),
        *(
            Order(id=each.id, cloud=cloud, epoch=epoch, version=each.version, gone=True)
            for each in answer.gone
        ),
    ]
