"""Which kind each error is that AWS answers with: one table over all services, by code, by model, by HTTP status.

A code says more than a status: S3 answers 503 both when it is asked too much (`SlowDown`) and when it is ill
(`ServiceUnavailable`), and DynamoDB answers 400 to almost everything. So codes are looked at first, in the order of the
table; what no row knows goes by the status. An error of which neither says anything has no kind.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore has no types.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from aiosdk._errors import AnsweredError, Attempt, become
from aiosdk.exceptions import (
    AccessDeniedError,
    ConflictError,
    NotFoundError,
    ServerError,
    ThrottledError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Kind = type[AnsweredError]

KINDS: Final = (NotFoundError, AccessDeniedError, ThrottledError, ConflictError, ServerError)

# The first row of which some pattern is found in a code decides.
TABLE: Final[tuple[tuple[Kind | None, str], ...]] = (
    # What botocore retries as throttling, and what services call it beside that.
    (
        ThrottledError,
        r"^(EC2)?(Request)?Throttl|Throttl(ed|ing)(Exception|Error|Fault)?$|^TooManyRequests(Exception)?$"
        r"|ProvisionedThroughputExceeded|^TransactionInProgressException$|^RequestLimitExceeded(Exception)?$"
        r"|^BandwidthLimitExceeded$|^LimitExceededException$|^SlowDown(Exception)?$|^(Reduce|Slow)YourRequestRate"
        r"|^PriorRequestNotComplete$|^(Request|Api)?RateExceeded|^RateLimitExceeded|^Client\.RequestLimitExceeded$",
    ),
    # Quotas: waiting does not help, and nothing is in the way but a number. And what EC2 answers to `DryRun=True`.
    (None, r"(Limit|Quota)s?(Exceeded|Reached)|^(Maximum|TooMany)|OverLimit|^Insufficient.*Capacity|^DryRunOperation"),
    (ServerError, r"Internal(Server|Service)?(Error|Failure|Exception|Fault)|^(Service)?Unavailable(Exception)?$"),
    (
        NotFoundError,
        r"NotFound(Exception|Error|Fault|ErrorException)?$|^NotFound|\.NotFound|^NoSuch|Non[Ee]xistent"
        r"|(DoesNotExist|DoesntExist|NotExists?)(Exception|Error|Fault)?$|^UnknownResource(Fault|Exception)$",
    ),
    (
        AccessDeniedError,
        r"AccessDenied|^AllAccessDisabled$|NotAuthori[sz]ed|NoAuthorization|InsufficientPermissions|Unauthori[sz]ed|AuthorizationError|^AuthFailure$|Forbidden"
        r"|^Expired(Token|Credentials?)|^TokenRefreshRequired$|^RequestExpired$|^InvalidClientTokenId$"
        r"|^UnrecognizedClientException$|^InvalidAccessKeyId$|^InvalidToken$|^(InvalidSignature|SignatureDoesNotMatch)"
        r"|^IncompleteSignature|^MissingAuthenticationToken|^OptInRequired$|^RequestTimeTooSkewed$"
        r"|^InvalidSecurity$|^NotSignedUp$",
    ),
    (
        ConflictError,
        r"AlreadyExists?|(?<!SLR)Exists(Exception|Error|Fault)?$|Already(Owned|InUse|Associated)|\.InUse$"
        r"|(^|\.)Duplicate|DuplicateItem"
        r"|Conflict(?!Detail|Resolution|Files)|Duplicate(Exception|Error|Fault|Name)?$|(?<!Not)InUse(Exception|Fault)?$"
        r"|^ConditionalCheckFailed|^PreconditionFailed|^OperationAborted|Concurrent(Update|Operation|Modification)"
        r"|^DependencyViolation$|NotEmpty|OptimisticLock|^Incorrect(\w*)State$|^InvalidObjectState$"
        r"|PurgeQueueInProgress$|QueueDeletedRecently$|^RestoreAlreadyInProgress$|^Object\w+InActiveTierError$",
    ),
)
_ROWS: Final = tuple((kind, re.compile(pattern)) for kind, pattern in TABLE)

# For codes that no row knows.
BY_STATUS: Final[Mapping[int, Kind]] = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    412: ConflictError,
    429: ThrottledError,
}


_LONGEST_CODE: Final = 1000


def kind_of(code: str, status: int | None) -> Kind | None:
    """Give the kind of an answer, by its code and its HTTP status, where that is known."""
    if len(code) > _LONGEST_CODE:
        code = ""  # none of AWS's, and a second or so for each mebibyte
    if status == 400 and len(code) == 3 and code.isascii() and code.isdecimal():
        status = int(code)  # of a HEAD, by a stubber, whose errors are 400 unless it is told otherwise
    code = code[:1].upper() + code[1:]  # in streams of events it may begin with a small letter
    kind = next(((kind,) for kind, pattern in _ROWS if pattern.search(code)), None)
    if kind == (ThrottledError,):
        return ThrottledError
    if status is not None and status >= 500:  # whatever was not found or in conflict there, it was not the caller's
        return ServerError
    if status == 429:
        return ThrottledError
    if kind is not None:
        return kind[0]
    return None if status is None else BY_STATUS.get(status)


def kind_of_shape(shape: Any) -> Kind | None:
    """Give the kind of an error as its service's model describes it."""
    metadata = shape.metadata
    traits = metadata.get("error") or {}
    status = traits.get("httpStatusCode")
    if (metadata.get("retryable") or {}).get("throttling"):
        return ThrottledError
    kind = kind_of(str(shape.error_code), status)
    if kind is None and status is None and metadata.get("fault"):
        return ServerError
    return kind


def take_after(error: BaseException, cause: BaseException) -> None:
    """Give an error that tells of another one the kind of that, and the attempts that were made."""
    if not isinstance(cause, ClientError):
        return
    kind = next((kind for kind in KINDS if isinstance(cause, kind)), None)
    if kind is not None:
        become(error, kind)
    attempts: tuple[Attempt, ...] = getattr(cause, "attempts", ())
    if attempts:
        vars(error)["attempts"] = attempts


def classify(error: ClientError) -> None:
    """Make an error of one of our clients an instance of its kind too."""
    kind: Kind | None = None
    if not isinstance(error, KINDS):
        response: Any = error.response
        code = str(response.get("Error", {}).get("Code", ""))
        kind = kind_of(code, response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    become(error, kind or AnsweredError)
