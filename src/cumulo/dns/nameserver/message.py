"""Messages of DNS as bytes (RFC 1035, 4; EDNS0: RFC 6891): what is asked, and how it is answered.

By hand, since most of what a name server does is this; what it must agree with is dnspython, in
the tests.
"""

from dataclasses import dataclass

HEADER = 12
QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100
_OPCODE = 0x7800
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
YXDOMAIN, NOTAUTH = 6, 9
BADVERS = 16
QUERY, NOTIFY, UPDATE = 0, 4, 5
OPT, TSIG = 41, 250
OUR_PAYLOAD = 1232
"""The largest answer by UDP that is not cut up on the way (the DNS flag day of 2020)."""
LEAST_PAYLOAD = 512


class Malformed(Exception):
    """A message that is none. `answerable`: its header could be read."""

    def __init__(self, answerable: bool) -> None:
        super().__init__()
        self.answerable = answerable


@dataclass(slots=True)
class Question:
    """A message that asks. `name` is in lower case, `asked` its bytes as they came, with type and
    class; `payload` None: it does not know EDNS."""

    id: bytes
    flags: int
    name: bytes
    type: int
    dns_class: int
    asked: bytes
    payload: int | None
    version: int
    dnssec_ok: bool
    signature: int
    """Where the TSIG record begins, which is unread, or 0."""
    authority: int
    """Where its authority section begins, or 0 (an IXFR has the serial number there)."""

    @property
    def signed(self) -> bool:
        return self.signature > 0

    @property
    def opcode(self) -> int:
        return (self.flags & _OPCODE) >> 11

    def room(self, udp: bool) -> int:
        """How long an answer may be."""
        if not udp:
            return 65535
        if self.payload is None:
            return LEAST_PAYLOAD
        return max(LEAST_PAYLOAD, min(self.payload, OUR_PAYLOAD))


def read(data: bytes) -> Question:
    """Raises Malformed."""
    if len(data) < HEADER:
        raise Malformed(False)
    flags = int.from_bytes(data[2:4], "big")
    if flags & QR:
        raise Malformed(False)
    questions, answers, authority, additional = (
        int.from_bytes(data[at : at + 2], "big") for at in (4, 6, 8, 10)
    )
    if questions != 1 or answers > 1 or authority > 1 or additional > 3:
        raise Malformed(True)
    end = name_end(data, HEADER)
    if end + 4 > len(data):
        raise Malformed(True)
    question = Question(
        id=data[:2],
        flags=flags,
        name=data[HEADER:end].lower(),
        type=int.from_bytes(data[end : end + 2], "big"),
        dns_class=int.from_bytes(data[end + 2 : end + 4], "big"),
        asked=data[HEADER : end + 4],
        payload=None,
        version=0,
        dnssec_ok=False,
        signature=0,
        authority=0,
    )
    at = end + 4
    for _ in range(answers):
        at = record_end(data, at)
    if authority:
        question.authority = at
        at = record_end(data, at)
    for _ in range(additional):
        at = _read_additional(data, at, question)
    return question


def _read_additional(data: bytes, at: int, question: Question) -> int:
    end = record_end(data, at)
    head = skip_name(data, at)
    kind = int.from_bytes(data[head : head + 2], "big")
    if question.signed:
        raise Malformed(True)  # a signature is the last one (RFC 8945, 5.1)
    if kind == TSIG:
        question.signature = at
    elif kind == OPT:
        if question.payload is not None or data[at]:
            raise Malformed(True)
        question.payload = int.from_bytes(data[head + 2 : head + 4], "big")
        question.version = data[head + 5]
        question.dnssec_ok = bool(data[head + 6] & 0x80)
    return end


def name_end(data: bytes, at: int) -> int:
    """Where a name that is not compressed ends. Raises Malformed."""
    begin = at
    while True:
        if at >= len(data):
            raise Malformed(True)
        length = data[at]
        if length == 0:
            if at + 1 - begin > 255:
                raise Malformed(True)
            return at + 1
        if length > 63:
            raise Malformed(True)
        at += 1 + length


def skip_name(data: bytes, at: int) -> int:
    """Where a name ends that may be compressed."""
    most = at + 255
    while True:
        if at >= len(data) or at > most:
            raise Malformed(True)
        length = data[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2
        if length > 63:
            raise Malformed(True)
        at += 1 + length


def record_end(data: bytes, at: int) -> int:
    head = skip_name(data, at)
    if head + 10 > len(data):
        raise Malformed(True)
    end = head + 10 + int.from_bytes(data[head + 8 : head + 10], "big")
    if end > len(data):
        raise Malformed(True)
    return end


Records = list[tuple[bytes, bytes]]
"""Owner and tail of each."""


class Answer:
    """An answer in the making."""

    __slots__ = ("aa", "additional", "answer", "authority", "question", "rcode", "wildcard")

    def __init__(self, question: Question, rcode: int = NOERROR, *, aa: bool = False) -> None:
        self.question = question
        self.rcode = rcode
        self.aa = aa
        self.answer: Records = []
        self.authority: Records = []
        self.additional: Records = []
        self.wildcard = b""
        """The name that it was made of, where that is one for many."""

    def wire(self, room: int) -> bytes:
        """The message, with the TC bit and less in it if it is longer than `room`."""
        question = self.question
        places: dict[bytes, int] = {}
        name, at = question.name, HEADER
        while name[0]:
            places[name] = at
            at += 1 + name[0]
            name = name[1 + name[0] :]
        room -= 11 if question.payload is not None else 0
        parts = [question.asked]
        size = HEADER + len(question.asked)
        counts = []
        cut = False
        for section in (self.answer, self.authority, self.additional):
            made, grown = _section(section, size, places, room)
            if grown > room:
                # What is additional may be left out without a word; a part of an answer may not,
                # nor the addresses without which a referral leads nowhere (RFC 9471).
                cut = section is not self.additional or not self.aa
                counts.append(0)
                if cut:
                    break
                continue
            parts += made
            size = grown
            counts.append(len(section))
        if cut:
            parts = [question.asked]
            counts = [0, 0, 0]
        extra = 0
        if question.payload is not None:
            extra = 1
            parts.append(_opt(self.rcode, question.dnssec_ok))
        flags = QR | (question.flags & (_OPCODE | RD)) | (self.rcode & 15)
        flags |= (AA if self.aa else 0) | (TC if cut else 0)
        head = b"".join(
            number.to_bytes(2, "big")
            for number in (flags, 1, counts[0], counts[1], counts[2] + extra)
        )
        return question.id + head + b"".join(parts)


def _opt(rcode: int, dnssec_ok: bool) -> bytes:
    head = b"\0\0\x29" + OUR_PAYLOAD.to_bytes(2, "big") + bytes([rcode >> 4, 0])
    return head + (b"\x80" if dnssec_ok else b"\0") + b"\0\0\0"


def _section(
    records: Records, size: int, places: dict[bytes, int], room: int
) -> tuple[list[bytes], int]:
    """The records with their owners' names compressed, and where they end. The first one that
    is beyond the room is the last that is looked at: an answer is no more work than it is long."""
    made = []
    for owner, tail in records:
        name = owner
        head = 0
        place = places.get(name)
        while place is None and name[0]:
            if size + head < 0x4000:
                places[name] = size + head
            head += 1 + name[0]
            name = name[1 + name[0] :]
            place = places.get(name)
        text = owner if place is None else owner[:head] + (0xC000 | place).to_bytes(2, "big")
        made.append(text + tail)
        size += len(text) + len(tail)
        if size > room:
            break
    return made, size


def refusal(data: bytes, rcode: int) -> bytes:
    """An answer to a message of which no more than the header is known."""
    flags = QR | (int.from_bytes(data[2:4], "big") & (_OPCODE | RD)) | rcode
    return data[:2] + flags.to_bytes(2, "big") + b"\0" * 8
