"""S3's public names beside clients and resources: `aiosdk.s3.TransferConfig`."""

from __future__ import annotations

from aiosdk.services.s3.config import TransferConfig
from aiosdk.services.s3.trees.result import TreeEntry, TreeResult

__all__ = ["TransferConfig", "TreeEntry", "TreeResult"]
