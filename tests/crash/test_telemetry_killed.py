"""`kill -9` when an alarm has changed its state: nothing is lost, and whom it calls is called."""

import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

KIND = "gnocchi_aggregation_by_metrics_threshold"
POINTS = ["after commit: alarm looks"]
SETTINGS = '[outbound]\nallowed_networks = ["127.0.0.1/32"]\n'


@pytest.fixture
def heard() -> Iterator[tuple[str, list[bytes]]]:
    found: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_address[1]}/hot", found
    listener.shutdown()


class AlarmWalk:
    def __init__(self, plane: ControlPlane, url: str, heard: list[bytes]) -> None:
        self.plane, self.url, self.heard = plane, url, heard
        self.metric = self.alarm = ""
        self.at = time.time()

    def steps(self) -> list[Callable[[], None]]:
        return [self.begin, self.measure, self.fired, self.called]

    def begin(self) -> None:
        ask = self.plane.ask
        wish = {"name": "m", "archive_policy_name": "high"}
        self.metric = ask("POST", "/metric/v1/metric", wish)["id"]
        rule = {
            "metrics": [self.metric],
            "aggregation_method": "max",
            "granularity": 60,
            "threshold": 10,
            "comparison_operator": "gt",
        }
        body = {"name": "a", "type": KIND, f"{KIND}_rule": rule, "alarm_actions": [self.url]}
        found = ask("GET", "/alarming/v2/alarms")
        self.alarm = (found or [ask("POST", "/alarming/v2/alarms", body)])[0]["alarm_id"]

    def measure(self) -> None:
        """Sent again when it died: the same measure of the same moment."""
        path = f"/metric/v1/metric/{self.metric}/measures"
        self.plane.ask("POST", path, [{"timestamp": self.at, "value": 99}])

    def fired(self) -> None:
        end = time.monotonic() + 60
        while self.plane.ask("GET", f"/alarming/v2/alarms/{self.alarm}")["state"] != "alarm":
            assert time.monotonic() < end
            time.sleep(0.05)

    def called(self) -> None:
        end = time.monotonic() + 60
        while not self.heard:
            self.plane.check()
            assert time.monotonic() < end, "nobody was called"
            time.sleep(0.05)
        history = self.plane.ask("GET", f"/alarming/v2/alarms/{self.alarm}/history")
        changes = [each for each in history if each["type"] == "state transition"]
        assert len([each for each in changes if '"alarm"' in each["detail"]]) == 1, history


def test_no_change_is_lost(tmp_path: Path, heard: tuple[str, list[bytes]]) -> None:
    url, found = heard
    plane = ControlPlane(tmp_path / "data", settings=SETTINGS)

    def steps(plane: ControlPlane) -> Iterable[Callable[[], None]]:
        return AlarmWalk(plane, url, found).steps()

    reached = run_walk(plane, [], steps, anytime=POINTS)
    assert set(reached) == set(POINTS)
