"""Users of a SAML identity provider: keystoneauth's enhanced client, and a browser."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from keystoneauth1.exceptions import AuthorizationFailure
from keystoneauth1.extras._saml2 import V3Saml2Password
from keystoneauth1.session import Session

from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud

from .saml_provider import PASSWORD, USER, SamlIdentityProvider, believe, saml_provider
from .setting import Operator

RULES = [
    {
        "local": [
            {"user": {"name": "{0}"}},
            {"groups": "{1}", "domain": {"id": "default"}},
            {"projects": [{"name": "home of {0}", "roles": [{"name": "member"}]}]},
        ],
        "remote": [
            {"type": "MELLON_NAME_ID"},
            {"type": "team", "whitelist": ["people", "guests"]},
        ],
    }
]


@dataclass(frozen=True)
class Stage:
    cloud: ServedCloud
    provider: SamlIdentityProvider
    operator: Operator

    @property
    def token_url(self) -> str:
        root = f"{self.cloud.auth_url}/OS-FEDERATION/identity_providers"
        return f"{root}/corp/protocols/saml2/auth"

    def session(self, password: str = PASSWORD, project: str | None = "demo") -> Session:
        plugin = V3Saml2Password(
            auth_url=self.cloud.auth_url,
            identity_provider="corp",
            protocol="saml2",
            identity_provider_url=f"{self.provider.url}/soap",
            username=USER,
            password=password,
            project_name=project,
            project_domain_id="default",
        )
        return Session(auth=plugin)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("saml")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=corp", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    with saml_provider(folder / "corp", key, certificate) as provider:
        provider.attributes = {"team": ["people", "strangers"], "mail": ["erin@corp.example"]}
        settings = f'[identity.saml.corp]\nmetadata_file = "{folder}/corp/metadata.xml"'
        with served_cloud(folder / "cloud", port=free_port(), settings=settings) as cloud:
            ours = requests.get(f"{cloud.auth_url}/OS-FEDERATION/saml2/metadata", timeout=30)
            (folder / "ours.xml").write_bytes(ours.content)
            believe(provider, folder / "ours.xml")
            operator = Operator(cloud)
            operator.group("people", "demo", "member")
            operator.believe("corp", "saml2", RULES, remote_ids=[provider.entity_id])
            yield Stage(cloud, provider, operator)


def test_an_enhanced_client(stage: Stage) -> None:
    session = stage.session()
    access = session.auth.get_access(session)
    assert (access.username, access.role_names) == ("erin", ["member", "reader"])
    networks = session.get("/v2.0/networks", endpoint_filter={"service_type": "network"})
    assert networks.status_code == 200
    # The mapping gave a project of one's own, in the provider's domain.
    unscoped = stage.session(project=None)
    token = unscoped.auth.get_unscoped_auth_ref(unscoped).auth_token
    mine = requests.get(
        f"{stage.cloud.auth_url}/OS-FEDERATION/projects",
        headers={"X-Auth-Token": token},
        timeout=10,
    )
    assert {each["name"] for each in mine.json()["projects"]} == {"demo", "home of erin"}


def test_a_wrong_password_at_the_provider(stage: Stage) -> None:
    with pytest.raises(AuthorizationFailure):
        stage.session(password="wrong").get_token()


def _sign_on(stage: Stage) -> tuple[requests.Session, str, dict[str, str]]:
    """A browser after its visit to the provider, where it posts what, and the form."""
    browser = requests.Session()
    departed = browser.get(
        stage.token_url, headers={"Accept": "text/html"}, allow_redirects=False, timeout=30
    )
    assert departed.status_code == 302
    location = departed.headers["Location"]
    response = browser.get(location, timeout=30).text
    state = parse_qs(urlsplit(location).query)["RelayState"][0]
    assert len(state) <= 80  # what the standard allows
    url = f"{stage.cloud.auth_url}/OS-FEDERATION/saml2/acs"
    return browser, url, {"SAMLResponse": response, "RelayState": state}


def test_a_browser(stage: Stage) -> None:
    browser, url, form = _sign_on(stage)
    landed = browser.post(url, data=form, timeout=30)
    assert landed.status_code == 201, landed.text
    assert landed.json()["token"]["user"]["name"] == "erin"
    assert landed.headers["X-Subject-Token"]
    # Neither the sign-on nor the assertion is good twice.
    assert browser.post(url, data=form, timeout=30).status_code == 401


def test_an_assertion_belongs_to_its_sign_on(stage: Stage) -> None:
    _, url, first = _sign_on(stage)
    browser, _, second = _sign_on(stage)
    crossed = {"SAMLResponse": first["SAMLResponse"], "RelayState": second["RelayState"]}
    assert browser.post(url, data=crossed, timeout=30).status_code == 401


def test_a_sign_on_belongs_to_its_browser(stage: Stage) -> None:
    _, url, form = _sign_on(stage)
    assert requests.post(url, data=form, timeout=30).status_code == 401


def test_foreign_words_are_refused(stage: Stage, tmp_path: Path) -> None:
    root = f"{stage.cloud.auth_url}/OS-FEDERATION/saml2"
    bomb = '<!DOCTYPE a [<!ENTITY b "cccccccccc"><!ENTITY d "&b;&b;&b;&b;">]><a>&d;&d;&d;</a>'
    leak = f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{tmp_path}">]><a>&b;</a>'
    for text in ("", "junk", "<a/>", bomb, leak, "\udcff"):
        body = text.encode("utf-8", "surrogatepass")
        answer = requests.post(f"{root}/ecp", data=body, timeout=30)
        assert answer.status_code == 401, (text, answer.text)
    for form in ({}, {"SAMLResponse": "x"}, {"SAMLResponse": "PGEvPg==", "RelayState": "y"}):
        assert requests.post(f"{root}/acs", data=form, timeout=30).status_code in (400, 401)
