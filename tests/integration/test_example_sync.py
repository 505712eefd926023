"""examples/sync_directory.py, run as its users run it, against a moto server in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.test_examples import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Boto3


def test_a_directory_goes_up_and_comes_down_again(aws: str, theirs: Boto3, tmp_path: Path) -> None:
    bucket: Any = theirs.resource("s3").Bucket("things")  # type: ignore[attr-defined]
    bucket.create()
    bucket.put_object(Key="www/old.html", Body=b"old")
    (tmp_path / "site" / "img").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_bytes(b"<p>")
    (tmp_path / "site" / "img" / "a b+c.png").write_bytes(b"png")
    (tmp_path / "site" / "x.tmp").write_bytes(b"no")
    site, there = str(tmp_path / "site"), ("--endpoint-url", aws, "--region", "us-east-1")

    done = run("sync_directory.py", site, "things", "www", "--exclude", "*.tmp", "--delete", "--dry-run", *there)
    assert done.stdout.endswith("<TreeResult up (dry run): done=2, skipped=0, deleted=1, failed=0, 6 bytes>\n")
    assert [each.key for each in bucket.objects.all()] == ["www/old.html"]

    done = run("sync_directory.py", site, "things", "www", "--exclude", "*.tmp", "--delete", *there)
    assert (done.returncode, done.stderr) == (0, "")
    assert "done    www/img/a b+c.png  (not in the bucket yet)\n" in done.stdout
    assert {each.key: each.get()["Body"].read() for each in bucket.objects.all()} == {
        "www/img/a b+c.png": b"png",
        "www/index.html": b"<p>",
    }

    bucket.put_object(Key="www/../../evil", Body=b"!")
    done = run("sync_directory.py", str(tmp_path / "copy"), "things", "www", "--down", *there)
    assert done.returncode == 1
    assert "failed  www/../../evil  (Refused" in done.stdout
    assert (tmp_path / "copy" / "img" / "a b+c.png").read_bytes() == b"png"
    assert not (tmp_path / "evil").exists()


def test_what_is_wrong_is_said_in_a_line(aws: str, tmp_path: Path) -> None:
    done = run("sync_directory.py", str(tmp_path / "missing"), "things", "--endpoint-url", aws, "--region", "us-east-1")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sync_directory.py: There is no directory ")
