"""What hosts have to be besides having room: filters by name, traits, resources of the flavor's
own, weights, and the hints that ask for a host's facts."""

from pathlib import Path
from typing import Any

import pytest

from cumulo.compute.model.hypervisor import HostResources, HypervisorRow
from cumulo.compute.model.server import FlavorSnapshot, ImageRef
from cumulo.compute.service.filters import BY_DATABASE, FILTERS, Asked, Filters, HostFacts, fits
from cumulo.compute.service.hints import checked
from cumulo.compute.service.scheduling import resources_of, traits_of
from cumulo.core.faults import BadRequest
from tests.compute.test_many_hosts import HOST, add_hosts, create, run
from tests.support.cloud import TestCloud

HAVE = HostResources(vcpus=8, memory_mb=8192, disk_gb=100, version=7002022, address="192.0.2.17")
ROW = HypervisorRow(
    id=1,
    host_id="h1",
    uuid="u",
    service_uuid="s",
    resources=HAVE,
    created_at="",
    updated_at="",
)


IMAGE = ImageRef(id="i", sha512=None, disk_format="raw")


def flavor(**specs: str) -> FlavorSnapshot:
    named = {name.replace("__", ":"): value for name, value in specs.items()}
    return FlavorSnapshot(id="f", name="f", vcpus=2, ram=512, disk=10, extra_specs=named)


def image(**properties: str) -> ImageRef:
    return ImageRef(id="i", sha512=None, disk_format="raw", properties=properties)


def refusal(
    names: tuple[str, ...] = tuple(FILTERS),
    specs: dict[str, str] | None = None,
    properties: dict[str, str] | None = None,
    metadata: dict[str, frozenset[str]] | None = None,
    servers: int = 0,
    **hints: Any,
) -> str | None:
    facts = HostFacts(ROW, {"MEMORY_MB": 2048}, servers, metadata or {})
    asked = Asked(flavor(**specs or {}), image(**properties or {}), "p1", hints)
    return Filters(names).refusal(facts, asked)


@pytest.mark.parametrize(
    ("value", "wanted", "yes"),
    [
        ("5", ">= 5", True),
        ("4", ">= 5", False),
        ("7", "= 5", True),
        ("5", "== 5.0", True),
        ("5", "!= 5", False),
        ("abc", "s== abc", True),
        ("abc", "s< abd", True),
        ("abc", "<in> b", True),
        ("a b", "<all-in> a b", True),
        ("a", "<all-in> a b", False),
        ("x", "<or> y <or> x", True),
        ("x", "x", True),
        ("x", ">= 5", False),
        ("", "", True),
    ],
)
def test_words_of_extra_specs(value: str, wanted: str, yes: bool) -> None:
    assert fits(value, wanted) is yes


def test_each_filter_says_why_not() -> None:
    assert refusal() is None
    capability = {"capabilities__vcpus_total": ">= 9"}
    assert refusal(specs=capability) == "ComputeCapabilitiesFilter: its vcpus_total is not >= 9"
    assert refusal(specs={"capabilities__cpu_info__arch": "x86_64"}) is None
    assert refusal(specs={"capabilities__nothing": "1"}) is not None
    assert refusal(properties={"hw_architecture": "aarch64"}) is not None
    assert refusal(properties={"img_hv_type": "vmware"}) is not None
    assert refusal(properties={"hw_vm_mode": "xen"}) is not None
    assert refusal(properties={"hw_architecture": "x86_64", "img_hv_type": "kvm"}) is None
    ssd = {"aggregate_instance_extra_specs__ssd": "true"}
    assert refusal(specs=ssd) is not None
    assert refusal(specs=ssd, metadata={"ssd": frozenset(("false", "true"))}) is None
    tenants = {"filter_tenant_id2": frozenset(("p2, p1",))}
    assert refusal(metadata=tenants) is None
    assert refusal(metadata={"filter_tenant_id": frozenset(("p2",))}) is not None
    assert refusal(metadata={"instance_type": frozenset(("g,h",))}) is not None
    assert refusal(metadata={"os_distro": frozenset(("b",))}, properties={"os_distro": "a"})
    assert refusal(servers=50) == "NumInstancesFilter: it has 50 servers already"
    assert refusal(servers=50, metadata={"max_instances_per_host": frozenset(("60",))}) is None
    assert refusal(build_near_host_ip="192.0.2.1") is None
    assert refusal(build_near_host_ip="192.0.2.1", cidr="/28") is not None
    assert refusal(names=("JsonFilter",), servers=50) is None


@pytest.mark.parametrize(
    ("query", "yes"),
    [
        ('[">=","$free_ram_mb",6144]', True),
        ('[">","$free_ram_mb",6144]', False),
        ('["=","$hypervisor_hostname","h1"]', True),
        ('["in","$host","h2","h1"]', True),
        ('["and",["<","$vcpus_used",1],["not",["=","$host","h1"]]]', False),
        ('["or",["=","$host","x"],["=","$cpu_info.arch","x86_64"]]', True),
        ('["=","$nothing",1]', False),
        ('["<","$host",1]', False),
        ("[]", True),
    ],
)
def test_queries_of_hints(query: str, yes: bool) -> None:
    assert checked({"query": query}) == {"query": query}
    assert (refusal(query=query) is None) is yes


def test_what_is_no_hint_or_filter_is_refused() -> None:
    deep = "[" * 0 + '["not",' * 11 + '["=",1,1]' + "]" * 11
    for bad in ("x", "{}", '["~",1]', '[["="]]', '["=",{}]', deep):
        with pytest.raises(BadRequest):
            checked({"query": bad})
    for near in ({"build_near_host_ip": "nowhere"}, {"build_near_host_ip": "::1", "cidr": "/200"}):
        with pytest.raises(BadRequest):
            checked(near)
    assert (
        Filters(BY_DATABASE).refusal(HostFacts(ROW, {}, 99, {}), Asked(flavor(), None, "", {}))
        is None
    )
    with pytest.raises(ValueError, match="NoSuchFilter"):
        Filters(("NoSuchFilter",))


def test_resources_and_traits_of_a_flavor() -> None:
    wanted = flavor(resources__VCPU="0", resources__CUSTOM_X="1", resources2__CUSTOM_X="2")
    assert resources_of(wanted, IMAGE) == {"MEMORY_MB": 512, "DISK_GB": 10, "CUSTOM_X": 3}
    with pytest.raises(BadRequest):
        resources_of(flavor(resources__VCPU="many"), IMAGE)
    asked = flavor(trait__CUSTOM_A="required", trait1__CUSTOM_B="forbidden", trait__CUSTOM_C="x")
    assert traits_of(asked, image(**{"trait:CUSTOM_D": "required"})) == (
        ["CUSTOM_A", "CUSTOM_D"],
        ["CUSTOM_B"],
    )


def test_a_server_goes_where_its_flavor_and_hints_say(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        add_hosts(cloud, ["big", "small"], memory_mb=1 << 20)
        add_hosts(cloud, ["least"], memory_mb=2048)
        placement = "/placement"
        version = {"openstack-api-version": "placement 1.36"}

        async def ask(method: str, path: str, body: Any = None) -> Any:
            answer = await cloud.call(method, path, as_="admin", json_=body, headers=version)
            assert answer.status < 300, answer.raw
            return answer.json if answer.raw else None

        found = await ask("GET", f"{placement}/resource_providers?name=small")
        small = found["resource_providers"][0]
        await ask("PUT", f"{placement}/traits/CUSTOM_GOLD")
        await ask("PUT", f"{placement}/resource_classes/CUSTOM_CARD")
        path = f"{placement}/resource_providers/{small['uuid']}"
        wish = {"resource_provider_generation": small["generation"], "traits": ["CUSTOM_GOLD"]}
        known = await ask("PUT", f"{path}/traits", wish)
        stock = {
            "resource_provider_generation": known["resource_provider_generation"],
            "resource_class": "CUSTOM_CARD",
            "total": 1,
        }
        await ask("POST", f"{path}/inventories", stock)

        async def of(specs: dict[str, str]) -> Any:
            kind = {"flavor": {"name": f"f{len(made)}", "vcpus": 1, "ram": 256, "disk": 1}}
            made.append((await ask("POST", "/compute/v2.1/flavors", kind))["flavor"]["id"])
            path = f"/compute/v2.1/flavors/{made[-1]}/os-extra_specs"
            await ask("POST", path, {"extra_specs": specs})
            return await create(cloud, flavorRef=made[-1])

        made: list[str] = []
        assert (await of({"trait:CUSTOM_GOLD": "required"}))[HOST] == "small"
        assert (await of({"trait:CUSTOM_GOLD": "forbidden"}))[HOST] == "big"
        assert (await of({"resources:CUSTOM_CARD": "1"}))[HOST] == "small"
        full = await of({"resources:CUSTOM_CARD": "1"})
        assert full["status"] == "ERROR" and "CUSTOM_CARD" in full["fault"]["details"]
        none = await of({"trait:CUSTOM_IRON": "required"})
        assert "big: it lacks CUSTOM_IRON" in none["fault"]["details"]
        query = '["<=","$total_usable_ram_mb",2048]'
        assert (await create(cloud, hints={"query": query}))[HOST] == "least"
        nowhere = await create(cloud, hints={"query": '["=","$host","x"]'})
        assert "big: JsonFilter: " in nowhere["fault"]["details"]

    run(tmp_path, story)


def test_the_fullest_first_where_the_settings_say_so(tmp_path: Path) -> None:
    from cumulo.compute.service.scheduling import Choice, Scheduler, Weights

    async def story(cloud: TestCloud) -> None:
        add_hosts(cloud, ["big", "other"], memory_mb=1 << 20)
        add_hosts(cloud, ["least"], memory_mb=2048, vcpus=1)
        servers, placement = cloud.cloud.services.compute.servers, cloud.cloud.services.placement
        hosts = servers.placing.hosts
        servers.scheduler = Scheduler(hosts, placement, Choice(weights=Weights(ram=-1.0)))
        assert (await create(cloud))[HOST] == "least"
        both = Choice(weights=Weights(ram=-1.0, cpu=-2.0))
        servers.scheduler = Scheduler(hosts, placement, both)
        assert (await create(cloud))[HOST] == "least"

    run(tmp_path, story)
