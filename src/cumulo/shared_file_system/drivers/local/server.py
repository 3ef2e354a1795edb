"""One nfs-ganesha with a D-Bus of its own: the exports of one share network.

What it serves is in one file a share, which it reads at its start; while it runs, exports are
added, changed and removed over the bus. A file has its final name once the server has taken it,
so that files and server never disagree for longer than one call. All methods block.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.core.run.daemons import Daemon, start_daemon
from cumulo.shared_file_system.drivers.driver import Refused, check_id
from cumulo.shared_file_system.model.orders import Rule

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
# Grace: for as long as one lease, clients of a server that was restarted take back what they had
# open, and nobody else opens anything. At the very first start nobody had.
_CONFIG = """NFS_CORE_PARAM {{ Protocols = 4; NFS_Port = 2049; Bind_addr = {address};
  Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true; }}
NFSV4 {{ Graceless = {graceless}; Minor_Versions = 0, 1, 2; RecoveryBackend = fs;
  RecoveryRoot = "{recovery}"; Lease_Lifetime = 20; Grace_Period = 20;
  Only_Numeric_Owners = true; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT_DEFAULTS {{ Squash = No_Root_Squash; SecType = sys; Protocols = 4; Transports = TCP;
  Access_Type = NONE; }}
LOG {{ Default_Log_Level = EVENT; }}
{includes}
"""
_NUMBER = re.compile(r"Export_Id = (\d+);")
_START_SECONDS = 10.0
_MANAGER = "/org/ganesha/nfsd/ExportMgr"


def export_text(
    number: int, share_id: str, place: Path, rules: Sequence[Rule], folder: str = "shares"
) -> str:
    """The narrowest rule that fits a client counts, so it stands first."""
    blocks = [
        f"  CLIENT {{ Clients = {rule.to}; Access_Type = {rule.level.upper()}; }}\n"
        for rule in sorted(rules, key=lambda rule: (-_length(rule.to), rule.to))
    ]
    return (
        f"EXPORT {{ Export_Id = {number}; Path = {place}; Pseudo = /{folder}/{share_id};\n"
        f"  Access_Type = NONE; Filesystem_Id = {number}.1; Squash = No_Root_Squash;\n"
        f"{''.join(blocks)}  FSAL {{ Name = VFS; }} }}\n"
    )


def _length(to: str) -> int:
    network = ipaddress.ip_network(to)
    return network.prefixlen + (128 - network.max_prefixlen)


class Server:
    """`folder`: its run-time files; `kept`: what must outlive a restart of the machine."""

    def __init__(self, id: str, folder: Path, kept: Path) -> None:
        self.id = check_id(id)
        self._folder = folder / id
        self._exports = self._folder / "exports"
        self._kept = kept / id
        self._bus = self._folder / "bus"

    # --- the process ------------------------------------------------------------------------

    def _daemon(self, name: str) -> Daemon | None:
        found = Daemon.load(self._folder / f"{name}.pid")
        return found if found is not None and found.alive() else None

    def runs(self) -> bool:
        return self._daemon("ganesha") is not None and self._daemon("dbus") is not None

    def start(self, address: str, namespace: str) -> None:
        """`address`: the one that it listens on, or `::` for all that its namespace has. Nothing
        happens when it runs. Raises OSError when it does not come."""
        if self.runs():
            return
        self.stop()
        self._exports.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "dbus.conf").write_text(_BUS.format(bus=self._bus))
        started = self._kept / "started"
        includes = [f'%include "{path}"' for path in sorted(self._exports.glob("*.conf"))]
        config = self._folder / "ganesha.conf"
        config.write_text(
            _CONFIG.format(
                address=address.partition("/")[0],
                graceless="false" if started.exists() else "true",
                recovery=self._kept,
                includes="\n".join(includes),
            )
        )
        self._bus.unlink(missing_ok=True)
        bus = ["dbus-daemon", f"--config-file={self._folder}/dbus.conf", "--nofork", "--nopidfile"]
        self._run("dbus", bus, None)
        self._wait(self._bus.exists, "dbus")
        log, pid = self._folder / "ganesha.log", self._folder / "nfsd.pid"
        nfsd = ["ganesha.nfsd", "-F", "-f", str(config), "-L", str(log), "-p", str(pid)]
        self._run("ganesha", ["env", f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={self._bus}", *nfsd],
                  namespace)  # fmt: skip
        self._wait(self._answers, "ganesha")
        started.touch()

    def _run(self, name: str, argv: list[str], namespace: str | None) -> None:
        daemon = start_daemon(argv, log=self._folder / f"{name}.out", namespace=namespace)
        daemon.save(self._folder / f"{name}.pid")

    def _wait(self, ready: Callable[[], bool], name: str) -> None:
        end = time.monotonic() + _START_SECONDS
        while not ready():
            if self._daemon(name) is None or time.monotonic() > end:
                self.stop()
                raise OSError(f"the export server's {name} did not start: {self._last_words()}")
            time.sleep(0.02)

    def _last_words(self) -> str:
        log = self._folder / "ganesha.log"
        lines = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
        return " ".join(lines)[:500]

    def _answers(self) -> bool:
        try:
            self._call("ShowExports")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        for name in ("ganesha", "dbus"):
            daemon = self._daemon(name)
            if daemon is not None:
                daemon.stop(grace=3.0)
            (self._folder / f"{name}.pid").unlink(missing_ok=True)

    def forget(self) -> None:
        """Stopped, without its files. Flat folders of ours: what we do not know keeps them."""
        self.stop()
        for folder in (self._exports, self._folder, *self._kept.rglob("*"), self._kept):
            for path in folder.iterdir() if folder.is_dir() else ():
                if not path.is_dir():
                    path.unlink(missing_ok=True)
        for folder in (self._exports, self._folder, *sorted(self._kept.rglob("*"), reverse=True)):
            if folder.is_dir():
                folder.rmdir()
        if self._kept.is_dir():
            self._kept.rmdir()

    # --- exports ----------------------------------------------------------------------------

    def exports(
        self, share_id: str, place: Path, rules: Sequence[Rule], folder: str = "shares"
    ) -> bool:
        """It serves the share so, and runs."""
        path = self._exports / f"{check_id(share_id)}.conf"
        number = self._number(path)
        if number is None or not self.runs():
            return False
        return path.read_text() == export_text(number, share_id, place, rules, folder)

    def export(
        self, share_id: str, place: Path, rules: Sequence[Rule], folder: str = "shares"
    ) -> None:
        """Raises OSError; Refused for what the server does not take."""
        path = self._exports / f"{check_id(share_id)}.conf"
        known = self._number(path)
        number = known if known is not None else self._free_number()
        text = export_text(number, share_id, place, rules, folder)
        if known is not None and path.read_text() == text:
            return
        new = path.with_suffix(".new")
        new.write_text(text)
        which = f"string:EXPORT(Export_Id={number})"
        if known is None:
            # One that was added just before a crash is there, and without its file.
            self._drop(number)
            self._call("AddExport", f"string:{new}", which)
        else:
            self._call("UpdateExport", f"string:{new}", which)
        new.replace(path)

    def unexport(self, share_id: str) -> None:
        path = self._exports / f"{check_id(share_id)}.conf"
        number = self._number(path)
        if number is not None:
            if self.runs():
                self._drop(number)
            path.unlink()

    def has(self, share_id: str) -> bool:
        return (self._exports / f"{check_id(share_id)}.conf").exists()

    def _drop(self, number: int) -> None:
        try:
            self._call("RemoveExport", f"uint16:{number}")
        except OSError as error:
            if "not" not in str(error).lower() and "lookup" not in str(error).lower():
                raise

    def _number(self, path: Path) -> int | None:
        found = _NUMBER.search(path.read_text()) if path.exists() else None
        return int(found[1]) if found else None

    def _free_number(self) -> int:
        taken = {self._number(path) for path in self._exports.glob("*.conf")}
        for number in range(1, 65536):
            if number not in taken:
                return number
        raise Refused("an export server has 65,535 shares at most")

    def _call(self, method: str, *arguments: str) -> str:
        argv = ["dbus-send", f"--bus=unix:path={self._bus}", "--print-reply", "--type=method_call",
                "--reply-timeout=20000", "--dest=org.ganesha.nfsd", _MANAGER,
                f"org.ganesha.nfsd.exportmgr.{method}", *arguments]  # fmt: skip
        try:
            return run_blocking(argv, timeout=25.0).decode(errors="replace")
        except CommandFailed as failed:
            raise OSError(f"{method}: {failed.stderr.strip()[:500]}") from failed
