"""Where credentials come from in the tests: a server that plays AWS's, and a credential process.

Every secret that they hand out contains `HUSH`, so that a leak is easily found.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import pathlib
import re
import sys
import threading

from tests.support.server import Answer, CountingServer, Request

HUSH = "hush"
ROLE = "arn:aws:iam::123456789012:role/"


def signer(request: Request) -> str:
    """The access key that signed a request, in its header or its URL."""
    found = re.search(r"Credential=([^/%]+)", request.headers.get("authorization", "") + request.target)
    assert found is not None, f"{request.target} is not signed"
    return found[1]


def expiry(seconds: float) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class IdentityServer(CountingServer):
    """Plays STS, SSO, SSO-OIDC, IMDSv2 and the container metadata service. Its keys are ASIA1, ASIA2, ..."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.asked: list[str] = []
        self.issued = 0
        self.lifetime = 3600.0
        self.refusals: list[int] = []
        """The statuses with which to refuse the next requests for credentials."""
        self.go = threading.Event()
        """Cleared, nobody gets credentials until it is set."""
        self.go.set()

    async def _answer(self, request: Request) -> Answer:
        what = self._what(request)
        self.asked.append(what)
        match what:
            case "imds token":
                return Answer(body=b"imds-" + HUSH.encode())
            case "imds zone":
                return Answer(body=b"eu-west-1a")
            case "imds role":
                return Answer(body=b"the-role")
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        if self.refusals:
            return self._refusal(self.refusals.pop(0))
        self.issued += 1
        return self._credentials(what)

    def _what(self, request: Request) -> str:
        action = re.match(rb"Action=(\w+)", request.body)
        paths = {
            "/latest/api/token": "imds token",
            "/latest/meta-data/placement/availability-zone/": "imds zone",
            "/latest/meta-data/iam/security-credentials/": "imds role",
            "/latest/meta-data/iam/security-credentials/the-role": "imds",
            "/federation/credentials": "sso",
            "/token": "sso-oidc",
            "/container": "container",
        }
        return action[1].decode() if action else paths.get(request.path, request.path)

    def _refusal(self, status: int) -> Answer:
        body = f"<ErrorResponse><Error><Code>Refused</Code><Message>status {status}</Message></Error></ErrorResponse>"
        return Answer(status, body.encode())

    def _credentials(self, what: str) -> Answer:
        key, secret, token = f"ASIA{self.issued}", f"{HUSH}-secret-{self.issued}", f"{HUSH}-token-{self.issued}"
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.lifetime)
        if what.startswith("AssumeRole"):
            names = {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token, "Expiration": expires}
            fields = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in names.items())
            user = "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>"
            result = f"<{what}Result><Credentials>{fields}</Credentials>{user}</{what}Result>"
            return Answer(body=f"<{what}Response>{result}</{what}Response>".encode())
        if what == "sso-oidc":
            found = {"accessToken": f"{HUSH}-new", "refreshToken": f"{HUSH}-next", "expiresIn": int(self.lifetime)}
        elif what == "sso":
            milliseconds = int(expires.timestamp() * 1000)
            keys = {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": token, "expiration": milliseconds}
            found = {"roleCredentials": keys}
        else:
            found = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": _text(expires)}
        return Answer(body=json.dumps(found).encode(), headers={"Content-Type": "application/json"})


def _text(value: str | datetime.datetime) -> str:
    return value if isinstance(value, str) else value.strftime("%Y-%m-%dT%H:%M:%SZ")


class CredentialProcess:
    """A program for `credential_process`; its keys are AKIAPROCESS1, AKIAPROCESS2, ..."""

    SCRIPT = """
import datetime, json, pathlib, sys, time
folder = pathlib.Path(__file__).parent
options = json.loads((folder / "options").read_text())
with open(folder / "runs", "a") as runs:
    runs.write(".")
run = (folder / "runs").stat().st_size
end = time.monotonic() + 20
while options.get("hang") and not (folder / "go").exists() and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(options.get("sleep", 0))
found = {"Version": 1, "AccessKeyId": f"AKIAPROCESS{run}", "SecretAccessKey": "hush", "SessionToken": "hush"}
if "lifetime" in options:
    now = datetime.datetime.now(datetime.timezone.utc)
    found["Expiration"] = (now + datetime.timedelta(seconds=options["lifetime"])).isoformat()
print(json.dumps(found))
if run <= options.get("failures", 0):
    sys.exit("the vault is sealed")
"""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "script.py").write_text(self.SCRIPT)
        self.command = f"{sys.executable} -I -S {folder / 'script.py'}"
        self.behave()

    def behave(self, **options: float) -> None:
        """Set `sleep` (seconds), `lifetime` (seconds), `failures` (how many runs fail first), `hang`."""
        (self.folder / "options").write_text(json.dumps(options))

    def go(self) -> None:
        """Let a run end that hangs."""
        (self.folder / "go").touch()

    def runs(self) -> int:
        file = self.folder / "runs"
        return file.stat().st_size if file.exists() else 0
