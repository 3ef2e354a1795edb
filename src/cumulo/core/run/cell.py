"""What `core.run.sandbox` starts: a program of its own, which makes a cell and runs one tool in it.

It takes its order as JSON in its one argument (`Order` in sandbox.py) and uses nothing but the
standard library, since it runs without the package. The cell has

- mount, process, network, IPC and host-name namespaces of its own (and a user namespace where we
  are not root, who needs none to make the others);
- as its root an empty tmpfs with the programs and libraries of the machine below /usr, read-only,
  /dev/null, and the files of the order: nothing else of the machine has a name there;
- no capabilities, no way to new privileges, a filter of system calls, resource limits.

Three processes: this one, the first process of the new process namespace (all others in it end
with it, and it ends with us), and the tool, which therefore gets signals like any other program.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import stat
import struct
import sys
from typing import Any

NEW_MOUNTS, NEW_CGROUP, NEW_NAME, NEW_IPC = 0x20000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
REMOUNT, BIND, RECURSIVE, PRIVATE = 32, 4096, 0x4000, 0x40000
DETACH = 2
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SYSTEM = ("usr", "bin", "lib", "lib64", "lib32", "libx32", "etc/ld.so.cache", "etc/alternatives")
ROOT = "/tmp"

# Audit architecture, then: calls that no such tool needs (ptrace, mounts, namespaces, modules,
# keys, tracing, sockets, io_uring …), `clone`, `clone3`.
CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 42, 53, 101, 103, 135, 155, 161, 163, 165, 166, 167, 169, 175, 176, 179, 212, 246, 248,
         249, 250, 272, 298, 304, 308, 310, 311, 312, 313, 320, 321, 323, 425, 428, 429, 430, 432,
         442),
        56,
        435,
    ),
    "aarch64": (
        0xC00000B7,
        (198, 199, 203, 117, 116, 92, 41, 51, 89, 40, 39, 224, 142, 105, 106, 60, 104, 217, 218,
         219, 97, 241, 265, 268, 270, 271, 272, 273, 294, 280, 282, 425, 428, 429, 430, 432, 442),
        220,
        435,
    ),
}  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)


def main(order: dict[str, Any]) -> None:
    namespaces = NEW_MOUNTS | NEW_CGROUP | NEW_NAME | NEW_IPC | NEW_PROCESSES | NEW_NETWORK
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        namespaces |= NEW_USER
    check(libc.unshare(namespaces), "unshare")
    if uid != 0:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{uid} {uid} 1")
        write("/proc/self/gid_map", f"{gid} {gid} 1")
    furnish(order)
    first = os.fork()
    if first == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        tool = os.fork()
        if tool == 0:
            become(order)
        os._exit(end_of(tool))
    status = end_of(first)
    if 128 < status < 192:
        # As if the tool were our caller's own child.
        if status - 128 != signal.SIGKILL:
            signal.signal(status - 128, signal.SIG_DFL)
        os.kill(os.getpid(), status - 128)
    os._exit(status)


def furnish(order: dict[str, Any]) -> None:
    """Make the new root and move into it."""
    check(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None), "mount /")
    # Opened here, where they have names: the new root covers some, and then hides all.
    files = [(inside, os.open(path, os.O_PATH), False) for inside, path in order["reads"].items()]
    files += [(inside, os.open(path, os.O_PATH), True) for inside, path in order["writes"].items()]
    system = [(name, "/" + name) for name in SYSTEM if os.path.exists("/" + name)]
    links = {name: os.readlink(path) for name, path in system if os.path.islink(path)}
    opened = [(name, os.open(path, os.O_PATH)) for name, path in system if name not in links]
    null = os.open("/dev/null", os.O_PATH)
    check(libc.mount(b"none", ROOT.encode(), b"tmpfs", NO_SUID | NO_DEVICES, b"size=1m,mode=755"),
          "mount the root")  # fmt: skip
    for name, target in links.items():
        os.makedirs(os.path.dirname(f"{ROOT}/{name}"), exist_ok=True)
        os.symlink(target, f"{ROOT}/{name}")
    for name, source in opened:
        bind(source, name, READ_ONLY | NO_SUID | NO_DEVICES)
    bind(null, "dev/null", NO_SUID | NO_EXEC)
    for inside, source, writable in files:
        device = stat.S_ISBLK(os.fstat(source).st_mode)
        kind = NO_SUID | NO_EXEC | (not writable) | (0 if device else NO_DEVICES)
        bind(source, inside.lstrip("/"), kind)
    os.mkdir(f"{ROOT}/.old")
    check(libc.syscall(pivot_root(), ROOT.encode(), f"{ROOT}/.old".encode()), "pivot_root")
    os.chdir("/")
    check(libc.umount2(b"/.old", DETACH), "umount the machine")
    os.rmdir("/.old")
    again = REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES
    check(libc.mount(None, b"/", None, again, None), "close the root")


def pivot_root() -> int:
    return 155 if platform.machine() == "x86_64" else 41


def bind(source: int, name: str, flags: int) -> None:
    place = f"{ROOT}/{name}"
    os.makedirs(os.path.dirname(place), exist_ok=True)
    path = f"/proc/self/fd/{source}"
    if os.path.isdir(path):
        os.makedirs(place, exist_ok=True)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    check(libc.mount(path.encode(), place.encode(), None, BIND | RECURSIVE, None), name)
    os.close(source)
    # What the machine has closed further (in a container, say) must stay so, or it is refused.
    flags |= os.statvfs(place).f_flag & (READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC)
    kept = os.statvfs(place).f_flag & (1024 | 2048 | 4096)  # noatime, nodiratime, relatime
    kept = (kept & 1024) | (kept & 2048) | ((kept & 4096) << 9)
    check(libc.mount(None, place.encode(), None, REMOUNT | BIND | flags | kept, None), name)
    # Mounts below it (a /usr/local of its own, say) have flags of their own. Linux 5.12.
    wanted = struct.pack("QQQQ", flags & (READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC), 0, 0, 0)
    libc.syscall(MOUNT_SETATTR, AT_FDCWD, place.encode(), AT_RECURSIVE, wanted, len(wanted))


def become(order: dict[str, Any]) -> None:
    """The tool: no rights, limits, filter, exec."""
    try:
        if os.geteuid() == 0 and order["user"] is not None:
            os.setgroups([])
            os.setresgid(order["user"], order["user"], order["user"])
            os.setresuid(order["user"], order["user"], order["user"])
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        for name, value in order["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them, and so would the tool
        tool = order["argv"][0]
        known = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        if order.get("listener") is not None:  # as systemd hands over a socket
            os.dup2(order["listener"], 3, inheritable=True)
            known |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
        filter_calls()
        os.execve(tool, order["argv"], known)
    except OSError as error:
        os.write(2, f"failed to execute {order['argv'][0]}: {error}".encode())
    os._exit(127)


def filter_calls() -> None:
    """Seccomp: a list of calls that fail. Machines of another kind have the other walls only."""
    known = CALLS.get(platform.machine())
    if known is None:
        return
    arch, refused, clone, clone3 = known
    load, equal, above, ret, bits = 0x20, 0x15, 0x35, 0x06, 0x45
    allow, no, absent, kill = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    rules = [(load, 0, 0, 4), (equal, 1, 0, arch), (ret, 0, 0, kill), (load, 0, 0, 0)]
    rules += [(above, 0, 1, 0x40000000), (ret, 0, 0, kill)]
    for number in refused:
        rules += [(equal, 0, 1, number), (ret, 0, 0, no)]
    # Threads without clone3 are made by clone, whose flags can be looked at.
    rules += [(equal, 0, 1, clone3), (ret, 0, 0, absent)]
    rules += [(equal, 0, 3, clone), (load, 0, 0, 16), (bits, 0, 1, NEW_USER), (ret, 0, 0, no)]
    rules += [(ret, 0, 0, allow)]
    program = b"".join(struct.pack("HBBI", *rule) for rule in rules)
    code = ctypes.create_string_buffer(program)
    head = ctypes.create_string_buffer(struct.pack("HP", len(rules), ctypes.addressof(code)))
    check(libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(head), 0, 0), "seccomp")


def end_of(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except OSError as error:
        sys.stderr.write(f"no sandbox can be made: {error}")
        os._exit(126)
