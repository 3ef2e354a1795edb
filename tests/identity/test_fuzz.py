"""Bodies of `POST /v3/auth/tokens` that nobody should send: refused, never a 500."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.identity.service.guessing import Guessing
from tests.support.cloud import TestCloud, running_cloud

METHODS = (
    "password",
    "token",
    "application_credential",
    "totp",
    "oauth1",
    "mapped",
    "external",
    "",
)
FIELDS = (
    "id",
    "name",
    "user",
    "domain",
    "password",
    "passcode",
    "secret",
    "project",
    "system",
    "all",
    "OS-TRUST:trust",
    "unscoped",
    "methods",
)

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(("default", "Default", "admin", "demo", "unscoped", "\x00", "\ud800")),
)
tree = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    ),
    max_leaves=12,
)
domain = st.one_of(st.fixed_dictionaries({"id": st.just("default")}), tree)
named = st.fixed_dictionaries(
    {},
    optional={
        "id": plain,
        "name": st.one_of(st.just("admin"), plain),
        "domain": domain,
        "password": plain,
        "passcode": plain,
    },
)
body = st.one_of(
    st.fixed_dictionaries({}, optional={"user": named, "id": plain, "secret": plain}), tree
)
identity = st.fixed_dictionaries(
    {"methods": st.one_of(st.lists(st.sampled_from(METHODS), max_size=4), tree)},
    optional={name: body for name in METHODS},
)
scope = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "project": st.one_of(named, tree),
            "domain": domain,
            "system": st.one_of(st.just({"all": True}), tree),
            "OS-TRUST:trust": st.one_of(st.fixed_dictionaries({"id": plain}), tree),
            "unscoped": tree,
        },
    ),
    tree,
)
requests = st.one_of(
    st.fixed_dictionaries(
        {"auth": st.fixed_dictionaries({"identity": identity}, optional={"scope": scope})}
    ),
    st.fixed_dictionaries({"auth": tree}),
    tree,
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "authorization": st.sampled_from(
            (
                "OAuth",
                'OAuth oauth_consumer_key="x", oauth_token="y", oauth_nonce="z"',
                'OAuth oauth_token="y"',
                "Bearer x",
            )
        ),
        "openstack-auth-receipt": st.sampled_from(("", "x", "gAAAAA")),
    },
)


def test_no_body_is_a_500(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All these failures come from one address: it would have to wait longer and longer.
    async def at_once(*_: object) -> float:
        return 0.0

    monkeypatch.setattr(Guessing, "reserve", at_once)
    loop = asyncio.new_event_loop()
    context = running_cloud(tmp_path, database={"url": database_url})
    cloud: TestCloud = loop.run_until_complete(context.__aenter__())
    seen: dict[int, int] = {}

    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(requests, headers)
    def ask(request: Any, named: dict[str, str]) -> None:
        raw = json.dumps(request).encode()
        answer = loop.run_until_complete(
            cloud.request("POST", "/identity/v3/auth/tokens", headers=named, body=raw)
        )
        seen[answer.status] = seen.get(answer.status, 0) + 1
        assert answer.status in (400, 401, 403, 404), (request, answer.raw)
        assert answer.json["error"]["code"] == answer.status

    try:
        ask()
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()
    assert seen.get(400) and seen.get(401)
