"""Policies of buckets and lists of grants: what they say, and what they refuse."""

import json
import time
import tracemalloc
from typing import Any

import pytest

from cumulo.object_store.model import bucket_policy, grants
from cumulo.object_store.model.bucket_policy import Caller, Request, checked, fits, verdict
from cumulo.object_store.model.faults import BadInput

ALICE = Caller("p1", frozenset({"u1", "alice"}))
BOB = Caller("p2", frozenset({"u2", "bob"}))
NOBODY = Caller()


def document(**more: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*",
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def says(
    text: str, who: Caller = BOB, action: str = "s3:GetObject", key: str = "k", **said: str
) -> str | None:
    named = {name.replace("__", ":").replace("_", "-"): value for name, value in said.items()}
    return verdict(checked(text.encode(), "b"), Request(who, action, "b", key, named))


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ("*", (ALICE, BOB, NOBODY)),
        ({"AWS": "*"}, (ALICE, BOB, NOBODY)),
        ({"AWS": "arn:aws:iam::p2:root"}, (BOB,)),
        ({"AWS": ["p1", "arn:aws:iam::p2:user/bob"]}, (ALICE, BOB)),
        ({"AWS": "arn:aws:iam::p1:user/bob"}, ()),
        ({"AWS": "arn:aws:iam::p1:user/*"}, (ALICE,)),
        ({"CanonicalUser": "u2"}, (BOB,)),
    ],
)
def test_who_is_meant(principal: Any, allowed: tuple[Caller, ...]) -> None:
    text = document(Principal=principal)
    assert tuple(who for who in (ALICE, BOB, NOBODY) if says(text, who)) == allowed
    denied = json.loads(document(NotPrincipal=principal, Effect="Deny"))
    del denied["Statement"][0]["Principal"]
    found = tuple(who for who in (ALICE, BOB, NOBODY) if says(json.dumps(denied), who) is None)
    assert found == allowed


def test_what_and_where() -> None:
    text = document(Action=["s3:Get*", "s3:PutObject"], Resource=["arn:aws:s3:::b/in/*"])
    assert says(text, key="in/x") == says(text, action="s3:PutObject", key="in/x") == "Allow"
    assert says(text, key="out/x") is says(text, action="s3:DeleteObject", key="in/x") is None
    assert says(document(Resource="arn:aws:s3:::b"), action="s3:ListBucket", key="") is None
    listing = document(Resource="arn:aws:s3:::b", Action="s3:ListBucket")
    assert says(listing, action="s3:ListBucket", key="") == "Allow"
    own = document(Resource="arn:aws:s3:::b/${aws:username}/*")
    assert says(own, key="bob/x", aws__username="bob") == "Allow"
    assert says(own, key="eve/x", aws__username="bob") is says(own, key="/x") is None


def test_a_no_beats_a_yes() -> None:
    both = json.loads(document())
    both["Statement"].append({**both["Statement"][0], "Effect": "Deny", "Principal": {"AWS": "p2"}})
    assert says(json.dumps(both), ALICE) == "Allow"
    assert says(json.dumps(both), BOB) == "Deny"


@pytest.mark.parametrize(
    ("operator", "key", "value", "fine", "wrong"),
    [
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "::1/128"], "10.1.2.3", "11.0.0.1"),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", "11.0.0.1", "10.0.0.1"),
        ("StringEquals", "s3:prefix", "a/", "a/", "b/"),
        ("StringLike", "s3:prefix", "a/?*", "a/b", "a/"),
        ("StringNotLike", "aws:UserAgent", "*curl*", "boto", "x curl/8"),
        ("Bool", "aws:SecureTransport", "true", "true", "false"),
        ("NumericLessThanEquals", "s3:max-keys", 10, "10", "11"),
        ("DateLessThan", "aws:CurrentTime", "2026-01-02T00:00:00Z", "2026-01-01", "2026-01-03"),
        ("StringEqualsIfExists", "s3:x-amz-acl", "private", "private", "public-read"),
    ],
)
def test_conditions(operator: str, key: str, value: Any, fine: str, wrong: str) -> None:
    text = checked(document(Condition={operator: {key: value}}).encode(), "b")

    def asked(said: dict[str, str]) -> str | None:
        return verdict(text, Request(BOB, "s3:GetObject", "b", "k", said))

    assert asked({key.lower(): fine}) == "Allow" and asked({key.lower(): wrong}) is None
    absent = "Allow" if operator.startswith("Not") or "IfE" in operator else None
    assert asked({}) == ("Allow" if "NotLike" in operator else absent)
    # Public is what no condition keeps to some: of anything else anybody may say the right thing.
    assert bucket_policy.is_public(text) == (operator != "IpAddress")
    assert bucket_policy.is_public(document())
    wide = document(Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}})
    assert bucket_policy.is_public(wide)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", "{}", '{"Statement": []}', '{"Statement": [5]}', "[" * 100_000),
        document(Effect="Perhaps"),
        document(Action="ec2:*"),
        document(Resource="arn:aws:s3:::other/*"),
        document(Resource=[]),
        document(Principal={"Service": "x"}),
        document(Principal={"AWS": "arn:aws:iam::"}),
        document(Condition={"StringEquals": {"s3:ExistingObjectTag/x": "y"}}),
        document(Condition={"ForAnyValue:StringEquals": {"s3:prefix": "y"}}),
        document(Condition={"IpAddress": {"aws:SourceIp": "everywhere"}}),
        document(Condition={"Bool": {"aws:SecureTransport": []}}),
        document(Condition=5),
        document(Resource="arn:aws:s3:::b/${aws:nothing}"),
        document(Sid="x", More=1),
        document(NotAction="s3:*"),
        json.dumps({"Version": "2030-01-01", "Statement": []}),
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked(text.encode(), "b")
    assert caught.value.kind in ("MalformedPolicy", "PolicyTooLarge")


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert not fits("a" * 1024, "*a" * 10_000 + "b")
    assert not fits("a" * 1024, "*?a" * 300 + "b")
    assert fits("a" * 1024, "*a" * 1000) and fits("abc", "a?c") and not fits("ac", "a*?c")
    assert time.monotonic() - began < 1.0


def test_what_a_request_says_is_bounded_and_never_wild() -> None:
    name, piece = "aws:useragent", "${aws:useragent}"
    with pytest.raises(BadInput):
        checked(document(Resource="arn:aws:s3:::b/*?" + piece * 11 + "*").encode(), "b")
    with pytest.raises(BadInput):
        checked(document(Condition={"StringLike": {name: ["*?a*"] * 31}}).encode(), "b")
    with pytest.raises(BadInput):
        checked(document(Resource="arn:aws:s3:::b/\ud800").encode(), "b")
    much = ["arn:aws:s3:::b/*?" + f"{n}{piece}" * 10 + "*" for n in range(30)]
    text = checked(document(Resource=much).encode(), "b")
    verdict(text, Request(NOBODY, "s3:GetObject", "b", "k", {}))  # read once
    for said in ("a" * 60_000, "a" * 400, "a" * 2048, "a?*" * 600):
        asked = Request(NOBODY, "s3:GetObject", "b", "a" * 1024, {name: said})
        tracemalloc.start()
        began = time.monotonic()
        assert verdict(text, asked) is None
        assert time.monotonic() - began < 0.25
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()
    own = document(Resource="arn:aws:s3:::b/${aws:username}/*")
    assert says(own, key="*/x", aws__username="*") == "Allow"
    assert says(own, key="bob/x", aws__username="*") is None
    assert says(own, key="bob/x", aws__username="???") is None
    star = document(Resource="arn:aws:s3:::b/${*}")
    assert says(star, key="*") == "Allow" and says(star, key="x") is None
    long = document(Condition={"StringLike": {name: "*"}})
    assert says(long, aws__useragent="a" * 2048) == "Allow"
    assert says(long, aws__useragent="a" * 2049) is None


def test_grants_as_swifts_lists() -> None:
    assert grants.lists([]) == ("", "")
    assert grants.lists(grants.by_name("public-read-write")) == (".r:*,.rlistings", "")
    assert grants.anybody_writes(grants.by_name("public-read-write"))
    read, write = grants.lists(
        [("u2", "FULL_CONTROL"), ("authenticated", "WRITE"), ("x", "READ_ACP")]
    )
    assert (read, write) == ("u2:*,*:u2", "u2:*,*:u2,*:*")
    assert grants.given([["u2", "FULL_CONTROL"]], {"u2"}, "READ_ACP")
    assert not grants.given([["u2", "READ"]], {"u3"}, "READ")
    assert not grants.given([["all", "READ"]], {"u3"}, "READ", public=False)
    assert not grants.given([["authenticated", "READ"]], set(), "READ")
    for bad in ("all:*", ".r:*", "a,b", "", "x" * 65):
        with pytest.raises(BadInput):
            grants.checked([(bad, "READ")])
    with pytest.raises(BadInput):
        grants.of_header('emailAddress="a@b"')
