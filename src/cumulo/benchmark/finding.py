"""Arguments that name something: `image: {name: "^cirros.*-disk$"}` becomes an id.

An exact name wins over a pattern; of several images that match, the last by name is taken; flavors
and volume types must be found without doubt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.engine.surroundings import Surroundings
from cumulo.benchmark.registry import Scenario
from cumulo.core.wire.patterns import BadPattern, Pattern

WORDS = frozenset({"id", "name", "regex", "accurate", "list_kwargs"})


_LISTS: Mapping[str, tuple[str, str, str]] = {
    "image": ("image", "/images", "images"),
    "flavor": ("compute", "/flavors/detail", "flavors"),
    "volume_type": ("volume", "/types", "volume_types"),
    "network": ("network", "/networks", "networks"),
}


class NotFoundHere(Exception):
    """Nothing, or too much, answers the description."""


async def found_args(
    scenario: Scenario, args: Mapping[str, Any], env: Surroundings
) -> dict[str, Any]:
    """The arguments with ids for descriptions. What a context has made in each project is another
    one in each: that stands with the project, as `found`."""
    done = dict(args)
    for name, kind in scenario.finds.items():
        value = done.get(name)
        if kind == "image" and isinstance(value, dict):
            for tenant, id in (await images_of_projects(env, value)).items():
                env.tenants[tenant].setdefault("found", {})[name] = done[name] = id
    # As validation looks, and then as a user: a context's image is its project's alone.
    clouds = [each for each in (env.admin, env.users[0].cloud if env.users else None) if each]
    for name, kind in scenario.finds.items():
        value = done.get(name)
        if clouds and isinstance(value, dict):
            done[name] = await _find_in(clouds, kind, value)
        elif clouds and isinstance(value, list):
            done[name] = [
                await _find_in(clouds, kind, v) if isinstance(v, dict) else v for v in value
            ]
    return done


async def images_of_projects(env: Surroundings, described: Mapping[str, Any]) -> dict[str, str]:
    """Ids by project, if it is the context's images that are described; else nothing."""
    found: dict[str, str] = {}
    for user in env.tenant_users():
        own = env.tenants[user.tenant_id].get("images")
        if not own or described.get("id"):
            continue
        made = [i for i in await listed(user.cloud, "image", described) if i["id"] in own]
        try:
            found[user.tenant_id] = str(match("image", described, made)["id"])
        except NotFoundHere:
            continue
    return found if len(found) == len(env.tenants) else {}


async def _find_in(clouds: Sequence[Session], kind: str, described: Mapping[str, Any]) -> str:
    for cloud in clouds[:-1]:
        try:
            return await find(cloud, kind, described)
        except NotFoundHere:
            continue
    return await find(clouds[-1], kind, described)


async def find(cloud: Session, kind: str, described: Mapping[str, Any]) -> str:
    """The id of what is described. Raises NotFoundHere."""
    if described.get("id"):
        return str(described["id"])
    found = match(kind, described, await listed(cloud, kind, described))
    id: str = found["id"]
    return id


async def listed(cloud: Session, kind: str, described: Mapping[str, Any]) -> list[Any]:
    """What there is to choose of. Raises NotFoundHere for a word that describes nothing."""
    unknown = sorted(str(word) for word in described if word not in WORDS)
    query = described.get("list_kwargs") or {}
    if kind == "image" and isinstance(query, dict):
        # What is being uploaded, or may not be used any more, is nothing to choose.
        query = {"status": "active", **query}
    if query and (kind != "image" or not isinstance(query, dict)):
        unknown.append("list_kwargs")
    if unknown:
        raise NotFoundHere(f"{', '.join(unknown)[:200]}: not a word that describes it")
    service, path, collection = _LISTS[kind]
    found = await cloud.pages(service, path, collection, query=dict(query))
    for item in found:
        if not isinstance(item.get("id"), str) or not isinstance(item.get("name") or "", str):
            raise HttpError(f"what {service} answered is no list of {collection}")
    return found


def match(kind: str, described: Mapping[str, Any], items: list[Any]) -> Any:
    """The item that is described by name or pattern. Raises NotFoundHere."""
    title = kind.replace("_", " ").title()
    name, pattern = described.get("name"), described.get("regex")
    if name is None and pattern is None:
        raise NotFoundHere(f"{title} 'id', 'name', or 'regex' not found in '{dict(described)}'")
    exact = [item for item in items if name is not None and item.get("name") == name]
    if len(exact) == 1:
        return exact[0]
    if len(exact) > 1:
        raise NotFoundHere(
            f"{title} with name '{name}' is ambiguous, possible matches by id: "
            + ", ".join(item["id"] for item in exact)
        )
    if described.get("accurate"):
        raise NotFoundHere(f"{title} with name '{name}' not found")
    text = str(pattern if name is None else name)
    try:
        shape = Pattern(text)
    except BadPattern as error:
        raise NotFoundHere(f"'{text:.80}' is no pattern: {error}") from None
    found = [item for item in items if shape.found_in(item.get("name") or "")]
    if not found:
        raise NotFoundHere(f"{title} with pattern '{text}' not found")
    if len(found) > 1:
        if kind != "image":
            raise NotFoundHere(
                f"{title} with name '{text}' is ambiguous, possible matches by id: "
                + ", ".join(item["id"] for item in found)
            )
        return max(found, key=lambda item: item.get("name") or "")
    return found[0]
