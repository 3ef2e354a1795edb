"""Steps of identity. As administrator: users, projects, roles, services."""

import secrets
from typing import Any

from cumulo.benchmark.client.session import NotFound, Session
from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]


async def create_project(run: Run, **more: Any) -> Found:
    with run.action("keystone_v3.create_project"):
        body = {"name": run.name(), **_known(more, "description", "enabled", "domain_id")}
        return await _made(run.admin, "/projects", "project", body)


async def get_project(run: Run, id: str) -> None:
    with run.action("keystone_v3.get_project"):
        await run.admin.get("identity", f"/projects/{id}")


async def update_project(run: Run, id: str, **changes: Any) -> None:
    with run.action("keystone_v3.update_project"):
        await run.admin.patch("identity", f"/projects/{id}", {"project": changes})


async def delete_project(run: Run, id: str) -> None:
    with run.action("keystone_v3.delete_project"):
        await run.admin.delete("identity", f"/projects/{id}")


async def list_projects(run: Run) -> list[Found]:
    with run.action("keystone_v3.list_projects"):
        found: list[Found] = (await run.admin.get("identity", "/projects"))["projects"]
        return found


async def create_user(run: Run, project_id: str | None = None, **more: Any) -> Found:
    """`email`, `enabled`, `password` … go into the user; other words of old files are dropped."""
    with run.action("keystone_v3.create_user"):
        body = {
            "name": run.name(),
            "password": secrets.token_urlsafe(16),
            **_known(more, "email", "enabled", "password", "description", "domain_id"),
        }
        if project_id is not None:
            body["default_project_id"] = project_id
        return await _made(run.admin, "/users", "user", body)


async def create_users(run: Run, project_id: str, number: int, **more: Any) -> list[Found]:
    with run.action("keystone_v3.create_users"):
        return [await create_user(run, project_id, **more) for _ in range(number)]


async def get_user(run: Run, id: str) -> Found:
    with run.action("keystone_v3.get_user"):
        found: Found = (await run.admin.get("identity", f"/users/{id}"))["user"]
        return found


async def update_user(run: Run, id: str, **changes: Any) -> None:
    with run.action("keystone_v3.update_user"):
        await run.admin.patch("identity", f"/users/{id}", {"user": changes})


async def delete_user(run: Run, id: str) -> None:
    with run.action("keystone_v3.delete_user"):
        await run.admin.delete("identity", f"/users/{id}")


async def list_users(run: Run) -> list[Found]:
    with run.action("keystone_v3.list_users"):
        found: list[Found] = (await run.admin.get("identity", "/users"))["users"]
        return found


async def create_role(run: Run, **more: Any) -> Found:
    with run.action("keystone_v3.create_role"):
        body = {"name": run.name(), **_known(more, "domain_id", "description")}
        return await _made(run.admin, "/roles", "role", body)


async def get_role(run: Run, id: str) -> None:
    with run.action("keystone_v3.get_role"):
        await run.admin.get("identity", f"/roles/{id}")


async def delete_role(run: Run, id: str) -> None:
    with run.action("keystone_v3.delete_role"):
        await run.admin.delete("identity", f"/roles/{id}")


async def list_roles(run: Run, user_id: str = "", project_id: str = "", **more: Any) -> list[Found]:
    with run.action("keystone_v3.list_roles"):
        path = "/roles"
        if user_id:
            path = f"/projects/{project_id}/users/{user_id}/roles"
        query = _known(more, "domain_id", "name")
        found: list[Found] = (await run.admin.get("identity", path, query=query))["roles"]
        return found


async def add_role(run: Run, role_id: str, user_id: str, project_id: str) -> None:
    with run.action("keystone_v3.add_role"):
        path = f"/projects/{project_id}/users/{user_id}/roles/{role_id}"
        await run.admin.put("identity", path)


async def revoke_role(run: Run, role_id: str, user_id: str, project_id: str) -> None:
    with run.action("keystone_v3.revoke_role"):
        path = f"/projects/{project_id}/users/{user_id}/roles/{role_id}"
        await run.admin.delete("identity", path)


async def create_service(
    run: Run, service_type: str | None = None, description: str | None = None
) -> Found:
    with run.action("keystone_v3.create_service"):
        body = {"name": run.name(), "type": service_type or "rally_test_type"}
        body["description"] = description or run.name()
        return await _made(run.admin, "/services", "service", body)


async def get_service(run: Run, id: str) -> None:
    with run.action("keystone_v3.get_services"):
        await run.admin.get("identity", f"/services/{id}")


async def delete_service(run: Run, id: str) -> None:
    with run.action("keystone_v3.delete_service"):
        await run.admin.delete("identity", f"/services/{id}")


async def list_services(run: Run) -> list[Found]:
    with run.action("keystone_v3.list_services"):
        found: list[Found] = (await run.admin.get("identity", "/services"))["services"]
        return found


async def service_by_name(run: Run, name: str) -> Found:
    for service in await list_services(run):
        if service.get("name") == name:
            return service
    raise NotFound(404, "GET", "/services", f"There is no service {name!r}", "")


async def fetch_token(run: Run) -> str:
    with run.action("keystone_v3.fetch_token"):
        session = Session(run.surroundings.http, run.admin.credentials)
        return await session.token()


async def validate_token(run: Run, token: str) -> None:
    with run.action("keystone_v3.validate_token"):
        await run.admin.get("identity", "/auth/tokens", headers={"X-Subject-Token": token})


async def create_ec2(run: Run) -> Found:
    assert run.user is not None
    env = run.surroundings
    # The cloud gives it its name: a run that is killed before it is known says at least that.
    pending = await _expect_ec2(run) if env.existing_users else 0
    with run.action("keystone_v3.create_ec2creds"):
        path = f"/users/{run.user.id}/credentials/OS-EC2"
        made = await run.cloud.post("identity", path, {"tenant_id": run.user.tenant_id})
        found: Found = made["credential"]
    if env.existing_users:
        # It has no name to be found by, and its user stays.
        whose = {"user": run.user.id}
        noted = env.note("ec2", found["access"], run.user.tenant_id, whose)
        env.kept.setdefault("ec2", {})[found["access"]] = (run.user, noted)
        env.notes.forget(pending)
    return found


async def _expect_ec2(run: Run) -> int:
    """Note which credentials a user has, before one is made. Returns the note's number."""
    assert run.user is not None
    had = run.surroundings.kept.setdefault("ec2 before", {})
    if run.user.id not in had:
        path = f"/users/{run.user.id}/credentials/OS-EC2"
        listed = (await run.cloud.get("identity", path))["credentials"]
        had[run.user.id] = [each["access"] for each in listed]
    whose = {"user": run.user.id, "had": had[run.user.id]}
    return run.surroundings.note("ec2", "", run.user.tenant_id, whose)


async def list_ec2(run: Run) -> None:
    assert run.user is not None
    with run.action("keystone_v3.list_ec2creds"):
        await run.cloud.get("identity", f"/users/{run.user.id}/credentials/OS-EC2")


async def delete_ec2(run: Run, access: str) -> None:
    assert run.user is not None
    with run.action("keystone_v3.delete_ec2creds"):
        await run.cloud.delete("identity", f"/users/{run.user.id}/credentials/OS-EC2/{access}")
    _, noted = run.surroundings.kept.get("ec2", {}).pop(access, (None, None))
    if noted is not None:
        run.surroundings.notes.forget(noted)


async def _made(cloud: Session, path: str, noun: str, body: Found) -> Found:
    made: Found = (await cloud.post("identity", path, {noun: body}))[noun]
    return made


def _known(given: Found, *names: str) -> Found:
    return {k: v for k, v in given.items() if k in names and v is not None}
