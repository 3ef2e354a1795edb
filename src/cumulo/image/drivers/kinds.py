"""Stores by the type that the settings name, each with its own options."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.outbound.guard import Guard
from cumulo.image.drivers.cinder import CinderDriver, CinderOptions
from cumulo.image.drivers.driver import ImageDriver
from cumulo.image.drivers.fake import FakeDriver
from cumulo.image.drivers.file import FileDriver
from cumulo.image.drivers.http import HttpDriver
from cumulo.image.drivers.rbd import RbdDriver, RbdOptions
from cumulo.image.drivers.s3 import S3Driver, S3Options
from cumulo.image.drivers.swift import SwiftDriver, SwiftOptions


class FileOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str = ""
    """The folder; empty: DATA/images."""


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


OPTIONS: dict[str, type[msgspec.Struct]] = {
    "file": FileOptions,
    "fake": NoOptions,
    "http": NoOptions,
    "rbd": RbdOptions,
    "cinder": CinderOptions,
    "s3": S3Options,
    "swift": SwiftOptions,
}


def open_driver(kind: str, given: Mapping[str, Any], data: Path, guard: Guard) -> ImageDriver:
    """Raises ValueError when the type or an option makes no sense."""
    if kind not in OPTIONS:
        raise ValueError(f"there is no store of the type {kind!r}: {', '.join(sorted(OPTIONS))}")
    try:
        options = msgspec.convert(given, OPTIONS[kind])
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if isinstance(options, FileOptions):
        return FileDriver(Path(options.path) if options.path else data / "images")
    if isinstance(options, RbdOptions):
        return RbdDriver(options)
    if isinstance(options, S3Options):
        return S3Driver(options)
    if isinstance(options, SwiftOptions):
        return SwiftDriver(options)
    if isinstance(options, CinderOptions):
        return CinderDriver(options)
    return HttpDriver(guard) if kind == "http" else FakeDriver()
