"""First-run content: what a new cloud has before anybody asks. Idempotent: run at each start.

Everything is made through the same verbs that clients use, each only when it is missing.
"""

from cumulo.core.db.transaction import Tx
from cumulo.first_run import accounts, catalog, compute, image, metadefs, network
from cumulo.wiring import Cloud


async def make(cloud: Cloud) -> None:
    """Make what is missing."""
    await cloud.database.write(lambda tx: _hosts(tx, cloud), name="first run: hosts")
    await accounts.make(cloud)
    await catalog.make(cloud)
    await compute.make(cloud)
    await image.make(cloud)
    await metadefs.make(cloud)
    await network.make(cloud)


def _hosts(tx: Tx, cloud: Cloud) -> None:
    """Note the hosts whose agents run in this process, and what they do."""
    for agent in cloud.agents:
        cloud.registry.register(tx, agent.host_id, list(agent.parts))
