"""A second project with a member of its own, for what one tenant must not do to another."""

from tests.support.cloud import TestCloud


async def second_project(cloud: TestCloud, name: str) -> None:
    """User and project of this name; then `cloud.call(..., as_=name)`."""
    identity = "/identity/v3"
    user = {"name": name, "password": "second-secret", "domain_id": "default"}
    made = await cloud.call("POST", f"{identity}/users", as_="admin", json_={"user": user})
    assert made.status == 201, made.raw
    wish = {"project": {"name": name, "domain_id": "default"}}
    project = await cloud.call("POST", f"{identity}/projects", as_="admin", json_=wish)
    roles = (await cloud.call("GET", f"{identity}/roles?name=member", as_="admin")).json["roles"]
    project_id, user_id = project.json["project"]["id"], made.json["user"]["id"]
    grant = f"{identity}/projects/{project_id}/users/{user_id}/roles/{roles[0]['id']}"
    assert (await cloud.call("PUT", grant, as_="admin")).status == 204
    answer = await cloud.issue(name, "second-secret", name)
    cloud.tokens[name] = answer.headers["x-subject-token"]
    cloud.projects[name] = project_id
    await cloud.token("demo")
