"""Bytes out, bytes in: the session's connection pool and HTTP over it. Knows nothing of AWS."""
