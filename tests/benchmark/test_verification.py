"""Verifying without Tempest: its configuration, what is run again, what is compared."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cumulo.benchmark.model.verification import Test as Outcome
from cumulo.benchmark.model.verification import Verifier
from cumulo.benchmark.queries.store import NoSuch, Store
from cumulo.benchmark.report import verification as report
from cumulo.benchmark.service import environments, verifications
from cumulo.benchmark.verification.configuration import extended, written


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
    made = extended(config, "[auth]\nuse_dynamic_credentials = false\n[compute]\nimage_ref = 1\n")
    text = written(made)
    assert "admin_password = a$$b%c" in text
    assert "use_dynamic_credentials = false" in text
    assert "[compute]\nimage_ref = 1" in text
    with pytest.raises(ValueError):
        extended(config, "no section")
