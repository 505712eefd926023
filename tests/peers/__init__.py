"""The test suites and example programs of others, run over aiosdk."""
