"""Behind a web server: users that it has authenticated, and clients with certificates."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity.v3 import OAuth2mTlsClientCredential
from keystoneauth1.session import Session

from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud

from .web_server import Certificates, web_server

DN = "SSL_CLIENT_SUBJECT_DN"
RULES = [
    {
        "local": [
            {
                "user": {
                    "name": "{0}",
                    "id": "{1}",
                    "email": "{2}",
                    "domain": {"name": "{3}", "id": "{4}"},
                }
            }
        ],
        "remote": [
            *({"type": f"{DN}_{name}"} for name in ("CN", "UID", "EMAILADDRESS", "O", "DC")),
            {"type": "SSL_CLIENT_ISSUER_DN_CN", "any_one_of": ["company"]},
        ],
    }
]


@dataclass(frozen=True)
class Stage:
    cloud: ServedCloud
    url: str
    """Of the web server in front."""
    certificates: Certificates
    robot: dict[str, Any]

    @property
    def ca(self) -> str:
        return str(self.certificates.folder / "authority.pem")

    def names(self, **others: str) -> list[tuple[str, str]]:
        """The names in the robot's certificate, but for `others`."""
        own = {
            "UID": self.robot["id"],
            "O": "Default",
            "DC": "default",
            "EMAILADDRESS": "robot@example.org",
            "CN": "robot",
        }
        return list({**own, **others}.items())

    def session(self, pair: tuple[str, str], client: str = "") -> Session:
        """An unmodified client that has the certificate."""
        plugin = OAuth2mTlsClientCredential(
            auth_url=f"{self.url}/identity/v3",
            oauth2_endpoint=f"{self.url}/identity/v3/OS-OAUTH2/token",
            oauth2_client_id=client or self.robot["id"],
        )
        return Session(auth=plugin, verify=self.ca, cert=pair)

    def log_in(self, method: str, *, url: str = "", **request: Any) -> requests.Response:
        body = {
            "auth": {
                "identity": {"methods": [method], method: {}},
                "scope": {"project": {"name": "demo", "domain": {"id": "default"}}},
            }
        }
        target = f"{url or self.url}/identity/v3/auth/tokens"
        return requests.post(target, json=body, verify=self.ca, timeout=10, **request)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("front")
    port, behind = free_port(), free_port()
    url = f"https://127.0.0.1:{port}"
    certificates = Certificates.new(folder)
    settings = {"trusted_front": ["127.0.0.1"], "public_url": url}
    with (
        served_cloud(folder / "cloud", port=behind, top=settings) as cloud,
        web_server(folder, port, behind, certificates, {"demo": "word", "nobody": "word"}),
    ):
        yield Stage(cloud, url, certificates, robot(cloud))


def robot(cloud: ServedCloud) -> dict[str, Any]:
    """A user whose certificates the cloud knows by the mapping."""
    admin = cloud.session("admin")
    root = cloud.auth_url

    def ask(method: str, path: str, **json: Any) -> Any:
        answer = admin.request(f"{root}{path}", method, authenticated=True, json=json or None)
        return answer.json() if answer.content else None

    ask("PUT", "/OS-FEDERATION/mappings/oauth2_mapping", mapping={"rules": RULES})
    [project] = ask("GET", "/projects?name=demo")["projects"]
    [role] = ask("GET", "/roles?name=member")["roles"]
    wanted = {
        "name": "robot",
        "domain_id": "default",
        "email": "robot@example.org",
        "default_project_id": project["id"],
    }
    made: dict[str, Any] = ask("POST", "/users", user=wanted)["user"]
    ask("PUT", f"/projects/{project['id']}/users/{made['id']}/roles/{role['id']}")
    return made


def test_the_servers_user_is_the_clouds(stage: Stage) -> None:
    for method in ("external", "kerberos"):
        answer = stage.log_in(method, auth=("demo", "word"))
        assert answer.status_code == 201, answer.text
        token = answer.json()["token"]
        assert (token["user"]["name"], token["methods"]) == ("demo", [method])
        assert token["project"]["name"] == "demo"


def test_others_are_nobody(stage: Stage) -> None:
    assert stage.log_in("external").status_code == 401
    assert stage.log_in("external", auth=("demo", "wrong")).status_code == 401
    # Known to the web server, and not to the cloud:
    assert stage.log_in("external", auth=("nobody", "word")).status_code == 401
    # A client's own header is replaced by the front:
    forged = {"X-Remote-User": "demo"}
    assert stage.log_in("external", headers=forged).status_code == 401


def test_a_certificate_is_a_login(stage: Stage) -> None:
    session = stage.session(stage.certificates.sign("robot", stage.names()))
    answer = session.get(f"{stage.url}/identity/v3/auth/tokens", headers=own_token(session))
    token = answer.json()["token"]
    assert token["user"]["name"] == "robot"
    assert token["project"]["name"] == "demo"
    assert token["methods"] == ["oauth2_credential"]
    assert len(token["oauth2_credential"]["x5t#S256"]) == 44
    servers = session.get("/servers", endpoint_filter={"service_type": "compute"})
    assert servers.json() == {"servers": []}


def own_token(session: Session) -> dict[str, str]:
    return {"X-Subject-Token": session.get_token() or ""}


def test_a_stolen_token_is_good_for_nothing(stage: Stage) -> None:
    token = stage.session(stage.certificates.sign("robot2", stage.names())).get_token()
    other = stage.certificates.sign("thief", stage.names(CN="thief"))
    url = f"{stage.url}/compute/v2.1/servers"
    headers = {"X-Auth-Token": token or ""}
    for pair in (None, other):
        answer = requests.get(url, headers=headers, verify=stage.ca, cert=pair, timeout=10)
        assert answer.status_code == 401
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
    path = f"{stage.url}/identity/v3/auth/tokens"
    assert requests.post(path, json=body, verify=stage.ca, timeout=10).status_code == 401


@pytest.mark.parametrize(
    "other",
    [
        {"CN": "demo"},
        {"UID": "0" * 32},
        {"EMAILADDRESS": "demo@example.org"},
        {"O": "Elsewhere"},
        {"DC": "elsewhere"},
    ],
)
def test_every_name_must_be_the_users(stage: Stage, other: dict[str, str]) -> None:
    pair = stage.certificates.sign("other", stage.names(**other))
    with pytest.raises(ClientException, match="Client authentication failed"):
        stage.session(pair).get_token()


def test_a_certificate_speaks_for_no_other_client(stage: Stage) -> None:
    pair = stage.certificates.sign("robot3", stage.names())
    with pytest.raises(ClientException, match="Client authentication failed"):
        stage.session(pair, client="0" * 32).get_token()


def test_another_authority_is_refused(stage: Stage, tmp_path: Path) -> None:
    foreign = Certificates.new(tmp_path).sign("robot", stage.names())
    # nginx ends the connection's first request with 400 where a certificate does not verify.
    with pytest.raises((ClientException, ValueError)):
        stage.session(foreign).get_token()
