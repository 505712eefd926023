"""Secrets go out of botocore's log lines by the names before them; everything else stays."""

from __future__ import annotations

import importlib.util
import logging
import re
import time
from pathlib import Path

import pytest

from aiosdk._aws import redaction
from aiosdk._aws.redaction import redact_logs, redacted

HUSH = "hush/+=="
LINES = [
    f"x-amz-security-token:{HUSH}\n\nhost;x-amz-security-token\nabc",
    f"{{'X-Amz-Security-Token': '{HUSH}', 'Content-Length': '5'}}",
    f"{{'X-Amz-Security-Token': b'{HUSH}', 'Content-Length': b'5'}}",
    f"/?X-Amz-Security-Token={HUSH}&X-Amz-Expires=5",
    f"Authorization: AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=d;e, Signature={HUSH}",
    f"Signature:\n{HUSH}",
    f"<SecretAccessKey>{HUSH}</SecretAccessKey><Other>x</Other>",
    f'b\'{{"SecretAccessKey" : "{HUSH}", "Other": "x"}}\'',
    f'{{"body": "{{\\"SecretString\\": \\"{HUSH}\\"}}"}}',
    f"{{'SSECustomerKey': '{HUSH}', 'Key': 'k'}}",
    f"'x-amz-server-side-encryption-customer-key': '{HUSH}'",
    f'{{"accessToken":"{HUSH}","clientSecret":"{HUSH}","refreshToken":"{HUSH}"}}',
    f"Authorization: Bearer {HUSH}xyz",
    f"Proxy http://user:{HUSH.replace('/', '-')}@host:1",
    f"x-aws-ec2-metadata-token: {HUSH}",
    # Secrets that users choose, or that services make up, have quotation marks, commas and spaces in them.
    "{'MasterUserPassword': 'a,b}c&d hush'}",
    "{'Password': \"it's hush\"}",
    'b\'{"Password":"a\\"b,hush"}\'',
    "{'SecretString': '{\"apikey\": \"hush\"}'}",
    'b\'{"SecretString":"{\\\\"api\\\\":\\\\"hush\\\\"}"}\'',
    "<Password>a b hush</Password>",
    "<keyMaterial>-----BEGIN RSA PRIVATE KEY-----\nhush\n-----END RSA PRIVATE KEY-----</keyMaterial>",
    "{'PrivateKey': '-----BEGIN RSA PRIVATE KEY-----\\nhush'",
    "{'Plaintext': b'\\x01a hush'}",
    "{'Password': 'cut off, hush",
    "[('x-amz-security-token', 'hush')]",
    "[(b'x-amz-security-token', b'hush')]",
    "OrderedDict([('NewPassword', 'hush')])",
    "PreSignedUrl=https%3A%2F%2Fh%2F%3FX-Amz-Security-Token%3Dhush%26a%3Db",
    "{'Authorization': b'AWS AKIDEXAMPLE:hushhushhushhushhushhushhus='}",
]
# Members that the services' models call sensitive, and that are secrets by their names.
SECRETS = (
    *("authorizationToken", "basicAuthToken", "idToken", "JwtToken", "tokenValue", "taskToken", "workloadAccessToken"),
    *(
        "ServicePassword",
        "TdeCredentialPassword",
        "AdminUserPassword",
        "RandomPassword",
        "KeyStorePassword",
        "Passphrase",
    ),
    *("ServiceCredentialSecret", "SharedSecret", "Secret", "SecretHash", "secret", "RawSecretAccessKey", "SecretKey"),
    *(
        "DomainSigningPrivateKey",
        "PreSharedKey",
        "ApiKeyValue",
        "apiSecretKey",
        "streamKey",
        "AuthCode",
        "codeVerifier",
    ),
)
PLAIN = [
    "NextToken=abc&ContinuationToken=def",
    "{'ClientToken': 'abc', 'NextToken': 'def'}",
    "SignedHeaders=host;x-amz-security-token, ",
    "x-amz-server-side-encryption-customer-key-md5: abc",
    "<NextToken>abc</NextToken>",
    "Event before-sign.s3: calling handler",
    "https://host/path@version",
    "{'Password': '', 'NextToken': 'a'}",
    "{'Password': {'S': 'x'}, 'SecretId': 'a', 'HasPasswords': 'b', 'KMSMasterKeyID': 'c'}",
    'Unknown parameter in input: "x", must be one of: Password, UserName',
]


@pytest.mark.parametrize("line", LINES)
def test_a_secret_is_taken_out(line: str) -> None:
    clean = redacted(line)
    assert "hush" not in clean
    assert "***" in clean


@pytest.mark.parametrize("name", SECRETS)
def test_a_member_that_is_a_secret_is_taken_out(name: str) -> None:
    for line in (f"{{'{name}': 'hush'}}", f"<{name}>hush</{name}>", f"{name}=hush", f'b\'{{"{name}":"hush"}}\''):
        assert "hush" not in redacted(line)


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redacted(line) == line


def test_what_follows_a_secret_stays() -> None:
    assert redacted(LINES[1]) == "{'X-Amz-Security-Token': '***', 'Content-Length': '5'}"
    assert redacted(LINES[6]) == "<SecretAccessKey>***</SecretAccessKey><Other>x</Other>"
    assert redacted("{'Password': 'a, b', 'Name': 'c'}") == "{'Password': '***', 'Name': 'c'}"
    assert redacted('b\'{"Password":"a\\"b","Name":"c"}\'') == 'b\'{"Password":"***","Name":"c"}\''
    assert redacted(LINES[3]) == "/?X-Amz-Security-Token=***&X-Amz-Expires=5"


@pytest.mark.parametrize(
    "piece",
    [
        *("//", "token", "token:", "Signature=", "\\", "'", "Basic ", "a", "//a", "token=\\"),
        *('token:"', "token:\\'", "-token ", "a-", "secret_", "('token', '", "('a", "%3D", "token%3D", "AWS a"),
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    redacted(piece * 200_000)
    assert time.process_time() - start < 5


def test_the_filter_is_before_every_logger_of_botocore_and_aiobotocore() -> None:
    redact_logs()
    for package in ("botocore", "aiobotocore"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        folder = Path(str(spec.origin)).parent
        for path in folder.rglob("*.py"):
            name = ".".join(path.relative_to(folder).with_suffix("").parts)
            if re.search(r"getLogger\(__name__\)", path.read_text()) and not name.startswith(("docs", "vendored")):
                assert redaction._redaction in logging.getLogger(f"{package}.{name}").filters, name


def test_records_are_cleaned_with_their_arguments_and_tracebacks() -> None:
    redact_logs()
    lines: list[str] = []

    class Keeps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    logger, handler = logging.getLogger("botocore.endpoint"), Keeps()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        logger.debug("Sending %s", {"X-Amz-Security-Token": HUSH})
        try:
            raise ValueError(f"<SecretAccessKey>{HUSH}</SecretAccessKey>")
        except ValueError:
            logger.debug("It failed", exc_info=True)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert "Sending {'X-Amz-Security-Token': '***'}" in lines
    assert not any("hush" in line for line in lines)
