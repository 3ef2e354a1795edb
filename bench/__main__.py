"""Run all benchmarks and print their tables as Markdown."""

import statistics
import sys
import time

from bench import floor, guest, requests
from bench.process import fake_cloud


def main() -> None:
    bare = floor.measure()
    with fake_cloud() as cloud:
        time.sleep(2.0)
        idle = cloud.memory_mb()
        before = cloud.cpu()
        time.sleep(10.0)
        resting = (cloud.cpu() - before) / 10.0
        requests.prepare(cloud)
        results = requests.measure(cloud)
        loaded = cloud.memory_mb()
        starts = [cloud.seconds_to_ready]
    for _ in range(2):
        with fake_cloud() as again:
            starts.append(again.seconds_to_ready)
    slow = (floor.measure() + bare) / 2 / floor.REFERENCE_US
    print("| operation | CPU, µs | at reference speed | budget, µs | real, µs | less | p99, ms |")
    print("|---|---|---|---|---|---|---|")
    for result in results:
        budget = "" if result.case.budget_us is None else f"{result.case.budget_us:.0f}"
        real, times = "", ""
        if result.case.real_ms is not None:
            real = f"{result.case.real_ms * 1000:,.0f}"
            times = f"{result.case.real_ms * 1000 / max(result.us, 1):,.0f}"
        scaled = f"{result.us / slow:,.0f}"
        cells = (result.case.name, f"{result.us:,.0f}", scaled, budget, real, times)
        print("|", " | ".join([*cells, f"{result.p99_ms:.1f}"]), "|")
    print(
        f"\na bare HTTP server's empty answer costs {slow * floor.REFERENCE_US:.0f} µs in this run "
        f"and {floor.REFERENCE_US:.0f} µs at reference speed: this machine is {slow:.1f} times "
        "slower now"
    )
    mean = requests.geometric_mean(results)
    print(f"\ngeometric mean over the operations with a real figure: {mean:,.0f} times less CPU")
    print(
        f"start of the process to the first 200, with first-run content: "
        f"{statistics.median(starts):.2f} s (median of {len(starts)})"
    )
    print(f"memory (PSS): idle {idle:.0f} MB, after load {loaded:.0f} MB")
    print(f"idle CPU: {resting * 100:.2f} % of a core")
    if guest.possible():
        api, hand = guest.measure()
        print(
            f"server create to the guest's first console line: {api:.2f} s; the same QEMU started "
            f"by hand: {hand:.2f} s ({(api - hand) * 1000:.0f} ms over)"
        )


if __name__ == "__main__":
    sys.exit(main())
