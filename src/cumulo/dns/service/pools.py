"""The pools that the settings name, and the choice of one for a zone."""

from collections.abc import Sequence

from cumulo.dns.model.pool import Pool
from cumulo.dns.model.zone import DEFAULT_POOL
from cumulo.dns.service.refusals import bad_request, not_found


class Pools:
    """The default one is first."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        self.all = list(pools)
        self._by_id = {pool.id: pool for pool in pools}

    def find(self, pool_id: str) -> Pool | None:
        return self._by_id.get(pool_id)

    def get(self, pool_id: str) -> Pool:
        """A pool that the settings do not name any more is the default one."""
        return self._by_id.get(pool_id) or self._by_id[DEFAULT_POOL]

    def shown(self, pool_id: str) -> Pool:
        found = self.find(pool_id)
        if found is None:
            raise not_found("Pool", "pool")
        return found

    def chosen(self, attributes: dict[str, str]) -> Pool:
        """By `pool_id`; else the first one whose attributes are among the zone's; else the default
        one."""
        wanted = attributes.get("pool_id")
        if wanted is not None:
            found = self.find(wanted)
            if found is None:
                raise bad_request("There is no pool of this id", "no_valid_pool_found")
            return found
        for pool in self.all:
            if pool.attributes and pool.attributes.items() <= attributes.items():
                return pool
        return self._by_id[DEFAULT_POOL]
