"""The stock `openstack` command, as a user has it, against a cloud that serves HTTP."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.served import ServedCloud


class StockClient:
    """Runs `openstack` as one user of the first run."""

    def __init__(self, cloud: ServedCloud, name: str) -> None:
        self.cloud = cloud
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(cloud.data),
            "PYTHONWARNINGS": "ignore",
            "LC_ALL": "C.UTF-8",
            "OS_AUTH_URL": cloud.auth_url,
            "OS_USERNAME": name,
            "OS_PASSWORD": cloud.password(name),
            "OS_PROJECT_NAME": name,
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_IDENTITY_API_VERSION": "3",
        }

    def openstack(self, *arguments: str, fails: bool = False, seconds: float = 120.0) -> str:
        """What it prints; with `fails` it has to end badly, and its complaint is told, too."""
        argv = ["openstack", *arguments]
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )
        assert (done.returncode != 0) is fails, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr if fails else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.openstack(*arguments, "-f", "json"))
