"""Tokens for tools that know nothing but Swift's first way of logging in (`ST_AUTH`, `swift -V 1`).

    GET /auth/v1.0    X-Auth-User: PROJECT:USER    X-Auth-Key: PASSWORD

Project and user are those of the default domain. It asks identity as any other client does, with
all that it counts and refuses, and gives what it was given: the token is one as every other.
"""

from datetime import datetime
from typing import Any

from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.api.asked import empty
from cumulo.object_store.model.account import account_of
from cumulo.object_store.model.faults import NeedsLogin

PATHS = ("/auth/v1.0", "/auth/v1")
_DEFAULT = {"id": "default"}
LONGEST = 256


class AuthV1:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def operations(self) -> list[Operation]:
        return [Operation("GET", path, self.token, public=True, kind="stream") for path in PATHS]

    async def token(self, call: Call) -> Reply:
        named = call.header("X-Auth-User") or call.header("X-Storage-User") or ""
        password = call.header("X-Auth-Key") or call.header("X-Storage-Pass") or ""
        project, mark, user = named.partition(":")
        if not mark or not project or not user or not password:
            raise NeedsLogin()
        if max(map(len, (project, user, password))) > LONGEST:
            raise NeedsLogin()
        made = await self._caller.call(
            None,
            "POST",
            "/identity/v3/auth/tokens",
            _body(_text(project), _text(user), _text(password)),
            address=call.address,
        )
        if made.status != 201:
            raise NeedsLogin()
        token = made.headers["X-Subject-Token"]
        given: dict[str, Any] = made.body["token"]
        account = account_of(given["project"]["id"])
        end = datetime.fromisoformat(given["expires_at"]).timestamp()
        start = datetime.fromisoformat(given["issued_at"]).timestamp()
        return empty(
            200,
            {
                "X-Auth-Token": token,
                "X-Storage-Token": token,
                "X-Auth-Token-Expires": str(int(end - start)),
                "X-Storage-Url": f"{call.base_url.removesuffix(call.face.mount)}/v1/{account}",
            },
        )


def _body(project: str, user: str, password: str) -> dict[str, Any]:
    who = {"name": user, "domain": _DEFAULT, "password": password}
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"name": project, "domain": _DEFAULT}},
        }
    }


def _text(value: str) -> str:
    """A header's bytes may be UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
