"""S3's public names beside clients and resources: `aiosdk.s3.TransferConfig`."""

from __future__ import annotations

from aiosdk.services.s3.config import TransferConfig

__all__ = ["TransferConfig"]
