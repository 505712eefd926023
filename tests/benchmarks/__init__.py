"""Benchmarks: peers and us side by side, each in a process of its own. They print; they never gate a test.

`make bench` runs them all; `python -m tests.benchmarks.clients aiosdk` runs one side of one.
"""
