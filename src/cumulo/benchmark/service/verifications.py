"""Verifying: a verifier installed, configured for an environment, run, run again, compared."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from cumulo.benchmark.client.clouds import BadSpec, credentials_of, platform_of
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.verification import Test, Verification, Verifier
from cumulo.benchmark.moments import now
from cumulo.benchmark.queries.store import Exists, NoSuch, Store
from cumulo.benchmark.service.environments import http_of
from cumulo.benchmark.verification.configuration import configuration, extended, written
from cumulo.core.ids import new_id

CHOSEN_VERIFIER = "verifier"
CHOSEN = "verification"
FAILED = ("fail", "uxsuccess")


class Runner(Protocol):
    """What installs and runs Tempest (drivers.tempest)."""

    async def install(self, requirements: Sequence[str]) -> str: ...

    async def add(self, requirements: Sequence[str]) -> None: ...

    async def version(self) -> str: ...

    async def tests(self, pattern: str) -> list[str]: ...

    async def start(
        self, *, pattern: str, load_list: str, skip: Sequence[str], concurrency: int
    ) -> str: ...


async def create(
    store: Store,
    runner_of: Callable[[Verifier], Runner],
    name: str,
    requirements: list[str],
    *,
    system_wide: bool,
) -> Verifier:
    """Install a verifier. Raises Exists, or what the installation failed with."""
    if any(name in (v.name, v.uuid) for v in store.verifiers()):
        raise Exists(f"Verifier with name '{name}' already exists!")
    moment = now()
    made = Verifier(new_id(), name, "installing", "", requirements, system_wide, moment, moment)
    store.put_verifier(made)
    runner = runner_of(made)
    try:
        if system_wide:
            made.version = await runner.version()
        else:
            made.version = await runner.install(requirements)
    except BaseException:
        store.delete_verifier(made.uuid)
        raise
    made.status, made.updated_at = "installed", now()
    store.put_verifier(made)
    store.choose(CHOSEN_VERIFIER, made.uuid)
    return made


def chosen_verifier(store: Store, named: str | None) -> Verifier:
    wanted = named or store.chosen(CHOSEN_VERIFIER)
    if not wanted:
        raise NoSuch("There is no verifier; make one: rally verify create-verifier --name NAME")
    return store.verifier(wanted)


def chosen(store: Store, named: str | None) -> Verification:
    wanted = named or store.chosen(CHOSEN)
    if not wanted:
        raise NoSuch("There is no verification in use; name one by its UUID.")
    return store.verification(wanted)


def delete(store: Store, verifier: Verifier, folder: Path) -> None:
    """A verifier with its environment on the disk."""
    store.delete_verifier(verifier.uuid)
    if folder.name == verifier.uuid:
        shutil.rmtree(folder, ignore_errors=True)


async def configure(
    env: Environment, folder: Path, *, again: bool, extend: str = "", override: str = ""
) -> str:
    """The text of tempest.conf, made out of the cloud; kept unless it is there already, made with
    what the environment says now."""
    path, made_of = folder / "tempest.conf", folder / "spec"
    spec = hashlib.sha256(msgspec.json.encode(env.spec)).hexdigest()
    if override:
        path.touch(mode=0o600)
        path.write_text(override)
        made_of.write_text(spec)
        return override
    same = made_of.exists() and made_of.read_text() == spec
    if path.exists() and same and not again and not extend:
        return path.read_text()
    platform = platform_of(env.spec)
    if not platform.get("admin"):
        raise BadSpec("verifying needs an administrator's credentials")
    http = http_of(platform)
    try:
        session = Session(http, credentials_of(platform, platform["admin"]))
        config = await configuration(session, str(folder))
    finally:
        http.close()
    text = written(extended(config, extend) if extend else config)
    path.touch(mode=0o600)
    path.write_text(text)
    made_of.write_text(spec)
    return text


async def start(
    store: Store,
    runner: Runner,
    verifier: Verifier,
    env: Environment,
    *,
    pattern: str = "",
    load_list: Sequence[str] = (),
    skip: Sequence[str] = (),
    concurrency: int = 0,
    tags: Sequence[str] = (),
) -> Verification:
    """Run tests against an environment and keep what came out."""
    moment = now()
    made = Verification(
        uuid=new_id(),
        verifier=verifier.name,
        env_uuid=env.uuid,
        env_name=env.name,
        status="running",
        created_at=moment,
        updated_at=moment,
        tags=list(tags),
        pattern=pattern or (f"{len(load_list)} tests" if load_list else ""),
    )
    store.put_verification(made)
    store.choose(CHOSEN, made.uuid)
    try:
        said = await runner.start(
            pattern=_regex(pattern),
            load_list="\n".join([*load_list, ""]) if load_list else "",
            skip=skip,
            concurrency=concurrency,
        )
    except BaseException as failure:
        made.status, made.problem, made.updated_at = "crashed", str(failure)[:4000], now()
        store.put_verification(made)
        raise
    made.tests = msgspec.json.decode(said, type=dict[str, Test])
    made.status = "failed" if any(made.count(s) for s in FAILED) else "finished"
    made.updated_at = now()
    store.put_verification(made)
    return made


def _regex(pattern: str) -> str:
    """`set=compute` and `set=smoke` are Rally's words for a service's tests and for the tag."""
    if not pattern.startswith("set="):
        return pattern
    name = pattern.removeprefix("set=")
    if name == "full":
        return ""
    if name == "smoke":
        return r"\[.*\bsmoke\b.*\]"
    if name == "scenario":
        return r"tempest\.scenario\."
    return rf"tempest\.api\.{name}\."


def to_repeat(before: Verification, *, failed: bool) -> list[str]:
    """The tests of a verification, by the names that a list for Tempest wants."""
    return [
        name
        for name, test in before.tests.items()
        if (not failed or test.status in FAILED) and not name.startswith("setUpClass")
    ]
