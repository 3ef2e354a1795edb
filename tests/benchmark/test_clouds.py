"""clouds.yaml as clients read it: secrets, profiles and regions in files of their own."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from cumulo.benchmark.client.clouds import (
    BadSpec,
    check_platform,
    credentials_of,
    http_of,
    platform_of,
    spec_of_cloud,
    spec_of_environment,
)
from cumulo.benchmark.client.http import Http, HttpError
from cumulo.benchmark.client.session import Credentials, Session
from tests.support.slapd import certificates

CLOUDS = """
clouds:
  mine:
    profile: vendor
    auth: {username: u, project_name: p}
    regions:
      - north
      - {name: south, values: {interface: internal}}
  plain: {auth: {auth_url: "http://plain/v3", username: u}, region_name: only}
  lost: {profile: nobody}
"""
SECRETS = """
clouds:
  mine: {auth: {password: 'p4ss'}}
"""
VENDORS = """
public-clouds:
  vendor: {auth: {auth_url: "http://vendor/v3", username: nobody}, interface: public}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CLIENT_CONFIG_FILE", "CLIENT_SECURE_FILE", "CLIENT_VENDOR_FILE", "REGION_NAME"):
        monkeypatch.delenv(f"OS_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    made = tmp_path / "clouds.yaml"
    made.write_text(CLOUDS)
    (tmp_path / "secure.yaml").write_text(SECRETS)
    (tmp_path / "clouds-public.yaml").write_text(VENDORS)
    return made


def platform(path: Path, name: str, region: str = "") -> dict[str, Any]:
    found: dict[str, Any] = spec_of_cloud(name, [path], region=region)["openstack"]
    return found


def test_a_cloud_in_several_files(path: Path) -> None:
    found = platform(path, "mine")
    assert (found["auth_url"], found["region_name"]) == ("http://vendor/v3", "north")
    assert (found["admin"]["username"], found["admin"]["password"]) == ("u", "p4ss")
    south = platform(path, "mine", "south")
    assert (south["region_name"], south["endpoint_type"]) == ("south", "internal")
    assert platform(path, "plain")["region_name"] == "only"
    for name, region in (("mine", "east"), ("lost", ""), ("none", "")):
        with pytest.raises(BadSpec):
            platform(path, name, region)


def test_the_shell_says_which_cloud_and_where(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    found = spec_of_environment({"OS_CLOUD": "mine", "OS_REGION_NAME": "south"})
    assert found["openstack"]["region_name"] == "south"
    by_credential = {
        "OS_AUTH_URL": "http://h/v3",
        "OS_APPLICATION_CREDENTIAL_ID": "i",
        "OS_APPLICATION_CREDENTIAL_SECRET": "s",
    }
    admin = spec_of_environment(by_credential)["openstack"]["admin"]
    assert (admin["application_credential_id"], admin["username"]) == ("i", "")


@pytest.mark.parametrize("end", ["", "/", "/v3", "/v3/", "/v2.0", "/v2.0/"])
def test_identity_is_found_whatever_its_url_ends_with(end: str) -> None:
    session = Session(Http(), Credentials(f"http://h:5000/identity{end}", "u", "p"))
    assert session._identity_url("/auth/tokens") == "http://h:5000/identity/v3/auth/tokens"


@pytest.mark.parametrize("text", ["clouds: {mine: 5}", "clouds: {mine: {regions: 5}}", "clouds: ["])
def test_files_that_are_none_are_said(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BadSpec):
        platform(path, "mine")


def test_a_spec_may_bring_a_certificate_of_ours_and_types_of_services(tmp_path: Path) -> None:
    certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    tls.verify_mode = ssl.CERT_REQUIRED

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def ask(**own: str) -> bytes:
        listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        http = http_of({"auth_url": url, "https_cacert": str(tmp_path / "ca.pem"), **own})
        try:
            return (await http.request("GET", url, {})).body
        finally:
            http.close()
            listening.close()

    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    assert asyncio.run(ask(https_cert=cert, https_key=key)) == b"hi"
    with pytest.raises(HttpError):
        asyncio.run(ask())
    with pytest.raises(HttpError, match="no certificate of ours"):
        asyncio.run(ask(https_cert=cert))

    variables = {"OS_AUTH_URL": "http://x", "OS_USERNAME": "u", "OS_PASSWORD": "p"}
    spec = platform_of(spec_of_environment({**variables, "OS_CERT": cert, "OS_KEY": key}))
    assert (spec["https_cert"], spec["https_key"]) == (cert, key)
    types = {"cinder": {"service_type": "odd", "version": 3}, "nova": {"service_type": "compute"}}
    platform = {**spec, "api_info": types}
    check_platform(platform)
    assert credentials_of(platform, platform["admin"]).types == {"volume": "odd"}
    with pytest.raises(BadSpec):
        check_platform({**spec, "api_info": {"cindr": {}}})
