"""What the HTTP layer does for every service: versions, bodies, faults, headers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.auth.policy import Rules
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, QuotaExceeded
from cumulo.core.http import faults
from cumulo.core.http.application import Application
from cumulo.core.http.operations import Call, Face, Microversions, Operation, Reply
from cumulo.core.wire.shapes import Body, StrictBody, Version
from tests.core.http.app import OneUser
from tests.support.cloud import Answer, TestCloud


class Thing(StrictBody):
    size: int


class Made(Body):
    size: int


class Reset(StrictBody):
    reset: dict[str, str] | None


def make(call: Call, tx: Tx) -> Any:
    if call.body.size == 13:
        raise Conflict("unlucky")
    if call.body.size == 14:
        raise QuotaExceeded("too much")
    if call.body.size == 15:
        raise RuntimeError("a mistake in the program")
    return Made(size=call.body.size)


def echo(call: Call, tx: Tx) -> Any:
    return {"id": call.path["id"], "q": call.query.all("q"), "version": str(call.version)}


def reset(call: Call, tx: Tx) -> Reply:
    return Reply(202)


async def upload(call: Call) -> Any:
    assert call.stream is not None
    return {"bytes": len(b"".join([chunk async for chunk in call.stream]))}


FACE = Face(
    name="compute",
    request_id_headers=("X-Openstack-Request-Id", "X-Compute-Request-Id"),
    mount="/compute",
    faults=faults.compute,
    rules=Rules({"things:make": "role:member", "things:admin": "role:admin"}),
    quota_status=413,
    prefixes=("/v2.1", "/v2.1/{project_id}"),
    microversions=Microversions("compute", Version(2, 1), Version(2, 90), "X-Old-Header"),
    operations=[
        Operation("POST", "/things", make, policy="things:make", body=Thing, status=201),
        Operation("GET", "/things/{id}", echo),
        Operation("GET", "/new", echo_new := lambda call, tx: {"new": True}, since="2.50"),
        Operation("GET", "/admin", echo_new, policy="things:admin"),
        Operation("POST", "/things/{id}/action", reset, action="reset", body=Reset),
        Operation("PUT", "/things/{id}/file", upload, kind="stream"),
    ],
)


def ask(tmp_path: Path, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
    async def main() -> Answer:
        database = SqliteDatabase(tmp_path / "x.db")
        application = Application(database, OneUser(), auth_url="http://cloud/identity/v3")
        application.mount(FACE)

        class Bare:
            pass

        bare: Any = Bare()
        bare.application = application
        named = {"x-auth-token": "good", **{k.replace("_", "-"): v for k, v in headers.items()}}
        try:
            return await TestCloud(bare).request(method, path, headers=named, body=body)
        finally:
            database.close()

    return asyncio.run(main())


class TestBodies:
    def test_good(self, tmp_path: Path) -> None:
        answer = ask(tmp_path, "POST", "/compute/v2.1/things", b'{"size": 3}')
        assert (answer.status, answer.json) == (201, {"size": 3})
        assert answer.headers["x-openstack-request-id"].startswith("req-")
        assert answer.headers["x-compute-request-id"] == answer.headers["x-openstack-request-id"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"size": "x"}',
            b'{"size": 1, "y": 2}',
            b"\xff\xfe",
            b"[" * 100_000,
        ],
    )
    def test_bad(self, tmp_path: Path, body: bytes) -> None:
        answer = ask(tmp_path, "POST", "/compute/v2.1/things", body)
        assert answer.status == 400
        assert answer.json["badRequest"]["code"] == 400

    def test_ten_megabytes(self, tmp_path: Path) -> None:
        answer = ask(tmp_path, "POST", "/compute/v2.1/things", b" " * 10_000_000)
        assert (answer.status, answer.json["overLimit"]["code"]) == (413, 413)

    def test_ten_megabytes_without_a_length(self, tmp_path: Path) -> None:
        answer = ask(
            tmp_path,
            "POST",
            "/compute/v2.1/things",
            b" " * 10_000_000,
            content_length="0",
            transfer_encoding="chunked",
        )
        assert answer.status in (400, 413)

    def test_another_content_type(self, tmp_path: Path) -> None:
        answer = ask(
            tmp_path, "POST", "/compute/v2.1/things", b"<x/>", content_type="application/xml"
        )
        assert (answer.status, answer.json["badMediaType"]["code"]) == (415, 415)

    def test_streams_have_no_bound(self, tmp_path: Path) -> None:
        answer = ask(tmp_path, "PUT", "/compute/v2.1/things/1/file", b" " * 3_000_000)
        assert answer.json == {"bytes": 3_000_000}


class TestFaults:
    @pytest.mark.parametrize(
        ("size", "status", "key"),
        [(13, 409, "conflictingRequest"), (14, 413, "overLimit"), (15, 500, "computeFault")],
    )
    def test_by_meaning(self, tmp_path: Path, size: int, status: int, key: str) -> None:
        answer = ask(tmp_path, "POST", "/compute/v2.1/things", b'{"size": %d}' % size)
        assert answer.status == status
        assert answer.json[key]["code"] == status
        assert "mistake" not in answer.json[key]["message"]

    def test_no_token_and_bad_token(self, tmp_path: Path) -> None:
        for token in ("", "bad", "ü".encode().decode("latin-1")):
            answer = ask(tmp_path, "GET", "/compute/v2.1/things/1", x_auth_token=token)
            assert answer.status == 401
            assert answer.json["error"]["title"] == "Unauthorized"
            assert answer.headers["www-authenticate"] == ('Keystone uri="http://cloud/identity/v3"')

    def test_policy(self, tmp_path: Path) -> None:
        answer = ask(tmp_path, "GET", "/compute/v2.1/admin")
        assert answer.status == 403
        assert "things:admin" in answer.json["forbidden"]["message"]

    def test_unknown_path_and_method(self, tmp_path: Path) -> None:
        answer = ask(tmp_path, "GET", "/compute/v2.1/nothing/here")
        assert (answer.status, answer.json["itemNotFound"]["code"]) == (404, 404)
        answer = ask(tmp_path, "DELETE", "/compute/v2.1/things/1")
        assert (answer.status, answer.json["badMethod"]["code"]) == (405, 405)

    def test_a_foreign_project_in_the_path(self, tmp_path: Path) -> None:
        assert ask(tmp_path, "GET", "/compute/v2.1/p/things/1").status == 200
        assert ask(tmp_path, "GET", "/compute/v2.1/other/things/1").status == 400


class TestVersions:
    @pytest.mark.parametrize(
        ("asked", "status", "got"),
        [
            ("compute 2.79", 200, "2.79"),
            ("compute latest", 200, "2.90"),
            ("volume 3.50, compute 2.5", 200, "2.5"),
            ("volume 3.50", 200, "2.1"),
            ("compute 2.91", 406, None),
            ("compute 3.0", 406, None),
            ("compute x", 400, None),
        ],
    )
    def test_the_header(self, tmp_path: Path, asked: str, status: int, got: str | None) -> None:
        path = "/compute/v2.1/things/1"
        answer = ask(tmp_path, "GET", path, openstack_api_version=asked)
        assert answer.status == status
        if got is not None:
            assert answer.json["version"] == got
            assert answer.headers["openstack-api-version"] == f"compute {got}"
            assert answer.headers["x-old-header"] == got
            assert answer.headers["vary"] == "OpenStack-API-Version, X-Old-Header"

    def test_the_older_header(self, tmp_path: Path) -> None:
        answer = ask(tmp_path, "GET", "/compute/v2.1/things/1", x_old_header="2.7")
        assert answer.json["version"] == "2.7"

    def test_an_operation_of_a_later_version(self, tmp_path: Path) -> None:
        assert ask(tmp_path, "GET", "/compute/v2.1/new").status == 404
        answer = ask(tmp_path, "GET", "/compute/v2.1/new", openstack_api_version="compute 2.50")
        assert answer.status == 200


class TestActions:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b'{"reset": null}', 202),
            (b'{"reset": {"a": "b"}}', 202),
            (b'{"reset": 3}', 400),
            (b'{"unknown": null}', 400),
            (b"{}", 400),
            (b'{"reset": null, "other": null}', 400),
            (b"[]", 400),
        ],
    )
    def test_the_key_chooses(self, tmp_path: Path, body: bytes, status: int) -> None:
        assert ask(tmp_path, "POST", "/compute/v2.1/things/1/action", body).status == status
