"""The errors: they keep their types, say what to do, and hide secrets."""

from __future__ import annotations

import inspect
import pickle
from itertools import combinations

import boto3
import botocore.exceptions
import botocore.session
import pytest
from aiobotocore.session import AioSession

import aiosdk
from aiosdk import exceptions
from aiosdk.exceptions import AiosdkError, nearest

OURS = [each for each in vars(exceptions).values() if inspect.isclass(each) and each.__module__ == "aiosdk.exceptions"]
CLASSES = [each for each in OURS if issubclass(each, AiosdkError)]
KINDS = [each for each in OURS if not issubclass(each, AiosdkError)]


class _Anything(dict[str, object]):
    def __missing__(self, key: str) -> object:
        return 1.5 if key == "timeout" else f"<{key}>"


def _facts(kind: type[AiosdkError]) -> dict[str, object]:
    known = _Anything()
    kind.fmt.format_map(known)
    import string

    return {name: known[name] for _, name, _, _ in string.Formatter().parse(kind.fmt) if name}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_documented_and_pickles_with_its_type(kind: type[AiosdkError]) -> None:
    error = kind(**_facts(kind))
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert twin.kwargs == error.kwargs
    assert kind.__doc__
    assert kind.__doc__.startswith(("Raised ", "Base "))
    assert kind.__name__ in exceptions.__all__
    assert kind.__name__ in (exceptions.__doc__ or ""), "the docstring is the tree"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (exceptions.UnknownServiceError, botocore.exceptions.UnknownServiceError),
        (exceptions.NoCredentialsError, botocore.exceptions.NoCredentialsError),
        (exceptions.PartialCredentialsError, botocore.exceptions.PartialCredentialsError),
        (exceptions.NoRegionError, botocore.exceptions.NoRegionError),
        (exceptions.ProfileNotFoundError, botocore.exceptions.ProfileNotFound),
        (exceptions.UnknownPaginatorError, botocore.exceptions.OperationNotPageableError),
        (exceptions.InvalidEndpointError, ValueError),
        (exceptions.PoolLimitError, ValueError),
        (exceptions.UnknownOperationError, AttributeError),
        (exceptions.SessionClosedError, RuntimeError),
    ],
)
def test_except_clauses_written_for_boto3_still_catch(ours: type[Exception], theirs: type[Exception]) -> None:
    assert issubclass(ours, theirs)
    assert issubclass(ours, botocore.exceptions.BotoCoreError)


def test_a_pool_timeout_is_not_retried_as_a_timeout_of_the_server() -> None:
    assert not issubclass(exceptions.PoolTimeoutError, TimeoutError | botocore.exceptions.HTTPClientError)


def test_nearest_names() -> None:
    assert nearest("s4", ["s3", "ec2"], noun="service") == "Did you mean 's3'?"
    assert nearest("zzzz", ["a", "b"], noun="profile") == "It has: a, b."
    assert nearest("zzzz", [str(n) for n in range(100, 200)], noun="service").startswith("There are 100 services")
    assert nearest("x", [], noun="profile") == "There is no profile at all."


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"aws_access_key_id": "AKID"}, exceptions.PartialCredentialsError, "aws_secret_access_key is missing"),
        ({"aws_secret_access_key": "hush"}, exceptions.PartialCredentialsError, "aws_access_key_id is missing"),
        ({"aws_session_token": "hush"}, exceptions.PartialCredentialsError, "aws_access_key_id is missing"),
        ({"max_connections": 0}, exceptions.PoolLimitError, "max_connections=0"),
        ({"max_connections": -3}, exceptions.PoolLimitError, "at least 1"),
        ({"max_connections": 2.5}, exceptions.PoolLimitError, "whole number"),
        ({"max_connections": True}, exceptions.PoolLimitError, "whole number"),
        ({"max_connections_per_host": 0}, exceptions.PoolLimitError, "max_connections_per_host=0"),
        ({"endpoint_url": "localhost:9000"}, exceptions.InvalidEndpointError, "http:// or https://"),
        ({"endpoint_url": "https://"}, exceptions.InvalidEndpointError, "does not name a host"),
        ({"endpoint_url": "http://host:port"}, exceptions.InvalidEndpointError, "is malformed"),
        ({"endpoint_url": "http://ho st/"}, exceptions.InvalidEndpointError, "does not name a host"),
        ({"endpoint_url": "ftp://user:hush@host"}, exceptions.InvalidEndpointError, "***@host"),
        ({"botocore_session": boto3.Session()}, exceptions.BotocoreSessionError, "not a boto3.session.Session"),
        ({"botocore_session": botocore.session.Session()}, exceptions.BotocoreSessionError, "aiobotocore.session"),
        ({"botocore_session": aiosdk.Session()}, exceptions.BotocoreSessionError, "not a aiosdk.session.Session"),
        ({"botocore_session": AioSession}, exceptions.BotocoreSessionError, "not a builtins.type"),
    ],
)
def test_bad_arguments_of_a_session(arguments: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error) as raised:
        aiosdk.Session(**arguments)
    assert says in str(raised.value)
    assert "hush" not in str(raised.value)


KEY, SECRET, TOKEN, ACCOUNT = (
    {"aws_access_key_id": "AKID"},
    {"aws_secret_access_key": "hush"},
    {"aws_session_token": "t"},
    {"aws_account_id": "123456789012"},
)


@pytest.mark.parametrize("parts", [parts for n in range(5) for parts in combinations((KEY, SECRET, TOKEN, ACCOUNT), n)])
def test_an_account_id_without_a_whole_key_pair_is_refused_as_by_boto3(parts: tuple[dict[str, str], ...]) -> None:
    given = {name: value for part in parts for name, value in part.items()}
    try:
        boto3.Session(**given)
    except botocore.exceptions.NoCredentialsError:
        with pytest.raises(botocore.exceptions.NoCredentialsError, match="aws_account_id was given"):
            aiosdk.Session(**given)
        return
    whole = KEY in parts and SECRET in parts
    if whole or not {KEY["aws_access_key_id"], "hush", "t"} & set(given.values()):
        assert aiosdk.Session(**given)
    else:  # boto3 takes it and fails at the first call
        with pytest.raises(botocore.exceptions.PartialCredentialsError):
            aiosdk.Session(**given)


def test_an_account_id_of_a_client_without_keys_is_ignored_as_by_boto3() -> None:
    assert aiosdk.Session().client("s3", aws_account_id="123456789012") is not None
    assert aiosdk.Session(aws_account_id="")


def test_bad_arguments_of_a_client_are_found_before_it_is_awaited() -> None:
    session = aiosdk.Session(region_name="us-east-1")
    with pytest.raises(exceptions.PartialCredentialsError, match=r"client 's3'.*aws_secret_access_key"):
        session.client("s3", aws_access_key_id="AKID")
    with pytest.raises(exceptions.InvalidEndpointError, match="minio:9000"):
        session.client("s3", endpoint_url="minio:9000")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_is_a_client_error_documented_and_at_the_top_level(kind: type[Exception]) -> None:
    assert issubclass(kind, botocore.exceptions.ClientError)
    assert not issubclass(kind, botocore.exceptions.BotoCoreError), "code that catches both would take another branch"
    assert getattr(aiosdk, kind.__name__) is kind
    assert kind.__name__ in exceptions.__all__
    assert kind.__name__ in (exceptions.__doc__ or "")
    assert kind.__doc__
    assert kind.__doc__.startswith("Raised when ")


def test_there_are_five_kinds_and_each_excludes_the_others() -> None:
    assert len(KINDS) == 5
    assert not [(one, other) for one in KINDS for other in KINDS if one is not other and issubclass(one, other)]
