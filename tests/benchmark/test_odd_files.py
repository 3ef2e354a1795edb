"""What a stranger's task files, templates and clouds files do: nothing breaks or swells."""

from pathlib import Path
from typing import Any

import pytest

from cumulo.benchmark import template
from cumulo.benchmark.client.clouds import (
    BadSpec,
    check_platform,
    credentials_of,
    platform_of,
    spec_of_cloud,
)
from cumulo.benchmark.client.http import Http, HttpError
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.drivers import rendering
from cumulo.benchmark.model import document
from cumulo.benchmark.service import environments

LAUGHS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[" * 5000 + "]" * 5000, "levels deep", id="deep"),
        pytest.param("&a [*a]", "contains itself", id="cyclic"),
        pytest.param("a: &a {b: *a}", "contains itself", id="cyclic inside"),
        pytest.param(f"a0: &a0 [x]\n{LAUGHS}", "more than 500000 values", id="a billion laughs"),
        pytest.param("a: !!set {x}", "'set' is no type", id="set"),
        pytest.param("a: !!binary aaaa", "'bytes' is no type", id="bytes"),
        pytest.param("a: !!python/object:os.system {}", "could not determine", id="python"),
        pytest.param("a: .inf", "no number", id="infinite"),
        pytest.param(f"a: {10**30}", "out of range", id="endless"),
        pytest.param("a: 2026-02-31", "day", id="no such day"),
        pytest.param('"\\ud800": 1', "no text", id="half a letter"),
        pytest.param("? [a, b]\n: 1", "unhashable", id="list as a key"),
        pytest.param("a:\t- x", "cannot start", id="tab"),
    ],
)
def test_a_document_is_as_plain_as_json(text: str, words: str) -> None:
    with pytest.raises(document.NotPlain, match=words):
        document.decode(text)


def test_what_yaml_reads_otherwise_is_as_it_was_meant() -> None:
    read = document.decode("{percentile: {95: 0.5}, day: 2026-01-02, yes: no, 1.5: null}")
    assert read == {"percentile": {"95": 0.5}, "day": "2026-01-02", "true": False, "1.5": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}xxxxxxxxxxxxxxxx"
            "{% endfor %}{% endfor %}",
            "when it is filled in",
        ),
        ("{{ 'a' * 10000000000 }}", "would make more"),
        ("{{ 9 ** 99999999 }}", "would make more"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "recursion|nested"),
        ("{% include '../../../etc/passwd' %}", "passwd"),
        ("{{ {}.popitem() }}", "empty"),
        ("{{ int('x') }}", "invalid literal"),
        ("{% if", "end of template"),
    ],
)
def test_a_template_makes_nothing_huge_and_says_what_it_cannot(text: str, words: str) -> None:
    with pytest.raises(template.BadTemplate, match=words):
        template.render(text, {}, Path("/nonexistent"))


@pytest.mark.parametrize(
    "text",
    [
        '{{ "%1000000000000d" % 1 }}',
        '{{ "x"|center(10**10) }}',
        "{% set n = namespace(a='x') %}{% for i in range(40) %}"
        "{% set n.a = n.a ~ n.a %}{% endfor %}{{ n.a|length }}",
    ],
)
def test_a_template_takes_little_memory_whatever_its_steps_are(text: str) -> None:
    with pytest.raises(template.BadTemplate, match="too much memory"):
        rendering.render(text, {}, Path("/nonexistent"))


def test_a_template_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rendering.render("{{ a }}{{ b.c }}", {"a": "é", "b": {"c": 1}}, Path()) == "é1"
    monkeypatch.setattr(rendering.renderer, "SECONDS", 0.5)
    text = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(template.BadTemplate, match="takes more than"):
        rendering.render(text, {}, Path("/nonexistent"))


@pytest.mark.parametrize(
    "spec",
    [
        {"openstack": 5},
        {"type": "ExistingCloud", "creds": 5},
        {"openstack": {"auth_url": 5}},
        {"openstack": {"auth_url": "x", "admin": []}},
        {"openstack": {"auth_url": "x", "admin": {"username": 5}}},
        {"openstack": {"auth_url": "x", "users": [5]}},
    ],
)
def test_a_spec_that_names_no_cloud_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(BadSpec):
        check_platform(platform_of(spec))


@pytest.mark.parametrize("text", ["5", "[]", "{clouds: 5}", "{clouds: {x: 5}}", "&a {clouds: *a}"])
def test_a_clouds_file_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    with pytest.raises(BadSpec):
        spec_of_cloud("x", [path])


def test_a_clouds_file_may_name_by_id_and_have_digits_for_a_password(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "clouds: {x: {auth: {auth_url: 'http://h/v3', username: u, password: 12345, "
        f"project_id: p1, user_domain_id: {'a' * 32}}}}}}}"
    )
    platform = platform_of(spec_of_cloud("x", [path]))
    check_platform(platform)
    session = Session(Http(), credentials_of(platform, platform["admin"]))
    auth = session._auth()["auth"]
    assert auth["scope"] == {"project": {"id": "p1"}}
    user = auth["identity"]["password"]["user"]
    assert user == {"name": "u", "password": "12345", "domain": {"id": "a" * 32}}


@pytest.mark.parametrize(
    ("url", "ca", "words"),
    [
        ("http://[::1", None, "not a URL"),
        ("http://127.0.0.1:99999/", None, "not a port"),
        ("ftp://h/", None, "not an http"),
        ("https://127.0.0.1:9/", "/nonexistent", "no certificates in /nonexistent"),
    ],
)
def test_a_cloud_that_cannot_be_asked_is_said(url: str, ca: str | None, words: str) -> None:
    with pytest.raises(HttpError, match=words):
        environments.run(Http(ca_file=ca).request("GET", url, {}))
