"""Scenarios of identity."""

from typing import Any

from cumulo.benchmark.actions import keystone
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

_ADMIN: Any = {"admin": True, "admin_cleanup": ("keystone",)}


@scenario("KeystoneBasic.create_user", **_ADMIN)
async def create_user(run: Run, name_length: int = 10, **kwargs: Any) -> None:
    """Create a user with a random name"""
    await keystone.create_user(run, **kwargs)


@scenario("KeystoneBasic.create_delete_user", **_ADMIN)
async def create_delete_user(run: Run, name_length: int = 10, **kwargs: Any) -> None:
    """Create a user and delete it"""
    user = await keystone.create_user(run, **kwargs)
    await keystone.delete_user(run, user["id"])


@scenario("KeystoneBasic.create_user_set_enabled_and_delete", **_ADMIN)
async def create_user_set_enabled_and_delete(run: Run, enabled: bool = True, **kwargs: Any) -> None:
    """Create a user, enable or disable it, delete it"""
    user = await keystone.create_user(run, enabled=enabled, **kwargs)
    await keystone.update_user(run, user["id"], enabled=not enabled)
    await keystone.delete_user(run, user["id"])


@scenario("KeystoneBasic.create_user_update_password", **_ADMIN)
async def create_user_update_password(
    run: Run, name_length: int | None = None, password_length: int | None = None
) -> None:
    """Create a user and change its password"""
    user = await keystone.create_user(run)
    await keystone.update_user(run, user["id"], password=run.name())


@scenario("KeystoneBasic.create_and_update_user", **_ADMIN)
async def create_and_update_user(
    run: Run,
    create_user_kwargs: dict[str, Any] | None = None,
    update_user_kwargs: dict[str, Any] | None = None,
) -> None:
    """Create a user, change it, and check that it changed"""
    changes = update_user_kwargs or {}
    user = await keystone.create_user(run, **(create_user_kwargs or {}))
    await keystone.update_user(run, user["id"], **changes)
    found = await keystone.get_user(run, user["id"])
    for name, value in changes.items():
        run.check(found.get(name) == value, f"{name} isn't updated")


@scenario("KeystoneBasic.create_and_list_users", **_ADMIN)
async def create_and_list_users(run: Run, name_length: int = 10, **kwargs: Any) -> None:
    """Create a user and list all of them"""
    await keystone.create_user(run, **kwargs)
    await keystone.list_users(run)


@scenario("KeystoneBasic.create_tenant", **_ADMIN)
async def create_tenant(run: Run, name_length: int = 10, **kwargs: Any) -> None:
    """Create a project with a random name"""
    await keystone.create_project(run, **kwargs)


@scenario(
    "KeystoneBasic.create_tenant_with_users",
    numbers={"users_per_tenant": number(1, whole=True)},
    **_ADMIN,
)
async def create_tenant_with_users(
    run: Run, users_per_tenant: int, name_length: int = 10, **kwargs: Any
) -> None:
    """Create a project and users in it"""
    project = await keystone.create_project(run, **kwargs)
    await keystone.create_users(run, project["id"], users_per_tenant)


@scenario("KeystoneBasic.create_and_list_tenants", **_ADMIN)
async def create_and_list_tenants(run: Run, name_length: int = 10, **kwargs: Any) -> None:
    """Create a project and list all of them"""
    await keystone.create_project(run, **kwargs)
    await keystone.list_projects(run)


@scenario("KeystoneBasic.create_update_and_delete_tenant", **_ADMIN)
async def create_update_and_delete_tenant(
    run: Run, name_length: int | None = None, **kwargs: Any
) -> None:
    """Create a project, change it, delete it"""
    project = await keystone.create_project(run, **kwargs)
    await keystone.update_project(run, project["id"], name=run.name(), description=run.name())
    await keystone.delete_project(run, project["id"])


@scenario("KeystoneBasic.authenticate_user_and_validate_token", **_ADMIN)
async def authenticate_user_and_validate_token(run: Run) -> None:
    """Get a token and have it validated"""
    token = await keystone.fetch_token(run)
    await keystone.validate_token(run, token)


@scenario("KeystoneBasic.create_and_delete_role", **_ADMIN)
async def create_and_delete_role(run: Run) -> None:
    """Create a role and delete it"""
    role = await keystone.create_role(run)
    await keystone.delete_role(run, role["id"])


@scenario("KeystoneBasic.create_and_get_role", **_ADMIN)
async def create_and_get_role(run: Run, **kwargs: Any) -> None:
    """Create a role and show it"""
    role = await keystone.create_role(run, **kwargs)
    await keystone.get_role(run, role["id"])


@scenario("KeystoneBasic.create_and_list_roles", **_ADMIN)
async def create_and_list_roles(
    run: Run,
    create_role_kwargs: dict[str, Any] | None = None,
    list_role_kwargs: dict[str, Any] | None = None,
) -> None:
    """Create a role and find it in the list of all"""
    role = await keystone.create_role(run, **(create_role_kwargs or {}))
    found = await keystone.list_roles(run, **(list_role_kwargs or {}))
    run.check(
        any(r["id"] == role["id"] for r in found),
        "Created role is not in the list of all available roles",
    )


@scenario("KeystoneBasic.add_and_remove_user_role", **_ADMIN)
async def add_and_remove_user_role(run: Run) -> None:
    """Create a role, give it to a user, take it away"""
    assert run.user is not None
    role = await keystone.create_role(run)
    await keystone.add_role(run, role["id"], run.user.id, run.user.tenant_id)
    await keystone.revoke_role(run, role["id"], run.user.id, run.user.tenant_id)


@scenario("KeystoneBasic.create_add_and_list_user_roles", **_ADMIN)
async def create_add_and_list_user_roles(run: Run) -> None:
    """Create a role, give it to a user, list the user's roles"""
    assert run.user is not None
    role = await keystone.create_role(run)
    await keystone.add_role(run, role["id"], run.user.id, run.user.tenant_id)
    await keystone.list_roles(run, run.user.id, run.user.tenant_id)


@scenario("KeystoneBasic.get_entities", **_ADMIN)
async def get_entities(run: Run, service_name: str | None = "keystone") -> None:
    """Create a project, a user and a role, and show each of them and a service"""
    project = await keystone.create_project(run)
    user = await keystone.create_user(run, project["id"])
    role = await keystone.create_role(run)
    await keystone.get_project(run, project["id"])
    await keystone.get_user(run, user["id"])
    await keystone.get_role(run, role["id"])
    if service_name is None:
        service = await keystone.create_service(run)
    else:
        service = await keystone.service_by_name(run, service_name)
    await keystone.get_service(run, service["id"])


@scenario("KeystoneBasic.create_and_delete_service", **_ADMIN)
async def create_and_delete_service(
    run: Run,
    name: str | None = None,
    service_type: str | None = None,
    description: str | None = None,
) -> None:
    """Create a service and delete it"""
    service = await keystone.create_service(run, service_type, description)
    await keystone.delete_service(run, service["id"])


@scenario("KeystoneBasic.create_and_list_services", **_ADMIN)
async def create_and_list_services(
    run: Run,
    name: str | None = None,
    service_type: str | None = None,
    description: str | None = None,
) -> None:
    """Create a service and list all of them"""
    await keystone.create_service(run, service_type, description)
    await keystone.list_services(run)


@scenario("KeystoneBasic.create_and_list_ec2credentials", cleanup=("keystone",))
async def create_and_list_ec2credentials(run: Run) -> None:
    """Create EC2 credentials and list them"""
    await keystone.create_ec2(run)
    await keystone.list_ec2(run)


@scenario("KeystoneBasic.create_and_delete_ec2credential", cleanup=("keystone",))
async def create_and_delete_ec2credential(run: Run) -> None:
    """Create EC2 credentials and delete them"""
    made = await keystone.create_ec2(run)
    await keystone.delete_ec2(run, made["access"])
