"""examples/pipe_to_s3.py, run as its users run it, with real pipes, against servers in other processes and threads."""

from __future__ import annotations

import random
import signal
import subprocess
import time

from tests.integration.test_examples import command, environment
from tests.support.s3_faults import hang
from tests.support.s3_server import S3Server

MIB = 2**20
DATA = random.Random(3).randbytes(19 * MIB)


def there(server: S3Server) -> tuple[str, ...]:
    return "--endpoint-url", server.url, "--region", "us-east-1"


def test_what_comes_through_a_pipe_goes_up_and_comes_down_again() -> None:
    with S3Server("things") as server:
        up = command("pipe_to_s3.py", "things", "a/b", *there(server))
        done = subprocess.run(up, input=DATA, env=environment(), capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert server.body("a/b", "things") == DATA
        assert server.operations["UploadPart"] == 3

        down = command("pipe_to_s3.py", "things", "a/b", "--down", *there(server))
        done = subprocess.run(down, env=environment(), capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == DATA

        done = subprocess.run(
            command("pipe_to_s3.py", "things", "missing", "--down", *there(server)),
            env=environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"pipe_to_s3.py: An error occurred (404)")


def test_an_upload_that_the_user_stops_leaves_nothing_in_the_bucket() -> None:
    with S3Server("things") as server:
        server.faults.add(hang(), operation="UploadPart", part=2)
        command_line = command("pipe_to_s3.py", "things", "key", *there(server))
        with subprocess.Popen(
            command_line, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=False
        ) as upload:
            assert upload.stdin is not None
            assert upload.stderr is not None
            upload.stdin.write(DATA)
            upload.stdin.close()
            end = time.monotonic() + 30
            while server.operations["UploadPart"] < 2 and time.monotonic() < end:
                time.sleep(0.01)
            upload.send_signal(signal.SIGINT)
            said = upload.stderr.read()
            assert upload.wait(30) == 1
        assert said == b"pipe_to_s3.py: stopped; the upload was aborted\n"
        assert server.open_uploads() == []
        assert not server.store.find("things").has("key")
