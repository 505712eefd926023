"""Run s3fs's own tests over aiobotocore and over aiosdk, and tell how many pass: `make s3fs`.

    python -m tests.peers.s3fs_suite FOLDER        # that of its source distribution, unpacked

Which tests fail is printed. The result is bad when a test fails over aiosdk that is not known to look inside
aiobotocore, and passes over aiobotocore.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "tests.peers.over_aiosdk"
# They look at, or replace, what is inside aiobotocore's HTTP session and its way to make a client.
LOOK_INSIDE = frozenset(("test_set_session_closed_sessions_rebuilds_once",))


def run(folder: Path, *options: str) -> tuple[int, set[str]]:
    """How many tests pass, and which fail."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "--tb=line", *options]
    command += ["-c", os.devnull, "--rootdir", "."]  # not our settings, under which a warning is an error
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [*command, "s3fs/tests"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    if passed is None:
        sys.exit(done.stdout + done.stderr)
    return int(passed[1]), set(re.findall(r"^(?:FAILED|ERROR) \S+?::(\S+)", done.stdout, re.MULTILINE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    theirs, failed_there = run(folder)
    print(f"over aiobotocore: {theirs} passed, {len(failed_there)} failed: {', '.join(sorted(failed_there)) or 'none'}")
    ours, failed_here = run(folder, "-p", PLUGIN)
    print(f"over aiosdk:      {ours} passed, {len(failed_here)} failed: {', '.join(sorted(failed_here)) or 'none'}")
    unexpected = failed_here - failed_there - LOOK_INSIDE
    sys.exit(f"These fail over aiosdk alone: {', '.join(sorted(unexpected))}" if unexpected else None)


if __name__ == "__main__":
    main()
