"""TreeResult: what became of each file and object of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiosdk.exceptions import TreeTransferError


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file and its object.

    Attributes:
        key: The whole key of the object; None for a file whose name no key can have.
        path: The whole path of the file; None for a key that no file can have.
        size: In bytes, of what was or would have been sent or deleted; None where it is not known.
        why: Why it was done, skipped or deleted, or what failed, in words.
        error: The exception, for what failed.
    """

    key: str | None
    path: str | None
    size: int | None
    why: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True, repr=False)
class TreeResult:
    """What `upload_dir`, `download_dir` or `sync` did; each list is in the order of the keys.

    Attributes:
        direction: `"up"` to the bucket, `"down"` from it.
        dry_run: Whether nothing was done, and `done` and `deleted` tell what would have been.
        done: What was sent.
        skipped: What was left alone: it was the same already, or is no file (`why` says).
        deleted: What was deleted from the destination.
        failed: What could not be done, or was refused; `error` says why.
    """

    direction: Literal["up", "down"]
    dry_run: bool
    done: tuple[TreeEntry, ...]
    skipped: tuple[TreeEntry, ...]
    deleted: tuple[TreeEntry, ...]
    failed: tuple[TreeEntry, ...]

    @property
    def size(self) -> int:
        """How many bytes were sent, the sum of `done`."""
        return sum(each.size or 0 for each in self.done)

    def raise_for_failures(self) -> None:
        """Raise `TreeTransferError` if anything failed; it carries this result."""
        if self.failed:
            first = self.failed[0]
            raise TreeTransferError(
                result=self,
                count=len(self.failed),
                total=len(self.done) + len(self.skipped) + len(self.failed),
                what="uploaded" if self.direction == "up" else "downloaded",
                first=f"{(first.key or first.path or '')[:80]!r}: {first.why[:300].rstrip('.')}",
            ) from first.error

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={len(getattr(self, name))}" for name in ("done", "skipped", "deleted", "failed"))
        return f"<TreeResult {self.direction}{' (dry run)' if self.dry_run else ''}: {counts}, {self.size:,} bytes>"
