"""Verifying without Tempest: its configuration, what is run again, what is compared."""

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.benchmark.client.http import Http
from cumulo.benchmark.client.session import Credentials, Session
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.verification import Test as Outcome
from cumulo.benchmark.model.verification import Verifier
from cumulo.benchmark.queries.store import NoSuch, Store
from cumulo.benchmark.report import verification as report
from cumulo.benchmark.service import environments, verifications
from cumulo.benchmark.verification.configuration import (
    configuration,
    extended,
    options,
    read,
    written,
)
from cumulo.cli.rally import verify


class Runner:
    """Says what it is told to say."""

    def __init__(self, results: dict[str, Outcome]) -> None:
        self.results = results
        self.asked: list[tuple[str, str]] = []

    async def install(self, requirements: Sequence[str]) -> str:
        if "broken" in requirements:
            raise OSError("no such package")
        return "47.0.0"

    async def add(self, requirements: Sequence[str]) -> None:
        self.asked += [("add", name) for name in requirements]

    async def version(self) -> str:
        return "47.0.0"

    async def tests(self, pattern: str) -> list[str]:
        return [name for name in self.results if pattern in name]

    async def extensions(self) -> list[tuple[str, str, str]]:
        return [("manila_tests", "manila_tests.plugin:P", "manila-tempest-plugin")]

    async def remove(self, package: str) -> None:
        self.asked.append(("remove", package))

    async def read(self, path: str) -> str:
        return msgspec.json.encode(self.results).decode()

    async def start(
        self, *, pattern: str, load_list: str, skip: Sequence[str], concurrency: int
    ) -> str:
        self.asked.append((pattern, load_list))
        if pattern == "crash":
            raise OSError("nothing ran")
        return msgspec.json.encode(self.results).decode()


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    return Store(tmp_path / "rally.sqlite")


RESULTS = {
    "a.B.test_one[id-1,smoke]": Outcome("a.B.test_one", "success", 0.5),
    "a.B.test_two[id-2]": Outcome("a.B.test_two", "fail", 1.5, details="Traceback <x>"),
    "a.B.test_three[id-3]": Outcome("a.B.test_three", "skip", details="no such service"),
    "setUpClass (a.C)": Outcome("setUpClass (a.C)", "fail"),
}


def test_a_run_is_kept_and_what_failed_is_run_again(kept: Store) -> None:
    async def whole() -> None:
        env = environments.create(kept, "here", {})
        runner = Runner(RESULTS)
        made = await verifications.create(kept, lambda _: runner, "t", [], system_wide=False)
        assert kept.verifier("t").version == "47.0.0"
        first = await verifications.start(kept, runner, made, env, pattern="set=compute")
        assert runner.asked == [(r"tempest\.api\.compute\.", "")]
        assert (first.status, first.count("fail"), first.duration) == ("failed", 2, 2.0)
        again = verifications.to_repeat(verifications.chosen(kept, None), failed=True)
        assert again == ["a.B.test_two[id-2]"]
        better = Runner({"a.B.test_two[id-2]": Outcome("a.B.test_two", "success", 1.0)})
        second = await verifications.start(kept, better, made, env, load_list=again)
        assert better.asked == [("", "a.B.test_two[id-2]\n")]
        assert second.status == "finished"
        page = report.make("html", [first, second])
        assert page.index("a.B.test_two") < page.index("a.B.test_three")
        assert "Traceback &lt;x&gt;" in page
        suites = ET.fromstring(report.make("junit-xml", [first, second]).encode())
        assert [s.get("failures") for s in suites.findall("testsuite")] == ["2", "0"]

    asyncio.run(whole())


def test_what_failed_to_install_or_to_run_leaves_no_false_trace(kept: Store) -> None:
    async def whole() -> None:
        env = environments.create(kept, "here", {})
        runner = Runner({})
        with pytest.raises(OSError):
            await verifications.create(kept, lambda _: runner, "t", ["broken"], system_wide=False)
        with pytest.raises(NoSuch):
            kept.verifier("t")
        made = Verifier("u", "t", "installed", "1", [], False, "", "")
        with pytest.raises(OSError):
            await verifications.start(kept, runner, made, env, pattern="crash")
        (crashed,) = kept.verifications()
        assert (crashed.status, crashed.problem) == ("crashed", "nothing ran")

    asyncio.run(whole())


def test_a_configuration_is_written_and_extended() -> None:
    config = {"DEFAULT": {"log_dir": "/x"}, "auth": {"admin_password": "a$b%c"}}
    more = "[auth]\nuse_dynamic_credentials = false\n[compute]\nimage_ref = 1\nCapital = 2\n"
    made = extended(config, options(more))
    text = written(made)
    assert "admin_password = a$$b%c" in text
    assert "use_dynamic_credentials = false" in text
    assert "[compute]\nimage_ref = 1\nCapital = 2" in text
    assert read(text) == made
    with pytest.raises(ValueError):
        options("no section")


class Catalog(Session):
    """A cloud with what clouds have had."""

    def __init__(self) -> None:
        super().__init__(Http(), Credentials("http://h/v3", "a", "b", project="p"))
        self.images: list[dict[str, Any]] = [
            {"id": "unknown", "size": None},
            {"id": "iso", "size": 5, "container_format": "docker"},
            {"id": "large", "size": 9},
            {"id": "small", "size": 7},
        ]
        flavors = [("none", 64, 0), ("least", 128, 1), ("more", 256, 1)]
        self.flavors = [{"id": n, "ram": r, "vcpus": 1, "disk": d} for n, r, d in flavors]

        self.kinds = ["compute", "image", "network", "object-store"]

    async def services(self) -> dict[str, str]:
        return dict.fromkeys(self.kinds, "http://h")

    async def get(self, service: str, path: str, **_: Any) -> Any:
        if service not in (*self.kinds, "identity"):
            raise AssertionError(f"{service} is not there")
        networks = [{"id": n, "name": n} for n in ("somebodys", "everybodys")]
        known = {
            "/roles": {"roles": [{"name": "Member"}, {"name": "ReselLerAdmin"}]},
            "/extensions": {"extensions": [{"alias": "router"}]},
            "/networks": {"networks": networks},
            "/rbac-policies": {"rbac_policies": [{"object_id": "everybodys"}]},
        }
        if path.partition("?")[0] in known:
            return known[path.partition("?")[0]]
        usual = {"status": "active", "container_format": "bare"}
        images = [{**usual, **image} for image in self.images]
        return {"images": images, "flavors": self.flavors, "hypervisors": [1]}


def test_what_tests_boot_can_be_booted() -> None:
    """Not on a flavor without a disk, not from an image of which nobody knows the size."""
    found = asyncio.run(configuration(Catalog(), "/x"))["compute"]
    assert (found["flavor_ref"], found["flavor_ref_alt"]) == ("least", "more")
    assert (found["image_ref"], found["min_compute_nodes"]) == ("small", "1")


def test_a_configuration_has_what_the_cloud_has() -> None:
    """Roles in the cloud's own letters, a way out that all may take; nothing of what is not there:
    a cloud without compute is configured, too."""
    cloud = Catalog()
    found = asyncio.run(configuration(cloud, "/x"))
    assert found["network"]["public_network_id"] == "everybodys"
    roles = found["object-storage"]
    assert (roles["operator_role"], roles["reseller_admin_role"]) == ("Member", "ReselLerAdmin")
    cloud.kinds = ["identity", "image"]
    found = asyncio.run(configuration(cloud, "/x"))
    assert "image_ref" not in found.get("compute", {}) and "compute-feature-enabled" not in found
    assert found["service_available"]["nova"] == "false"
    assert "public_network_id" not in found.get("network", {})


def test_a_configuration_keeps_what_it_was_extended_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whole() -> None:
        made: list[int] = []

        async def asked(*given: Any) -> Any:
            made.append(1)
            return {"auth": {"admin_password": "a$b"}}

        monkeypatch.setattr(verifications, "_of_cloud", asked)
        env = Environment("u", "e", "", {}, "READY", "", "")
        one = {"compute": {"flavor_ref": "1"}}
        for more in (one, {"compute": {"image_ref": "2"}}, {}):
            text = await verifications.configure(env, tmp_path, again=False, extend=more)
        assert read(text) == {
            "auth": {"admin_password": "a$b"},
            "compute": {"flavor_ref": "1", "image_ref": "2"},
        }
        assert len(made) == 1
        assert "compute" not in await verifications.configure(env, tmp_path, again=True)

    asyncio.run(whole())


def test_lists_of_tests_in_rallys_form(tmp_path: Path) -> None:
    """Names and reasons; what is expected to fail and does not is said, too."""
    path = tmp_path / "skip"
    path.write_text("a.B.test_one[id-1,smoke]: bug 1\na.C:\n")
    patterns = verify._skipped(str(path))
    names = ["a.B.test_one[id-1]", "a.B.test_one_more[id-2]", "a.C.test_x[id-3]", "a.Cc.test[id-4]"]
    assert [[bool(re.search(p, n)) for n in names] for p in patterns] == [
        [True, False, False, False],
        [False, False, True, False],
    ]
    path.write_text('{"^a\\\\.B": "all of them"}')
    assert verify._skipped(str(path)) == ["^a\\.B"]
    path.write_text("# a comment\na.*test  # another\n")
    assert verify._skipped(str(path)) == ["a.*test"]
    assert verify._skipped(None) == []
    path.write_text('{"a.B.test_two": "bug 2", "a.B.test_one": "bug 3"}')
    assert verify._reasons(str(path)) == {"a.B.test_two": "bug 2", "a.B.test_one": "bug 3"}


def test_a_failure_that_was_expected_is_none(kept: Store) -> None:
    async def whole() -> None:
        env = environments.create(kept, "here", {})
        made = Verifier("u", "t", "installed", "1", [], False, "", "")
        results = {"a.B.two[id-2]": Outcome("a.B.two", "fail", details="Traceback")}
        runner, expected = Runner(results), {"a.B.two": "bug 2"}
        first = await verifications.start(kept, runner, made, env, expected=expected)
        assert (first.status, first.count("xfail")) == ("finished", 1)
        results["a.B.two[id-2]"] = Outcome("a.B.two", "success")
        runner = Runner(results)
        second = await verifications.start(
            kept, runner, made, env, pattern="a", expected=expected, use=False
        )
        assert (second.status, second.count("uxsuccess")) == ("failed", 1)
        assert verifications.chosen(kept, None).uuid == first.uuid
        for pattern in ("set=nothing", "(("):
            with pytest.raises(ValueError):
                await verifications.start(kept, runner, made, env, pattern=pattern)
        brought = await verifications.bring(kept, runner, made, env, "/x")
        assert brought.count("success") == 1
        assert len(kept.verifications()) == 3

    asyncio.run(whole())


def test_a_verifier_is_changed_and_loses_its_plugins(kept: Store) -> None:
    async def whole() -> None:
        runner = Runner({})
        wanted = ["tempest==46.0.0", "manila-tempest-plugin"]
        made = await verifications.create(
            kept, lambda _: runner, "t", wanted, system_wide=False, use=False
        )
        with pytest.raises(NoSuch):
            verifications.chosen_verifier(kept, None)
        await verifications.update(kept, lambda _: runner, made, version="47.0.0", system_wide=None)
        assert kept.verifier("t").requirements == ["tempest==47.0.0", "manila-tempest-plugin"]
        await verifications.remove_extension(kept, runner, made, "manila_tests")
        assert runner.asked == [("remove", "manila-tempest-plugin")]
        assert kept.verifier("t").requirements == ["tempest==47.0.0"]
        with pytest.raises(NoSuch):
            await verifications.remove_extension(kept, runner, made, "nothing")

    asyncio.run(whole())
