"""What a simulated guest says on its screen and its serial line, one talk a connection.

A talk is a generator: it yields how many bytes it wants next (:data:`ANY`: whatever comes) and is sent them. What it
has to say it puts into the bytes it was made with.
"""

from __future__ import annotations

import struct
from collections.abc import Generator

Talk = Generator[int, bytes, None]
ANY = -1
LONGEST_BYTES = 1 << 20
WIDTH, HEIGHT = 320, 200
VERSION = b"RFB 003.008\n"
NO_PASSWORD = 1
BARS = ((192, 192, 192), (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192), (192, 0, 0), (0, 0, 192),
        (32, 32, 32))
"""The picture: upright bars of these colours."""
FORMAT = struct.Struct(">BBBBHHHBBBxxx")
OURS = FORMAT.pack(32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
SET_FORMAT, SET_ENCODINGS, WANT_UPDATE, KEY, POINTER, CUT_TEXT = 0, 2, 3, 4, 5, 6
BACKSPACE = "\x7f\b"


def screen(out: bytearray, name: str) -> Talk:
    """The screen over RFB 3.8 (RFC 6143): a still picture under the guest's name."""
    out += VERSION
    yield len(VERSION)
    out += bytes((1, NO_PASSWORD))
    if (yield 1)[0] != NO_PASSWORD:
        return
    out += bytes(4)
    yield 1
    label = name.encode()
    out += struct.pack(">HH", WIDTH, HEIGHT) + OURS + struct.pack(">I", len(label)) + label
    pixels, drawn = OURS, False
    while True:
        kind = (yield 1)[0]
        if kind == SET_FORMAT:
            pixels, drawn = (yield 19)[3:], False
        elif kind == SET_ENCODINGS:
            yield 4 * int(struct.unpack(">xH", (yield 3))[0])
        elif kind == WANT_UPDATE:
            wanted = yield 9
            if not drawn or not wanted[0]:
                out += picture(pixels)
                drawn = True
        elif kind in (KEY, POINTER):
            yield 7 if kind == KEY else 5
        elif kind == CUT_TEXT:
            length = int(struct.unpack(">xxxI", (yield 7))[0])
            if length > LONGEST_BYTES:
                return
            yield length
        else:
            return


def picture(pixels: bytes) -> bytes:
    """An update with the whole picture, its pixels in the form the client asked for."""
    bits, _, big, _, red_max, green_max, blue_max, red, green, blue = FORMAT.unpack(pixels)
    row = bytearray()
    for colour in BARS:
        value = sum(part * most // 255 << shift % 32 for part, most, shift in
                    zip(colour, (red_max, green_max, blue_max), (red, green, blue), strict=True))
        value %= 1 << bits // 8 * 8
        row += value.to_bytes(bits // 8, "big" if big else "little") * (WIDTH // len(BARS))
    return struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0) + row * HEIGHT


def line(out: bytearray, name: str) -> Talk:
    """The serial line: a login prompt that says back what is typed."""
    prompt = f"\r\n{name} login: ".encode()
    out += prompt
    while True:
        for letter in (yield ANY).decode("latin-1"):
            if letter in "\r\n":
                out += prompt
            else:
                out += b"\b \b" if letter in BACKSPACE else letter.encode("latin-1")
