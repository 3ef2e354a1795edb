"""Which driver a directory has: its url says it."""

from collections.abc import Callable

from cumulo.identity.drivers.directory import Directory, DirectoryUnreachable
from cumulo.identity.drivers.fake_directory import FakeDirectory, simulated
from cumulo.identity.model.directory_options import DirectoryOptions

SCHEMES = ("ldap://", "ldaps://")


def opener(*, fakes: bool) -> Callable[[DirectoryOptions], Directory]:
    """`fakes`: whether simulated directories are allowed. They live as long as the process."""
    made: dict[str, FakeDirectory] = {}

    def open_directory(options: DirectoryOptions) -> Directory:
        """Raises DirectoryUnreachable."""
        url = options.urls[0] if options.urls else ""
        if not url.startswith("fake://"):
            for each in options.urls or ("",):
                if not each.lower().startswith(SCHEMES):
                    raise DirectoryUnreachable(f"{each!r} is not ldap://HOST or ldaps://HOST")
            # ldap3 is large: it is imported when there is a directory.
            from cumulo.identity.drivers.ldap import LdapDirectory

            return LdapDirectory(options)
        if not fakes:
            raise DirectoryUnreachable(f"{url}: only a cloud of --fake has simulated directories")
        if url not in made:
            made[url] = simulated(url)
        return made[url]

    return open_directory
