"""Verifying: a verifier installed, configured for an environment, run, run again, compared."""

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from cumulo.benchmark.client.clouds import BadSpec, credentials_of, http_of, platform_of
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.verification import Test, Verification, Verifier
from cumulo.benchmark.moments import now
from cumulo.benchmark.queries.store import Exists, NoSuch, Store
from cumulo.benchmark.verification import patterns
from cumulo.benchmark.verification.configuration import (
    Config,
    configuration,
    extended,
    read,
    written,
)
from cumulo.core.ids import new_id

CHOSEN_VERIFIER = "verifier"
CHOSEN = "verification"
FAILED = ("fail", "uxsuccess")
_PATTERN = re.compile(r"[][^$*+?(){}|\\]")
SETS = (
    *("full", "smoke", "scenario", "baremetal", "clustering", "compute", "database"),
    *("data_processing", "identity", "image", "messaging", "network", "object_storage"),
    *("orchestration", "volume"),
)
"""Rally's names of tests that belong together."""


class Runner(Protocol):
    """What installs and runs Tempest (drivers.tempest)."""

    async def install(self, requirements: Sequence[str]) -> str: ...

    async def add(self, requirements: Sequence[str]) -> None: ...

    async def version(self) -> str: ...

    async def tests(self, pattern: str) -> list[str]: ...

    async def extensions(self) -> list[tuple[str, str, str]]: ...

    async def remove(self, package: str) -> None: ...

    async def read(self, path: str) -> str: ...

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
    use: bool = True,
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
    if use:
        store.choose(CHOSEN_VERIFIER, made.uuid)
    return made


async def update(
    store: Store,
    runner_of: Callable[[Verifier], Runner],
    verifier: Verifier,
    *,
    version: str | None,
    system_wide: bool | None,
) -> None:
    """Another version, the newest of all that was asked for, another place."""
    if system_wide is not None:
        verifier.system_wide = system_wide
    if version:
        others = [r for r in verifier.requirements if not _is_tempest(r)]
        verifier.requirements = [f"tempest=={version}", *others]
    runner = runner_of(verifier)
    if verifier.system_wide:
        verifier.version = await runner.version()
    else:
        verifier.version = await runner.install(["--upgrade", *verifier.requirements])
    verifier.updated_at = now()
    store.put_verifier(verifier)


def _is_tempest(requirement: str) -> bool:
    return requirement.partition("==")[0].strip() == "tempest"


async def remove_extension(store: Store, runner: Runner, verifier: Verifier, name: str) -> None:
    """Raises NoSuch."""
    found = [package for plugin, _, package in await runner.extensions() if plugin == name]
    if not found:
        raise NoSuch(f"There is no verifier extension '{name}'.")
    await runner.remove(found[0])
    verifier.requirements = [
        r for r in verifier.requirements if r.partition("==")[0].strip() != found[0]
    ]
    verifier.updated_at = now()
    store.put_verifier(verifier)


def forget_place(place: Path, env: Environment) -> None:
    """What a verifier has of an environment on the disk."""
    if place.name == env.uuid:
        shutil.rmtree(place, ignore_errors=True)


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
    env: Environment,
    folder: Path,
    *,
    again: bool,
    extend: Config | None = None,
    override: str = "",
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
    if path.exists() and same and not again:
        # What is there is extended, and keeps what it was extended by before.
        config = read(path.read_text())
    else:
        config = await _of_cloud(env, folder)
    text = written(extended(config, extend or {}))
    path.touch(mode=0o600)
    path.write_text(text)
    made_of.write_text(spec)
    return text


async def _of_cloud(env: Environment, folder: Path) -> Config:
    platform = platform_of(env.spec)
    if not platform.get("admin"):
        raise BadSpec("verifying needs an administrator's credentials")
    http = http_of(platform)
    try:
        session = Session(http, credentials_of(platform, platform["admin"]))
        return await configuration(session, str(folder))
    finally:
        http.close()


async def start(
    store: Store,
    runner: Runner,
    verifier: Verifier,
    env: Environment,
    *,
    pattern: str = "",
    load_list: Sequence[str] = (),
    skip: Sequence[str] = (),
    expected: Mapping[str, str] | None = None,
    concurrency: int = 0,
    tags: Sequence[str] = (),
    use: bool = True,
) -> Verification:
    """Run tests against an environment and keep what came out. `expected`: tests that fail, and
    why."""
    regex = _regex(pattern)
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
    if use:
        store.choose(CHOSEN, made.uuid)
    try:
        said = await runner.start(
            pattern=regex,
            load_list="\n".join([*load_list, ""]) if load_list else "",
            skip=skip,
            concurrency=concurrency,
        )
    except BaseException as failure:
        made.status, made.problem, made.updated_at = "crashed", str(failure)[:4000], now()
        store.put_verification(made)
        raise
    return _judged(store, made, said, expected or {})


async def bring(
    store: Store,
    runner: Runner,
    verifier: Verifier,
    env: Environment,
    path: str,
    *,
    use: bool = True,
) -> Verification:
    """Keep the results of a run that was made elsewhere."""
    said = await runner.read(path)
    moment = now()
    made = Verification(
        new_id(), verifier.name, env.uuid, env.name, "running", moment, moment, pattern=path
    )
    if use:
        store.choose(CHOSEN, made.uuid)
    return _judged(store, made, said, {})


def _judged(
    store: Store, made: Verification, said: str, expected: Mapping[str, str]
) -> Verification:
    made.tests = msgspec.json.decode(said, type=dict[str, Test])
    for name, test in made.tests.items():
        reason = expected.get(test.name, expected.get(name))
        if reason is None:
            continue
        if test.status == "fail":
            test.status = "xfail"
            test.details = f"{reason}\n\n{test.details}".strip()
        elif test.status == "success":
            test.status = "uxsuccess"
            test.details = reason
    made.status = "failed" if any(made.count(s) for s in FAILED) else "finished"
    made.updated_at = now()
    store.put_verification(made)
    return made


def named(tests: Mapping[str, object]) -> list[str]:
    """Patterns that are these tests and no others; a class or a module is all its tests. A name's
    own tags are no part of it. What has more than a name can have is a pattern already."""
    return [
        name
        if _PATTERN.search(name.partition("[id-")[0])
        else rf"^{re.escape(name.partition('[')[0].strip())}([\[.(]|$)"
        for name in tests
    ]


def _regex(pattern: str) -> str:
    """`set=compute` and `set=smoke` are Rally's words for a service's tests and for the tag."""
    if not pattern.startswith("set="):
        return patterns.checked(pattern)
    name = pattern.removeprefix("set=")
    if name not in SETS:
        raise ValueError(
            f"Test set '{name}' not found in available Tempest test sets. Available sets are "
            f"{', '.join(SETS)}."
        )
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
