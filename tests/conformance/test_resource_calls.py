"""What our resources send, and what they make of the answers, is what boto3's send and make of them.

Both sides get the same generated answers; no server takes part. What differs on purpose, here and in the test of pages:

| what | ours | boto3's |
|---|---|---|
| the calls in `DIFFERENT_CALLS` | as its reasons say | |
| an update without a new name | the resource | None, or a KeyError |
| one resource that the answer does not identify | None | `{}` or None, by the type of the answer; or a KeyError |
| a load that finds nothing (W11) | ResourceNotFoundError | takes None for the data |
| an action that only reads (W21) | keeps the data | drops them |
| an item without an identifier (W3) | is left out | gives its data to the next |
| `delete(Delete={"Quiet": True})` (W9) | keeps the keys | lets them go |
| a batch action at an empty page (W4) | goes on | ends |
| a batch action on a long page | several requests | one, which AWS refuses |
| `limit(n)` (W23) | asks for no more than n | asks for whole pages |
| `limit(0)` (W7) | gives nothing, sends nothing | gives an item where there are no pages, or two lists |
| `page_size(n)` where none can be asked | asks for none | PaginationError |
| tokens of which botocore does not know | are followed | gives the first page |
| `s3.Bucket.load` (W12) | asks for that bucket; tells if there is none | lists all; never tells |
"""

from __future__ import annotations

import copy
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from boto3.resources.params import create_request_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk.exceptions import NotLoadedError, ResourceNotFoundError
from tests.support.resources import (
    LATEST,
    SERVICE,
    VERSIONS,
    Pair,
    Version,
    answer_once,
    emptied,
    expected_calls,
    filled,
    generate,
    identifying,
    items_of,
    models,
    run,
    visible,
)

if TYPE_CHECKING:
    from collections.abc import Callable

every_service = pytest.mark.parametrize("version", LATEST, ids=str)
every_version = pytest.mark.parametrize("version", VERSIONS, ids=str)

S3, EC2, IAM = (next(each for each in LATEST if each.service == name) for name in ("s3", "ec2", "iam"))

# boto3 creates it and raises a ValueError then, as its file lacks an identifier that the answer has.
CREATED_IN_VAIN = {"iam.ServiceResource.create_signing_certificate"}

READING = ("Get", "Head", "List", "Describe", "Select", "Query", "Scan")


def _whole(version: Version) -> Callable[[str, dict[str, Any]], Any]:
    return lambda operation, _: answer_once(version, operation)


def _hollow(version: Version) -> Callable[[str, dict[str, Any]], Any]:
    return lambda operation, _: emptied(answer_once(version, operation))


def _bare(_: Version) -> Callable[[str, dict[str, Any]], Any]:
    return lambda _operation, _params: {}


def _patchy(version: Version) -> Callable[[str, dict[str, Any]], Any]:
    """Members are missing here and there, but for those that resources are identified by."""
    kept = set(identifying(version.definitions))

    def missing(path: str) -> bool:
        return zlib.crc32(path.encode()) % 3 == 0 and path.rpartition(".")[2] not in kept

    return lambda operation, _: answer_once(version, operation, missing)


every_answer = pytest.mark.parametrize("answers", [_whole, _patchy, _hollow, _bare])


def _given(version: Version, request: Any, *, required_only: bool) -> dict[str, Any]:
    """What a user gives an action: all that is not filled in, or only what must be."""
    shape = version.theirs.model.operation_model(request.operation).input_shape
    names = shape.required_members if shape and required_only else shape.members if shape else ()
    return {
        name: generate(shape.members[name], f"given {name}") for name in names if name not in filled(request.params)
    }


def _data(version: Version, model: Any) -> Any:
    shape = version.theirs.model.shape_for(model.shape) if model.shape else None
    return generate(shape, "data") if shape else {"no": "shape"}


@every_answer
@every_service
def test_every_action_sends_and_gives_what_boto3s_does(version: Version, answers: Any) -> None:
    for kind, model in models(version):
        for action in model.actions:
            for required_only in (False, True):
                pair = Pair(version, kind, lambda: answers(version))
                pair.put_data(_data(version, model))
                params = _given(version, action.request, required_only=required_only)
                result = run(getattr(pair.ours, action.name)(**copy.deepcopy(params)))
                where = f"{version.service}.{kind}.{action.name}"
                try:
                    expected = getattr(pair.boto3s, action.name)(**copy.deepcopy(params))
                except (KeyError, AttributeError):  # it cannot tell which type of nothing to give
                    assert action.resource
                    expected = None
                except ValueError:
                    assert where in CREATED_IN_VAIN
                    continue
                finally:
                    assert pair.asked_by_us.calls == pair.asked_by_boto3.calls, where
                if action.resource and expected in ({}, None):
                    # An update that gives no new name leaves the resource what it is.
                    expected = pair.ours if action.name == "update" and action.resource.type == kind else None
                assert visible(result) == visible(expected), where


@every_service
def test_an_action_drops_the_data_if_it_does_more_than_read_and_they_can_be_loaded_again(version: Version) -> None:
    for kind, model in models(version):
        data = _data(version, model)
        for action in model.actions:
            pair = Pair(version, kind, lambda: _whole(version))
            pair.put_data(data)
            run(getattr(pair.ours, action.name)(**_given(version, action.request, required_only=True)))
            kept = action.request.operation.startswith(READING) or not hasattr(pair.ours, "load")
            assert pair.ours.meta.data == (data if kept else None), f"{kind}.{action.name}"
            names = model.get_attributes(version.theirs.model.shape_for(model.shape)) if model.shape else {}
            aliases = {each.member_name for each in model.identifiers}
            for name in [name for name in names if name not in aliases][:1] if not kept else []:
                with pytest.raises(NotLoadedError, match=rf"{action.name}\(\) dropped .*load\(\)"):
                    getattr(pair.ours, name)


@every_answer
@every_service
def test_every_load_sends_and_keeps_what_boto3s_does(version: Version, answers: Any) -> None:
    for kind, model in models(version):
        for name in ("load", "reload") if model.load else ():
            for params in ({}, _given(version, model.load.request, required_only=False)):
                pair = Pair(version, kind, lambda: answers(version))
                getattr(pair.boto3s, name)(**params)
                if pair.boto3s.meta.data is None:
                    with pytest.raises(ResourceNotFoundError, match=model.load.request.operation):
                        run(getattr(pair.ours, name)(**params))
                else:
                    assert run(getattr(pair.ours, name)(**params)) is pair.ours
                assert pair.asked_by_us.calls == pair.asked_by_boto3.calls, kind
                assert pair.ours.meta.data == pair.boto3s.meta.data, kind


@every_service
def test_actions_whose_parameters_come_from_the_data_load_them_first_as_boto3s(version: Version) -> None:
    for kind, model in models(version):
        for action in model.actions:
            if any(each.source == "data" for each in action.request.params):
                pair = Pair(version, kind, lambda: _whole(version))
                run(getattr(pair.ours, action.name)())
                getattr(pair.boto3s, action.name)()
                assert [operation for operation, _ in pair.asked_by_us.calls] == [
                    model.load.request.operation,
                    action.request.operation,
                ]
                assert pair.asked_by_us.calls == pair.asked_by_boto3.calls, f"{kind}.{action.name}"


@every_service
def test_every_waiter_waits_as_boto3s(version: Version) -> None:
    for kind, model in models(version):
        for waiter in model.waiters:
            for params in ({}, {"WaiterConfig": {"Delay": 1, "MaxAttempts": 2}}):
                pair = Pair(version, kind, lambda: _bare(version))
                assert run(getattr(pair.ours, waiter.name)(**params)) is None
                getattr(pair.boto3s, waiter.name)(**params)
                assert len(pair.asked_by_us.calls) == 1
                assert pair.asked_by_us.calls == pair.asked_by_boto3.calls, f"{kind}.{waiter.name}"


@pytest.mark.parametrize("change", [lambda data: data, emptied, lambda _: {}], ids=["whole", "hollow", "bare"])
@every_service
def test_every_reference_leads_where_boto3s_leads(version: Version, change: Callable[[Any], Any]) -> None:
    for kind, model in models(version):
        for reference in model.references:
            pair = Pair(version, kind, lambda: _bare(version))
            pair.put_data(change(_data(version, model)))
            ours, theirs = getattr(pair.ours, reference.name), getattr(pair.boto3s, reference.name)
            assert visible(ours) == visible(theirs), f"{kind}.{reference.name}"
            assert pair.asked_by_us.calls == []


@every_answer
@every_version
def test_every_collection_lists_what_boto3s_lists(version: Version, answers: Any) -> None:
    for kind, model in models(version):
        for collection in model.collections:
            pair = Pair(version, kind, lambda: answers(version))
            where = f"{version.service}.{kind}.{collection.name}"
            items = run(getattr(pair.ours, collection.name).all())
            expected = list(getattr(pair.boto3s, collection.name).all())
            assert visible(items) == visible(expected), where
            assert pair.asked_by_us.calls == expected_calls(pair.asked_by_boto3.calls, where), where
            assert items_of(getattr(pair.ours, collection.name)) == items
            assert {type(item) for item in items} <= {getattr(version.ours, collection.resource.type)}


@every_answer
@every_service
def test_every_batch_action_sends_and_gives_what_boto3s_does(version: Version, answers: Any) -> None:
    for kind, model in models(version):
        for collection in model.collections:
            for action in collection.batch_actions:
                pair = Pair(version, kind, lambda: answers(version))
                where = f"{version.service}.{kind}.{collection.name}"
                params = _given(version, action.request, required_only=False)
                ours = run(getattr(getattr(pair.ours, collection.name), action.name)(**params))
                theirs = getattr(getattr(pair.boto3s, collection.name), action.name)(**params)
                assert ours == theirs, where
                assert pair.asked_by_us.calls == expected_calls(pair.asked_by_boto3.calls, where), where


@every_version
def test_an_item_without_an_identifier_is_left_out_and_nothing_else_changes(version: Version) -> None:
    for kind, model in models(version):
        for collection in model.collections:
            paths = [each.path for each in collection.resource.identifiers if "[]." in (each.path or "")]
            for path in [path for path in paths if "[0]" not in path]:
                head, _, member = path.rpartition("[].")
                first = head.strip("[").partition("[")[0].partition(",")[0].partition("]")[0]
                without = _collected(version, kind, collection.name, first, member)
                whole = _collected(version, kind, collection.name, first, None)
                expected = [each for each in whole if f"{first}[1]" not in str(each)]
                assert 0 < len(expected) < len(whole)
                assert without == expected, f"{kind}.{collection.name} without {member}"


def _collected(version: Version, kind: str, name: str, first: str, member: str | None) -> Any:
    """The items of a collection when a member is missing in the second of the answer, and in what lies in it."""

    def answer(operation: str, _: Any) -> Any:
        found = answer_once(version, operation)
        second = found[first][1]
        for each in [second, *(inner for value in second.values() if isinstance(value, list) for inner in value)]:
            if isinstance(each, dict):
                each.pop(member, None)
        return found

    pair = Pair(version, kind, lambda: answer)
    return visible(run(getattr(pair.ours, name)))


def test_a_certificate_that_was_created_has_the_users_name_of_the_answer() -> None:
    pair = Pair(IAM, SERVICE, lambda: _whole(IAM))
    made = run(pair.ours.create_signing_certificate(CertificateBody="pem"))
    assert visible(made)[2] == {"user_name": ".Certificate.UserName", "id": ".Certificate.CertificateId"}
    assert made.user_name == made.meta.data["UserName"]


def test_an_object_summary_loads_as_boto3s() -> None:
    pair = Pair(S3, "ObjectSummary", lambda: _whole(S3))
    pair.boto3s.load()
    assert run(pair.ours.load()) is pair.ours
    assert pair.asked_by_us.calls == pair.asked_by_boto3.calls
    assert pair.ours.meta.data == pair.boto3s.meta.data
    assert pair.ours.size == pair.boto3s.size


def test_tags_are_put_on_and_taken_off_as_by_boto3() -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    pair = Pair(EC2, SERVICE, lambda: _whole(EC2))
    params = {"Resources": ["i-1", "i-2"], "Tags": tags}
    assert visible(run(pair.ours.create_tags(**params))) == visible(pair.boto3s.create_tags(**params))
    assert pair.asked_by_us.calls == pair.asked_by_boto3.calls
    pair = Pair(EC2, "Instance", lambda: _bare(EC2))
    assert run(pair.ours.delete_tags(Tags=tags)) == pair.boto3s.delete_tags(Tags=tags)
    assert pair.asked_by_us.calls == pair.asked_by_boto3.calls


_anything = st.integers(0, 9) | st.text(max_size=3) | st.lists(st.integers(0, 9), max_size=2) | st.just({"Mine": 1})


def _over(value: Any) -> st.SearchStrategy[Any]:
    """What a user may give in the place of a value that is filled in: something else, or some of its members."""
    if not isinstance(value, dict):
        return _anything
    members = {name: _over(each) for name, each in value.items()}
    return st.fixed_dictionaries({}, optional={**members, "Other": _anything}) | _anything


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{name: _merged(below.get(name), each) for name, each in above.items()}}


def _filling() -> st.SearchStrategy[tuple[Version, str, Any]]:
    """The actions that fill in something; those that fill in a structure often, since there are few."""
    every = [
        (version, kind, action) for version in LATEST for kind, model in models(version) for action in model.actions
    ]
    some = [each for each in every if filled(each[2].request.params)]
    deep = [each for each in some if any("." in param.target for param in each[2].request.params)]
    return st.sampled_from(deep) | st.sampled_from(some)


@settings(deadline=None, max_examples=300)
@given(st.deferred(_filling), st.data())
def test_a_users_parameters_merge_with_those_filled_in(where: tuple[Version, str, Any], data: st.DataObject) -> None:
    """In dictionaries key by key, W9; everything else is replaced, as in boto3."""
    version, kind, action = where
    pair = Pair(version, kind, lambda: _whole(version))
    pair.put_data(_data(version, version.theirs[kind].meta.resource_model))
    built = create_request_parameters(pair.boto3s, action.request)
    members = {name: _over(each) for name, each in built.items()}
    params = data.draw(st.fixed_dictionaries({}, optional={**members, "Other": _anything}))
    before = copy.deepcopy(params)
    run(getattr(pair.ours, action.name)(**params))
    assert [called for _, called in pair.asked_by_us.calls] == [_merged(built, params)]
    assert params == before


@settings(deadline=None)
@given(quiet=st.booleans(), more=st.dictionaries(st.sampled_from(["MFA", "RequestPayer"]), st.text(max_size=3)))
def test_a_batch_deletion_told_to_be_quiet_keeps_its_keys(quiet: bool, more: dict[str, str]) -> None:
    """W9: boto3 lets the keys go."""
    pair = Pair(S3, "Bucket", lambda: _whole(S3))
    run(pair.ours.objects.delete(Delete={"Quiet": quiet}, **more))
    operation, params = pair.asked_by_us.calls[-1]
    keys = [{"Key": f".Contents[{place}].Key"} for place in range(3)]
    assert (operation, params) == (
        "DeleteObjects",
        {"Bucket": "the-name", "Delete": {"Objects": keys, "Quiet": quiet}, **more},
    )
