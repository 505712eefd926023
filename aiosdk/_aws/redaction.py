"""Takes secrets out of what botocore and aiobotocore log at DEBUG, from the first session of ours on.

botocore logs requests and answers as they are: session tokens and signatures in headers and in the canonical request,
keys of customers, the credentials that STS has answered with. Its own filters hide none of these. The secrets are known
by the names before them, so that a log is as useful as before for everything else.
"""

from __future__ import annotations

import linecache
import logging
import re
from typing import Final

_HEADERS: Final = (
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-s3session-token",
    "x-amz-sso_bearer_token",
    "x-aws-ec2-metadata-token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "signature",
)
_MEMBERS: Final = (
    "token(?:_?value)?",
    "(?:auth|authorization|device|user)_?code",
    "code_?verifier",
    "plaintext",
    "host_?key(?:_?body)?",
    "key_?material",
    "(?:copy_?source_?)?sse_?customer_?key",
    "saml_?assertion",
    "base32_?string_?seed",
)
# Whatever stands before these, as in MasterUserPassword. Tokens of pages and of requests are no secrets.
_ENDINGS: Final = (
    "pass(?:word|phrase)",
    "secret(?:_?(?:access_?key|key|string|binary|hash|code|value))?",
    "(?:private|api|pre_?shared|auth|stream)_?key(?:_?(?:plaintext|value|secret))?",
    "(?:session|access|refresh|id|security|identity|auth|authorization|bearer|jwt|oauth|web|subject|join|task|user|cli)"
    "_?token",
)
_NAME: Final = rf"(?:(?<![a-z0-9/])(?:{'|'.join(_HEADERS + _MEMBERS)})|{'|'.join(_ENDINGS)})"
# In JSON within JSON, or in the repr of bytes, backslashes stand before a quotation mark.
_QUOTE: Final = r"""\\{0,7}["']"""
# A name and what stands between it and its value: in a dictionary, a header, a query in a query, XML, or a tuple.
_NAMED: Final = re.compile(
    rf"""
    {_NAME}(?:
        (?:{_QUOTE})?[ \t]*[:=][ \t]*(?:[\[(]?b?(?P<quote>{_QUOTE}))?
        | (?P<encoded>%3D)
        | (?P<tag>>)
    )
    | (?:(?<=\(["'])|(?<=\(b["']))[\w-]{{0,60}}?{_NAME}["'],[ ]b?(?P<second>["'])
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BARE: Final = re.compile(r"""(?![{\[(])[^"'&<>\s,\\}\]]+(?:\\(?!["'n])[^"'&<>\s,}\]]*)*""")
_ENCODED: Final = re.compile(r"""(?:(?!%26)[^"'&<>\s,\\}\]])+""")
_IN_TAG: Final = re.compile(r"[^<]+")
_SIGNATURE: Final = re.compile(r"(?<=Signature:\n)[^\s:]+")
_SCHEMES: Final = re.compile(r"\b((?:Bearer|Basic)\s+|AWS\s\w{1,200}:)[A-Za-z0-9+/=._~-]{6,}")
_USERINFO: Final = re.compile(r"//[^/@\s'\"]*@")
_HIDDEN: Final = "***"
_FRAME: Final = re.compile(r'\s*(?:\| )?File "(?P<file>[^"]+)", line (?P<line>\d{1,9}), in ')

_MODULES: Final = (
    *("args", "auth", "awsrequest", "client", "compat", "compress", "config", "configprovider", "credentials"),
    *("crt.auth", "discovery", "endpoint", "endpoint_provider", "eventstream", "handlers", "history", "hooks"),
    *("httpchecksum", "httpsession", "httpxsession", "loaders", "monitoring", "paginate", "parsers", "plugin"),
    *("regions", "response", "retries.adaptive", "retries.special", "retries.standard", "retries.throttling"),
    *("retryhandler", "serialize", "session", "signers", "tokens", "translate", "useragent", "utils", "validate"),
    "waiter",
)


def redacted(text: str) -> str:
    """Take the secrets out of a text that shows a request, an answer or credentials."""
    text = _SIGNATURE.sub(_HIDDEN, _without_named(text))
    text = _SCHEMES.sub(rf"\1{_HIDDEN}", text)
    return _USERINFO.sub(f"//{_HIDDEN}@", text)


def _without_named(text: str) -> str:
    kept: list[str] = []
    start = 0
    while (named := _NAMED.search(text, start)) is not None:
        value, end = named.end(), _end_of_value(text, named)
        kept.append(text[start:value])
        if value < end:
            kept.append(_HIDDEN)
        start = end
    return "".join((*kept, text[start:])) if kept else text


def _end_of_value(text: str, named: re.Match[str]) -> int:
    """Find where the value behind a name ends: at its own quotation mark, the next tag, or what cannot be in it."""
    start = named.end()
    if quote := named["quote"] or named["second"]:
        ended = re.compile(rf"(?<!\\){re.escape(quote)}").search(text, start)
        return len(text) if ended is None else ended.start()
    value = (_ENCODED if named["encoded"] else _IN_TAG if named["tag"] else _BARE).match(text, start)
    return start if value is None else value.end()


def redacted_traceback(text: str) -> str:
    """Take the secrets out of a traceback, and leave the lines of source in it as they are: no secret stands there."""
    kept: list[str] = []
    rest: list[str] = []
    lines = iter(text.splitlines(keepends=True))
    for line in lines:
        rest.append(line)
        if (frame := _FRAME.match(line)) is None or (source := next(lines, None)) is None:
            continue
        # A message may look like a frame: only what stands in the file is source.
        if source.strip() == linecache.getline(frame["file"], int(frame["line"])).strip():
            kept += (redacted("".join(rest)), source)
            rest.clear()
        else:
            rest.append(source)
    return "".join((*kept, redacted("".join(rest))))


class _Redaction(logging.Filter):
    """Lets every record pass, without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # logging itself reports a message that does not fit its arguments
            return True
        if (clean := redacted(text)) != text:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_text is None:
            record.exc_text = redacted_traceback(logging.Formatter().formatException(record.exc_info))
        return True


_redaction: Final = _Redaction()
_silence: Final = logging.NullHandler()


def redact_logs() -> None:
    """Put the filter before the loggers of botocore and aiobotocore. Calling it again does nothing.

    It also keeps what aiobotocore logs off the standard error of a program that has set up no logging, as botocore does
    with its own logs.
    """
    logging.getLogger("aiobotocore").addHandler(_silence)
    for package in ("botocore", "aiobotocore"):
        for module in _MODULES:
            logging.getLogger(f"{package}.{module}").addFilter(_redaction)
