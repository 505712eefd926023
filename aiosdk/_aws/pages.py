"""Page iterators that may be iterated again."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedBaseClass=false
# pyright: reportMissingTypeStubs=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import Any

from aiobotocore.paginate import AioPageIterator

from aiosdk._circle import Trail
from aiosdk.exceptions import RepeatedTokenError


class _Parameters(dict[str, Any]):
    """The parameters of one loop, and the tokens that it has met."""

    __slots__ = ("trail",)

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.trail = Trail()


class PageIterator(AioPageIterator):
    """The pages of one paginated operation: `async for page in pages`.

    botocore's iterator writes each token into its own parameters, so that a second loop over it begins where the
    first one ended. Here every loop begins at the beginning. And it would go on for ever where tokens go round in a
    circle of more than one: here that raises `RepeatedTokenError`, a `PaginationError` as botocore's for one.
    """

    @property
    def _op_kwargs(self) -> dict[str, Any]:
        # Read once, when a loop begins, and then changed page by page.
        return _Parameters(self._parameters)

    @_op_kwargs.setter
    def _op_kwargs(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters

    def _inject_token_into_kwargs(self, op_kwargs: dict[str, Any], next_token: dict[str, Any]) -> None:
        if isinstance(op_kwargs, _Parameters):
            if op_kwargs.trail.has(next_token):
                method: Any = self._method
                meta = method.__self__.meta
                raise RepeatedTokenError(
                    service_name=meta.service_model.service_name,
                    operation_name=meta.method_to_api_mapping[method.__name__],
                    message=", ".join(f"{name}={str(token)[:80]!r}" for name, token in next_token.items() if token),
                )
            op_kwargs.trail = op_kwargs.trail.and_then(dict(next_token))
        super()._inject_token_into_kwargs(op_kwargs, next_token)
