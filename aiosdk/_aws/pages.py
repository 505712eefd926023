"""Page iterators that may be iterated again."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedBaseClass=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import Any

from aiobotocore.paginate import AioPageIterator


class PageIterator(AioPageIterator):
    """The pages of one paginated operation: `async for page in pages`.

    botocore's iterator writes each token into its own parameters, so that a second loop over it begins where the
    first one ended. Here every loop begins at the beginning.
    """

    @property
    def _op_kwargs(self) -> dict[str, Any]:
        # Read once, when a loop begins, and then changed page by page.
        return dict(self._parameters)

    @_op_kwargs.setter
    def _op_kwargs(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters
