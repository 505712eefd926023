"""Programs in an interpreter of their own, which must say nothing on their error stream."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run_program(url: str, program: str, *arguments: str) -> str:
    """Run a program in an interpreter that turns warnings into errors, and give what it printed.

    The program has `aiosdk`, `asyncio`, `gc`, `os`, `sys`, `threading`, and `ARGUMENTS` for a session with this URL.
    """
    prelude = f"""
        import asyncio, gc, os, sys, threading, warnings
        import aiosdk
        ARGUMENTS = dict(
            aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="us-east-1",
            endpoint_url={url!r},
        )
        # Python 3.12 and later warn whoever forks beside threads; these programs are to.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    """
    text = textwrap.dedent(prelude) + textwrap.dedent(program)
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", text, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # On a busy machine asyncio's debug mode complains of callbacks that took long.
    said = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
    assert said == [], "\n".join(said)
    assert done.returncode == 0, done.stdout
    return done.stdout
