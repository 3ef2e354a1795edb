"""Two clouds: a user of alpha works in beta, with keystoneauth's own plug-in."""

from pathlib import Path

import pytest
import requests
from keystoneauth1.exceptions import HttpError
from keystoneauth1.identity.v3 import Keystone2Keystone
from keystoneauth1.session import Session

from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud

from .setting import Operator

RULES = [
    {
        "local": [
            {"user": {"name": "{0} of {1}"}},
            {"group": {"name": "guests", "domain": {"id": "default"}}},
        ],
        "remote": [
            {"type": "openstack_user"},
            {"type": "openstack_user_domain"},
            {"type": "openstack_roles", "any_one_of": ["member"]},
        ],
    }
]


def test_a_user_of_one_cloud_works_in_the_other(tmp_path: Path) -> None:
    port = free_port()
    with served_cloud(tmp_path / "alpha") as alpha:
        metadata = requests.get(f"{alpha.auth_url}/OS-FEDERATION/saml2/metadata", timeout=30)
        assert metadata.headers["Content-Type"].startswith("text/xml")
        (tmp_path / "alpha.xml").write_bytes(metadata.content)
        entity = f"{alpha.auth_url}/OS-FEDERATION/saml2/metadata"
        settings = f'[identity.saml.alpha]\nmetadata_file = "{tmp_path}/alpha.xml"'
        with served_cloud(tmp_path / "beta", port=port, settings=settings) as beta:
            operator = Operator(beta)
            group_id = operator.group("guests", "demo", "member")
            operator.believe("alpha", "saml2", RULES, remote_ids=[entity])
            root = f"{beta.auth_url}/OS-FEDERATION"
            provider = {
                "enabled": True,
                "sp_url": f"{root}/saml2/ecp",
                "auth_url": f"{root}/identity_providers/alpha/protocols/saml2/auth",
            }
            Operator(alpha).call(
                "PUT", "/v3/OS-FEDERATION/service_providers/beta", {"service_provider": provider}
            )
            _work_there(alpha, beta, group_id)
            _be_refused(alpha, operator)


def _there(alpha: ServedCloud) -> Session:
    plugin = Keystone2Keystone(
        alpha.plugin("demo"), "beta", project_name="demo", project_domain_id="default"
    )
    return Session(auth=plugin)


def _work_there(alpha: ServedCloud, beta: ServedCloud, group_id: str) -> None:
    session = _there(alpha)
    access = session.auth.get_access(session)
    assert access.username == "demo of Default"
    assert access.role_names == ["member", "reader"]
    user = access._data["token"]["user"]
    assert user["OS-FEDERATION"]["identity_provider"] == {"id": "alpha"}
    assert user["OS-FEDERATION"]["groups"] == [{"id": group_id}]
    # The token works at another service, and the same person is the same user the next time.
    networks = session.get("/v2.0/networks", endpoint_filter={"service_type": "network"})
    assert {"private", "public"} <= {each["name"] for each in networks.json()["networks"]}
    again = _there(alpha)
    assert again.auth.get_access(again).user_id == access.user_id


def _be_refused(alpha: ServedCloud, operator: Operator) -> None:
    # Tokens end when the other cloud is believed no more, at once.
    session = _there(alpha)
    session.get("/v2.0/networks", endpoint_filter={"service_type": "network"})
    token = session.get_token()
    path = "/v3/OS-FEDERATION/identity_providers/alpha"
    operator.call("PATCH", path, {"identity_provider": {"enabled": False}})
    with pytest.raises(HttpError) as refused:
        Session().get(
            f"{session.get_endpoint(service_type='network')}/v2.0/networks",
            headers={"X-Auth-Token": token},
        )
    assert refused.value.http_status == 401
    with pytest.raises(HttpError) as refused:
        _there(alpha).get_token()
    assert refused.value.http_status == 403
