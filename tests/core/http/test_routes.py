"""Paths that end in raw tails, faces at `/` for what is signed for them, operations chosen by the
query, and other proofs of identity than tokens: over a real server."""

import asyncio
import json
from typing import Any

import pytest

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault, Forbidden
from cumulo.core.http import faults
from cumulo.core.http.operations import Authentication, Call, Face, Operation
from tests.core.http.app import MEMBER, application, exchange, serving

RULES = Rules({"any": "role:member"})


def shown(call: Call, tx: Tx) -> Any:
    who = call.maybe_principal
    return {
        "name": call.path["object"].encode("utf-8", "surrogateescape").hex(),
        "path": [call.path["account"], call.path["container"]],
        "raw": call.raw_path,
        "user": who and who.user_id,
        "meta": call.headers().get("x-object-meta-color"),
    }


def container(call: Call, tx: Tx) -> Any:
    return {"container": call.path["container"]}


async def account(call: Call) -> Any:
    return {"sends": call.sends_files}


def seen(what: str) -> Any:
    return lambda call, tx: {"seen": what, "grant": call.grant}


SWIFT = Face(
    name="object-store",
    mount="/object_store",
    faults=faults.compute,
    rules=RULES,
    authentication=Authentication(
        token_headers=("X-Auth-Token", "X-Storage-Token"), anonymous=True
    ),
    operations=[
        Operation("GET", "/v1/{account}", account, kind="stream"),
        Operation("GET", "/v1/{account}/{container}", container),
        Operation("GET", "/v1/{account}/{container}/{object:raw}", shown),
    ],
)


def signed(tx: Tx, call: Call) -> Principal | None:
    proof = call.header("Authorization")
    if proof is None or not proof.startswith("Sign "):
        return None
    if proof != f"Sign {call.raw_path}?{call.query_string}":
        raise Forbidden("The signature does not match.", code="SignatureDoesNotMatch")
    call.grant = "written"
    return MEMBER


def in_xml(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    return "application/xml", f"<Error><Code>{fault.code or status}</Code></Error>".encode()


S3 = Face(
    name="s3",
    mount="",
    faults=in_xml,
    rules=RULES,
    request_id_headers=("x-amz-request-id",),
    authentication=Authentication(verify=signed, token_headers=()),
    claims=lambda header, query, path: (header("Authorization") or "").startswith("Sign"),
    operations=[
        Operation("GET", "/", seen("buckets"), policy="any"),
        Operation("GET", "/{bucket}", seen("bucket"), policy="any"),
        Operation("GET", "/{bucket}", seen("acl"), policy="any", query="acl"),
        Operation("GET", "/{bucket}/{key:raw}", seen("key"), policy="any"),
    ],
)
ROOT = Face(
    name="root",
    mount="",
    faults=faults.identity,
    rules=RULES,
    operations=[Operation("GET", "/", seen("root"), public=True)],
)


def ask(*requests: str) -> list[tuple[int, str, bytes]]:
    async def main() -> list[tuple[int, str, bytes]]:
        async with application(S3, SWIFT, ROOT) as made, serving(made.asgi) as port:
            return [await exchange(port, request) for request in requests]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("o", b"o"),
        ("a/b/c", b"a/b/c"),
        ("a//b", b"a//b"),
        ("/", b"/"),
        ("//a/", b"//a/"),
        ("a/", b"a/"),
        ("a%2Fb", b"a/b"),
        ("%ff%00%e4%f6", b"\xff\x00\xe4\xf6"),
        ("%C3%BC%20x", "ü x".encode()),
        ("a%3Fb%23c%25", b"a?b#c%"),
        ("..", b".."),
        ("./a/../b", b"./a/../b"),
        ("a+b;c=d", b"a+b;c=d"),
    ],
)
def test_raw_tails(sent: str, name: bytes) -> None:
    path = f"/object_store/v1/AUTH_1/c/{sent}"
    [(status, _, body)] = ask(f"GET {path}?x=/y HTTP/1.1\r\nX-Object-Meta-Color: red")
    answer = json.loads(body)
    assert status == 200, body
    assert bytes.fromhex(answer["name"]) == name
    assert answer["raw"] == path
    assert answer["path"] == ["AUTH_1", "c"]
    assert answer["meta"] == "red"


def test_a_container_is_no_tail() -> None:
    for path in ("/object_store/v1/AUTH_1/c", "/object_store/v1/AUTH_1/c/"):
        [(status, _, body)] = ask(f"GET {path} HTTP/1.1")
        assert (status, json.loads(body)["container"]) == (200, "c")
    answers = ask(
        "GET /object_store/v1//c/o HTTP/1.1",
        "DELETE /object_store/v1/a/c/o HTTP/1.1",
        "PROPFIND /object_store/v1/a/c/o HTTP/1.1",
    )
    assert [status for status, _, _ in answers] == [404, 405, 405]


def test_a_stream_knows_that_the_server_sends_files() -> None:
    [(status, _, body)] = ask("GET /object_store/v1/AUTH_1 HTTP/1.1")
    assert (status, json.loads(body)) == (200, {"sends": True})


def test_who_shows_nothing_goes_on_where_the_face_says_so() -> None:
    path = "/object_store/v1/AUTH_1/c/o"
    answers = ask(
        f"GET {path} HTTP/1.1",
        f"GET {path} HTTP/1.1\r\nX-Storage-Token: good",
        f"GET {path} HTTP/1.1\r\nAuthorization: Bearer good",
        f"GET {path} HTTP/1.1\r\nX-Auth-Token: bad",
    )
    assert [status for status, _, _ in answers] == [200, 200, 200, 401]
    assert [json.loads(body).get("user") for _, _, body in answers] == [None, "u", "u", None]


def test_a_face_at_the_root_for_what_is_signed_for_it() -> None:
    answers = ask(
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nAuthorization: Sign /?",
        "GET /b?x=1 HTTP/1.1\r\nAuthorization: Sign /b?x=1",
        "GET /b?acl HTTP/1.1\r\nAuthorization: Sign /b?acl",
        "GET /b/k//%ff?acl HTTP/1.1\r\nAuthorization: Sign /b/k//%ff?acl",
        "GET /object_store/v1/a/c HTTP/1.1\r\nAuthorization: Sign /object_store/v1/a/c?",
    )
    assert [status for status, _, _ in answers] == [200] * 6
    found = [json.loads(body)["seen"] for _, _, body in answers]
    assert found == ["root", "buckets", "bucket", "acl", "key", "key"]
    assert json.loads(answers[1][2])["grant"] == "written"


def test_a_wrong_proof_is_refused_in_the_words_of_the_face() -> None:
    answers = ask(
        "GET /b HTTP/1.1\r\nAuthorization: Sign /c?",
        "GET /b HTTP/1.1\r\nAuthorization: Signed",
        "PUT /b HTTP/1.1\r\nAuthorization: Sign /b?",
        "GET /b HTTP/1.1\r\nX-Auth-Token: good",
    )
    assert [status for status, _, _ in answers] == [403, 401, 405, 404]
    assert answers[0][2] == b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
    assert answers[1][2] == b"<Error><Code>401</Code></Error>"
    for _, head, _ in answers[:3]:
        assert "x-amz-request-id: req-" in head and "openstack" not in head
