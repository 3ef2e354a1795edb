"""How many open files this process may have."""

import resource


def raise_file_limit() -> int:
    """As many open files as the machine lets us have; how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 1 << 18) if hard != resource.RLIM_INFINITY else 1 << 18
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else wanted
