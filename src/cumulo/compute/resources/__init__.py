"""What templates can ask of compute: OS::Nova::… types, by compute's own operations."""

from cumulo.compute.resources.more import FLAVOR, HOST_AGGREGATE, KEY_PAIR, QUOTA, SERVER_GROUP
from cumulo.compute.resources.server import BASE, SERVER, VERSION
from cumulo.core.resource_types import Finder

FINDERS = (
    Finder("server", f"{BASE}/servers", "server", "nova.server", version=VERSION),
    # Before 2.75 a name in the query is overlooked; from 2.102 on it is a pattern.
    Finder("flavor", f"{BASE}/flavors", "flavor", "nova.flavor", version="2.74"),
    Finder("key_pair", f"{BASE}/os-keypairs", "keypair", "nova.keypair", version="2.10", id="name"),
    Finder("server_group", f"{BASE}/os-server-groups", "server_group", version="2.64"),
)
TYPES = (SERVER, KEY_PAIR, SERVER_GROUP, FLAVOR, HOST_AGGREGATE, QUOTA)
