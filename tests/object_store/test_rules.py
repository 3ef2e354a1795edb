"""What is decided without a database: names, ranges, conditions, access lists, signatures."""

import base64
import hmac

import pytest

from cumulo.object_store.model import acl, conditions, manifest, names, ranges, tempurl, timestamps
from cumulo.object_store.model.faults import BadInput, PreconditionFailed, StoreFault


@pytest.mark.parametrize(
    ("tail", "place"),
    [
        ("AUTH_x", ("AUTH_x", "", "")),
        ("AUTH_x/", ("AUTH_x", "", "")),
        ("AUTH_x/c", ("AUTH_x", "c", "")),
        ("AUTH_x/c/", ("AUTH_x", "c", "")),
        ("AUTH_x/c/a//b/", ("AUTH_x", "c", "a//b/")),
        ("AUTH_x/c/..%2F%3F", ("AUTH_x", "c", "../?")),
        ("AUTH_x/%C3%A9/%E2%82%AC", ("AUTH_x", "é", "€")),
    ],
)
def test_places(tail: str, place: tuple[str, str, str]) -> None:
    assert names.split(tail) == place


@pytest.mark.parametrize("tail", ["", "/c/o", "AUTH_x//o", "AUTH_x/c/%00", "AUTH_x/c/%ff"])
def test_no_places(tail: str) -> None:
    with pytest.raises(PreconditionFailed):
        names.split(tail)


def test_names_are_counted_in_bytes() -> None:
    names.check_object("é" * 512)
    names.check_container("c" * 256)
    with pytest.raises(BadInput):
        names.check_object("é" * 513)
    with pytest.raises(BadInput):
        names.check_container("c" * 257)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-4", [(0, 5)]),
        ("bytes=5-", [(5, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-30", [(0, 10)]),
        ("bytes=9-100", [(9, 10)]),
        ("bytes=0-0,-1", [(0, 1), (9, 10)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        # Not well formed: ignored.
        ("bytes=1--1", None),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("octets=0-4", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("", None),
    ],
)
def test_ranges(header: str, found: list[tuple[int, int]] | None) -> None:
    parsed = ranges.parse(header)
    assert (None if parsed is None else ranges.satisfied(parsed, 10)) == found


def test_many_ranges_are_no_way_to_much_work() -> None:
    parsed = ranges.parse("bytes=" + ",".join("0-9" for _ in range(40)))
    assert parsed is not None and ranges.satisfied(parsed, 10) == []
    parsed = ranges.parse("bytes=" + ",".join(f"{i}-{i}" for i in range(51)))
    assert parsed is not None and ranges.satisfied(parsed, 100) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"if-match": "abc"}, 200),
        ({"if-match": '"abc", "def"'}, 200),
        ({"if-match": "xyz"}, 412),
        ({"if-match": "*"}, 200),
        ({"if-none-match": '"abc"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": "xyz"}, 200),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:01:41 GMT"}, 304),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:01:40 GMT"}, 200),
        ({"if-unmodified-since": "Thu, 01 Jan 1970 00:01:40 GMT"}, 412),
        ({"if-unmodified-since": "nonsense"}, 200),
        # An entity tag that matches wins over a date (RFC 9110, 13.2.2).
        ({"if-match": "abc", "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
        (
            {"if-none-match": "xyz", "if-modified-since": "Thu, 01 Jan 1970 00:01:41 GMT"},
            200,
        ),
    ],
)
def test_conditions(headers: dict[str, str], status: int) -> None:
    assert conditions.outcome(headers, "abc", timestamps.of(100.5)) == status


def test_conditions_of_what_is_not_there() -> None:
    assert conditions.outcome({"if-none-match": "*"}, None, None) == 200
    assert conditions.outcome({"if-match": "*"}, None, None) == 412


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" bob , sue ,,", "bob,sue"),
        (".referrer : *", ".r:*"),
        (".ref:*.example.com", ".r:.example.com"),
        (".r:*, .rlistings", ".r:*,.rlistings"),
        (".r:- .thief.com", ".r:-.thief.com"),
        ("p:u,*:u,p:*", "p:u,*:u,p:*"),
    ],
)
def test_access_lists_are_cleaned(given: str, kept: str) -> None:
    assert acl.cleaned("X-Container-Read", given) == kept


@pytest.mark.parametrize("given", [".r:", ".r:-", ".r:.", ".unknown:x", "x" * 9000])
def test_bad_access_lists(given: str) -> None:
    with pytest.raises(BadInput):
        acl.cleaned("X-Container-Read", given)


def test_a_referrer_cannot_write() -> None:
    with pytest.raises(BadInput):
        acl.cleaned("X-Container-Write", ".r:*")


@pytest.mark.parametrize(
    ("text", "referer", "allowed"),
    [
        (".r:*", "", True),
        (".r:*", "http://any.where/", True),
        ("", "http://any.where/", False),
        (".r:.example.com", "http://www.example.com/x", True),
        (".r:.example.com", "http://example.org/", False),
        (".r:*,.r:-.thief.com", "http://www.thief.com/", False),
        (".r:-.thief.com,.r:*", "http://www.thief.com/", True),
        (".r:www.example.com", "http://user@www.example.com:81/", True),
        (".r:*", "http://[broken", True),
        (".r:.example.com", "http://[broken", False),
    ],
)
def test_referrers(text: str, referer: str, allowed: bool) -> None:
    assert acl.referrer_allows(text, referer) is allowed


def test_users_of_projects() -> None:
    assert acl.names("p:u", {"p"}, {"u"})
    assert acl.names("*:u", {"q"}, {"u"})
    assert acl.names("p:*", {"p"}, {"v"})
    assert acl.names("*:*", {"q"}, {"v"})
    assert not acl.names("p:u", {"p"}, {"v"})
    assert not acl.names("p:u", {"q"}, {"u"})
    assert not acl.names("role,.r:*", {"r"}, {"*"})
    assert acl.roles("Role,p:u,.r:*,.rlistings") == {"role"}


PATH = "/v1/AUTH_a/c/"


def signed(
    text: str, method: str = "GET", name: str = "o", address: str = "127.0.0.1", **more: str
) -> bool:
    url = tempurl.TempUrl(text, "2000", more.get("prefix"), more.get("ip_range"))
    return tempurl.holds(url, method, [PATH], name, address, ["key"], clock=lambda: 1999.0)


def test_signed_urls() -> None:
    def sign(text: str, digest: str = "sha256") -> str:
        return hmac.new(b"key", text.encode(), digest).hexdigest()

    get = f"GET\n2000\n{PATH}o"
    for digest in ("sha1", "sha256", "sha512"):
        assert signed(sign(get, digest))
        raw = bytes.fromhex(sign(get, digest))
        assert signed(f"{digest}:{base64.urlsafe_b64encode(raw).decode().rstrip('=')}")
        assert signed(f"{digest}:{base64.b64encode(raw).decode()}")
    assert signed(sign(get), "HEAD")
    assert signed(sign(f"PUT\n2000\n{PATH}o"), "HEAD")
    assert not signed(sign(get), "PUT")
    assert not signed(sign(get), name="other")
    assert signed(sign(f"GET\n2000\nprefix:{PATH}o"), name="other", prefix="o")
    assert not signed(sign(f"GET\n2000\nprefix:{PATH}o"), name="p", prefix="o")
    ranged = sign(f"ip=10.0.0.0/8\n{get}")
    assert signed(ranged, address="10.1.2.3", ip_range="10.0.0.0/8")
    assert not signed(ranged, address="11.1.2.3", ip_range="10.0.0.0/8")
    assert not signed(sign(f"ip=junk\n{get}"), ip_range="junk")
    for junk in ("", "zz", "sha256:*", "md5:AAAA", "a" * 41):
        assert not signed(junk)


def test_ends_of_signed_urls() -> None:
    assert tempurl.expiry("2026-11-29T12:00:00Z") == 1795953600
    assert tempurl.expiry("1795953600") == 1795953600
    assert tempurl.expiry("soon") is None
    assert tempurl.expiry("9" * 40) is None


def test_manifests() -> None:
    wishes = manifest.read(
        b'[{"path": "/c/a b", "etag": null, "size_bytes": "5"},'
        b'{"path": "c/o/p", "range": "1-3"}, {"data": "aGVsbG8="}]'
    )
    assert [(w.container, w.name, w.size, w.range) for w in wishes] == [
        ("c", "a b", 5, None),
        ("c", "o/p", None, "1-3"),
        ("", "", 5, None),
    ]
    segments = [
        manifest.Segment(5, "a" * 32, 5, container="c", name="x"),
        manifest.Segment(9, "b" * 32, 4, 1, "c", "y", "1-3"),
    ]
    assert manifest.size_of(segments) == 8
    assert manifest.load(manifest.dump(segments)) == segments


@pytest.mark.parametrize(
    "raw",
    [
        b"junk",
        b"{}",
        b"[3]",
        b'[{"a": 1}]',
        b'[{"path": "x"}]',
        b'[{"path": 3}]',
        b'[{"path": "/c/o", "size_bytes": 0}]',
        b'[{"path": "/c/o", "size_bytes": true}]',
        b'[{"path": "/c/o", "range": "5"}]',
        b'[{"path": "/c/o", "range": "1-2,4-5"}]',
        b'[{"path": "/c/o", "etag": 5}]',
        b'[{"data": "?"}]',
        b'[{"data": "aGVsbG8="}]',
        b"[" * 10000,
        b'[{"path": "/c/o"}' + b',{"path": "/c/o"}' * 1000 + b"]",
        b"\xff",
    ],
)
def test_bad_manifests(raw: bytes) -> None:
    with pytest.raises(StoreFault):
        manifest.read(raw)


def test_times() -> None:
    assert timestamps.of(1.5) == "0000000001.50000"
    assert timestamps.iso("1795955848.01234") == "2026-11-29T12:37:28.012340"
    assert timestamps.http_date("1795955848.01234") == "Sun, 29 Nov 2026 12:37:29 GMT"
    late = timestamps.of(9e9)
    assert timestamps.after(late) > late
