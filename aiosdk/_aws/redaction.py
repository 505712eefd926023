"""Takes secrets out of what botocore and aiobotocore log at DEBUG, from the first session of ours on.

botocore logs requests and answers as they are: session tokens and signatures in headers and in the canonical request,
keys of customers, the credentials that STS has answered with. Its own filters hide none of these. The secrets are known
by the names before them, so that a log is as useful as before for everything else.
"""

from __future__ import annotations

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
    "secret_?access_?key",
    "aws_secret_access_key",
    "(?:aws_)?session_?token",
    "(?:access|refresh|id|security|web_?identity)_?token",
    "token",
    "client_?secret",
    "secret_?(?:string|binary|key)",
    "(?:copy_?source_?)?sse_?customer_?key",
    "(?:new|old|master_?user|user|admin|proposed|previous)?_?password",
    "plaintext",
    "private_?key(?:_?plaintext)?",
    "key_?material",
    "saml_?assertion",
)
# A name; quotation marks and what belongs to them (there may be backslashes in a repr of bytes in JSON); a value.
_NAMED: Final = re.compile(
    rf"""(?<![a-z0-9/])((?:{"|".join(_HEADERS + _MEMBERS)})(?:>|\\*["']?[ \t]*[:=][ \t]*(?:b?\\*["'])?))"""
    r"""([^"'&<>\s,\\}\]]+(?:\\(?!["'n])[^"'&<>\s,}\]]*)*)""",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(r"(?<=Signature:\n)[^\s:]+")
_SCHEMES: Final = re.compile(r"\b(Bearer|Basic)(\s+)[A-Za-z0-9+/=._~-]{6,}")
_USERINFO: Final = re.compile(r"//[^/@\s'\"]*@")
_HIDDEN: Final = "***"

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
    text = _NAMED.sub(rf"\1{_HIDDEN}", text)
    text = _SIGNATURE.sub(_HIDDEN, text)
    text = _SCHEMES.sub(rf"\1\2{_HIDDEN}", text)
    return _USERINFO.sub(f"//{_HIDDEN}@", text)


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
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        return True


_redaction: Final = _Redaction()


def redact_logs() -> None:
    """Put the filter before the loggers of botocore and aiobotocore. Calling it again does nothing."""
    for package in ("botocore", "aiobotocore"):
        for module in _MODULES:
            logging.getLogger(f"{package}.{module}").addFilter(_redaction)
