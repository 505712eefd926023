"""S3 servers of others, which check signatures: MiniStack and SeaweedFS, in processes of their own.

They are no dependency of ours. `make servers` puts them into `.venv-servers`; `AIOSDK_SERVERS` names another
environment that has them. Tests that need one which is not there are skipped.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVIRONMENT = os.environ.get("AIOSDK_SERVERS") or os.path.join(os.path.dirname(__file__), "..", "..", ".venv-servers")
SECONDS_TO_START = 30

# Ends with us, however we end: its standard input is a pipe from here.
_KEEPER = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdin=-3); sys.stdin.read(); p.kill(); p.wait()"


@dataclass(frozen=True)
class OtherServer:
    """Where a server listens, and the keys of a user whose signatures it checks."""

    name: str
    url: str
    keys: dict[str, str]
    files: bool = False
    """Whether keys are paths of files to it: some cannot be."""
    takes_small_parts: bool = False


@contextlib.contextmanager
def ministack() -> Iterator[OtherServer]:
    """MiniStack with a user of its own: the signatures of its root user are not checked."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    root = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    environment = {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "GATEWAY_PORT": str(port),
        "EDGE_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }

    def ready() -> bool:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5) as answer:
            return answer.status == 200

    with _running("ministack", [], environment, ready):
        iam = botocore.session.Session().create_client("iam", endpoint_url=url, **root)
        iam.create_user(UserName="admin")
        key = iam.create_access_key(UserName="admin")["AccessKey"]
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="admin", PolicyName="p", PolicyDocument=policy)
        keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        yield OtherServer("ministack", url, {**keys, "region_name": "us-east-1"}, takes_small_parts=True)


@contextlib.contextmanager
def seaweedfs() -> Iterator[OtherServer]:
    """SeaweedFS, all of it in one process."""
    ports = [_free_port() for _ in range(8)]
    url = f"http://127.0.0.1:{ports[0]}"
    keys = {"aws_access_key_id": "AKIAMAIN000000000001", "aws_secret_access_key": "main/secret+key=0123456789abcdefghi"}
    credentials = {"accessKey": keys["aws_access_key_id"], "secretKey": keys["aws_secret_access_key"]}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = {"identities": [{"name": "main", "credentials": [credentials], "actions": actions}]}
    keys["region_name"] = "us-east-1"
    names = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
    options = [f"-{name}={port}" for name, port in zip((*names, "filer.port", "filer.port.grpc"), ports, strict=True)]
    options += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=256", "-master.telemetry=false"]
    options += ["-master.electionTimeout=1s", "-master.heartbeatInterval=100ms", "-volume.max=0", "-filer", "-s3"]
    options += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.preStopSeconds=0", "-s3.autoCreateBucket=false"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = os.path.join(folder, "s3.json")
        with open(path, "w") as file:
            json.dump(config, file)
        options += [
            f"-s3.config={path}",
            f"-dir={folder}",
            f"-filer.localSocket={folder}/f",
            f"-s3.localSocket={folder}/s",
        ]

        def ready() -> bool:  # when a bucket can be made, the first volume is there
            s3: Any = botocore.session.Session().create_client("s3", endpoint_url=url, **keys)
            return bool(s3.create_bucket(Bucket="readiness"))

        with _running("weed", ["server", *options], {}, ready):
            yield OtherServer("seaweedfs", url, keys, files=True)


SERVERS = {"ministack": ministack, "seaweedfs": seaweedfs}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def _running(
    program: str, arguments: list[str], environment: dict[str, str], ready: Callable[[], bool]
) -> Iterator[None]:
    path = os.path.join(ENVIRONMENT, "bin", program)
    if not os.path.exists(path):
        pytest.skip(f"{program} is not in {os.path.normpath(ENVIRONMENT)}: `make servers` puts it there")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        open(os.path.join(folder, "log"), "wb") as log,
        subprocess.Popen(
            [sys.executable, "-c", _KEEPER, path, *arguments],
            env={**os.environ, "S3_DATA_DIR": folder, "STATE_DIR": folder, **environment},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as keeper,
    ):
        assert keeper.stdin is not None
        try:
            _wait(program, ready, log.name)
            yield
        finally:
            keeper.stdin.close()
            keeper.wait(10)


def _wait(program: str, ready: Callable[[], bool], log: str) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            if ready():
                return
        except Exception as error:
            if time.monotonic() > end:
                with open(log, errors="replace") as file:
                    raise RuntimeError(f"{program} did not start: {file.read()[-2000:]}") from error
        time.sleep(0.05)
