"""Announcements: what every process of a cloud does when one of them has committed.

    self.forget = Announcement("tokens", self._forget)      # once, where the memory is
    database.subscribe(self.forget)                         # where the service is built
    tx.after_commit(self.forget)                            # where what it remembers is changed

Here it is called after the commit as any callback is. On PostgreSQL the other processes hear of it
by NOTIFY, which is part of the same commit: there is no moment at which one is durable and the
other is not. A process whose listening connection broke calls all of its announcements when it is
back, since it may have missed some.
"""

from collections.abc import Callable, Iterable


class Announcement:
    """A callback with the name of a channel. It must be quick, and safe from any thread."""

    def __init__(self, name: str, callback: Callable[[], None]) -> None:
        if not name.isidentifier():
            raise ValueError(f"not a channel's name: {name!r}")
        self.channel = f"cumulo_{name}"
        self._callback = callback

    def __call__(self) -> None:
        self._callback()


def channels(callbacks: Iterable[Callable[[], None]]) -> set[str]:
    """The channels among a transaction's callbacks."""
    return {each.channel for each in callbacks if isinstance(each, Announcement)}
