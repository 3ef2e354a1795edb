"""Users of an OpenID provider: the clients' plug-ins, and a browser's sign-on."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
import requests
from keystoneauth1.exceptions import HttpError
from keystoneauth1.identity.v3 import OidcAccessToken, OidcPassword
from keystoneauth1.session import Session

from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud

from .openid_provider import CLIENT, PASSWORD, SECRET, USER, Provider, openid_provider
from .setting import Operator

DASHBOARD = "http://dashboard.example/auth/websso/"
RULES = [
    {
        "local": [
            {"user": {"name": "{0}", "email": "{1}", "id": "{2}"}},
            {"group": {"name": "people", "domain": {"id": "default"}}},
        ],
        "remote": [
            {"type": "HTTP_OIDC_NAME"},
            {"type": "OIDC-email"},
            {"type": "OIDC_CLAIM_sub"},
            {"type": "HTTP_OIDC_EMAIL", "any_one_of": ["@example.org$"], "regex": True},
        ],
    }
]


@dataclass(frozen=True)
class Stage:
    cloud: ServedCloud
    provider: Provider
    operator: Operator
    group_id: str

    def token_url(self, provider: str = "op") -> str:
        root = f"{self.cloud.auth_url}/OS-FEDERATION/identity_providers"
        return f"{root}/{provider}/protocols/openid/auth"

    def present(self, token: str, provider: str = "op") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(self.token_url(provider), headers=headers, timeout=10)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("openid")
    port, metadata_port = free_port(), free_port()
    callback = f"http://127.0.0.1:{port}/identity/v3/OS-FEDERATION/openid/callback"
    with openid_provider(folder / "provider", callback) as provider:
        shown = _without_keys(provider, metadata_port)
        client = f'issuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"'
        settings = (
            f'trusted_dashboards = ["{DASHBOARD}"]\n[identity.openid.op]\n{client}\n'
            f"[identity.openid.asked]\n{client}\n"
            f'metadata_url = "http://127.0.0.1:{metadata_port}/"\n'
        )
        with served_cloud(folder / "cloud", port=port, settings=settings) as cloud:
            operator = Operator(cloud)
            group_id = operator.group("people", "demo", "member")
            operator.believe("op", "openid", RULES, remote_ids=[provider.issuer], ttl=60)
            operator.believe("asked", "openid", RULES, remote_ids=[])
            yield Stage(cloud, provider, operator, group_id)
        shown.shutdown()


def _without_keys(provider: Provider, port: int) -> ThreadingHTTPServer:
    """The provider's metadata without its keys: its tokens have to be asked about."""
    found = requests.get(provider.metadata, timeout=10).json()
    del found["jwks_uri"]
    text = json.dumps(found).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_password_at_the_provider(stage: Stage) -> None:
    plugin = OidcPassword(
        auth_url=stage.cloud.auth_url,
        identity_provider="op",
        protocol="openid",
        client_id=CLIENT,
        client_secret=SECRET,
        # Its metadata does not say that it takes passwords, so the client is told where.
        access_token_endpoint=f"{stage.provider.issuer}/token",
        username=USER,
        password=PASSWORD,
        scope="openid",
        project_name="demo",
        project_domain_id="default",
    )
    session = Session(auth=plugin)
    access = plugin.get_access(session)
    assert (access.username, access.role_names) == ("Ann", ["member", "reader"])
    networks = session.get("/v2.0/networks", endpoint_filter={"service_type": "network"})
    assert networks.status_code == 200
    user = stage.operator.call("GET", f"/v3/users/{access.user_id}")["user"]
    assert user["email"] == "ann@example.org"
    # The provider vouches for the group for an hour after the login.
    groups = stage.operator.call("GET", f"/v3/users/{access.user_id}/groups")["groups"]
    assert [each["id"] for each in groups] == [stage.group_id]
    assert groups[0]["membership_expires_at"] is not None
    # A token for the project that is asked for in the older words.
    answer = stage.present(stage.provider.access_token())
    auth = {
        "identity": {"methods": ["mapped"], "mapped": {"id": answer.headers["X-Subject-Token"]}},
        "scope": {"project": {"name": "demo", "domain": {"id": "default"}}},
    }
    scoped = requests.post(f"{stage.cloud.auth_url}/auth/tokens", json={"auth": auth}, timeout=10)
    assert scoped.json()["token"]["project"]["name"] == "demo"


def test_the_stock_client(stage: Stage, tmp_path: Path) -> None:
    options = {
        "OS_AUTH_TYPE": "v3oidcaccesstoken",
        "OS_AUTH_URL": stage.cloud.auth_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_IDENTITY_PROVIDER": "op",
        "OS_PROTOCOL": "openid",
        "OS_ACCESS_TOKEN": stage.provider.access_token(),
        "OS_PROJECT_NAME": "demo",
        "OS_PROJECT_DOMAIN_ID": "default",
        "HOME": str(tmp_path),
    }
    found = subprocess.run(
        [str(Path(sys.executable).with_name("openstack")), "network", "list", "-f", "json"],
        env={"PATH": os.environ["PATH"], **options},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr.decode()
    assert "private" in {each["Name"] for each in json.loads(found.stdout)}


def test_opaque_tokens_are_asked_about(stage: Stage) -> None:
    answer = stage.present(stage.provider.access_token(), "asked")
    assert answer.status_code == 201
    assert answer.json()["token"]["user"]["name"] == "Ann"
    assert answer.json()["token"]["user"]["OS-FEDERATION"]["groups"] == [{"id": stage.group_id}]
    assert stage.present("made-up", "asked").status_code == 401


def test_tokens_of_others_are_refused(stage: Stage) -> None:
    token = stage.provider.access_token()
    head, body, signature = token.split(".")
    for bad in (
        "",
        "made-up",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body[:-4]}AAAA.{signature}",
        f"eyJhbGciOiJub25lIn0.{body}.",
    ):
        assert stage.present(bad).status_code == 401, bad
    # Of the right provider, for another of its clients.
    assert stage.present(stage.provider.access_token("another")).status_code == 401


def test_an_access_token_through_the_plugin(stage: Stage) -> None:
    def plugin(provider: str) -> OidcAccessToken:
        return OidcAccessToken(
            auth_url=stage.cloud.auth_url,
            identity_provider=provider,
            protocol="openid",
            access_token=stage.provider.access_token(),
        )

    assert plugin("op").get_access(Session()).project_scoped is False
    with pytest.raises(HttpError) as refused:
        plugin("nobody").get_access(Session())
    assert refused.value.http_status == 404


def test_sign_on_with_a_browser(stage: Stage) -> None:
    browser = stage.provider.browser()
    start = (
        f"{stage.cloud.auth_url}/auth/OS-FEDERATION/identity_providers/op/protocols/openid/"
        f"websso?origin={quote(DASHBOARD, safe='')}"
    )
    departed = browser.get(start, allow_redirects=False, timeout=10)
    assert departed.status_code == 302
    # The provider's page would add this once the user has pressed its button.
    back = browser.get(
        departed.headers["Location"] + "&g_continue", allow_redirects=False, timeout=10
    )
    callback = back.headers["Location"]
    assert callback.startswith(f"{stage.cloud.auth_url}/OS-FEDERATION/openid/callback?")
    landed = browser.get(callback, timeout=10)
    assert landed.status_code == 200, landed.text
    assert f'action="{DASHBOARD}"' in landed.text
    token = re.search(r'name="token" value="([^"]+)"', landed.text)
    assert token is not None
    mine = requests.get(
        f"{stage.cloud.auth_url}/OS-FEDERATION/projects",
        headers={"X-Auth-Token": token[1]},
        timeout=10,
    )
    assert [each["name"] for each in mine.json()["projects"]] == ["demo"]
    assert browser.get(callback, timeout=10).status_code == 401


def test_a_sign_on_belongs_to_its_browser(stage: Stage) -> None:
    browser = stage.provider.browser()
    start = f"{stage.token_url()}"
    departed = browser.get(
        start, headers={"Accept": "text/html"}, allow_redirects=False, timeout=10
    )
    back = browser.get(
        departed.headers["Location"] + "&g_continue", allow_redirects=False, timeout=10
    )
    stolen = requests.get(back.headers["Location"], timeout=10)
    assert stolen.status_code == 401


def test_tokens_go_to_known_dashboards_only(stage: Stage) -> None:
    root = f"{stage.cloud.auth_url}/auth/OS-FEDERATION"
    for path in ("websso/openid", "identity_providers/op/protocols/openid/websso"):
        assert requests.get(f"{root}/{path}", timeout=10).status_code == 400
        answer = requests.get(f"{root}/{path}?origin=http://evil.example/", timeout=10)
        assert answer.status_code == 401
