"""Everything that boto3's definition files say is there in our classes, under boto3's names.

The files are read here by the test itself; boto3's own classes tell the names.
"""

from __future__ import annotations

import inspect
import pickle
import pydoc
import re
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
import aiosdk.types
from aiosdk.exceptions import IdentifierError, NoClientError, NotLoadedError
from aiosdk.resources.resource import Resource
from aiosdk.stream import Stream
from tests.support.resources import KEYS, LATEST, SERVICE, VERSIONS, Version, filled, run, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

every_version = pytest.mark.parametrize("version", VERSIONS, ids=str)


# boto3 fills these in by position, which mixes them up as the file lists them in another order (W2).
MIXED_UP_BY_BOTO3 = {("cloudformation", "StackResourceSummary", "Resource")}

SECTIONS = ("identifiers", "actions", "batch_actions", "collections", "references", "subresources", "waiters")


def _public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def _kinds(version: Version) -> Iterator[tuple[str, dict[str, Any], Any, Any]]:
    """Each resource: its name, what the file says of it, our class and boto3's model."""
    for kind, definition in version.definitions.items():
        yield kind, definition, getattr(version.ours, kind), version.theirs[kind].meta.resource_model


def _make(kind: Any) -> Any:
    return kind(*(f"the-{name}" for name in kind._names), client=object())


def _make_both(version: Version, kind: str) -> tuple[Any, Any]:
    identifiers = [f"the-{name}" for name in version.theirs.identifiers(kind)]
    client = version.theirs.client
    return getattr(version.ours, kind)(*identifiers, client=client), version.theirs[kind](*identifiers, client=client)


def _aliases(model: Any) -> dict[str, str]:
    """The other names of identifiers. Where it is the identifier's own, boto3 gives it a suffix that leads nowhere."""
    found = {each.member_name: each.name for each in model.identifiers if each.member_name}
    return {alias.removesuffix("_attribute"): name for alias, name in found.items()}


def _calls(ours: Any, model: Any) -> Iterator[tuple[str, Any, str, Any]]:
    """The actions, `load`, `reload` and batch actions of a resource of ours: name, method, operation and parameters."""
    for action in model.actions:
        yield action.name, getattr(ours, action.name), action.request.operation, action.request.params
    if model.load:
        for name in ("load", "reload"):
            yield name, getattr(ours, name), model.load.request.operation, model.load.request.params
    for collection in model.collections:
        for action in collection.batch_actions:
            name, method = f"{collection.name}.{action.name}", getattr(getattr(ours, collection.name), action.name)
            yield name, method, action.request.operation, action.request.params


def test_the_walk_meets_all_of_boto3s_files() -> None:
    services = ["cloudformation", "cloudwatch", "dynamodb", "ec2", "glacier", "iam", "s3", "sns", "sqs"]
    assert [each.service for each in LATEST] == services
    assert len([each for each in VERSIONS if each.service == "ec2"]) >= 7
    assert sum(len(each.definitions) - 1 for each in LATEST) >= 80
    for section, least in (("actions", 318), ("hasMany", 87), ("waiters", 17), ("has", 136), ("identifiers", 111)):
        found = sum(len(each.get(section, ())) for version in LATEST for each in version.definitions.values())
        assert found >= least - 2, section  # two are injected and not in the files


@every_version
def test_there_is_a_class_for_every_resource_and_no_other(version: Version) -> None:
    assert set(dir(version.ours)) == set(version.definitions)
    for kind, _, ours, _ in _kinds(version):
        assert issubclass(ours, Resource)
        assert ours.__name__ == version.theirs[kind].__name__


@every_version
def test_every_public_name_of_boto3s_classes_is_there(version: Version) -> None:
    for kind, _, ours, _ in _kinds(version):
        missing = _public(version.theirs[kind]) - _public(ours)
        assert not missing, kind


@every_version
def test_every_public_name_of_boto3s_collections_and_managers_is_there(version: Version) -> None:
    missing: dict[str, set[str]] = {}
    for kind, definition, _, model in _kinds(version):
        ours, theirs = _make_both(version, kind)
        assert len(model.collections) == len(definition.get("hasMany", ()))
        for collection in model.collections:
            manager = getattr(theirs, collection.name)
            names = _public(type(manager)) | _public(manager._collection_cls)
            lacking = names - _public(getattr(ours, collection.name))
            if lacking:
                missing[f"{kind}.{collection.name}"] = lacking
    assert missing == {}


@every_version
def test_batch_actions_are_on_every_collection_that_yields_their_type(version: Version) -> None:
    definitions = version.definitions
    for kind, definition, ours, model in _kinds(version):
        names = [each.name for each in model.collections]
        for name, each in zip(names, definition.get("hasMany", {}).values(), strict=True):
            batch = definitions[each["resource"]["type"]].get("batchActions", {})
            collection = getattr(_make(ours), name)
            for action in batch:
                method = getattr(collection, re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower())
                assert inspect.iscoroutinefunction(method), f"{kind}.{name}.{action}"


@every_version
def test_identifiers_come_in_boto3s_order_by_position_or_by_name(version: Version) -> None:
    for kind, definition, ours, _ in _kinds(version):
        names = version.theirs.identifiers(kind)
        assert len(names) == len(definition.get("identifiers", ()))
        values = [f"the-{name}" for name in names]
        by_name = dict(zip(names, values, strict=True))
        for made in (ours(*values), ours(**by_name), ours(*values[:1], **dict(list(by_name.items())[1:]))):
            assert made.meta.identifiers == names
            assert [getattr(made, name) for name in names] == values
        for name in names:
            with pytest.raises(ValueError, match=name):
                ours(**{each: value for each, value in by_name.items() if each != name})
            with pytest.raises(IdentifierError, match=name):
                ours(**{**by_name, name: ""})
            with pytest.raises(AttributeError, match=name):
                setattr(ours(*values), name, "another")


@every_version
def test_an_identifiers_other_name_gives_it_without_loading(version: Version) -> None:
    for kind, definition, _, model in _kinds(version):
        ours, theirs = _make_both(version, kind)
        assert len(_aliases(model)) == len([each for each in definition.get("identifiers", ()) if "memberName" in each])
        for alias, name in _aliases(model).items():
            assert getattr(ours, alias) == getattr(theirs, alias) == f"the-{name}", f"{kind}.{alias}"


@every_version
def test_every_attribute_shows_the_member_that_boto3_shows(version: Version) -> None:
    for kind, _, _, model in _kinds(version):
        if not model.shape:
            continue
        shape = version.theirs.model.shape_for(model.shape)
        aliases = _aliases(model).keys()
        ours, theirs = _make_both(version, kind)
        for name in model.get_attributes(shape).keys() - aliases:
            with pytest.raises(NotLoadedError, match=name):
                getattr(ours, name)
        ours.meta.data = theirs.meta.data = {member: object() for member in shape.members}
        for name in model.get_attributes(shape):
            assert getattr(ours, name) is getattr(theirs, name), f"{kind}.{name}"
        ours.meta.data = {}
        assert {getattr(ours, name) for name in model.get_attributes(shape).keys() - aliases} <= {None}


@every_version
def test_the_resource_model_says_what_boto3s_says(version: Version) -> None:
    for kind, _, ours, theirs in _kinds(version):
        model = _make(ours).meta.resource_model
        assert (model.name, model.shape) == (theirs.name, theirs.shape)
        for section in SECTIONS:
            found, expected = getattr(model, section), getattr(theirs, section)
            assert [each.name for each in found] == [each.name for each in expected], kind
            for mine, boto3s in zip(found, expected, strict=True):
                assert _described(mine) == _described(boto3s), f"{kind}.{mine.name}"
        assert (model.load and _described(model.load)) == (theirs.load and _described(theirs.load))
        assert _aliases(model) == _aliases(theirs)
        if theirs.shape:
            shape = version.theirs.model.shape_for(theirs.shape)
            found = {name: (member, each.name) for name, (member, each) in model.get_attributes(shape).items()}
            expected = {name: (member, each.name) for name, (member, each) in theirs.get_attributes(shape).items()}
            assert found == expected, kind
        assert {each.name for each in model.waiters} <= _public(ours)


def _described(entry: Any) -> list[Any]:
    """What an action, collection, relation or waiter does, in boto3's terms."""
    request, resource = getattr(entry, "request", None), getattr(entry, "resource", None)
    waiter = getattr(entry, "waiter_name", None)
    return [
        request and request.operation,
        _parameters(request.params if request else getattr(entry, "params", ())),
        getattr(entry, "path", None),
        resource and (resource.type, resource.path, _parameters(resource.identifiers), resource.model.name),
        waiter and waiter.replace("_", "").lower(),
    ]


def _parameters(params: Any) -> list[tuple[Any, ...]]:
    return [(each.target, each.source, each.name, _narrow(each.path), each.value) for each in params]


def _narrow(path: str | None) -> str | None:
    """The path as boto3's file has it: only ours knows of routes for IPv6 and prefix lists (W3)."""
    either = "DestinationCidrBlock||DestinationIpv6CidrBlock||DestinationPrefixListId"
    return path and path.replace(f"({either})", either).replace(either, "DestinationCidrBlock")


@every_version
def test_waiters_are_there_under_boto3s_name_and_wait_as_the_clients_waiter(version: Version) -> None:
    for kind, definition, ours, model in _kinds(version):
        assert len(model.waiters) == len(definition.get("waiters", ()))
        for waiter, mine in zip(model.waiters, _make(ours).meta.resource_model.waiters, strict=True):
            method = getattr(_make(ours), waiter.name)
            assert inspect.iscoroutinefunction(method)
            assert inspect.iscoroutinefunction(getattr(ours, waiter.name))
            assert "`None`" not in method.__doc__, f"{kind}.{waiter.name} is said to send nothing"
            assert "WaiterConfig" in inspect.signature(method).parameters
            if version.latest:  # the oldest clients lack waiters that their resources have
                assert mine.waiter_name in version.theirs.waiters


@every_version
def test_sub_resources_take_what_boto3s_take_and_give_what_they_give(version: Version) -> None:
    for kind, _, _, model in _kinds(version):
        ours, theirs = _make_both(version, kind)
        assert ours.get_available_subresources() == theirs.get_available_subresources()
        for each in model.subresources:
            given = [identifier for identifier in each.resource.identifiers if identifier.source == "identifier"]
            asked = version.theirs.identifiers(each.resource.type)[len(given) :]
            maker = getattr(ours, each.name)
            assert list(inspect.signature(maker).parameters) == asked
            assert list(inspect.signature(getattr(type(ours), each.name)).parameters) == ["self", *asked]
            made, expected = maker(*asked), getattr(theirs, each.name)(*asked)
            if (version.service, kind, each.name) in MIXED_UP_BY_BOTO3:
                assert visible(made)[2] == {"stack_name": "the-stack_name", "logical_id": "the-logical_id"}
            else:
                assert visible(made) == visible(expected)
            assert isinstance(made, maker)
            assert maker(**dict(zip(asked, asked, strict=True))) == made
            assert made.meta.client is ours.meta.client


@every_version
def test_references_are_not_loaded_or_none(version: Version) -> None:
    for kind, _, ours, model in _kinds(version):
        for reference in model.references:
            made = _make(ours)
            with pytest.raises(NotLoadedError, match=reference.name):
                getattr(made, reference.name)
            made.meta.data = {}
            assert getattr(made, reference.name) is None, kind


@every_version
def test_collections_are_streams(version: Version) -> None:
    for kind, _, _, model in _kinds(version):
        ours, theirs = _make_both(version, kind)
        for each in model.collections:
            collection = getattr(ours, each.name)
            assert isinstance(collection, Stream)
            assert repr(collection) == repr(getattr(theirs, each.name).all())


@every_version
def test_actions_loads_waiters_and_batch_actions_are_coroutine_functions(version: Version) -> None:
    for kind, _, ours, model in _kinds(version):
        for name, method, _, _ in _calls(_make(ours), model):
            assert inspect.iscoroutinefunction(method), f"{kind}.{name}"
        for action in model.actions:
            assert inspect.iscoroutinefunction(getattr(ours, action.name)), f"{kind}.{action.name}"


@every_version
def test_signatures_show_the_operations_parameters_but_those_filled_in(version: Version) -> None:
    for kind, _, ours, model in _kinds(version):
        for name, method, operation, params in _calls(_make(ours), model):
            shape = version.theirs.model.operation_model(operation).input_shape
            auto = filled(params)
            parameters = inspect.signature(method).parameters
            assert set(parameters) == set(shape.members if shape else ()) - auto, f"{kind}.{name}"
            assert {each.kind for each in parameters.values()} <= {inspect.Parameter.KEYWORD_ONLY}
            required = {each.name for each in parameters.values() if each.default is inspect.Parameter.empty}
            assert required == set(shape.required_members if shape else ()) - auto, f"{kind}.{name}"
        for action in model.actions:
            assert next(iter(inspect.signature(getattr(ours, action.name)).parameters)) == "self"


@every_version
def test_every_member_is_documented_from_its_first_line_on(version: Version) -> None:
    poor: list[str] = []
    for kind, _, ours, model in _kinds(version):
        documented = {f"{kind}.{name}": getattr(ours, name) for name in _public(ours)}
        documented[kind] = ours
        made = _make(ours)
        for name in [each.name for each in model.collections]:
            collection = getattr(made, name)
            documented |= {f"{kind}.{name}.{each}": getattr(collection, each) for each in _public(collection)}
        for name, member in documented.items():
            first, _, _ = (inspect.getdoc(member) or "").partition("\n\n")
            if not re.fullmatch(r"[A-Z(`\[][^<>&]*[\w.:!?)`]", first.replace("\n", " ")):
                poor.append(f"{name}: {first!r}")
    assert poor == []


@every_version
def test_documentation_names_the_operation_that_is_sent_and_the_kind_that_is_made(version: Version) -> None:
    for kind, _, ours, model in _kinds(version):
        for action in model.actions:
            assert f"`{action.request.operation}`" in getattr(ours, action.name).__doc__
        for each in model.subresources:
            first = getattr(ours, each.name).__doc__.partition("\n")[0]
            assert re.match(rf"Make an? {version.service}\.{each.resource.type}\b", first), (
                f"{kind}.{each.name}: {first}"
            )


def test_the_documentation_of_a_buckets_objects_names_version_2() -> None:
    assert "`ListObjectsV2`" in aiosdk.types.s3.Bucket.objects.__doc__
    assert "StartAfter" in aiosdk.types.s3.Bucket("b").objects.__doc__


@every_version
def test_help_works_for_every_class(version: Version) -> None:
    for kind, _, ours, model in _kinds(version):
        text = pydoc.render_doc(ours, renderer=pydoc.plaintext)
        assert f"class {ours.__qualname__.rpartition('.')[2]}" in text or f"class {ours.__name__}" in text
        for action in model.actions:
            assert action.name in text, kind


@every_version
def test_classes_and_instances_pickle(version: Version) -> None:
    for _, _, ours, model in _kinds(version):
        assert pickle.loads(pickle.dumps(ours)) is ours
        made = _make(ours)
        made.meta.data = {"Some": ["data"]}
        again = pickle.loads(pickle.dumps(made))
        assert type(again) is ours
        assert (again, again.meta.data, again.meta.client) == (made, {"Some": ["data"]}, None)
        for action in model.actions:
            with pytest.raises(NoClientError, match=version.service):
                run(getattr(again, action.name)())


@every_version
def test_repr_equality_and_hash_are_boto3s(version: Version) -> None:
    for kind, _, ours_class, _ in _kinds(version):
        ours, theirs = _make_both(version, kind)
        if (version.service, kind) != ("iam", "AccessKeyPair"):
            assert repr(ours) == repr(theirs)
        same = _make(ours_class)
        same.meta.data = {"other": "data"}
        assert ours == same
        assert hash(ours) == hash(same)
        for name in ours.meta.identifiers:
            other = ours_class(**{each: f"the-{each}" for each in ours.meta.identifiers if each != name}, **{name: "x"})
            assert other != ours
        assert {ours, same} == {ours}
        assert ours != next(_make(each) for _, _, each, _ in _kinds(version) if each is not ours_class)
        assert ours.meta.service_name == version.service


def test_a_secret_is_not_shown() -> None:
    pair = aiosdk.types.iam.AccessKeyPair("someone", "AKID", "hush-hush")
    assert "hush-hush" not in repr(pair)
    assert repr(pair).startswith("iam.AccessKeyPair(user_name='someone', id='AKID', secret=")
    assert pair.secret == "hush-hush"


@every_version
async def test_two_sessions_have_identical_classes(version: Version) -> None:
    async with aiosdk.Session(**KEYS) as one, aiosdk.Session(**KEYS) as other:
        api_version = None if version.latest else version.api_version
        mine, others = [await each.resource(version.service, api_version=api_version) for each in (one, other)]
        assert type(mine) is type(others) is getattr(version.ours, SERVICE)
        for name in mine.get_available_subresources():
            maker, another = getattr(mine, name), getattr(others, name)
            identifiers = list(inspect.signature(maker).parameters)
            assert type(maker(*identifiers)) is type(another(*identifiers))
            assert isinstance(maker(*identifiers), another)
