"""A real OpenID provider: glewlwyd from Debian, on the loopback interface, set up by its API."""

import contextlib
import gzip
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.ports import free_port

SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
MODULES = "/usr/lib/glewlwyd"
CLIENT = "cumulo"
SECRET = "secret-of-the-client"
USER = "ann"
PASSWORD = "secret-of-ann"


@dataclass(frozen=True)
class Provider:
    url: str

    @property
    def issuer(self) -> str:
        return f"{self.url}/api/oidc"

    @property
    def metadata(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def access_token(self, client: str = CLIENT, secret: str = SECRET) -> str:
        answer = requests.post(
            f"{self.issuer}/token",
            data={
                "grant_type": "password",
                "username": USER,
                "password": PASSWORD,
                "scope": "openid",
            },
            auth=(client, secret),
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def browser(self) -> requests.Session:
        """A browser in which the user has signed on and agreed."""
        browser = requests.Session()
        login = {"username": USER, "password": PASSWORD}
        assert browser.post(f"{self.url}/api/auth/", json=login, timeout=10).status_code == 200
        grant = {"scope": "openid"}
        path = f"{self.url}/api/auth/grant/{CLIENT}"
        assert browser.put(path, json=grant, timeout=10).status_code == 200
        return browser


@contextlib.contextmanager
def openid_provider(folder: Path, redirect_uri: str) -> Iterator[Provider]:
    if shutil.which("glewlwyd") is None:
        pytest.skip("glewlwyd is not installed: cumulo setup --tests")
    folder.mkdir()
    provider = Provider(f"http://127.0.0.1:{free_port()}")
    database = sqlite3.connect(folder / "db")
    packed = SCHEMA.read_bytes()
    script = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    database.executescript(script.decode())
    database.close()
    (folder / "conf").write_text(_configuration(provider, folder))
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        ["glewlwyd", "-c", str(folder / "conf")], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _set_up(provider, redirect_uri, folder / "log")
        yield provider
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        log.close()


def _configuration(provider: Provider, folder: Path) -> str:
    port = provider.url.rpartition(":")[2]
    return f"""
port={port}
bind_address="127.0.0.1"
external_url="{provider.url}/"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="WARNING"
cookie_secure=0
user_module_path="{MODULES}/user"
client_module_path="{MODULES}/client"
user_auth_scheme_module_path="{MODULES}/scheme"
plugin_module_path="{MODULES}/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{folder}/db" }};
"""


def _set_up(provider: Provider, redirect_uri: str, log: Path) -> None:
    admin = requests.Session()
    api = f"{provider.url}/api"
    login = {"username": "admin", "password": "password"}
    for _ in range(100):
        with contextlib.suppress(requests.ConnectionError):
            if admin.post(f"{api}/auth/", json=login, timeout=5).status_code == 200:
                break
        time.sleep(0.1)
    else:
        raise AssertionError(log.read_text()[-2000:])

    def post(path: str, body: Any) -> None:
        answer = admin.post(f"{api}{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text

    plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect"}
    post("/mod/plugin/", {**plugin, "parameters": _parameters(provider)})
    person = {"username": USER, "password": PASSWORD, "name": "Ann", "email": "ann@example.org"}
    post("/user/", {**person, "scope": ["openid"], "enabled": True})
    for client in (CLIENT, "another"):
        post(
            "/client/",
            {
                "client_id": client,
                "name": client,
                "confidential": True,
                "client_secret": SECRET,
                "password": SECRET,
                "redirect_uri": [redirect_uri],
                "authorization_type": ["code", "password", "id_token"],
                "scope": ["openid"],
                "enabled": True,
                "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"],
            },
        )


def _parameters(provider: Provider) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "iss": provider.issuer,
        "jwt-type": "rsa",
        "jwt-key-size": "256",
        "key": private.decode(),
        "cert": public.decode(),
        "access-token-duration": 3600,
        "refresh-token-duration": 3600,
        "code-duration": 600,
        "refresh-token-rolling": True,
        "allow-non-oidc": True,
        "auth-type-code-enabled": True,
        "auth-type-token-enabled": False,
        "auth-type-id-token-enabled": True,
        "auth-type-none-enabled": False,
        "auth-type-password-enabled": True,
        "auth-type-client-enabled": False,
        "auth-type-device-enabled": False,
        "auth-type-refresh-enabled": True,
        "scope": [{"name": "openid", "refresh-token-rolling": True}],
        "pkce-allowed": True,
        "pkce-method-plain-allowed": False,
        "introspection-revocation-allowed": True,
        "introspection-revocation-allow-target-client": True,
        "introspection-revocation-auth-scope": [],
        "claims": [],
        "name-claim": "mandatory",
        "email-claim": "mandatory",
        "subject-type": "public",
        "jwks-show": True,
        "additional-parameters": [],
    }
