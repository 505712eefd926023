"""How the pages of an operation hang together: its tokens, and the number of items that it can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiosdk.resources.paths import compile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = dict[str, Any]

# The names under which services take and give tokens, for operations of which botocore does not know that they do.
_TOKENS: Final = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("ContinuationToken", "NextContinuationToken"),
    ("ContinuationToken", "ContinuationToken"),
    ("Marker", "NextMarker"),
    ("Marker", "Marker"),
    ("marker", "Marker"),
)
_SIZES: Final = ("MaxResults", "maxResults", "MaxItems", "MaxRecords", "Limit")

# What the service models do not say: EC2 accepts no less than 5, Glacier gives no more than it gives unasked, and no
# service here gives more than 1,000 for one request.
_LEAST: Final = {"ec2": 5}
_OF_OWNERS: Final = ("OwnerIds", "RestorableByUserIds")
_MOST: Final = 1000
_MOST_OF: Final = {"ListVaults": 10, "ListJobs": 50, "ListMultipartUploads": 50}

# Of these SQS gives the first 1,000, and a token for the rest only if it was asked for a number.
_ASKED_IN_PAGES: Final = {"ListQueues": 1000, "ListDeadLetterSourceQueues": 1000}


@dataclass(frozen=True, slots=True)
class Paging:
    """How to ask for the next page."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[Callable[[Any], Any], ...] = ()
    more: Callable[[Any], Any] | None = None
    size_name: str | None = None
    size_is_text: bool = False
    least: int = 1
    most: int = _MOST
    default: int | None = None
    not_with: frozenset[str] = frozenset()
    """Parameters beside which a number of items is refused."""

    def next_tokens(self, response: Any) -> dict[str, Any] | None:
        """Read the tokens for the page after this one; None when there is none."""
        if self.more is not None and not self.more(response):
            return None
        tokens = {name: read(response) for name, read in zip(self.inputs, self.outputs, strict=True)}
        return {name: token for name, token in tokens.items() if token} or None

    def request(self, params: dict[str, Any], tokens: Mapping[str, Any]) -> dict[str, Any]:
        """Put the tokens of a page in the place of those that the user began with."""
        kept = {name: value for name, value in params.items() if name not in self.inputs} if tokens else params
        return {**kept, **tokens}

    def sized(self, params: dict[str, Any], left: int | None, page_size: int | None) -> dict[str, Any]:
        """Ask for no more than is wanted, where the operation can be asked."""
        if self.size_name is None:
            return params
        if page_size is None and self.size_name in params:
            given = params[self.size_name]
            if self.size_is_text and type(given) is str and given.isdecimal():
                page_size = int(given)
            elif type(given) is int:
                page_size = given
            else:
                return params  # which botocore will explain
        size = page_size or self.default
        if left is not None and (page_size or not self.not_with & params.keys()):
            ceiling = size or self.most
            if left <= ceiling:
                size = min(ceiling, max(left, self.least))
        if size is None:
            return params
        return {**params, self.size_name: str(size) if self.size_is_text else size}


def read_paging(service: str, operation: str, config: Json | None, inputs: Mapping[str, Json], outputs: Json) -> Paging:
    """Read it from botocore's paginator if there is one, else from the names of the operation's members.

    `inputs` and `outputs` are the members' shapes by name.
    """
    if config is None:
        pair = next((pair for pair in _TOKENS if pair[0] in inputs and pair[1] in outputs), None)
        if pair is None:
            return Paging()
        size = next((name for name in _SIZES if name in inputs), None)
        config = {"input_token": pair[0], "output_token": pair[1], "limit_key": size}
    size_name: str | None = config.get("limit_key")
    shape = inputs.get(size_name or "", {})
    more = config.get("more_results")
    return Paging(
        inputs=_names(config["input_token"]),
        outputs=tuple(compile_path(path) for path in _names(config["output_token"])),
        more=compile_path(more) if more else None,
        size_name=size_name,
        size_is_text=shape.get("type") == "string",
        least=shape.get("min") or _LEAST.get(service, 1),
        most=min(shape.get("max") or _MOST, _MOST_OF.get(operation, _MOST) if service == "glacier" else _MOST),
        default=_ASKED_IN_PAGES.get(operation),
        not_with=_named_ones(inputs) if service == "ec2" else frozenset(),
    )


def _named_ones(inputs: Mapping[str, Json]) -> frozenset[str]:
    """The parameters of EC2 that ask for certain items, with which it takes no number of items."""
    return frozenset(name for name in inputs if name.endswith(("Ids", "Names")) and name not in _OF_OWNERS)


def _names(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
