"""What a host has to be for a server besides having room: by the names that operators know from
Nova's `enabled_filters`. Each is a pure function of a host's facts and of what is asked for; its
answer is why not, in a few words.

Hosts that are alive and enabled (ComputeFilter), their zone (AvailabilityZoneFilter), groups,
`same_host` and `different_host`, and traits are asked of the database itself (`scheduling`); a name
of theirs in the settings changes nothing.
"""

import ipaddress
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.compute.model.cells import layout_of
from cumulo.compute.model.hypervisor import HypervisorRow
from cumulo.compute.model.server import FlavorSnapshot, ImageRef
from cumulo.compute.service.hints import query_of


class Asked(NamedTuple):
    """What a place is looked for."""

    flavor: FlavorSnapshot
    image: ImageRef | None
    project_id: str
    hints: Mapping[str, Any]


class HostFacts(NamedTuple):
    """A host that might take it. `metadata`: of its aggregates, key → the values of all of them."""

    row: HypervisorRow
    used: Mapping[str, int]
    servers: int
    metadata: Mapping[str, frozenset[str]]


Filter = Callable[[HostFacts, Asked], str | None]
MOST_SERVERS = 50
"""Of one host, where NumInstancesFilter is on"""


def capabilities(host: HostFacts) -> dict[str, Any]:
    """What `capabilities:…` of a flavor and the hint `query` may ask of a host."""
    have, used = host.row.resources, host.used
    return {
        "host": host.row.host_id,
        "hypervisor_hostname": host.row.host_id,
        "hypervisor_type": have.driver,
        "hypervisor_version": have.version,
        "host_ip": have.address,
        "vcpus_total": have.vcpus,
        "vcpus_used": used.get("VCPU", 0),
        "total_usable_ram_mb": have.memory_mb,
        "free_ram_mb": have.memory_mb - used.get("MEMORY_MB", 0),
        "total_usable_disk_gb": have.disk_gb,
        "free_disk_mb": (have.disk_gb - used.get("DISK_GB", 0)) * 1024,
        "num_instances": host.servers,
        "uuid": host.row.uuid,
        "cpu_info": {"arch": "x86_64", "topology": {"sockets": 1, "cores": have.vcpus}},
    }


# --- words of extra specs ---------------------------------------------------------------------

_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": lambda value, word: word in value,
}


def fits(value: str, wanted: str) -> bool:
    """`>= 5`, `s== text`, `<in> part`, `<all-in> a b`, `<or> a <or> b`; anything else as it is."""
    first, *words = wanted.split() or [""]
    if first == "<or>":
        return value in [word for word in words if word != "<or>"]
    if first == "<all-in>" and words:
        return all(word in value for word in words)
    if first in _TEXTS and words:
        return _TEXTS[first](value, words[0])
    if first in _NUMBERS and words:
        try:
            return _NUMBERS[first](float(value), float(words[0]))
        except ValueError:
            return False
    return value == wanted


# --- the filters ------------------------------------------------------------------------------


def compute_capabilities(host: HostFacts, asked: Asked) -> str | None:
    for name, wanted in asked.flavor.extra_specs.items():
        scope, _, path = name.partition(":")
        if scope != "capabilities" or not path:
            continue
        found: Any = capabilities(host)
        for part in path.split(":"):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None or not fits(str(found), wanted):
            return f"its {path} is not {wanted}"
    return None


def image_properties(host: HostFacts, asked: Asked) -> str | None:
    given = {} if asked.image is None else asked.image.properties
    architecture = given.get("hw_architecture") or given.get("architecture") or "x86_64"
    if architecture.lower() not in ("x86_64", "amd64", "i686", "i386"):
        return f"it is no {architecture:.40}"
    kind = (given.get("img_hv_type") or given.get("hypervisor_type") or "qemu").lower()
    if kind not in ("qemu", "kvm"):
        return f"it runs no {kind:.40}"
    if (given.get("hw_vm_mode") or given.get("vm_mode") or "hvm").lower() != "hvm":
        return "it runs whole machines only (hw_vm_mode)"
    return None


def aggregate_extra_specs(host: HostFacts, asked: Asked) -> str | None:
    for name, wanted in asked.flavor.extra_specs.items():
        scope, _, key = name.partition(":")
        if scope == AGGREGATE_SPECS and not any(
            fits(v, wanted) for v in host.metadata.get(key, ())
        ):
            return f"no aggregate of it says {key}: {wanted}"
    return None


def aggregate_tenants(host: HostFacts, asked: Asked) -> str | None:
    given = [v for key, v in host.metadata.items() if key.startswith("filter_tenant_id")]
    named = {word.strip() for values in given for each in values for word in each.split(",")}
    return "it is for other projects" if named and asked.project_id not in named else None


def aggregate_flavors(host: HostFacts, asked: Asked) -> str | None:
    named = host.metadata.get("instance_type", frozenset())
    names = {word.strip() for each in named for word in each.split(",")}
    return "it is for other flavors" if names and asked.flavor.name not in names else None


def aggregate_images(host: HostFacts, asked: Asked) -> str | None:
    given = {} if asked.image is None else asked.image.properties
    for key, wanted in given.items():
        known = host.metadata.get(key)
        if known and wanted not in known:
            return f"it is for images with another {key}"
    return None


def number_of_servers(host: HostFacts, asked: Asked) -> str | None:
    given = host.metadata.get("max_instances_per_host", frozenset())
    most = min((int(text) for text in given if text.isdecimal() and len(text) < 9), default=None)
    most = MOST_SERVERS if most is None else most
    return f"it has {host.servers} servers already" if host.servers >= most else None


def near_address(host: HostFacts, asked: Asked) -> str | None:
    address = asked.hints.get("build_near_host_ip")
    if not address:
        return None
    cidr = str(asked.hints.get("cidr", "/24")).lstrip("/")
    try:
        network = ipaddress.ip_network(f"{address}/{cidr}", strict=False)
        return None if ipaddress.ip_address(host.row.resources.address) in network else "elsewhere"
    except ValueError:
        return "its address says nothing of where it is"


def numa_topology(host: HostFacts, asked: Asked) -> str | None:
    properties = {} if asked.image is None else asked.image.properties
    flavor = asked.flavor
    layout = layout_of(flavor.vcpus, flavor.ram, flavor.extra_specs, properties)
    if not layout.huge or layout.page_kb is None:
        return None
    wanted = -(-flavor.ram * 1024 // layout.page_kb)
    have = host.row.resources.pages.get(layout.page_kb, 0)
    return f"it has {have} pages of {layout.page_kb} KiB, not {wanted}" if have < wanted else None


def json_query(host: HostFacts, asked: Asked) -> str | None:
    query = query_of(asked.hints)
    if query is None:
        return None
    return None if _true(_value(query, capabilities(host))) else "it is not what the query asks for"


def _true(found: Any) -> bool:
    return any(found) if isinstance(found, list) else bool(found)


def _value(query: Sequence[Any], facts: Mapping[str, Any]) -> Any:
    """Of a query that `hints` has checked: known words, a bounded depth."""
    if not query:
        return True
    values = [found for each in query[1:] if (found := _argument(each, facts)) is not None]
    word = query[0]
    if word == "not":
        return [not value for value in values]
    if word in ("or", "and"):
        return (any if word == "or" else all)(_true(value) for value in values)
    if len(values) < 2:
        return False
    if word == "in":
        return values[0] in values[1:]
    try:
        return all(_COMPARE[word](values[0], other) for other in values[1:])
    except TypeError:  # A number is not more or less than a text.
        return False


def _argument(each: Any, facts: Mapping[str, Any]) -> Any:
    if isinstance(each, list):
        return _value(each, facts)
    if not isinstance(each, str) or not each.startswith("$"):
        return each
    found: Any = facts
    for part in each[1:].split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
AGGREGATE_SPECS = "aggregate_instance_extra_specs"
FILTERS: dict[str, Filter] = {
    "ComputeCapabilitiesFilter": compute_capabilities,
    "ImagePropertiesFilter": image_properties,
    "AggregateInstanceExtraSpecsFilter": aggregate_extra_specs,
    "AggregateMultiTenancyIsolation": aggregate_tenants,
    "AggregateTypeAffinityFilter": aggregate_flavors,
    "AggregateImagePropertiesIsolation": aggregate_images,
    "NumInstancesFilter": number_of_servers,
    "SimpleCIDRAffinityFilter": near_address,
    "JsonFilter": json_query,
    "NUMATopologyFilter": numa_topology,
}
BY_DATABASE = (
    *("AllHostsFilter", "ComputeFilter", "AvailabilityZoneFilter", "SameHostFilter"),
    *("DifferentHostFilter", "ServerGroupAffinityFilter", "ServerGroupAntiAffinityFilter"),
)
"""Always in force, wherever they are named."""
USUAL = (
    *("ComputeCapabilitiesFilter", "ImagePropertiesFilter", "SimpleCIDRAffinityFilter"),
    *("AggregateInstanceExtraSpecsFilter", "JsonFilter", "NUMATopologyFilter"),
)
"""They only count where a flavor, an image or a hint asks for something."""
_OF_AGGREGATES = (
    *("AggregateMultiTenancyIsolation", "AggregateTypeAffinityFilter"),
    *("AggregateImagePropertiesIsolation", "NumInstancesFilter"),
)


class Filters:
    """Those that are on. Raises ValueError for a name that nobody knows."""

    def __init__(self, names: Sequence[str] | None = None) -> None:
        names = USUAL if names is None else names
        for name in names:
            if name not in FILTERS and name not in BY_DATABASE:
                raise ValueError(f"[compute] filters: there is no filter {name!r}")
        self._on = {name: FILTERS[name] for name in names if name in FILTERS}

    def reads_aggregates(self, asked: Asked) -> bool:
        """Whether the metadata of aggregates says anything here."""
        if any(name in self._on for name in _OF_AGGREGATES):
            return True
        specs = asked.flavor.extra_specs
        return any(name.startswith(f"{AGGREGATE_SPECS}:") for name in specs)

    def reads_use(self, asked: Asked) -> bool:
        """Whether it matters how much of a host is taken."""
        specs = asked.flavor.extra_specs
        asks = "query" in asked.hints or any(name.startswith("capabilities:") for name in specs)
        return asks or "NumInstancesFilter" in self._on

    def refusal(self, host: HostFacts, asked: Asked) -> str | None:
        """Why this host will not do; None: it will."""
        for name, check in self._on.items():
            reason = check(host, asked)
            if reason is not None:
                return f"{name}: {reason}"
        return None
