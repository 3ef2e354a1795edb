"""Wire tests: requests and expected answers as YAML, one file a story, run in order.

    - name: create a project            # what the failure message says
      as: admin                         # first-run user (default demo), or null: no token
      request: POST /identity/v3/projects
      headers: {OpenStack-API-Version: compute 2.79}
      json: {project: {name: red}}      # or body: raw text
      status: 201
      answer:                           # what the JSON must contain; dotted paths
        project.name: red
        project.tags: []
        project.id: !!set               # (any) see below
      exact: {…}                        # the whole JSON
      absent: [project.secret]          # paths that must not be there
      headers_answer: {vary: …}
      save: {id: project.id}            # later requests write $id; $image, $network,
                                          # $admin_project and $demo_project are known
      until: true                       # ask again (10 s) until the answer fits

Every JSON answer must fit the response type that its operation declares.

Values: `any` matches anything that is there, `/regex/` matches text, `len 3` a length, `len >3` a
greater one.
"""

import asyncio
import re
from pathlib import Path
from typing import Any

import yaml

from tests.support.cloud import Answer, TestCloud, running_cloud

_MISSING = object()


def stories(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.yaml"))


def play(story: Path, data_dir: Path, database_url: str = "") -> None:
    """Run one file against a cloud of its own."""

    steps = yaml.safe_load(story.read_text())

    async def main() -> None:
        async with running_cloud(data_dir, database={"url": database_url}) as cloud:
            saved: dict[str, str] = {}
            for user in ("admin", "demo"):
                await cloud.token(user)
                saved[f"{user}_project"] = cloud.projects[user]
            saved["image"] = cloud.image
            saved["network"] = await cloud.private_network()
            for step in steps:
                await _play_step(cloud, step, saved)

    asyncio.run(main())


async def _play_step(cloud: TestCloud, step: dict[str, Any], saved: dict[str, str]) -> None:
    step = _fill(step, saved)
    method, _, path = step["request"].partition(" ")
    end = asyncio.get_running_loop().time() + (10 if step.get("until") else 0)
    while True:
        answer = await cloud.call(
            method,
            path,
            as_=step.get("as", "demo"),
            json_=step.get("json"),
            headers={k: str(v) for k, v in step.get("headers", {}).items()},
            body=step.get("body", "").encode(),
        )
        wrong = _compare(step, answer)
        if not wrong:
            break
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"{step.get('name', step['request'])}: {wrong}\n{answer}")
        await asyncio.sleep(0.02)
    for name, place in step.get("save", {}).items():
        if place.startswith("header "):
            saved[name] = answer.headers[place.removeprefix("header ").lower()]
        else:
            saved[name] = str(_at(answer.json, place))


def _compare(step: dict[str, Any], answer: Answer) -> str:
    if answer.status != step.get("status", 200):
        return f"status {answer.status}, expected {step.get('status', 200)}"
    if "exact" in step and answer.json != step["exact"]:
        return f"the answer is not exactly {step['exact']}"
    for place, wanted in step.get("answer", {}).items():
        found = _at(answer.json, place)
        if not _fits(found, wanted):
            return f"{place} is {'missing' if found is _MISSING else repr(found)}, not {wanted!r}"
    for place in step.get("absent", []):
        if _at(answer.json, place) is not _MISSING:
            return f"{place} should not be there"
    for name, wanted in step.get("headers_answer", {}).items():
        found = answer.headers.get(name.lower(), _MISSING)
        if found is not _MISSING if wanted is None else not _fits(found, wanted):
            return f"header {name} is {answer.headers.get(name.lower())!r}, not {wanted!r}"
    if "text" in step and step["text"] not in answer.raw.decode(errors="replace"):
        return f"the text does not contain {step['text']!r}"
    return ""


def _fits(found: Any, wanted: Any) -> bool:
    if wanted == "any":
        return found is not _MISSING
    if isinstance(wanted, str) and len(wanted) > 1 and wanted[0] == wanted[-1] == "/":
        return isinstance(found, str) and re.search(wanted[1:-1], found) is not None
    if isinstance(wanted, str) and re.fullmatch(r"len >\d+", wanted):
        return hasattr(found, "__len__") and len(found) > int(wanted[5:])
    if isinstance(wanted, str) and re.fullmatch(r"len \d+", wanted):
        return hasattr(found, "__len__") and len(found) == int(wanted[4:])
    return bool(found == wanted)


def _at(document: Any, place: str) -> Any:
    """`servers.0.addresses.private`; keys with dots or colons are found too."""
    found = document
    parts = place.split(".")
    while parts:
        if isinstance(found, list) and parts[0].lstrip("-").isdecimal():
            index = int(parts.pop(0))
            if not -len(found) <= index < len(found):
                return _MISSING
            found = found[index]
            continue
        if not isinstance(found, dict):
            return _MISSING
        for length in range(len(parts), 0, -1):
            key = ".".join(parts[:length])
            if key in found:
                found = found[key]
                del parts[:length]
                break
        else:
            return _MISSING
    return found


def _fill(value: Any, saved: dict[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\$(\w+)", lambda m: saved.get(m.group(1), m.group(0)), value)
    if isinstance(value, list):
        return [_fill(item, saved) for item in value]
    if isinstance(value, dict):
        return {_fill(k, saved): _fill(v, saved) for k, v in value.items()}
    return value
