"""What a streaming body says to type when it is read like a file that is there."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import Any

from aiosdk._async_only import AsyncContext, Fetched, Generated, typed_as
from aiosdk.exceptions import SynchronousUseError


class _Generated(Generated):
    """What a body gives in pieces."""

    __slots__ = ()

    _how = "chunk by chunk"


@typed_as("body")
class RefusingBody(Fetched, AsyncContext):
    """Any streaming body: what would read it without waiting is refused."""

    _item = "chunk"
    _how = "chunk by chunk"
    _as_list = "await body.read()"
    _first = "`await body.read(n)`"
    _empty = "`await body.read(1)`"
    _entered_as = "async with ... as body:"

    def __iter__(self) -> Any:
        self._refuse("a plain `for`", "`async for chunk in body`, `body.iter_chunks(n)` or `body.iter_lines()`")

    @property
    def _inherited(self) -> Any:
        return super()

    def __bool__(self) -> bool:
        return True  # as in boto3, whose users ask if there is a body

    async def read(self, amt: int | None = None) -> bytes:
        """Give so many bytes, or all that is left."""
        return await self._inherited.read(amt)

    async def readinto(self, b: Any) -> int:
        """Fill a buffer; give how many bytes came."""
        return await self._inherited.readinto(b)

    async def readlines(self) -> list[bytes]:
        """Give the lines that are left."""
        return await self._inherited.readlines()

    def readline(self, *_: Any) -> Any:
        """Refused: the file that botocore's body is reads its lines without waiting."""
        instead = "`async for line in body.iter_lines()`"
        raise SynchronousUseError(what=repr(self), used="readline", instead=instead)

    def iter_chunks(self, *args: Any, **kwargs: Any) -> Generated:
        """Give the bytes in chunks of a size: `async for chunk in body.iter_chunks(65536)`."""
        return _Generated("chunks of a body", self._inherited.iter_chunks(*args, **kwargs))

    def iter_lines(self, *args: Any, **kwargs: Any) -> Generated:
        """Give the lines: `async for line in body.iter_lines()`."""
        return _Generated("lines of a body", self._inherited.iter_lines(*args, **kwargs))

    def __repr__(self) -> str:
        return f"<streaming body at {id(self):#x}>"
