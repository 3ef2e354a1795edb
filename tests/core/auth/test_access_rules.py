"""Which paths an access rule means."""

import time

import pytest

from cumulo.core.auth.access_rules import matches


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/v2.1/servers", "/v2.1/servers", True),
        ("/v2.1/servers", "/v2x1/servers", False),
        ("/v2.1/servers", "/v2.1/servers/", False),
        ("/v2.1/servers/*", "/v2.1/servers/1", True),
        ("/v2.1/servers/*", "/v2.1/servers/", False),
        ("/v2.1/servers/*", "/v2.1/servers/1/ips", False),
        ("/v2.1/servers/{server_id}/ips", "/v2.1/servers/1/ips", True),
        ("/v2.1/servers/{server_id}/ips", "/v2.1/servers/1/2/ips", False),
        ("/v2.1/**", "/v2.1/", True),
        ("/v2.1/**", "/v2.1/servers/1/ips", True),
        ("/v2.1/**/ips", "/v2.1/servers/1/ips", True),
        ("/v2.1/**/ips", "/v2.1/servers/1/ipsx", False),
        ("**", "", True),
        ("/a*c", "/abbbc", True),
        ("/a*c", "/ac", False),
        ("/a(b", "/a(b", True),
    ],
)
def test_matches(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path) is fits


def test_a_rule_that_is_made_to_be_slow_is_not() -> None:
    started = time.process_time()
    assert not matches("/" + "**a*" * 50, "/" + "a" * 8000 + "/b")
    assert time.process_time() - started < 5
