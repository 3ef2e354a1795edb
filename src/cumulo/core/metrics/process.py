"""What the operating system says of this process, and the named pools."""

import os
import time
from pathlib import Path

from cumulo.core.metrics.metrics import Metrics
from cumulo.core.work import pools

_PAGE = os.sysconf("SC_PAGE_SIZE")


def watch_process(metrics: Metrics) -> None:
    metrics.gauge(
        "process_cpu_seconds_total",
        "CPU time used.",
        lambda: [((), time.process_time())],
        kind="counter",
    )
    metrics.gauge(
        "process_resident_memory_bytes", "Memory in use.", lambda: [((), _resident_bytes())]
    )
    metrics.gauge("process_open_fds", "Open files.", lambda: [((), _open_files())])
    metrics.gauge(
        "cumulo_pool_busy",
        "Calls at work in a pool of threads, or waiting for one.",
        lambda: [((pool.name,), pool.busy) for pool in pools.ALL],
        "pool",
    )
    metrics.gauge(
        "cumulo_pool_threads",
        "Threads that a pool may have.",
        lambda: [((pool.name,), pool.threads) for pool in pools.ALL],
        "pool",
    )


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (a generator would hold one more)
