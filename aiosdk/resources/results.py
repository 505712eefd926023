"""Makes resources out of responses: what an action created, what a collection lists, what a reference points to."""
# pyright: reportPrivateUsage=false
# A resource, its metadata and its descriptors are one thing in several files.

from __future__ import annotations

from itertools import repeat
from operator import itemgetter, methodcaller
from typing import TYPE_CHECKING, Any

from aiosdk.exceptions import ResourceDefinitionError
from aiosdk.resources.definition import Parameter
from aiosdk.resources.names import snake_case
from aiosdk.resources.paths import compile_path, split_items
from aiosdk.resources.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiosdk.resources.build import Family
    from aiosdk.resources.definition import ResponseResource

    Make = Callable[[Resource, dict[str, Any], Any], Any]
    Read = Callable[[Any], Any]

_FROM_REQUEST = "requestParameter"


def match(targets: Sequence[Parameter], names: Sequence[str]) -> list[tuple[int, Parameter]]:
    """Tell the place of each target among a resource's identifiers: by name, or in order where a name is unknown.

    `StackResourceSummary.Resource` lists them in another order than the resource, where boto3 mixes them up; the
    service resource of IAM calls the policy's `Arn` `PolicyArn`.
    """
    spelled = [snake_case(each.target) for each in targets]
    if set(spelled) <= set(names):
        return [(names.index(name), each) for name, each in zip(spelled, targets, strict=True)]
    return list(enumerate(targets))


def fill(kind: type[Resource], identifiers: tuple[Any, ...], client: Any, data: Any) -> Resource:
    """Make a resource that AWS told of."""
    if kind.__init__ is not Resource.__init__:  # a user's hook gave the class a constructor
        resource = kind(*identifiers, client=client)
        resource._put_data(data)
        return resource
    resource = object.__new__(kind)
    resource._identifiers, resource._client, resource._data = identifiers, client, data
    return resource


def fill_all(
    kind: type[Resource], identities: Iterable[tuple[Any, ...]], client: Any, data: Iterable[Any]
) -> list[Resource]:
    """Make resources that AWS told of, but for those without an identifier: they are of another kind."""
    if kind.__init__ is not Resource.__init__:
        both = zip(identities, data, strict=False)
        return [fill(kind, identity, client, each) for identity, each in both if None not in identity]
    resources: list[Resource] = []
    new = object.__new__
    for identity, each in zip(identities, data, strict=False):
        if None not in identity:
            resource = new(kind)
            resource._identifiers, resource._client, resource._data = identity, client, each
            resources.append(resource)
    return resources


def compile_result(result: ResponseResource, family: Family) -> Make:
    """Compile to a function of parent, request parameters and response.

    It gives one resource, or None when the response does not identify one; or a list, if the definition says so, or
    None when the response has no list.
    """
    kind = family.classes[result.type]
    identifiers = _complete(result, kind, match(list(map(family.better, result.identifiers)), kind._names))
    lists = {
        (each.source == _FROM_REQUEST, split_items(each.path)[0])
        for _, each in identifiers
        if each.path and "[]" in each.path
    }
    if not lists:
        return _one(result, kind, identifiers)
    if len(lists) > 1:
        raise ResourceDefinitionError(what=result.type, problem="its identifiers come from more than one list")
    from_request, items = lists.pop()
    return _many(result, kind, identifiers, items, from_request=from_request)


def _complete(
    result: ResponseResource, kind: type[Resource], identifiers: list[tuple[int, Parameter]]
) -> list[tuple[int, Parameter]]:
    """Take what a definition leaves out from the data, such as the user of a new signing certificate."""
    members = {snake_case(member): member for member in kind._family.model.members(kind._definition.shape)}
    for place, each in enumerate(kind._definition.identifiers):
        if place in dict(identifiers):
            continue
        member = members.get(each.member_name or each.name)
        if member is None or not result.path:
            raise ResourceDefinitionError(what=result.type, problem=f"it does not say where {each.name} comes from")
        identifiers.append((place, Parameter(each.name, "response", path=f"{result.path}.{member}")))
    return sorted(identifiers, key=itemgetter(0))


def _one(result: ResponseResource, kind: type[Resource], identifiers: list[tuple[int, Parameter]]) -> Make:
    read_data = compile_path(result.path) if result.path else None
    reads = [_source(each) for _, each in identifiers]
    asked = {place for place, each in identifiers if each.source == _FROM_REQUEST}

    def make(parent: Resource, params: dict[str, Any], response: Any) -> Resource | None:
        values = tuple([read(parent, params, response) for read in reads])
        if None in values and isinstance(parent, kind):  # `user.update(NewPath=...)`, say, leaves the name as it is
            values = tuple(
                [
                    parent._identifiers[place] if value is None and place in asked else value
                    for place, value in enumerate(values)
                ]
            )
        if None in values:
            return None
        return fill(kind, values, parent._client, read_data and read_data(response))

    return make


def _source(identifier: Parameter) -> Callable[[Resource, dict[str, Any], Any], Any]:
    if identifier.source == "identifier":
        name = snake_case(identifier.name or "")
        return lambda parent, _params, _response: getattr(parent, name)
    read = compile_path(identifier.path)
    if identifier.source == _FROM_REQUEST:
        return lambda _parent, params, _response: read(params)
    if identifier.source in ("response", "data"):
        return lambda _parent, _params, response: read(response)
    raise ResourceDefinitionError(what=identifier.target, problem=f"there is no source {identifier.source!r}")


def _many(
    result: ResponseResource,
    kind: type[Resource],
    identifiers: list[tuple[int, Parameter]],
    items: str,
    *,
    from_request: bool,
) -> Make:
    read_items = compile_path(items)
    with_data = result.path == items
    own = {place: _of_item(split_items(each.path)[1]) for place, each in identifiers if each.path and "[]" in each.path}
    fixed = {place: _source(each) for place, each in identifiers if place not in own}

    places = range(len(identifiers))

    def make(parent: Resource, params: dict[str, Any], response: Any) -> list[Resource] | None:
        found = read_items(params if from_request else response)
        if found is None:
            return None
        columns = [
            map(own[place], found) if place in own else repeat(fixed[place](parent, params, response))
            for place in places
        ]
        identities = zip(*columns, strict=False)
        return fill_all(kind, identities, parent._client, found if with_data else repeat(None))

    return make


def _of_item(path: str) -> Read:
    """Read an identifier from an item of a list."""
    return methodcaller("get", path) if path.isidentifier() else compile_path(path)
