"""Page iterators that may be iterated again."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedBaseClass=false
# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from aiobotocore.paginate import AioPageIterator, ResultKeyIterator

from aiosdk._async_only import Fetched, Generated
from aiosdk._circle import Trail
from aiosdk.exceptions import NotIterableError, RepeatedTokenError

if TYPE_CHECKING:
    from types import CoroutineType


class _Parameters(dict[str, Any]):
    """The parameters of one loop, and the tokens that it has met."""

    __slots__ = ("trail",)

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)
        self.trail = Trail()


class PageIterator(Fetched, AioPageIterator):
    """The pages of one paginated operation: `async for page in pages`.

    botocore's iterator writes each token into its own parameters, so that a second loop over it begins where the
    first one ended. Here every loop begins at the beginning. And it would go on for ever where tokens go round in a
    circle of more than one: here that raises `RepeatedTokenError`, a `PaginationError` as botocore's for one.
    A plain `for` over botocore's takes a coroutine for the only page; here it raises `NotIterableError`.
    """

    _item = "page"
    _as_list = "[page async for page in ...]"
    _empty = "`async for page in ...`"

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

    def search(self, expression: str) -> Generated:
        """Give what a JMESPath expression finds in the pages: `async for item in pages.search("Contents[].Key")`."""
        return Generated(f"{self!r}.search({expression!r})", super().search(expression))

    def result_key_iters(self) -> list[ResultKeyIterator]:
        """Give an iterator over the items of each list in the pages: `async for item in iterator`."""
        return [ResultKeys(each._pages_iterator, each.result_key, repr(self)) for each in super().result_key_iters()]

    def build_full_result(self) -> CoroutineType[Any, Any, dict[str, Any]]:
        """Fetch all pages and give them as one answer: `await pages.build_full_result()`."""
        building = super().build_full_result()
        building.__qualname__ = f"{self._operation()}.build_full_result"
        return building

    def __repr__(self) -> str:
        return f"<pages of {self._operation()}>"

    def _operation(self) -> str:
        method: Any = self._method
        return f"{method.__self__.meta.service_model.service_name}.{method.__name__}"


class ResultKeys(Fetched, ResultKeyIterator):
    """The items of one list in the pages."""

    def __init__(self, pages: Any, result_key: Any, what: str) -> None:
        super().__init__(pages, result_key)
        self._what = what

    def __repr__(self) -> str:
        return f"<{self.result_key.expression} of {self._what}>"


def paging(paginator: Any) -> Any:
    """Have a paginator give our page iterators, and say so when it is taken for one itself."""
    made: type[Any] = type(paginator)

    def refuse(self: Any, *_: Any) -> NoReturn:
        raise NotIterableError(
            what=f"What {made.__name__} gives",
            how="page by page",
            used="a loop over the paginator itself",
            instead="`async for page in paginator.paginate(...)`",
        )

    members = {"__module__": made.__module__, "PAGE_ITERATOR_CLS": PageIterator}
    paginator.__class__ = type(made.__name__, (made,), {**members, "__iter__": refuse, "__aiter__": refuse})
    return paginator
