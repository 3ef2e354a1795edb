"""Scenarios of security groups and their rules."""

from typing import Any

from cumulo.benchmark.actions import neutron
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

Args = dict[str, Any] | None

_OWN: Any = {"services": ("neutron",), "cleanup": ("neutron",)}


@scenario("NeutronSecurityGroup.create_and_list_security_groups", **_OWN)
async def create_and_list_security_groups(
    run: Run, security_group_create_args: Args = None
) -> None:
    """Create a security group and list all of them"""
    await neutron.create_security_group(run, **(security_group_create_args or {}))
    await neutron.list_security_groups(run)


@scenario("NeutronSecurityGroup.create_and_show_security_group", **_OWN)
async def create_and_show_security_group(run: Run, security_group_create_args: Args = None) -> None:
    """Create a security group and show it"""
    group = await neutron.create_security_group(run, **(security_group_create_args or {}))
    await neutron.get_security_group(run, group["id"])


@scenario("NeutronSecurityGroup.create_and_delete_security_groups", **_OWN)
async def create_and_delete_security_groups(
    run: Run, security_group_create_args: Args = None
) -> None:
    """Create a security group and delete it"""
    group = await neutron.create_security_group(run, **(security_group_create_args or {}))
    await neutron.delete_security_group(run, group["id"])


@scenario("NeutronSecurityGroup.create_and_update_security_groups", **_OWN)
async def create_and_update_security_groups(
    run: Run, security_group_create_args: Args = None, security_group_update_args: Args = None
) -> None:
    """Create a security group and change it"""
    group = await neutron.create_security_group(run, **(security_group_create_args or {}))
    await neutron.update_security_group(run, group["id"], **(security_group_update_args or {}))


@scenario(
    "NeutronSecurityGroup.create_and_list_security_group_rules",
    numbers={"security_group_rules_count": number(1, 65_535, whole=True)},
    **_OWN,
)
async def create_and_list_security_group_rules(
    run: Run,
    security_group_rules_count: int = 1,
    security_group_args: Args = None,
    security_group_rule_args: Args = None,
) -> None:
    """Create rules of a security group and find them in the list of all rules"""
    group = await neutron.create_security_group(run, **(security_group_args or {}))
    made = []
    for port in range(1, security_group_rules_count + 1):
        ports = {"port_range_min": port, "port_range_max": port}
        args = {**(security_group_rule_args or {}), **ports}
        made.append(await neutron.create_rule(run, group["id"], **args))
    listed = {rule["id"] for rule in await neutron.list_rules(run)}
    for rule in made:
        run.check(rule["id"] in listed, f"rule {rule['id']} is not in the list of rules")


@scenario("NeutronSecurityGroup.create_and_show_security_group_rule", **_OWN)
async def create_and_show_security_group_rule(
    run: Run, security_group_args: Args = None, security_group_rule_args: Args = None
) -> None:
    """Create a rule of a security group and show it"""
    group = await neutron.create_security_group(run, **(security_group_args or {}))
    rule = await neutron.create_rule(run, group["id"], **(security_group_rule_args or {}))
    await neutron.get_rule(run, rule["id"])


@scenario("NeutronSecurityGroup.create_and_delete_security_group_rule", **_OWN)
async def create_and_delete_security_group_rule(
    run: Run, security_group_args: Args = None, security_group_rule_args: Args = None
) -> None:
    """Create a rule of a security group and delete both"""
    group = await neutron.create_security_group(run, **(security_group_args or {}))
    rule = await neutron.create_rule(run, group["id"], **(security_group_rule_args or {}))
    await neutron.delete_rule(run, rule["id"])
    await neutron.delete_security_group(run, group["id"])
