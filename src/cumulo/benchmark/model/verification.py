"""Verifiers (Tempest, installed) and verifications (a run of it against an environment)."""

import msgspec


class Verifier(msgspec.Struct):
    uuid: str
    name: str
    status: str
    """installing, installed, failed"""
    version: str
    requirements: list[str]
    system_wide: bool
    created_at: str
    updated_at: str


class Test(msgspec.Struct):
    name: str
    status: str
    """success, fail, skip, xfail, uxsuccess"""
    duration: float = 0.0
    timestamp: str = ""
    tags: list[str] = []
    details: str = ""


class Verification(msgspec.Struct):
    uuid: str
    verifier: str
    env_uuid: str
    env_name: str
    status: str
    """running, finished, failed (a test), crashed"""
    created_at: str
    updated_at: str
    tags: list[str] = []
    pattern: str = ""
    tests: dict[str, Test] = {}
    problem: str = ""

    def count(self, status: str) -> int:
        return sum(test.status == status for test in self.tests.values())

    @property
    def duration(self) -> float:
        """Seconds of all tests together."""
        return sum(test.duration for test in self.tests.values())
