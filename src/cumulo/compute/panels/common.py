"""What compute's panels have in common."""

from typing import Any

from cumulo.core.panels import Options, named, part_of_path
from cumulo.core.resource_types import Request

BASE = "/compute/v2.1"
VERSION = "2.90"


def ask(method: str, path: str, body: Any = None) -> Request:
    return Request(method, f"{BASE}{path}", body, VERSION)


def server_path(item: Any) -> str:
    return f"/servers/{part_of_path(item['id'])}"


FLAVOR_LIST = ask("GET", "/flavors/detail")
FLAVOR_OPTIONS = Options(
    FLAVOR_LIST,
    "flavors",
    lambda f: f"{f['name']}: {f['vcpus']} CPU, {f['ram']} MiB, {f['disk']} GiB",
)
IMAGE_OPTIONS = Options(
    Request("GET", "/image/v2/images?status=active&limit=200"),
    "images",
    lambda each: (
        f"{named(each)}" + (f" ({each['disk_format']})" if each.get("disk_format") else "")
    ),
)
HOST_OPTIONS = Options(
    ask("GET", "/os-hypervisors"),
    "hypervisors",
    lambda each: str(each["hypervisor_hostname"]),
    "hypervisor_hostname",
)
