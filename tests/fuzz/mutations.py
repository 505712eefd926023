"""Changes bytes, texts and documents as somebody would who wants to break what reads them."""

from __future__ import annotations

import random

from tests.support.parsing import STEPS, mutate_json, mutate_xml

_TOKENS = (
    *(b"<", b">", b"</", b"/>", b"&amp;", b"&#x0;", b"&lt;", b"&e;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x?>"),
    *(b"<!DOCTYPE R [<!ENTITY e 'x'>]>", b'xmlns="', b"xsi:type='", b"{", b"}", b"[", b"]", b'"', b"\\", b"\\ud800"),
    *(b"null", b"NaN", b"Infinity", b"-", b"1e999", b"9" * 30, b"9" * 5000, b"0", b".", b",", b":", b"\x00", b"\xff"),
    *(
        b"\xc3\xbc",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\r\n",
        b"\r",
        b"\n",
        b"\t",
        b" ",
        b"%",
        b"+",
        b"%2",
    ),
    *(b"__type", b"message", b"Error", b"Code", b"true", b"2026-01-01T00:00:00Z", b"Thu, 01 Jan 2026 00:00:00 GMT"),
    *(b"\x9f", b"\xbf", b"\xff", b"\x5b", b"\x7b", b"\x9b", b"\xbb", b"\xc1", b"\xfb", b"\x1b" + b"\xff" * 8),
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Change some bytes here and there."""
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 2, 4, 16, 200)))
        kind = rng.randrange(8)
        if kind == 0:
            data = data[:at] + data[end:]
        elif kind == 1:
            data = data[:at] + rng.randbytes(end - at) + data[end:]
        elif kind == 2:
            data = data[:at] + data[at:end] * rng.choice((2, 3, 50)) + data[end:]
        elif kind == 3:
            data = data[:at]
        elif kind == 4:
            other = rng.randrange(len(data) + 1)
            data = data[:at] + data[other : other + end - at] + data[end:]
        elif kind == 5:
            data = data[:at] + rng.choice(_TOKENS) * rng.choice((1, 1, 1, 2, 2000)) + data[at:]
        else:
            data = data[:at] + rng.choice(_TOKENS) + data[end:]
    return data[:200_000]


def mutate_document(data: bytes, rng: random.Random, *, is_json: bool) -> bytes:
    """Change the structure of a document, which stays well-formed; or its bytes where it is none."""
    steps = [(rng.choice(STEPS), rng.randrange(1000), rng.randrange(1000)) for _ in range(rng.randrange(1, 5))]
    try:
        return mutate_json(data, steps) if is_json else mutate_xml(data, steps)
    except Exception:
        return mutate(data, rng)


def mutate_text(text: str, rng: random.Random) -> str:
    return mutate(text.encode("utf-8", "surrogatepass"), rng).decode("utf-8", "replace")
