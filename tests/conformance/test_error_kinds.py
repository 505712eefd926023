"""Every error of every service has the kind that its code and status say, keeps botocore's class, and pickles."""

from __future__ import annotations

import collections
import pickle
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker

import aiosdk
from aiosdk._aws.error_kinds import KINDS, TABLE, classify, kind_of, kind_of_shape
from aiosdk.exceptions import (
    AccessDeniedError,
    ConflictError,
    NotFoundError,
    ServerError,
    ThrottledError,
)

SERVICES = botocore.session.Session()
QUOTA = ("LimitExceeded", "QuotaExceeded", "LimitReached", "TooMany", "Insufficient")
# Codes that say something else than the status that their services answer with.
NOT_BY_STATUS = {
    404: {
        "ReservedCacheNodeAlreadyExists",
        "ReservedDBInstanceAlreadyExists",
        "ReservedNodeAlreadyExists",
        "UnauthorizedResourceAccessException",
    },
    403: {"ObjectAlreadyInActiveTierError", "ObjectNotInActiveTierError", "InvalidObjectState"},
    409: {"ResourceNotFound", "ResourceNotFoundException"},
}
BY_STATUS = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: ThrottledError,
}


def shapes() -> list[tuple[str, Any]]:
    return [
        (service, shape)
        for service in SERVICES.get_available_services()
        for shape in SERVICES.get_service_model(service).error_shapes
    ]


@pytest.fixture(scope="module")
def every_error() -> list[tuple[str, Any]]:
    found = shapes()
    assert len(found) > 5000
    return found


def kind_named(error_class: type) -> type | None:
    kinds = [kind for kind in KINDS if issubclass(error_class, kind)]
    assert len(kinds) <= 1
    return kinds[0] if kinds else None


def test_a_status_in_the_model_gives_the_kind_unless_the_code_says_more(every_error: list[tuple[str, Any]]) -> None:
    odd = set[tuple[int, str, str]]()
    for _, shape in every_error:
        status = (shape.metadata.get("error") or {}).get("httpStatusCode")
        code, kind = str(shape.error_code), kind_of_shape(shape)
        if status is not None and status >= 500:
            assert kind in (ServerError, ThrottledError), code
        elif status in BY_STATUS and kind is not BY_STATUS[status]:
            if code in NOT_BY_STATUS.get(status, ()) or kind is ThrottledError or any(each in code for each in QUOTA):
                continue
            odd.add((status, code, str(kind)))
    assert odd == set()


def test_what_botocore_retries_as_throttling_is_throttled(every_error: list[tuple[str, Any]]) -> None:
    codes = ThrottledRetryableChecker._THROTTLED_ERROR_CODES
    assert "SlowDown" in codes
    assert {code: kind_of(code, 400) for code in codes} == dict.fromkeys(codes, ThrottledError)
    modelled = [shape for _, shape in every_error if (shape.metadata.get("retryable") or {}).get("throttling")]
    assert modelled
    assert {kind_of_shape(shape) for shape in modelled} == {ThrottledError}


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("NotFoundException", NotFoundError),
        ("NotFoundFault", NotFoundError),
        ("AccessDeniedException", AccessDeniedError),
        ("AlreadyExistsException", ConflictError),
        ("AlreadyExistsFault", ConflictError),
        ("ThrottlingException", ThrottledError),
    ],
)
def test_names_say_their_kind_in_all_services(
    every_error: list[tuple[str, Any]], pattern: str, kind: type[Exception]
) -> None:
    named = [shape for _, shape in every_error if str(shape.error_code).endswith(pattern)]
    assert len(named) > 20
    wrong = {
        str(shape.error_code)
        for shape in named
        if kind_of_shape(shape) is not kind and kind_of_shape(shape) not in (ServerError, ThrottledError)
    }
    assert wrong == set()


def test_how_many_errors_there_are_of_each_kind(every_error: list[tuple[str, Any]]) -> None:
    counts = collections.Counter(kind_of_shape(shape) for _, shape in every_error)
    assert counts[NotFoundError] > 800
    assert counts[AccessDeniedError] > 350
    assert counts[ConflictError] > 700
    assert counts[ThrottledError] > 380
    assert counts[ServerError] > 400


@pytest.mark.timeout(600)
async def test_the_classes_of_every_client_are_botocores_with_a_kind_and_their_errors_pickle() -> None:
    async with aiosdk.Session(region_name="us-east-1") as session:
        names = await session.get_available_services()
        seen = 0
        for service in names:
            client: Any = await session.client(service)
            for shape in client.meta.service_model.error_shapes:
                made = getattr(client.exceptions, shape.name)
                assert made.__name__ == shape.name
                assert issubclass(made, ClientError)
                assert kind_named(made) is kind_of_shape(shape)
                error = client.exceptions.from_code(shape.error_code)(
                    {"Error": {"Code": shape.error_code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": 400}},
                    "Operation",
                )
                plain = ClientError(error.response, "Operation")
                classify(error)
                assert str(error) == str(plain)
                twin = pickle.loads(pickle.dumps(error))
                assert type(twin) is type(error)
                assert (str(twin), twin.response, twin.operation_name) == (str(error), error.response, "Operation")
                assert pickle.loads(pickle.dumps(made)) is made
                seen += 1
            await client.close()
        assert seen > 5000


CODES = [
    # as EC2, IAM, SQS, SNS, STS and S3 write them, which have no or few models of their errors
    ("InvalidInstanceID.NotFound", 400, NotFoundError),
    ("InvalidGroup.NotFound", 400, NotFoundError),
    ("NoSuchEntity", 404, NotFoundError),
    ("AWS.SimpleQueueService.NonExistentQueue", 400, NotFoundError),
    ("QueueDoesNotExist", 400, NotFoundError),
    ("NoSuchBucket", 404, NotFoundError),
    ("NoSuchUpload", 404, NotFoundError),
    ("NoSuchLifecycleConfiguration", 404, NotFoundError),
    ("ServerSideEncryptionConfigurationNotFoundError", 404, NotFoundError),
    ("ResourceNotFoundException", 400, NotFoundError),
    ("404", 404, NotFoundError),
    ("", 404, NotFoundError),
    ("Gone", 410, NotFoundError),
    ("AccessDenied", 403, AccessDeniedError),
    ("AccessDeniedException", 400, AccessDeniedError),
    ("UnauthorizedOperation", 403, AccessDeniedError),
    ("Client.UnauthorizedOperation", 403, AccessDeniedError),
    ("AuthFailure", 401, AccessDeniedError),
    ("ExpiredToken", 400, AccessDeniedError),
    ("ExpiredTokenException", 400, AccessDeniedError),
    ("UnrecognizedClientException", 400, AccessDeniedError),
    ("InvalidClientTokenId", 403, AccessDeniedError),
    ("SignatureDoesNotMatch", 403, AccessDeniedError),
    ("RequestTimeTooSkewed", 403, AccessDeniedError),
    ("403", 403, AccessDeniedError),
    ("SlowDown", 503, ThrottledError),
    ("Throttling", 400, ThrottledError),
    ("RequestLimitExceeded", 503, ThrottledError),
    ("ProvisionedThroughputExceededException", 400, ThrottledError),
    ("TooManyRequestsException", 429, ThrottledError),
    ("anything", 429, ThrottledError),
    ("BucketAlreadyExists", 409, ConflictError),
    ("BucketAlreadyOwnedByYou", 409, ConflictError),
    ("BucketNotEmpty", 409, ConflictError),
    ("OperationAborted", 409, ConflictError),
    ("PreconditionFailed", 412, ConflictError),
    ("ConditionalCheckFailedException", 400, ConflictError),
    ("ConditionalRequestConflict", 409, ConflictError),
    ("InvalidGroup.Duplicate", 400, ConflictError),
    ("DependencyViolation", 400, ConflictError),
    ("EntityAlreadyExists", 409, ConflictError),
    ("DeleteConflict", 409, ConflictError),
    ("ResourceInUseException", 400, ConflictError),
    ("WAFDuplicateItemException", 400, ConflictError),
    ("WAFOptimisticLockException", 400, ConflictError),
    ("AWS.SimpleQueueService.PurgeQueueInProgress", 403, ConflictError),
    ("AWS.SimpleQueueService.QueueDeletedRecently", 400, ConflictError),
    ("Resource.AlreadyAssociated", 400, ConflictError),
    ("InternalError", 500, ServerError),
    ("InternalError", 200, ServerError),  # inside of an answer that began well
    ("ServiceUnavailable", 503, ServerError),
    ("InternalFailure", 500, ServerError),
    ("503", 503, ServerError),
    ("503", 400, ServerError),  # from a stubber
    ("404", 400, NotFoundError),
    ("403", 400, AccessDeniedError),
    ("404", 502, ServerError),
    ("400", 400, None),
    ("KMSNotFoundException", 502, ServerError),
    ("ValidationException", 400, None),
    ("InvalidParameterValue", 400, None),
    ("LimitExceeded", 409, None),
    ("ServiceQuotaExceededException", 402, None),
    ("DryRunOperation", 412, None),
    ("PermanentRedirect", 301, None),
    ("304", 304, None),
    ("", None, None),
]


@pytest.mark.parametrize(("code", "status", "kind"), CODES, ids=[f"{code} {status}" for code, status, _ in CODES])
def test_codes_and_statuses(code: str, status: int | None, kind: type[Exception] | None) -> None:
    assert kind_of(code, status) is kind
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = ClientError(response, "Operation")
    text = str(error)
    classify(error)
    assert [each for each in KINDS if isinstance(error, each)] == ([] if kind is None else [kind])
    assert (type(error).__module__, type(error).__qualname__) == ("botocore.exceptions", "ClientError")
    assert (str(error), repr(error)) == (text, f"ClientError({text!r})")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == text


def test_a_class_without_a_kind_gets_that_of_the_status_and_keeps_its_name() -> None:
    made = type("OddException", (ClientError,), {})
    error = made({"Error": {"Code": "OddException"}, "ResponseMetadata": {"HTTPStatusCode": 409}}, "Operation")
    classify(error)
    assert isinstance(error, made)
    assert isinstance(error, ConflictError)
    assert type(error).__name__ == "OddException"
    assert repr(error).startswith("OddException(")


def test_every_row_of_the_table_is_used() -> None:
    kinds = [kind for kind, _ in TABLE]
    assert set(kinds) == {None, *KINDS}


def test_a_code_without_an_end_is_not_searched() -> None:
    assert kind_of("NoSuch" * 1000, 400) is None
    assert kind_of("NoSuch" * 1000, 403) is AccessDeniedError
