"""Reads what Tempest said (subunit) and prints it as JSON. Run by Tempest's own Python:
`python subunit_reader.py FILE`; it needs python-subunit, which comes with Tempest, and nothing of
this package."""

import json
import sys
from typing import Any

WORDS = 20_000


def main(path: str) -> None:
    from subunit import ByteStreamToStreamResult
    from testtools import StreamToDict

    tests: dict[str, dict[str, Any]] = {}

    def seen(test: dict[str, Any]) -> None:
        name = test["id"]
        bare, _, tail = name.partition("[")
        begun, ended = test["timestamps"]
        details = {key: _text(value) for key, value in test["details"].items()}
        tests[name] = {
            "name": bare,
            "tags": [tag for tag in tail.rstrip("]").split(",") if tag],
            "status": test["status"],
            "duration": (ended - begun).total_seconds() if begun and ended else 0.0,
            "timestamp": begun.isoformat() if begun else "",
            "details": details.get("traceback", "") or details.get("reason", ""),
        }

    result = StreamToDict(seen)
    result.startTestRun()
    with open(path, "rb") as stream:  # noqa: PTH123 (this script is read by itself)
        ByteStreamToStreamResult(stream, "nonsubunit").run(result)
    result.stopTestRun()
    json.dump(settled(tests), sys.stdout)


def settled(tests: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tests that were announced and never began have what became of their class: skipped or failed
    with its reason. A class is no test: it is counted only where none of its tests is."""
    found = {name: test for name, test in tests.items() if test["status"] != "exists"}
    for name, test in tests.items():
        if test["status"] != "exists":
            continue
        whole = f"setUpClass ({test['name'].rpartition('.')[0]})"
        fate = tests.get(whole)
        found.pop(whole, None)
        status, why = (fate["status"], fate["details"]) if fate else ("fail", "It did not begin.")
        began = fate["timestamp"] if fate else ""
        found[name] = {**test, "status": status, "details": why, "timestamp": began}
    return found


def _text(content: Any) -> str:
    try:
        return str(content.as_text())[:WORDS]
    except Exception as error:
        return f"cannot be read: {error}"


if __name__ == "__main__":
    main(sys.argv[1])
