"""What a host was told, kept on its disk: the newest order, and each item as it was ordered.

A file of frames (length, msgpack), only appended to, and written anew when most of it is past. A
frame that was cut off by a power cut ends it: what it said is told again. The states are kept so
that a thing of which the control plane knows nothing any more stays as it was last ordered.
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.hosts.messages import Mark

_LENGTH = struct.Struct("<I")
SPARE = 200
"""Frames that may be past before the file is written anew, beside as many as there are items."""


_EPOCH = 40
"""Bits of a stamp below its epoch."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is ordered of one thing. `gone`: it is to be removed. `lost`: the control plane does
    not know of it any more; it is left as it is. `item` None: it was never known here."""

    id: str
    cloud: str
    epoch: int
    version: int
    gone: bool = False
    lost: bool = False
    item: Any = None

    @property
    def place(self) -> tuple[int, int]:
        """Orders of one cloud are older or newer by this."""
        return self.epoch, self.version

    def stamp(self, generation: int) -> int:
        """A number for a driver that keeps the newest order itself: it grows with the
        generation, and with the epoch when a database went back in time."""
        return (self.epoch << _EPOCH) | generation


def generation_of(stamp: int) -> int:
    """What a stamp was made of, without its epoch."""
    return stamp & ((1 << _EPOCH) - 1)


class Frame(msgspec.Struct, array_like=True):
    mark: Mark
    order: Order | None = None
    state: msgspec.Raw = msgspec.Raw(b"\xc0")
    dropped: str = ""


class Journal:
    """`path` None: in memory only (simulated hosts that are made anew at each start)."""

    def __init__(self, path: Path | None, item_type: Any) -> None:
        self.mark = Mark()
        self.orders: dict[str, Order] = {}
        self._path = path
        self._item_type = item_type
        self._frames = 0
        self._complete = True
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._load(path)

    @property
    def complete(self) -> bool:
        """False when a state could not be read (of another release): all must be told anew."""
        return self._complete

    def note(self, orders: Iterable[Order], mark: Mark, *, dropped: Iterable[str] = ()) -> None:
        """New orders, the mark that they bring, and what is over."""
        frames = [Frame(mark, None, dropped=id) for id in dropped]
        for frame in frames:
            self.orders.pop(frame.dropped, None)
        for order in orders:
            self.orders[order.id] = order
            frames.append(self._frame(mark, order))
        if not frames and mark == self.mark:
            return
        self.mark = mark
        self._append(frames or [Frame(mark)])

    def _frame(self, mark: Mark, order: Order) -> Frame:
        state = msgspec.Raw(msgspec.msgpack.encode(order.item))
        return Frame(mark, msgspec.structs.replace(order, item=None), state)

    def _append(self, frames: list[Frame]) -> None:
        if self._path is None:
            return
        self._frames += len(frames)
        if self._frames > 2 * len(self.orders) + SPARE:
            frames = [self._frame(self.mark, order) for order in self.orders.values()]
            self._frames = len(frames)
            temporary = self._path.with_suffix(".new")
            _write(temporary, frames or [Frame(self.mark)], os.O_TRUNC)
            temporary.replace(self._path)
        else:
            _write(self._path, frames, os.O_APPEND)

    def _load(self, path: Path) -> None:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return
        at = 0
        while at + _LENGTH.size <= len(raw):
            (length,) = _LENGTH.unpack_from(raw, at)
            body = raw[at + _LENGTH.size : at + _LENGTH.size + length]
            try:
                frame = msgspec.msgpack.decode(body, type=Frame)
            except msgspec.MsgspecError:
                break
            self._take(frame)
            at += _LENGTH.size + length
        if at < len(raw):
            os.truncate(path, at)

    def _take(self, frame: Frame) -> None:
        self._frames += 1
        self.mark = frame.mark
        if frame.dropped:
            self.orders.pop(frame.dropped, None)
        if frame.order is None:
            return
        item = None
        try:
            item = msgspec.msgpack.decode(frame.state, type=self._item_type | None)
        except msgspec.MsgspecError:
            self._complete = False
        self.orders[frame.order.id] = msgspec.structs.replace(frame.order, item=item)


def _write(path: Path, frames: list[Frame], how: int) -> None:
    bodies = [msgspec.msgpack.encode(frame) for frame in frames]
    text = b"".join(_LENGTH.pack(len(body)) + body for body in bodies)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        written = os.write(descriptor, text)
        while written < len(text):
            written += os.write(descriptor, text[written:])
    finally:
        os.close(descriptor)
