"""Cuts a body in XML into its tags and texts, if it is plain enough for that.

An XML parser tells of much that no answer of AWS has: comments, CDATA, processing instructions, document types,
attributes, line ends to be made one, encodings. A body without all of these is cut at its angle brackets, by functions
written in C, in a third of the time that a tree takes. Whatever else there is raises `UnusualError`, and an XML parser
has to read the body and find its flaws.

What is checked here, and what is left to the readers of the tokens, proves together that the body is well-formed:

* here: it is UTF-8, of characters that XML allows, without a carriage return; `<` and `>` take turns; it begins with a
  declaration or none and one tag, with no attribute but `xmlns`, and nothing follows its last tag; each `&` begins a
  reference to a character;
* there: each tag is one that is known or has a plain name, which leaves no room for anything else between the brackets;
  start tags and end tags match, and the first and the last tag of the body do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aiosdk._compile.decode.xml import UnusualError

if TYPE_CHECKING:
    from re import Match

_NAME: Final = "[A-Za-z_][A-Za-z0-9_.-]*"
_is_name: Final = re.compile(_NAME).fullmatch
_is_empty: Final = re.compile(f"{_NAME} ?/").fullmatch

# Names of namespaces are not looked at, but some are reserved, and the parser refuses those it could not tell apart.
_NAMESPACE: Final = "(?!http://www.w3.org/)[A-Za-z0-9:/._-]+"
_head: Final = re.compile(
    rf"""(?:<\?xml\ version=(?:"1\.0"|'1\.0')
          (?:\ encoding=(?:"[Uu][Tt][Ff]-8"|'[Uu][Tt][Ff]-8'))?
          (?:\ standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?\ ?\?>)?
        [ \t\n]*
        <({_NAME})(?:\ xmlns=(?:"{_NAMESPACE}"|'{_NAMESPACE}'))?(\ ?/)?>""",
    re.VERBOSE,
).match

# Deleting these leaves the brackets, and the control characters that XML forbids or would change.
_PLAIN: Final = bytes(each for each in range(256) if each not in b"<>" and (each >= 0x20 or each in b"\t\n"))
_NO_CHARACTERS: Final = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")  # U+FFFE and U+FFFF

_REFERENCE: Final = re.compile(r"&(?:(?:(amp|lt|gt|quot|apos)|\#([0-9]{1,7})|\#x([0-9A-Fa-f]{1,6}));)?")
_CHARACTERS: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def cut(body: bytes) -> tuple[list[str], list[str]]:
    """Give the tags of a body, as they stand between the brackets, and the text that follows each of them.

    Of the first tag only the name is given. Raises an exception, of whatever kind, if the body is not plain.
    """
    brackets = body.translate(None, _PLAIN)
    if brackets != b"<>" * (len(brackets) // 2):
        raise UnusualError
    text = body.decode()
    if not body.isascii() and any(each in body for each in _NO_CHARACTERS):
        raise UnusualError
    head = _head(text)
    if head is None or text[text.rindex(">") + 1 :].strip(" \t\n"):
        raise UnusualError
    name, is_empty = head.groups()
    text = text[head.end() :]
    if is_empty:
        text = f"</{name}>{text}"
    if "&" in text:  # ETags have quotation marks, and little else has any reference
        text = text.replace("&quot;", '"')
    parts = text.replace(">", "<").split("<")
    tags, texts = parts[1::2], parts[::2]
    tags.insert(0, name)
    if "&" in text:
        named_only = text.count("&") == sum(map(text.count, ("&amp;", "&lt;", "&gt;", "&apos;")))
        resolve = _resolve_named if named_only else _resolve
        texts = [resolve(each) if "&" in each else each for each in texts]
    return tags, texts


def closing_of(tag: str) -> str | None:
    """Give the end tag that belongs to a start tag of any name, or None for an empty element: a tag that is both."""
    if _is_name(tag):
        return "/" + tag
    if _is_empty(tag):
        return None
    raise UnusualError


def skip(tags: list[str], at: int) -> int:
    """Give the place behind the element that begins at a place, whatever it is."""
    awaited: list[str] = []
    while True:
        tag = tags[at]
        at += 1
        if awaited and tag == awaited[-1]:
            awaited.pop()
        elif (closing := closing_of(tag)) is not None:
            awaited.append(closing)
        if not awaited:
            return at


def _resolve_named(text: str) -> str:
    """Put characters in the place of references to them, which all have names."""
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&apos;", "'")
    return text.replace("&amp;", "&")  # the last, for it makes what looks like another


def _resolve(text: str) -> str:
    """Put characters in the place of references to them. Raises an exception if there is something else."""
    return _REFERENCE.sub(_referred, text)


def _referred(found: Match[str]) -> str:
    """The character that a reference stands for."""
    name, decimal, hexadecimal = found.groups()
    if name:
        return _CHARACTERS[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if code not in (0x9, 0xA, 0xD) and (code < 0x20 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF)):
        raise UnusualError
    return chr(code)
