"""Pages, limits, page sizes and filters of our collections give what boto3's give, with fewer and smaller requests.

What differs on purpose is listed in `test_resource_calls.py`.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from botocore.exceptions import PaginationError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.resources import (
    LATEST,
    SERVICE,
    VERSIONS,
    PagedAws,
    Pair,
    Version,
    expected_calls,
    items_of,
    models,
    run,
    visible,
)

S3, EC2, CLOUDWATCH = (next(each for each in LATEST if each.service == name) for name in ("s3", "ec2", "cloudwatch"))

# What Glacier gives at most, asked or unasked; others give up to 1,000.
UNASKED = {"ListVaults": 10, "ListJobs": 50, "ListMultipartUploads": 50}

every_service = pytest.mark.parametrize("version", LATEST, ids=str)


@pytest.mark.parametrize("page_size", [None, 2])
@pytest.mark.parametrize("limit", [None, 0, 1, 3, 5, 7, 14, 40])
@every_service
def test_pages_limits_and_page_sizes_give_boto3s_items_and_ask_for_no_more_than_the_limit(
    version: Version, limit: int | None, page_size: int | None
) -> None:
    for kind, model in models(version):
        for collection in model.collections:
            aws = PagedAws(version, collection, total=7)
            pair = Pair(version, kind, lambda aws=aws: aws)
            ours, theirs = getattr(pair.ours, collection.name), getattr(pair.boto3s, collection.name)
            where = f"{version.service}.{kind}.{collection.name}"
            expected = _listed(theirs.all(), page_size)[:limit]
            pair.asked_by_boto3.calls.clear()
            if limit != 0:
                assert _listed(theirs.limit(limit), page_size) == expected, where
            assert [visible(each) for each in items_of(ours.limit(limit).page_size(page_size))] == expected, where
            calls = pair.asked_by_us.calls
            assert len(calls) <= max(len(pair.asked_by_boto3.calls), int(limit != 0)), where
            if limit is None:
                assert calls == _paged(pair.asked_by_boto3.calls, where), where
            _never_asks_for_too_much(aws, calls, limit, page_size, where)


def _listed(collection: Any, page_size: int | None) -> list[Any]:
    try:
        return [visible(each) for each in collection.page_size(page_size)]
    except PaginationError:
        return [visible(each) for each in collection]


def _paged(calls: list[Any], where: str) -> list[Any]:
    """The calls of ours for boto3's, page by page. Version 2 of a listing has another name for the token."""
    expected = [call for each in calls for call in expected_calls([each], where)]
    for operation, params in expected:
        if operation == "ListObjectsV2" and "Marker" in params:
            params["ContinuationToken"] = params.pop("Marker")
    return expected


def _never_asks_for_too_much(aws: PagedAws, calls: Any, limit: int | None, page_size: int | None, where: str) -> None:
    left = limit
    for operation, params in calls:
        asked = int(params.get(aws.size_name(operation), UNASKED.get(operation, 1000)))
        if page_size is not None and aws.size_name(operation):
            assert asked <= page_size, where
        if left is not None and aws.size_name(operation) and not aws.merged:
            assert asked <= max(left, aws.least(operation)), where
        if left is not None:
            assert left > 0, f"{where} asks for more than the limit"
            left -= aws.items_given(operation, params)


@pytest.mark.parametrize("version", [each for each in VERSIONS if not each.latest], ids=str)
def test_older_apis_follow_tokens_too_even_where_botocore_has_no_paginator(version: Version) -> None:
    for kind, model in models(version):
        for collection in model.collections:
            aws = PagedAws(version, collection, total=7)
            pair = Pair(version, kind, lambda aws=aws: aws)
            expected = _listed(getattr(pair.boto3s, collection.name), None)
            found = [visible(each) for each in items_of(getattr(pair.ours, collection.name))]
            if aws.paginated and version.theirs.paginator(collection.request.operation) is None:
                assert found[: len(expected)] == expected
                assert len(found) == 7
            else:
                assert found == expected, f"{kind}.{collection.name}"


def test_a_batch_action_goes_on_after_an_empty_page() -> None:
    """W4: EC2 may give empty pages; boto3 stops at the first."""
    pages = [["a", "b"], [], ["c"]]

    def answer(operation: str, params: dict[str, Any]) -> Any:
        if operation == "TerminateInstances":
            return {"terminated": params["InstanceIds"]}
        page = int(params.get("NextToken", "0"))
        found = {"Reservations": [{"Instances": [{"InstanceId": name} for name in pages[page]]}]}
        return {**found, "NextToken": str(page + 1)} if page < 2 else found

    pair = Pair(EC2, SERVICE, lambda: answer)
    assert run(pair.ours.instances.terminate()) == [{"terminated": ["a", "b"]}, {"terminated": ["c"]}]
    assert pair.boto3s.instances.terminate() == [{"terminated": ["a", "b"]}]


@pytest.mark.parametrize(
    ("version", "kind", "collection", "action", "total", "sizes"),
    [
        (S3, "Bucket", "objects", "delete", 2300, [1000, 1000, 300]),
        (S3, "Bucket", "object_versions", "delete", 600, [1000, 200]),
        (CLOUDWATCH, SERVICE, "alarms", "delete", 250, [100, 100, 50]),
    ],
)
def test_a_batch_action_splits_a_page_that_is_too_long_for_one_request(
    version: Version, kind: str, collection: str, action: str, total: int, sizes: list[int]
) -> None:
    model = version.theirs[kind].meta.resource_model
    listing = next(each for each in model.collections if each.name == collection)
    aws = PagedAws(version, listing, total, page=total)
    pair = Pair(
        version, kind, lambda: lambda operation, params: {} if "Delete" in operation else aws(operation, params)
    )
    responses = run(getattr(getattr(pair.ours, collection), action)())
    deletions = [params for operation, params in pair.asked_by_us.calls if operation.startswith("Delete")]
    assert responses == [{}] * len(sizes)
    assert [len(each.get("AlarmNames") or each["Delete"]["Objects"]) for each in deletions] == sizes
    acted = [item for each in deletions for item in each.get("AlarmNames") or each["Delete"]["Objects"]]
    assert len({str(item) for item in acted}) == sum(sizes)


# A name tells the type, as it does with AWS: D is a dictionary, L a list, S a scalar.
_scalars = st.integers(0, 9) | st.text(max_size=3) | st.booleans()
_lists = st.lists(_scalars, max_size=3)
_dictionaries = st.recursive(
    st.fixed_dictionaries({}, optional={"S": _scalars, "L": _lists}),
    lambda inner: st.fixed_dictionaries({}, optional={"S": _scalars, "L": _lists, "D": inner}),
    max_leaves=4,
)
_filter = st.fixed_dictionaries({"Name": st.text(max_size=3), "Values": st.lists(st.text(max_size=2), max_size=2)})
_filters = st.fixed_dictionaries(
    {}, optional={"S": _scalars, "D": _dictionaries, "L": _lists, "Filters": st.lists(_filter, max_size=2)}
)


@settings(deadline=None)
@given(st.lists(_filters, max_size=4))
def test_filters_add_up_as_boto3s_and_leave_what_they_were_made_from_as_it_was(chain: list[dict[str, Any]]) -> None:
    pair = Pair(EC2, "Vpc", lambda: lambda _operation, _params: {})
    ours, theirs = [pair.ours.subnets], [pair.boto3s.subnets.all()]
    for params in chain:
        mine = copy.deepcopy(params)
        ours.append(ours[-1].filter(**mine).all())
        theirs.append(theirs[-1].filter(**params))
        for value in mine.values():
            if isinstance(value, list | dict):
                value.clear()  # what a user does with it later is nothing to the collection
    for mine, boto3s in zip(ours, theirs, strict=True):
        for _ in range(2):
            assert run(mine) == list(boto3s) == []
    assert pair.asked_by_us.calls == pair.asked_by_boto3.calls
    assert len(pair.asked_by_us.calls) == 2 * len(ours)
    assert pair.asked_by_us.calls[0][1] == {"Filters": [{"Name": "vpc-id", "Values": ["the-id"]}]}
