"""The example programs, run as their users run them, against a moto server in a process of its own."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.support.server import Answer, CountingServer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = Path(__file__).parents[2] / "examples"
BUCKET = "things"
LARGE = bytes(range(256)) * 20_480  # 5 MiB in which no byte can go astray unseen
PROMPTLY = 30.0


# What the tests run


def command(program: str, *arguments: str) -> list[str]:
    """A program with every warning an error; one that is raised where nobody catches it shows on stderr."""
    return [sys.executable, "-W", "error", str(EXAMPLES / program), *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", **more}


def run(program: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(program, *arguments), env=environment(**more), capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def started(program: str, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A program under way. It is killed if the test leaves it running."""
    with subprocess.Popen(
        command(program, *arguments),
        env=environment(PYTHONUNBUFFERED="1", **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal; give the exit code and what was on stderr."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=PROMPTLY)
    return process.returncode, errors


def until(condition: Callable[[], object]) -> None:
    """Wait until something has happened; fail when it does not."""
    end = time.monotonic() + PROMPTLY
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def refuses(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def table(output: str, first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, cells split where two blanks are."""
    lines = output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first_heading + "  "))
    end = next((i for i in range(start, len(lines)) if not lines[i] or lines[i].startswith("...")), len(lines))
    edges = [(rule.start(), rule.end()) for rule in re.finditer("-+", lines[start + 1])]
    return [[line[left:right].strip() for left, right in edges] for line in lines[start + 2 : end]]


# What there is to crawl


@dataclass
class Account:
    """A moto server and what was put into it, by boto3: another SDK than the one under test."""

    url: str
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="AKID",
            aws_secret_access_key="secret",
        )

    def fill(self) -> None:
        self._put_objects()
        self._create_users()

    def _put_objects(self) -> None:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        keys = [f"{'abc'[i % 3]}/{'xy'[i % 2]}/{i:03}" for i in range(150)]
        keys += [f"deep/er/and/deeper/{i}" for i in range(30)] + ["top-1", "top-2", "a b/ü+%&?/  é.txt", "c//empty"]
        for i, key in enumerate(keys):
            kind = ("STANDARD", "GLACIER", "STANDARD_IA")[i % 5 % 3]
            self.objects[key] = key.encode() * (i % 4), kind
            s3.put_object(Bucket=BUCKET, Key=key, Body=self.objects[key][0], StorageClass=kind)

    def _create_users(self) -> None:
        iam = self.client("iam")
        for name in ("staff", "guests"):
            iam.create_group(GroupName=name)
        policies = [
            iam.create_policy(PolicyName=name, Path=path, PolicyDocument=POLICY)["Policy"]["Arn"]
            for name, path in (("p1", "/"), ("p2", "/of/a/team/"))
        ]
        iam.attach_group_policy(GroupName="staff", PolicyArn=policies[1])
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument=POLICY)
        iam.attach_role_policy(RoleName="worker", PolicyArn=policies[0])
        for i in range(25):
            name = f"user-{i:02}"
            iam.create_user(UserName=name)
            keys = [iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"] for _ in range(i % 3)]
            for arn in policies[: i % 2 + i % 3 // 2]:
                iam.attach_user_policy(UserName=name, PolicyArn=arn)
            groups = ["guests", "staff"][: i % 3]
            for group in groups:
                iam.add_user_to_group(UserName=name, GroupName=group)
            self.users[name] = {
                "groups": groups,
                "attached_policies": ["p1", "p2"][: i % 2 + i % 3 // 2],
                "access_keys": sorted(keys),
            }


POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@contextmanager
def moto(**more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with started("local_aws.py", **more) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
            patch.delenv(name)
        # Small pages, so that a few hundred objects take many.
        with moto(MOTO_S3_DEFAULT_MAX_KEYS="40") as (url, _):
            made = Account(url)
            made.fill()
            yield made


class Relay:
    """Passes requests on to a server, and after some of them does something else."""

    def __init__(self, url: str, *, good: int, then: Callable[[Request], Answer]) -> None:
        self._port = int(url.rpartition(":")[2])
        self._left = good
        self._then = then
        self.ended = False

    async def __call__(self, request: Request) -> Answer:
        self._left -= 1
        if self._left < 0:
            self.ended = True
            return self._then(request)
        return await self._pass_on(request)

    async def _pass_on(self, request: Request) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        writer.write(f"{request.method} {request.target} HTTP/1.1\r\n{headers}\r\n".encode() + request.body)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        first, *lines = head.decode().split("\r\n")
        kept = (line.split(": ", 1) for line in lines if not line.startswith(("Connection", "Content-Length")))
        return Answer(int(first.split()[1]), body, dict(kept))


def access_denied(_: Request) -> Answer:
    return Answer(
        403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    )


def hang(_: Request) -> Answer:
    return Answer(body=b"never all of it", pause=60)


# crawl_s3.py


def test_s3_table_has_objects_and_bytes_by_prefix_and_storage_class(account: Account) -> None:
    done = run("crawl_s3.py", BUCKET, "--endpoint-url", account.url)

    expected: dict[tuple[str, str], list[int]] = {}
    for key, (body, kind) in account.objects.items():
        name, slash, _ = key.partition("/")
        tally = expected.setdefault((name + slash if slash else "(no prefix)", kind), [0, 0])
        tally[0] += 1
        tally[1] += len(body)
    *rows, total = table(done.stdout, "prefix")
    assert (done.returncode, done.stderr) == (0, "")
    assert {(row[0], row[1]): [int(row[2]), int(row[3].replace(",", ""))] for row in rows} == expected
    assert len(rows) == len(expected)
    size = sum(len(body) for body, _ in account.objects.values())
    assert total == ["total", "", f"{len(account.objects):,}", f"{size:,}"]
    assert re.search(rf"^{len(account.objects)} objects in 6 prefixes .* [\d,]+ objects/s$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("concurrency", [1, 3, 32])
def test_s3_records_are_exactly_the_objects_of_the_bucket(account: Account, tmp_path: Path, concurrency: int) -> None:
    file = tmp_path / "records"

    done = run(
        *("crawl_s3.py", BUCKET, "--endpoint-url", account.url),
        *("--concurrency", str(concurrency), "--json", str(file)),
    )

    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted((each["key"], each["size"], each["storage_class"], each["etag"]) for each in records) == sorted(
        (key, len(body), kind, hashlib.md5(body).hexdigest()) for key, (body, kind) in account.objects.items()
    )
    assert {each["bucket"] for each in records} == {BUCKET}
    today = datetime.datetime.now(datetime.UTC)
    ages = [today - datetime.datetime.fromisoformat(each["last_modified"]) for each in records]
    assert all(datetime.timedelta() <= age < datetime.timedelta(hours=1) for age in ages)


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [("a/", {"a/x/", "a/y/"}), ("a", {"a/", "a b/"}), ("deep/er/", {"deep/er/and/"}), ("c//", {"c//"}), ("z", set())],
)
def test_s3_prefix_limits_the_crawl(account: Account, prefix: str, shown: set[str]) -> None:
    done = run("crawl_s3.py", BUCKET, "--prefix", prefix, "--endpoint-url", account.url)

    *rows, total = table(done.stdout, "prefix")
    assert done.returncode == 0
    assert {row[0] for row in rows} == shown
    assert int(total[2]) == sum(key.startswith(prefix) for key in account.objects)


# crawl_iam.py


def test_iam_table_has_users_with_groups_policies_and_keys(account: Account) -> None:
    done = run("crawl_iam.py", "--endpoint-url", account.url, "--region", "us-east-1")

    rows = table(done.stdout, "user")
    with_keys = [name for name, user in account.users.items() if user["access_keys"]]
    without = [name for name, user in account.users.items() if not user["access_keys"]]
    expected = [*with_keys, *without][:20]
    assert (done.returncode, done.stderr) == (0, "")
    assert [row[0] for row in rows] == expected
    for name, groups, policies, keys, age in rows:
        user = account.users[name]
        assert groups == ", ".join(user["groups"])
        assert policies == ", ".join(user["attached_policies"])
        assert sorted(keys.split(", ")) == ([f"{key} (Active)" for key in user["access_keys"]] or [""])
        assert age == ("0" if user["access_keys"] else "-")
    assert "... and 5 more users" in done.stdout
    p1, p2 = (str(sum(p in user["attached_policies"] for user in account.users.values())) for p in ("p1", "p2"))
    assert table(done.stdout, "attached policy") == [["p1", p1, "0", "1"], ["p2", p2, "1", "0"]]
    assert re.search(r"^25 users, 2 groups, 1 roles, 24 access keys in .* records/s$", done.stdout, re.MULTILINE)


def test_iam_records_are_exactly_what_the_account_has(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "records"

    done = run("crawl_iam.py", "--endpoint-url", account.url, "--region", "us-east-1", "--json", str(file))

    records = [json.loads(line) for line in file.read_text().splitlines()]
    users = [each for each in records if each["kind"] == "user"]
    assert (done.returncode, done.stderr) == (0, "")
    assert len(users) == len(account.users)
    assert {
        each["name"]: {
            "groups": each["groups"],
            "attached_policies": each["attached_policies"],
            "access_keys": sorted(key["id"] for key in each["access_keys"]),
        }
        for each in users
    } == account.users
    assert sorted(
        (each["kind"], each["name"], *each["attached_policies"]) for each in records if each["kind"] != "user"
    ) == [("group", "guests"), ("group", "staff", "p2"), ("role", "worker", "p1")]


def action_of(request: Request) -> str:
    return request.body.partition(b"Action=")[2].partition(b"&")[0].decode()


async def _one_old_user(request: Request) -> Answer:
    """An account of one user, with keys of 400 and of 30 days."""
    action = action_of(request)
    days_ago = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86400 - 60)) for days in (30, 400)]
    found = {
        "ListUsers": f"<Users><member><UserName>old</UserName><CreateDate>{days_ago[1]}</CreateDate></member></Users>",
        "ListAccessKeys": "<AccessKeyMetadata>"
        + "".join(
            f"<member><AccessKeyId>AK{i}</AccessKeyId><Status>{status}</Status><CreateDate>{day}</CreateDate></member>"
            for i, (status, day) in enumerate(zip(("Active", "Inactive"), days_ago, strict=True))
        )
        + "</AccessKeyMetadata>",
    }.get(action, "<Groups/><Roles/><AttachedPolicies/>")
    body = (
        f"<{action}Response><{action}Result>{found}<IsTruncated>false</IsTruncated></{action}Result></{action}Response>"
    )
    return Answer(body=body.encode())


def test_iam_tells_the_age_of_keys_in_days(tmp_path: Path) -> None:
    file = tmp_path / "records"

    with CountingServer(_one_old_user) as server:
        done = run("crawl_iam.py", "--endpoint-url", server.url, "--region", "us-east-1", "--json", str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert table(done.stdout, "user") == [["old", "", "", "AK0 (Active), AK1 (Inactive)", "400"]]
    assert json.loads(file.read_text())["access_keys"] == [
        {"id": "AK0", "status": "Active", "age_days": 30},
        {"id": "AK1", "status": "Inactive", "age_days": 400},
    ]


async def _one_user_who_leaves(request: Request) -> Answer:
    """An account of one user, who is deleted when all but the access keys have been told."""
    if action_of(request) == "ListAccessKeys":
        return Answer(404, b"<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>")
    return await _one_old_user(request)


def test_iam_crawl_passes_over_a_user_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "records"

    with CountingServer(_one_user_who_leaves) as server:
        done = run("crawl_iam.py", "--endpoint-url", server.url, "--region", "us-east-1", "--json", str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text() == ""
    assert done.stdout.splitlines()[-1].startswith("0 users, 0 groups, 0 roles, 0 access keys in ")


# What goes wrong


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nowhere"], r"An error occurred \(NoSuchBucket\) .*", id="no-such-bucket"),
        pytest.param([BUCKET, "--profile", "nobody"], "There is no profile 'nobody' .*", id="unknown-profile"),
        pytest.param([BUCKET, "--endpoint-url", "ftp://x"], "The endpoint URL 'ftp://x' .*", id="endpoint"),
        pytest.param([BUCKET, "--json", "/no/such/folder"], ".*No such file.*", id="file-that-cannot-be"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(account: Account, arguments: list[str], message: str) -> None:
    done = run("crawl_s3.py", "--endpoint-url", account.url, *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"crawl_s3\.py: {message}\n", done.stderr)


@pytest.mark.parametrize("arguments", [["crawl_s3.py", BUCKET], ["crawl_iam.py"]])
def test_missing_credentials_are_one_line_and_exit_code_1(arguments: list[str], account: Account) -> None:
    done = run(
        *(*arguments, "--endpoint-url", account.url, "--region", "us-east-1"),
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"crawl_\w+\.py: No AWS credentials .*\n", done.stderr)


@pytest.mark.parametrize("arguments", [["crawl_s3.py"], ["crawl_iam.py", "--concurrency", "0"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")


def test_s3_crawl_of_a_server_that_dies_says_what_it_had_done(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "records"
    with moto(MOTO_S3_DEFAULT_MAX_KEYS="40") as (url, process):
        dying = Account(url)
        dying.fill()

        def die(_: Request) -> Answer:
            process.kill()
            raise ConnectionError

        with CountingServer(Relay(url, good=3, then=die)) as relay:
            arguments = ("--endpoint-url", relay.url, "--concurrency", "1", "--json", str(file))
            done = run("crawl_s3.py", BUCKET, *arguments, AWS_MAX_ATTEMPTS="2")
        assert process.wait(PROMPTLY) == -signal.SIGKILL

    seen = {json.loads(line)["key"] for line in file.read_text().splitlines()}
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"crawl_s3\.py: stopped after 120 objects in 4 prefixes: Connection was closed .*\n", done.stderr
    )
    assert len(seen) == 120
    assert seen < dying.objects.keys()


def test_iam_crawl_that_is_refused_half_way_says_what_it_had_done(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "records"
    # Three listings, then three requests for each of four users.
    with CountingServer(Relay(account.url, good=3 + 3 * 4, then=access_denied)) as relay:
        arguments = ("--endpoint-url", relay.url, "--region", "us-east-1", "--concurrency", "1", "--json", str(file))
        done = run("crawl_iam.py", *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "crawl_iam.py: stopped after 4 users, 0 groups, 0 roles of 28 known: An error occurred (AccessDenied) when "
        "calling the ListAttachedUserPolicies operation: not you\n"
    )
    assert [json.loads(line)["name"] for line in file.read_text().splitlines()] == list(account.users)[:4]


def test_interrupted_crawl_says_what_it_had_done_and_exits_with_130(account: Account) -> None:
    behaviour = Relay(account.url, good=2, then=hang)
    with (
        CountingServer(behaviour) as relay,
        started("crawl_s3.py", BUCKET, "--endpoint-url", relay.url, "--concurrency", "1") as process,
    ):
        until(lambda: behaviour.ended)
        code, errors = stop(process, signal.SIGINT)

    assert code == 130
    assert errors == "crawl_s3.py: stopped after 80 objects in 3 prefixes: interrupted\n"


# How it looks, and what it must not do


def run_in_a_terminal(program: str, *arguments: str, **more: str) -> tuple[int, str, str]:
    """Run a program whose stderr is a terminal; give its exit code, stdout and what the terminal showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    try:
        with subprocess.Popen(
            command(program, *arguments), env=environment(**more), stdout=subprocess.PIPE, stderr=theirs, text=True
        ) as process:
            output, _ = process.communicate(timeout=60)
        shown = os.read(ours, 100_000).decode() if select.select([ours], [], [], 0)[0] else ""
        return process.returncode, output, shown
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("arguments", "bar"),
    [
        (["crawl_s3.py", BUCKET], r"100% \|█+\| .* 184 objects in 6 prefixes"),
        (["crawl_iam.py", "--region", "us-east-1"], r"100% \|█+\| .* 25 users, 2 groups, 1 roles of 28 known"),
    ],
)
def test_a_bar_shows_the_progress_and_nothing_blocks_the_event_loop(
    account: Account, tmp_path: Path, arguments: list[str], bar: str
) -> None:
    tmp_path.joinpath("sitecustomize.py").write_text(
        "from blockbuster import BlockBuster\nBlockBuster().activate()\nprint('detector is on')\n"
    )

    code, output, shown = run_in_a_terminal(
        *arguments,
        *("--endpoint-url", account.url, "--json", str(tmp_path / "records")),
        PYTHONPATH=str(tmp_path),
    )

    assert re.search(bar, shown)
    assert "Blocking" not in shown
    assert output.startswith("detector is on\n")
    assert code == 0


def test_without_tqdm_there_is_no_bar_and_the_same_table(account: Account, tmp_path: Path) -> None:
    tmp_path.joinpath("tqdm.py").write_text("raise ImportError")
    arguments = ("crawl_s3.py", BUCKET, "--endpoint-url", account.url)

    code, output, shown = run_in_a_terminal(*arguments, PYTHONPATH=str(tmp_path))

    assert (code, shown) == (0, "")
    assert table(output, "prefix") == table(run(*arguments).stdout, "prefix")


# demo.py


def test_demo_fills_crawls_and_leaves_no_server_behind() -> None:
    done = run(
        *("demo.py", "--objects", "400", "--prefixes", "8", "--users", "10"),
        AWS_PROFILE="of-the-user",
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        HTTP_PROXY="http://127.0.0.1:1",
    )

    assert (done.returncode, done.stderr) == (0, "")
    *rows, total = table(done.stdout, "prefix")
    assert total[:3] == ["total", "", "400"]
    assert {row[0] for row in rows} == {f"2023-0{month}/" for month in range(1, 9)}
    assert {row[1] for row in rows} == {"DEEP_ARCHIVE", "GLACIER", "STANDARD_IA", "STANDARD"}
    users = table(done.stdout, "user")
    assert [row[0] for row in users] == [f"user-{i:03}" for i in range(10)]
    assert all(re.fullmatch(r"AKIA\w{16} \(Active\)", row[3]) for row in users)
    assert {row[0]: row[1:] for row in table(done.stdout, "attached policy")}["bill-pay"] == ["6", "1", "2"]
    assert re.search(r"^400 objects in 8 prefixes of s3://demo-logs in .* objects/s$", done.stdout, re.MULTILINE)
    assert re.search(r"^10 users, 6 groups, 8 roles, 10 access keys in .* records/s$", done.stdout, re.MULTILINE)
    assert re.search(r"at most 32 connections: \d+ requests sent .* 0 in use, 0 waiting$", done.stdout, re.MULTILINE)
    found = re.search(r"^moto serves at (http://127\.0\.0\.1:\d+)$", done.stdout, re.MULTILINE)
    assert found is not None
    assert refuses(found[1])


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "demo: interrupted\n"),
        (signal.SIGTERM, 130, "demo: interrupted\n"),
        (signal.SIGKILL, -signal.SIGKILL, ""),
    ],
)
def test_demo_that_is_stopped_leaves_no_server_behind(number: signal.Signals, code: int, message: str) -> None:
    with started("demo.py", "--objects", "1000000") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert not refuses(url)
        time.sleep(0.5)  # into the filling

        assert stop(process, number) == (code, message)

        until(lambda: refuses(url))


# dynamodb_orders.py


def test_orders_are_written_added_up_and_found(account: Account) -> None:
    done = run("dynamodb_orders.py", "--endpoint-url", account.url, "--region", "us-east-1", "--orders", "1000")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1,000 orders written in ")
    assert [row[:2] for row in table(done.stdout, "shop")[:5]] == [
        [shop, "200"] for shop in ("berlin", "lagos", "lima", "osaka", "quito")
    ]
    found = re.findall(r"^gift of (2026-01-01T\S+): \w+, \w+, [\d.]+$", done.stdout, re.MULTILINE)
    assert found == sorted(found, reverse=True)
    assert len(found) == 3

    failed = run("dynamodb_orders.py", "--endpoint-url", f"http://127.0.0.1:{free_port()}", "--region", "us-east-1")
    assert failed.returncode == 1
    assert failed.stderr.startswith("dynamodb_orders: Could not connect")


# web_service.py


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def web_service(endpoint_url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    arguments = ("--endpoint-url", endpoint_url, "--port", str(port), "--region", "us-east-1")
    with started("web_service.py", *arguments, AWS_MAX_ATTEMPTS="1") as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: not refuses(url))
        yield process, url


def fetch(url: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    """GET a URL over a connection of its own; a status other than 200 is an answer too."""
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=PROMPTLY)
    try:
        connection.request("GET", "/" + url.split("/", 3)[3])
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


@pytest.fixture(scope="module")
def large_object(account: Account) -> str:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="a b/ü+%.bin", Body=LARGE, ContentType="image/x-test")
    return "large/" + urllib.request.pathname2url("a b/ü+%.bin")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_web_service_serves_buckets_and_objects_and_ends_cleanly(
    account: Account, large_object: str, number: signal.Signals
) -> None:
    with web_service(account.url) as (process, url):
        status, body, headers = fetch(f"{url}/objects/{large_object}")
        assert (status, headers["Content-Type"], headers["Content-Length"]) == (200, "image/x-test", str(len(LARGE)))
        assert body == LARGE

        status, body, _ = fetch(f"{url}/buckets")
        assert status == 200
        assert {each["name"] for each in json.loads(body)} == {"large", BUCKET}

        status, body, _ = fetch(f"{url}/objects/{BUCKET}/no/such/key")
        assert (status, b"NoSuchKey" in body) == (404, True)
        status, body, _ = fetch(f"{url}/objects/no-such-bucket/key")
        assert (status, b"NoSuchBucket" in body) == (404, True)
        assert fetch(f"{url}/objects/{BUCKET}/")[0] == 400

        assert stop(process, number) == (0, "")


def test_web_service_passes_on_refusals_and_reports_a_dead_s3() -> None:
    async def refuse(request: Request) -> Answer:
        return access_denied(request)

    with CountingServer(refuse) as s3, web_service(s3.url) as (process, url):
        assert fetch(f"{url}/buckets")[0] == 403
        assert fetch(f"{url}/objects/b/k")[0] == 403
        assert stop(process, signal.SIGTERM) == (0, "")

    with web_service(f"http://127.0.0.1:{free_port()}") as (process, url):
        assert fetch(f"{url}/buckets")[0] == 502
        assert fetch(f"{url}/objects/b/k")[0] == 502
        assert stop(process, signal.SIGTERM) == (0, "")


def slow_object(pause: float) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Answer:
        return Answer(body=LARGE, headers={"ETag": '"e"', "Content-Type": "image/x-test"}, pause=pause)

    return answer


def test_web_service_passes_chunks_on_as_they_come_and_ends_when_the_last_is_sent() -> None:
    with CountingServer(slow_object(pause=3)) as s3, web_service(s3.url) as (process, url):
        began = time.monotonic()
        with urllib.request.urlopen(f"{url}/objects/b/k", timeout=PROMPTLY) as answer:
            first_half = answer.read(len(LARGE) // 2)
            assert time.monotonic() - began < 2
            process.send_signal(signal.SIGTERM)
            assert first_half + answer.read() == LARGE
            assert time.monotonic() - began > 2.5
        _, errors = process.communicate(timeout=PROMPTLY)
        assert (process.returncode, errors) == (0, "")


def test_web_service_does_not_mind_a_caller_that_leaves() -> None:
    with CountingServer(slow_object(pause=1)) as s3, web_service(s3.url) as (process, url):
        with urllib.request.urlopen(f"{url}/objects/b/k", timeout=PROMPTLY) as answer:
            answer.read(1000)
        until(lambda: s3.accepted == 1 and s3.open == 0)

        assert fetch(f"{url}/objects/b/k")[1] == LARGE
        assert stop(process, signal.SIGTERM) == (0, "")


def test_web_service_breaks_off_when_s3_does_and_serves_on() -> None:
    answers = iter([{"length": len(LARGE), "cut": True}, {}])

    async def break_off_once(_: Request) -> Answer:
        body = LARGE[:1_000_000]
        return Answer(body=body, headers={"ETag": '"e"', "Content-Type": "text/plain"}, **next(answers))

    with CountingServer(break_off_once) as s3, web_service(s3.url) as (process, url):
        with pytest.raises(http.client.IncompleteRead) as broken:
            fetch(f"{url}/objects/b/k")
        assert LARGE.startswith(broken.value.partial)

        assert fetch(f"{url}/objects/b/k")[:2] == (200, LARGE[:1_000_000])
        code, errors = stop(process, signal.SIGTERM)
        assert code == 0
        assert re.fullmatch(r"/objects/b/k broke off: .*\n", errors)
