"""Federation as an operator sets it up, over the wire."""

from typing import Any

from keystoneauth1.session import Session

from tests.support.served import ServedCloud


class Operator:
    """The admin of a cloud that is to believe somebody."""

    def __init__(self, cloud: ServedCloud) -> None:
        self._session: Session = cloud.session("admin")
        self._identity = {"service_type": "identity", "interface": "public"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(
            path, method, json=body, endpoint_filter=self._identity, raise_exc=True
        )
        return answer.json() if answer.content else None

    def group(self, name: str, project: str, role: str) -> str:
        """A group of the default domain whose members have a role on a project; its id."""
        made = self.call("POST", "/v3/groups", {"group": {"name": name, "domain_id": "default"}})
        group_id: str = made["group"]["id"]
        projects = self.call("GET", f"/v3/projects?name={project}")["projects"]
        roles = self.call("GET", f"/v3/roles?name={role}")["roles"]
        self.call(
            "PUT", f"/v3/projects/{projects[0]['id']}/groups/{group_id}/roles/{roles[0]['id']}"
        )
        return group_id

    def believe(
        self,
        provider: str,
        protocol: str,
        rules: list[dict[str, Any]],
        *,
        remote_ids: list[str],
        ttl: int | None = None,
    ) -> None:
        root = "/v3/OS-FEDERATION"
        wanted = {"enabled": True, "remote_ids": remote_ids, "authorization_ttl": ttl}
        self.call("PUT", f"{root}/identity_providers/{provider}", {"identity_provider": wanted})
        self.call("PUT", f"{root}/mappings/of-{provider}", {"mapping": {"rules": rules}})
        self.call(
            "PUT",
            f"{root}/identity_providers/{provider}/protocols/{protocol}",
            {"protocol": {"mapping_id": f"of-{provider}"}},
        )
