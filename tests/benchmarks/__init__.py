"""Benchmarks: peers and us side by side, each in a process of its own. They print; they never gate a test.

`make bench` runs them all; `python -m tests.benchmarks calls` runs one, and `python -m tests.benchmarks.calls aiosdk`
one side of it. docs/benchmarks.md says what is compared.
"""
