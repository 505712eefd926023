"""Every Python block of the README and of the pages for users runs, against a local AWS."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from tests.integration.conftest import KEYS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TRANSFERS = (ROOT / "docs" / "transfers.md").read_text()
MIGRATION = (ROOT / "docs" / "migration.md").read_text()
TREES = (ROOT / "docs" / "trees.md").read_text()

WITH_A_SESSION = """
import asyncio
import aiosdk

async def main():
    async with aiosdk.Session() as session:
{}
asyncio.run(main())
"""

Run = Callable[[str], str]


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def run(aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a block, which may take a session for granted; give what it prints. It may write nothing to stderr."""
    for name, value in KEYS.items():
        monkeypatch.setenv({"region_name": "AWS_DEFAULT_REGION"}.get(name, name.upper()), value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    s3 = boto3.resource("s3", **KEYS, endpoint_url=aws)
    bucket = s3.create_bucket(Bucket="logs")
    bucket.put_object(Key="2026/a.gz", Body=b"x" * 48213, ContentType="application/gzip")
    bucket.put_object(Key="2025/b.gz", Body=b"xy")
    bucket.put_object(Key="tmp/c", Body=b"")

    def run_block(block: str) -> str:
        program = block if "asyncio.run(" in block else WITH_A_SESSION.format(textwrap.indent(block, " " * 8))
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run_block


def keys(aws: str) -> dict[str, int]:
    """What is in the bucket afterwards."""
    return {obj.key: obj.size for obj in boto3.resource("s3", **KEYS, endpoint_url=aws).Bucket("logs").objects.all()}


def test_the_first_program_lists_objects_and_users(run: Run, aws: str) -> None:
    boto3.client("iam", **KEYS, endpoint_url=aws).create_user(UserName="ada")

    printed = run(blocks(README)[0])

    assert re.fullmatch(r"2026/a\.gz 48213 bytes 20\S+ \S+\n\['ada'\] <ConnectionPool open=\d .*limit=32>\n", printed)


def test_the_block_on_resources_loads_puts_lists_and_deletes(run: Run, aws: str) -> None:
    assert run(blocks(README)[1]) == "48213 application/gzip\n"
    assert keys(aws) == {"2026/a.gz": 3, "2025/b.gz": 2}


def test_the_block_on_transfers_downloads_uploads_and_copies(run: Run, aws: str, tmp_path: Path) -> None:
    assert run(next(each for each in blocks(README) if "upload_fileobj" in each)) == ""
    length = sum(len(f"{number}\n") for number in range(1000))
    assert keys(aws).items() >= {"2026/b.gz": 48213, "numbers": length, "copy": length}.items()
    assert (tmp_path / "a.gz").read_bytes() == b"x" * 48213


def test_the_page_on_transfers_begins_with_a_source_of_unknown_length(run: Run, aws: str, tmp_path: Path) -> None:
    printed = run(blocks(TRANSFERS)[0])
    assert sum(int(line.removesuffix(" bytes")) for line in printed.splitlines()) == keys(aws)["rows.csv"]
    assert (tmp_path / "rows.csv").read_bytes() == "".join(f"{number}\n" for number in range(1000)).encode()
    assert keys(aws)["copy.csv"] == keys(aws)["rows.csv"]


def test_the_block_on_directories_goes_down_and_up(run: Run, aws: str) -> None:
    printed = run(next(each for each in blocks(README) if "upload_dir" in each))

    assert printed == "<TreeResult up: done=1, skipped=0, deleted=1, failed=0, 48,213 bytes> ['2025/b.gz']\n"
    assert keys(aws) == {"2025/a.gz": 48213, "2026/a.gz": 48213, "2027/a.gz": 48213, "tmp/c": 0}


def test_the_block_of_the_page_on_directories(run: Run) -> None:
    assert run(blocks(TREES)[0]).splitlines() == [
        "<TreeResult down: done=1, skipped=0, deleted=0, failed=0, 48,213 bytes>",
        "<TreeResult up: done=1, skipped=0, deleted=0, failed=0, 48,213 bytes>",
        "<TreeResult up (dry run): done=1, skipped=0, deleted=1, failed=0, 48,213 bytes>",
        "['2025/b.gz']",
    ]


def test_the_block_on_dynamodb_writes_and_finds_a_thousand_orders(run: Run, aws: str) -> None:
    schema = [{"AttributeName": "shop", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}]
    boto3.client("dynamodb", **KEYS, endpoint_url=aws).create_table(
        TableName="orders",
        KeySchema=schema,
        AttributeDefinitions=[
            {"AttributeName": "shop", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    (block,) = (each for each in blocks(README) if "batch_writer" in each)
    assert run(block) == "True 950.00 334 50\n"


def test_the_migration_page_begins_with_a_user_and_its_attributes(run: Run) -> None:
    assert re.fullmatch(r"arn:aws:iam::\d+:user/ada 20\S+ \S+\nada 0\n", run(blocks(MIGRATION)[0]))


def test_a_bucket_can_be_annotated(run: Run) -> None:
    assert run(blocks(MIGRATION)[1]) == "48215 bytes\n"


def test_no_block_is_left_out() -> None:
    assert [len(blocks(page)) for page in (README, MIGRATION, TRANSFERS, TREES)] == [5, 2, 1, 1]


def test_a_whole_program_stands_by_line_20() -> None:
    assert "asyncio.run(main())" in "\n".join(README.splitlines()[:20])


def test_the_commands_and_pages_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z]+)`", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"`pytest ([\w/.]+)`|\]\(([\w/]+\.md)\)", README):
        assert (ROOT / "".join(path)).exists(), path
