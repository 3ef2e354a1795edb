"""What operators do with the hosts that keep volumes: switch off, freeze, and how much is logged.

A host that is switched off takes no new volumes; one that is frozen takes none either, and nothing
that it has is changed, made or removed for anybody until it is thawed.
"""

import logging
from collections.abc import Mapping

from cumulo.block_storage.model.pool import PoolRow
from cumulo.block_storage.service.pools import KIND
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.model import HostRow
from cumulo.core.hosts.registry import HostRegistry

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ROOT = "cumulo"
MOST_LOGGERS = 500


class Services:
    def __init__(self, registry: HostRegistry) -> None:
        self._registry = registry

    def hosts(self, tx: Tx) -> list[HostRow]:
        return [host for host in self._registry.all(tx) if KIND in host.roles]

    def host(self, tx: Tx, name: str) -> HostRow:
        """`name` or `name@file` or `name@file#file`. Raises NotFound."""
        plain = name.partition("@")[0]
        host = self._registry.get(tx, plain)
        if host is None or KIND not in host.roles:
            raise NotFound(f"Service cinder-volume could not be found on host {name:.255}.")
        return host

    def switch(self, tx: Tx, host: HostRow, wanted: bool, reason: str | None) -> None:
        self._registry.enable(tx, host.id, wanted)
        tx.update(self._pool(tx, host), disabled_reason=None if wanted else reason)

    def freeze(self, tx: Tx, host: HostRow, wanted: bool) -> None:
        tx.update(self._pool(tx, host), frozen=wanted)

    def _pool(self, tx: Tx, host: HostRow) -> PoolRow:
        row = tx.get(PoolRow, host.id)
        if row is None:
            row = PoolRow(host.id, "", None, 0, 0, tx.now)
            tx.insert(row)
        return row

    # --- logs -------------------------------------------------------------------------------

    def levels(self, prefix: str) -> Mapping[str, str]:
        """Of this process's loggers below `prefix`."""
        known = [ROOT, *sorted(logging.root.manager.loggerDict)]
        found = [n for n in known if _is_own(n) and n.startswith(prefix)][:MOST_LOGGERS]
        return {n: logging.getLevelName(logging.getLogger(n).getEffectiveLevel()) for n in found}

    def set_levels(self, prefix: str, level: str) -> None:
        """Raises BadRequest."""
        wanted = level.upper()
        if wanted not in LEVELS:
            raise BadRequest(f"Invalid level: log level must be one of {list(LEVELS)}.")
        for name in self.levels(prefix):
            logging.getLogger(name).setLevel(wanted)


def _is_own(name: str) -> bool:
    return name == ROOT or name.startswith(f"{ROOT}.")
