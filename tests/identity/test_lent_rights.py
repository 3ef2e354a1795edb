"""Every operation of identity with every kind of lent token: none makes itself more than was lent.

One user, `ann`, is a member of two projects, and an administrator of a third (so that a widened
right would show). All kinds of tokens are hers and for the project `work`.
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oauthlib import oauth1

from tests.identity.support import give, made, role, token
from tests.identity.test_oauth import consumer, exchange, said, signed
from tests.identity.test_signatures import version_2
from tests.support.cloud import BASE, Answer, TestCloud, running_cloud
from tests.support.identity import login

V3 = "/identity/v3"
LENT = ("restricted", "free", "trust", "plain trust", "oauth", "ec2", "ec2 free", "ec2 trust")
"""Application credentials that are restricted or not; trusts with impersonation or without; and
EC2 keys that were made with the whole right, and with two of the lent ones."""
NOT_FREE = frozenset(LENT) - {"free"}
NOT_TRUSTS = frozenset(LENT) - {"trust", "plain trust"}


@dataclass
class Ann:
    cloud: TestCloud
    id: str = ""
    bob: str = ""
    projects: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)

    async def ask(self, kind: str, method: str, path: str, json_: Any = None) -> Answer:
        headers = {"x-auth-token": self.tokens[kind]}
        return await self.cloud.call(method, V3 + path, as_=None, headers=headers, json_=json_)

    async def make(self, path: str, noun: str, kind: str = "whole", **wishes: Any) -> Any:
        answer = await self.ask(kind, "POST", path, {noun: wishes})
        assert answer.status == 201, answer.raw
        return answer.json[noun]

    def trust(self, **more: Any) -> dict[str, Any]:
        return {
            "trustor_user_id": self.id,
            "trustee_user_id": self.bob,
            "impersonation": True,
            "project_id": self.projects["work"],
            "roles": [{"name": "member"}],
            "allow_redelegation": True,
            **more,
        }


async def ann_of(cloud: TestCloud) -> Ann:
    """Ann, and a token of hers of every kind."""
    ann = Ann(cloud)
    ann.id = await made(cloud, "users", name="ann", password="ann", domain_id="default")
    ann.bob = await made(cloud, "users", name="bob", password="bob", domain_id="default")
    member, admin = await role(cloud, "member"), await role(cloud, "admin")
    for name, given in (("work", member), ("other", member), ("ruled", admin)):
        ann.projects[name] = await made(cloud, "projects", name=name, domain_id="default")
        await give(cloud, given, ann.id, f"projects/{ann.projects[name]}")
    for kind, name in (("whole", "work"), ("elsewhere", "other"), ("admin", "ruled")):
        scope = {"project": {"id": ann.projects[name]}}
        ann.tokens[kind] = await token(cloud, ann.id, "ann", scope)
    await _application_credentials(ann)
    await _trusts(ann)
    await _oauth(ann, member)
    for kind, of in (("ec2", "whole"), ("ec2 free", "free"), ("ec2 trust", "trust")):
        await _keys(ann, kind, of)
    return ann


async def _application_credentials(ann: Ann) -> None:
    for kind, unrestricted in (("restricted", False), ("free", True)):
        path = f"/users/{ann.id}/application_credentials"
        found = await ann.make(path, "application_credential", name=kind, unrestricted=unrestricted)
        ann.things[kind] = found["id"]
        named = {"id": found["id"], "secret": found["secret"]}
        answer = await login(ann.cloud, application_credential=named)
        ann.tokens[kind] = answer.headers["x-subject-token"]


async def _trusts(ann: Ann) -> None:
    for kind, impersonation in (("trust", True), ("plain trust", False)):
        found = await ann.make(
            "/OS-TRUST/trusts", "trust", **ann.trust(impersonation=impersonation)
        )
        ann.things[kind] = found["id"]
        scope = {"OS-TRUST:trust": {"id": found["id"]}}
        ann.tokens[kind] = await token(ann.cloud, ann.bob, "bob", scope)


async def _oauth(ann: Ann, member: str) -> None:
    robot = await consumer(ann.cloud)
    client = oauth1.Client(robot["id"], client_secret=robot["secret"], callback_uri="oob")
    wish = {"requested_project_id": ann.projects["work"]}
    asked = said(await signed(ann.cloud, f"{V3}/OS-OAUTH1/request_token", client, **wish))
    path = f"/OS-OAUTH1/authorize/{asked['oauth_token']}"
    let = await ann.ask("admin", "PUT", path, {"roles": [{"id": member}]})
    assert let.status == 200, let.raw
    proof = let.json["token"]["oauth_verifier"]
    access = said(await exchange(ann.cloud, robot, asked, proof))
    ann.things["access token"] = access["oauth_token"]
    client = oauth1.Client(
        robot["id"],
        client_secret=robot["secret"],
        resource_owner_key=access["oauth_token"],
        resource_owner_secret=access["oauth_token_secret"],
    )
    _, headers, _ = client.sign(f"{BASE}{V3}/auth/tokens", http_method="POST")
    answer = await login(ann.cloud, None, headers, oauth1={})
    assert answer.status == 201, answer.raw
    ann.tokens["oauth"] = answer.headers["x-subject-token"]


async def _keys(ann: Ann, kind: str, of: str) -> None:
    path = f"/users/{ann.id}/credentials/OS-EC2"
    answer = await ann.ask(of, "POST", path, {"tenant_id": ann.projects["work"]})
    assert answer.status == 201, answer.raw
    pair = answer.json["credential"]
    ann.things[kind] = pair["access"]
    body = {"credentials": version_2(pair)}
    answer = await ann.cloud.call("POST", f"{V3}/ec2tokens", as_="admin", json_=body)
    assert answer.status == 200, answer.raw
    ann.tokens[kind] = answer.headers["x-subject-token"]


def play(folder: Path, body: Any, **settings: Any) -> None:
    async def main() -> None:
        async with running_cloud(folder, **settings) as cloud:
            await body(await ann_of(cloud))

    asyncio.run(main())


async def refused(ann: Ann, kinds: Any, method: str, path: str, json_: Any = None) -> None:
    for kind in kinds:
        answer = await ann.ask(kind, method, path, json_)
        assert answer.status == 403, (kind, method, path, answer.status, answer.raw)


def test_seeds_and_other_credentials(tmp_path: Path) -> None:
    async def body(ann: Ann) -> None:
        for type, project in (("totp", None), ("totp", "work"), ("cert", "work")):
            wish = {"user_id": ann.id, "type": type, "blob": "GEZDGNBVGY3TQOJQ"}
            wish |= {} if project is None else {"project_id": ann.projects[project]}
            await refused(ann, LENT, "POST", "/credentials", {"credential": wish})
            one = f"/credentials/{(await ann.make('/credentials', 'credential', **wish))['id']}"
            await refused(ann, LENT, "GET", one)
            await refused(ann, LENT, "PATCH", one, {"credential": {"blob": "x"}})
            await refused(ann, LENT, "DELETE", one)
            assert (await ann.ask("whole", "GET", one)).json["credential"]["blob"] == wish["blob"]
        for kind in LENT:
            listed = await ann.ask(kind, "GET", "/credentials")
            assert {each["type"] for each in listed.json["credentials"]} <= {"ec2"}

    play(tmp_path, body)


def test_ec2_keys(tmp_path: Path) -> None:
    """Those of another project, and those that carry more (or another right), are not for it."""

    async def body(ann: Ann) -> None:
        keys = f"/users/{ann.id}/credentials/OS-EC2"
        elsewhere = {"tenant_id": ann.projects["other"]}
        await refused(ann, LENT, "POST", keys, elsewhere)
        other = (await ann.ask("elsewhere", "POST", keys, elsewhere)).json["credential"]["access"]
        own = {"ec2": "ec2", "ec2 free": "ec2 free", "free": "ec2 free"}
        own |= {"ec2 trust": "ec2 trust", "trust": "ec2 trust"}
        for kind in LENT:
            listed = await ann.ask(kind, "GET", keys)
            expected = [ann.things[own[kind]]] if kind in own else []
            if listed.status == 200:
                assert [each["access"] for each in listed.json["credentials"]] == expected
            else:
                assert (kind, listed.status) == ("plain trust", 403)
            for name in ("ec2", "ec2 free", "ec2 trust"):
                if own.get(kind) == name:
                    assert (await ann.ask(kind, "GET", f"{keys}/{ann.things[name]}")).status == 200
                    continue
                for method in ("GET", "DELETE"):
                    await refused(ann, [kind], method, f"{keys}/{ann.things[name]}")
            await refused(ann, [kind], "DELETE", f"{keys}/{other}")
        await refused(ann, ["restricted"], "POST", keys, {"tenant_id": ann.projects["work"]})
        made_now = await ann.ask("oauth", "POST", keys, {"tenant_id": ann.projects["work"]})
        assert made_now.status == 201

    play(tmp_path, body)


def test_what_a_key_carries_is_no_claim(tmp_path: Path) -> None:
    """A client cannot write a trust, or an application credential, into keys of its own."""

    async def body(ann: Ann) -> None:
        theirs = {"trust_id": ann.things["trust"], "app_cred_id": ann.things["free"]}
        thief = await made(ann.cloud, "users", name="thief", password="x", domain_id="default")
        member = await role(ann.cloud, "member")
        await give(ann.cloud, member, thief, f"projects/{ann.projects['other']}")
        scope = {"project": {"id": ann.projects["other"]}}
        ann.tokens["thief"] = await token(ann.cloud, thief, "x", scope)
        for place in ("work", "other"):
            for name, id in theirs.items():
                blob = json.dumps({"access": f"{place}{name}", "secret": "s", name: id})
                found = await ann.make(
                    "/credentials",
                    "credential",
                    "thief",
                    user_id=thief,
                    type="ec2",
                    blob=blob,
                    project_id=ann.projects[place],
                )
                assert name not in json.loads(found["blob"])
                asked = version_2({"access": f"{place}{name}", "secret": "s"})
                answer = await ann.cloud.call(
                    "POST", f"{V3}/ec2tokens", as_="admin", json_={"credentials": asked}
                )
                if place == "work":
                    assert answer.status == 401
                else:
                    assert answer.json["token"]["user"]["id"] == thief

    play(tmp_path, body)


def test_application_credentials_and_their_rules(tmp_path: Path) -> None:
    async def body(ann: Ann) -> None:
        many = f"/users/{ann.id}/application_credentials"
        wish = {"name": "child", "access_rules": [{"path": "/x", "method": "GET"}]}
        wish["access_rules"][0]["service"] = "compute"  # type: ignore[index]
        await refused(ann, NOT_FREE, "POST", many, {"application_credential": wish})
        await refused(ann, NOT_FREE, "GET", many)
        child = await ann.make(many, "application_credential", **wish)
        await refused(ann, NOT_FREE, "GET", f"{many}/{child['id']}")
        await refused(ann, NOT_FREE, "DELETE", f"{many}/{child['id']}")
        own = f"{many}/{ann.things['restricted']}"
        assert (await ann.ask("restricted", "GET", own)).status == 200
        await refused(ann, ["restricted"], "DELETE", own)
        rule = f"/users/{ann.id}/access_rules/{child['access_rules'][0]['id']}"
        await refused(ann, NOT_FREE, "GET", f"/users/{ann.id}/access_rules")
        await refused(ann, NOT_FREE, "GET", rule)
        await refused(ann, NOT_FREE, "DELETE", rule)
        assert (await ann.ask("free", "DELETE", f"{many}/{child['id']}")).status == 204
        assert (await ann.ask("free", "DELETE", rule)).status == 204

    play(tmp_path, body)


def test_access_rules_are_passed_on(tmp_path: Path) -> None:
    """Who may do only what rules say makes nothing that may do more."""

    async def body(ann: Ann) -> None:
        many = f"/users/{ann.id}/application_credentials"
        allowed = [
            ("identity", "POST", "/v3/users/*/application_credentials"),
            ("identity", "POST", "/v3/OS-TRUST/trusts"),
            ("compute", "GET", "/v2.1/servers"),
        ]
        rules = [dict(zip(("service", "method", "path"), each, strict=True)) for each in allowed]
        wish = {"name": "ruled", "unrestricted": True, "access_rules": rules}
        found = await ann.make(many, "application_credential", **wish)
        named = {"id": found["id"], "secret": found["secret"]}
        answer = await login(ann.cloud, application_credential=named)
        ann.tokens["ruled"] = answer.headers["x-subject-token"]

        async def child(name: str, **more: Any) -> list[str]:
            made = await ann.make(many, "application_credential", "ruled", name=name, **more)
            return sorted(rule["path"] for rule in made["access_rules"])

        own = sorted(path for _, _, path in allowed)
        assert await child("a") == own and await child("b", access_rules=[]) == own
        assert await child("c", access_rules=rules[2:]) == ["/v2.1/servers"]
        wider = {"service": "compute", "method": "POST", "path": "/v2.1/servers"}
        for more in ([wider], [*rules, wider]):
            body = {"application_credential": {"name": "d", "access_rules": more}}
            await refused(ann, ["ruled"], "POST", many, body)
        kept = await ann.ask("whole", "GET", f"/users/{ann.id}/access_rules")
        assert len(kept.json["access_rules"]) == 3
        await refused(ann, ["ruled"], "POST", "/OS-TRUST/trusts", {"trust": ann.trust()})

    name = "allow_insecure_application_credential_trust_escalation"
    play(tmp_path, body, identity={"password_rounds": 4, name: True})


def test_trusts(tmp_path: Path) -> None:
    async def body(ann: Ann) -> None:
        many = "/OS-TRUST/trusts"
        wish = {"trust": ann.trust()}
        await refused(ann, NOT_TRUSTS, "POST", many, wish)
        other = await ann.make(many, "trust", "whole", **ann.trust())
        one = f"{many}/{other['id']}"
        await refused(ann, NOT_TRUSTS, "GET", f"{many}?trustor_user_id={ann.id}")
        for path in (one, f"{one}/roles", f"{one}/roles/{await role(ann.cloud, 'member')}"):
            await refused(ann, NOT_TRUSTS, "GET", path)
            assert (await ann.ask("trust", "GET", path)).status == 200
        await refused(ann, LENT, "DELETE", one)
        more = ann.trust(roles=[{"name": "manager"}])
        assert (await ann.ask("trust", "POST", many, {"trust": more})).status == 404
        lent_on = await ann.make(many, "trust", "trust", **ann.trust(allow_redelegation=False))
        assert lent_on["redelegated_trust_id"] == ann.things["trust"]
        for id in (lent_on["id"], ann.things["trust"]):
            assert (await ann.ask("trust", "DELETE", f"{many}/{id}")).status == 204

    play(tmp_path, body)


def test_a_setting_lets_unrestricted_application_credentials_make_trusts(tmp_path: Path) -> None:
    async def body(ann: Ann) -> None:
        wish = {"trust": ann.trust()}
        assert (await ann.ask("free", "POST", "/OS-TRUST/trusts", wish)).status == 201
        others = ("restricted", "oauth", "ec2", "ec2 free", "ec2 trust")
        await refused(ann, others, "POST", "/OS-TRUST/trusts", wish)

    name = "allow_insecure_application_credential_trust_escalation"
    play(tmp_path, body, identity={"password_rounds": 4, name: True})


def test_other_tokens(tmp_path: Path) -> None:
    """No other scope, no other project, no OAuth for others, no letters to other clouds."""

    async def body(ann: Ann) -> None:
        for kind in LENT:
            lent = {"id": ann.tokens[kind]}
            for scope in (
                {"project": {"id": ann.projects["other"]}},
                {"project": {"id": ann.projects["ruled"]}},
                {"OS-TRUST:trust": {"id": ann.things["trust"]}},
                {"domain": {"id": "default"}},
                {"system": {"all": True}},
            ):
                answer = await login(ann.cloud, scope, token=lent)
                assert answer.status in (401, 403), (kind, scope, answer.raw)
            again = await login(ann.cloud, None, token=lent)
            if again.status == 201:
                # It is the same right still.
                found = again.json["token"]
                assert found["project"]["id"] == ann.projects["work"]
                ann.tokens[f"again {kind}"] = again.headers["x-subject-token"]
        assert {"again restricted", "again free", "again ec2"} <= set(ann.tokens)
        wish = {"user_id": ann.id, "type": "totp", "blob": "GEZDGNBVGY3TQOJQ"}
        again = [kind for kind in ann.tokens if kind.startswith("again")]
        await refused(ann, again, "POST", "/credentials", {"credential": wish})
        tokens = f"/users/{ann.id}/OS-OAUTH1/access_tokens"
        for path in (tokens, f"{tokens}/{ann.things['access token']}"):
            await refused(ann, LENT, "GET", path)
        await refused(ann, LENT, "DELETE", f"{tokens}/{ann.things['access token']}")

    play(tmp_path, body)


HARMLESS = {
    "auth/catalog",
    "auth/domains",
    "auth/projects",
    "auth/system",
    "auth/tokens",
    "OS-FEDERATION/domains",
    "OS-FEDERATION/projects",
    "domains/{domain_id}",
    "limits",
    "limits/model",
    "projects/{project_id}",
    "projects/{project_id}/tags",
    "projects/{project_id}/tags/{tag}",
    "regions",
    "regions/{id}",
    "registered_limits",
    "registered_limits/{id}",
    "users/{user_id}",
    "users/{user_id}/groups",
    "users/{user_id}/projects",
}
"""What a lent token may look at: it tells nothing that could be used as a right."""
TESTED = re.compile(
    r"/v3/(credentials|users/\{user_id\}/(credentials|application_|access_|OS-OAUTH1)|OS-TRUST)"
)
"""What the tests above go through."""
NOUNS = ("user", "group", "role", "project", "domain", "service", "endpoint", "region", "policy")


def test_nothing_else_is_open_to_lent_rights(tmp_path: Path) -> None:
    """Every operation of identity: refused, harmless or tested above. A new one is one of these."""

    async def body(ann: Ann) -> None:
        face = next(f for f in ann.cloud.cloud.application.faces if f.mount == "/identity")
        ids = {"user_id": ann.id, "project_id": ann.projects["work"], "domain_id": "default"}
        ids["role_id"] = await role(ann.cloud, "member")
        ids["group_id"] = await made(ann.cloud, "groups", name="g", domain_id="default")
        wish: dict[str, Any] = {noun: {"name": "x", "domain_id": "default"} for noun in NOUNS}
        opened: set[str] = set()
        for operation in face.operations:
            method, path = operation.method, operation.path
            if operation.public or method == "HEAD" or TESTED.match(path):
                continue
            path = re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], "0" * 32), path).removeprefix("/v3")
            for kind in LENT:
                sent = {"tags": ["x"]} if path.endswith("/tags") else wish
                answer = await ann.ask(kind, method, path, sent)
                assert answer.status < 500, (method, path, kind, answer.raw)
                if method == "GET" and answer.status not in (401, 403):
                    opened.add(operation.path.removeprefix("/v3/"))
                elif method != "GET" and operation.path != "/v3/auth/tokens":
                    assert answer.status in (401, 403), (method, path, kind, answer.raw)
        assert opened == HARMLESS

    play(tmp_path, body)
