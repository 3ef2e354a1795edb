"""Reports of verifications: a page that compares several, JSON, JUnit."""

import msgspec

from cumulo.benchmark.model.verification import Verification
from cumulo.benchmark.report.markup import attribute, words
from cumulo.benchmark.report.page import render


def make(kind: str, found: list[Verification]) -> str:
    if kind == "json":
        document = {"verifications": found}
        return msgspec.json.format(msgspec.json.encode(document), indent=4).decode()
    if kind == "junit-xml":
        return _junit(found)
    return _html(found)


def _html(found: list[Verification]) -> str:
    """Tests that differ between the verifications come first, then failures, then the rest."""
    names = sorted({name for each in found for name in each.tests})
    rows = []
    for name in names:
        tests = [each.tests.get(name) for each in found]
        seen = {test.status for test in tests if test is not None}
        first = next(test for test in tests if test is not None)
        rows.append(
            {
                "name": first.name,
                "cells": tests,
                "differs": len(seen) > 1 or None in tests,
                "failed": bool(seen & {"fail", "uxsuccess"}),
                "details": next((t.details for t in tests if t and t.details), ""),
            }
        )
    rows.sort(key=lambda r: (not (r["differs"] and len(found) > 1), not r["failed"], r["name"]))
    heads = [
        {
            "title": f"{each.verifier} {each.created_at.replace('T', ' ')}",
            "uuid": each.uuid,
            "env": each.env_name,
            "status": each.status,
            "total": len(each.tests),
            "good": each.count("success") + each.count("xfail"),
            "bad": each.count("fail") + each.count("uxsuccess"),
            "skipped": each.count("skip"),
            "seconds": each.duration,
        }
        for each in found
    ]
    return render(
        "verification.html.j2",
        title="Verification" if len(found) == 1 else f"{len(found)} verifications",
        heads=heads,
        rows=rows,
    )


def _junit(found: list[Verification]) -> str:
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<testsuites>"]
    for each in found:
        lines.append(
            f'  <testsuite id={attribute(each.uuid)} tests="{len(each.tests)}" errors="0" '
            f'failures="{each.count("fail") + each.count("uxsuccess")}" '
            f'skipped="{each.count("skip")}" time="{each.duration:.2f}" '
            f"timestamp={attribute(each.created_at)}>"
        )
        for test in each.tests.values():
            group, _, name = test.name.rpartition(".")
            case = (
                f"    <testcase classname={attribute(group)} name={attribute(name)} "
                f'time="{test.duration:.2f}"'
            )
            details = words(test.details)
            if test.status == "skip":
                lines += [f"{case}>", f"      <skipped>{details}</skipped>", "    </testcase>"]
            elif test.status in ("fail", "uxsuccess"):
                lines += [f"{case}>", f"      <failure>{details}</failure>", "    </testcase>"]
            else:
                lines.append(f"{case} />")
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])
