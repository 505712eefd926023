"""Every exception that aiosdk adds to botocore's.

What AWS answers stays what it is in boto3: `botocore.exceptions.ClientError` and the modelled classes of
`client.exceptions`. Each such error is of one of five kinds as well, whichever service it comes from (or of none):

    ClientError (botocore's)
    +-- NotFoundError        what was asked for is not there
    +-- AccessDeniedError    who asked may not, or could not be told who it is
    +-- ThrottledError       asked too often or too much
    +-- ConflictError        it exists already, is in use, was changed meanwhile, or a condition does not hold
    +-- ServerError          the service failed

The family below is for what happens around a call. Each class keeps the botocore or built-in base that existing
`except` clauses catch. Those that boto3 or s3transfer have by the same name are subclasses of theirs too, once the
program has imported boto3.

    AiosdkError (BotoCoreError)
    |
    |   You erred; nothing was sent
    +-- UnknownServiceError (botocore UnknownServiceError)
    +-- UnknownOperationError (AttributeError)
    +-- UnknownPaginatorError (botocore OperationNotPageableError)
    +-- UnknownWaiterError (ValueError)
    +-- ResourceNotExistsError, UnknownAPIVersionError (botocore DataNotFoundError)
    +-- NoCredentialsError, PartialCredentialsError, NoRegionError, ProfileNotFoundError (botocore's of that name)
    |   +-- AccountWithoutKeysError (NoCredentialsError)
    +-- BotocoreSessionError (TypeError)
    +-- ConfigFileError (botocore ConfigParseError)
    +-- LoginNeededError (beside the library's own, such as SSOTokenLoadError)
    +-- InvalidEndpointError, InvalidHeaderError, BodyLengthError (ValueError)
    +-- PoolLimitError (ValueError)
    +-- CallOptionError, UnsupportedOptionError (ValueError)
    +-- AsyncBodyError (botocore ParamValidationError, TypeError)
    +-- CertificateFileError (OSError)
    +-- CredentialRecursionError (RuntimeError)
    +-- NotAwaitedError (AttributeError)
    +-- ConfigNotReadError (RuntimeError)
    +-- ClosedError (RuntimeError)
    |   +-- SessionClosedError
    |   +-- ClientClosedError
    +-- EventLoopConflictError (RuntimeError)
    +-- IdentifierError (ValueError, TypeError)
    +-- NotLoadedError (AttributeError)
    +-- NoClientError, ConcurrentIterationError (RuntimeError)
    +-- SynchronousUseError (TypeError)
    |   +-- NotIterableError
    +-- CollectionArgumentError (ValueError, TypeError)
    +-- ClassesNotReadError (RuntimeError)
    +-- ResourceDefinitionError (ValueError)
    +-- MissingExtraError (botocore MissingDependencyException, ImportError)
    +-- FileobjError, TreeArgumentError (ValueError, TypeError)
    +-- TreeNameError (ValueError)
    +-- TreeRootError (FileNotFoundError, NotADirectoryError)
    +-- BatchWriterClosedError (RuntimeError)
    +-- BatchKeyError (ValueError, KeyError)
    +-- DynamoDBOperationNotSupportedError, DynamoDBNeedsConditionError, DynamoDBNeedsKeyConditionError (TypeError)
    |
    |   AWS answered, but not with what was asked for
    +-- ResourceNotFoundError (LookupError)
    +-- RepeatedTokenError (botocore PaginationError)
    +-- S3UploadFailedError, S3CopyFailedError (botocore ClientError)
    +-- RetriesExceededError
    +-- UnexpectedRangeError
    +-- FileChangedError (RuntimeError)
    +-- TreeTransferError
    +-- BatchWriteError, BatchGetError (botocore ClientError)
    +-- UnreadableAnswerError (ValueError)
    +-- AnswerRefusedError
    |
    |   The network: no complete answer (beside botocore's EndpointConnectionError, ReadTimeoutError, ...)
    +-- PoolTimeoutError
    +-- DeadlineExceededError (TimeoutError)
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import botocore.exceptions as upstream
from botocore.exceptions import ClientError

from aiosdk._errors import AnsweredError, Attempt, Remembering
from aiosdk._namesakes import Namesake

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AccessDeniedError",
    "AccountWithoutKeysError",
    "AiosdkError",
    "AnswerRefusedError",
    "AsyncBodyError",
    "Attempt",
    "BatchGetError",
    "BatchKeyError",
    "BatchWriteError",
    "BatchWriterClosedError",
    "BodyLengthError",
    "BotocoreSessionError",
    "CallOptionError",
    "CertificateFileError",
    "ClassesNotReadError",
    "ClientClosedError",
    "ClientError",
    "ClosedError",
    "CollectionArgumentError",
    "ConcurrentIterationError",
    "ConfigFileError",
    "ConfigNotReadError",
    "ConflictError",
    "CredentialRecursionError",
    "DeadlineExceededError",
    "DynamoDBNeedsConditionError",
    "DynamoDBNeedsKeyConditionError",
    "DynamoDBOperationNotSupportedError",
    "EventLoopConflictError",
    "FileChangedError",
    "FileobjError",
    "IdentifierError",
    "InvalidEndpointError",
    "InvalidHeaderError",
    "LoginNeededError",
    "MissingExtraError",
    "NoClientError",
    "NoCredentialsError",
    "NoRegionError",
    "NotAwaitedError",
    "NotFoundError",
    "NotIterableError",
    "NotLoadedError",
    "PartialCredentialsError",
    "PoolLimitError",
    "PoolTimeoutError",
    "ProfileNotFoundError",
    "RepeatedTokenError",
    "ResourceDefinitionError",
    "ResourceNotExistsError",
    "ResourceNotFoundError",
    "RetriesExceededError",
    "S3CopyFailedError",
    "S3UploadFailedError",
    "ServerError",
    "SessionClosedError",
    "SynchronousUseError",
    "ThrottledError",
    "TreeArgumentError",
    "TreeNameError",
    "TreeRootError",
    "TreeTransferError",
    "UnexpectedRangeError",
    "UnknownAPIVersionError",
    "UnknownOperationError",
    "UnknownPaginatorError",
    "UnknownServiceError",
    "UnknownWaiterError",
    "UnreadableAnswerError",
    "UnsupportedOptionError",
]


class NotFoundError(AnsweredError):
    """Raised when AWS answers that what was asked for is not there: 404, `NoSuchKey`, `ResourceNotFoundException`, ...

    A 404 to a HEAD request, which has no code, is one too. S3 answers 403 instead to whoever may not list the bucket.
    """


class AccessDeniedError(AnsweredError):
    """Raised when AWS refuses: permission is missing, or the credentials are unknown, wrong or expired."""


class ThrottledError(AnsweredError):
    """Raised when AWS was asked too often or too much, after all attempts: `SlowDown`, `ThrottlingException`, 429, ...

    What botocore retries as throttling is one; a quota on how many things may exist is not.
    """


class ConflictError(AnsweredError):
    """Raised when the state of things does not allow it: it exists already, is in use, is not empty, was changed.

    A condition of the caller's that does not hold is one too: 412, `ConditionalCheckFailedException`.
    """


class ServerError(AnsweredError):
    """Raised when the service itself failed, after all attempts: 500, `InternalError`, `ServiceUnavailable`, ..."""


class AiosdkError(Remembering, upstream.BotoCoreError):
    """Base of every error that aiosdk itself raises.

    Built from keyword arguments, which fill the class's message and are kept in `kwargs`; pickles with its type.
    """

    def __init__(self, **facts: Any) -> None:
        upstream.BotoCoreError.__init__(self, **facts)  # pyright: ignore[reportUnknownMemberType]


class UnknownServiceError(AiosdkError, upstream.UnknownServiceError):
    """Raised when botocore has no service of that name."""

    fmt = "There is no service {service_name!r}. {nearest}"


class UnknownOperationError(AiosdkError, AttributeError):
    """Raised when a client is asked for an operation or attribute that it does not have."""

    fmt = "The {service_name} client has no operation {operation_name!r}. {nearest}"


class UnknownPaginatorError(AiosdkError, upstream.OperationNotPageableError):
    """Raised by `get_paginator` for an operation that botocore cannot paginate."""

    fmt = "The {service_name} operation {operation_name!r} has no paginator. {nearest}"


class UnknownWaiterError(AiosdkError, ValueError):
    """Raised by `get_waiter` for a waiter that the service does not have."""

    fmt = "The {service_name} client has no waiter {waiter_name!r}. {nearest}"


class ResourceNotExistsError(Namesake, AiosdkError, upstream.DataNotFoundError):
    """Raised when there is no resource interface for a service; its client may well exist."""

    fmt = (
        "There is no resource {service_name!r}. Resources are available for: {available}. "
        "Use `await session.client({service_name!r})` for the service's client."
    )


class UnknownAPIVersionError(Namesake, AiosdkError, upstream.DataNotFoundError):
    """Raised when there is a resource interface for a service, but not for that API version."""

    fmt = (
        "The {service_name!r} resource has no API version {api_version!r}. It has: {available}. Leave api_version out "
        "for the latest."
    )


class NoCredentialsError(AiosdkError, upstream.NoCredentialsError):
    """Raised when a request must be signed and no provider had credentials."""

    fmt = (
        "No AWS credentials to sign the request with. Looked in the session's arguments, the environment, the profile "
        "{profile!r} (shared credentials and config files), container and instance metadata. Set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure` or `aws sso login`, name a profile with "
        "Session(profile_name=...), or use AioConfig(signature_version=botocore.UNSIGNED) for public data."
    )


class AccountWithoutKeysError(NoCredentialsError):
    """Raised when a session is given an account id without the keys that it goes with."""

    fmt = (
        "aws_account_id was given to the Session without keys: it says whose account an access key belongs to. Give "
        "aws_access_key_id and aws_secret_access_key too, or leave it out; credentials that are looked for tell their "
        "account themselves."
    )


class PartialCredentialsError(AiosdkError, upstream.PartialCredentialsError):
    """Raised when one half of a key pair was given without the other."""

    fmt = "Only part of a key pair was given ({provider}): {cred_var} is missing. Give both keys, or neither."


class BotocoreSessionError(AiosdkError, TypeError):
    """Raised when `botocore_session` is no session of aiobotocore's: boto3's and botocore's block."""

    fmt = (
        "botocore_session takes an aiobotocore.session.AioSession, not {given}. For the same settings give "
        "profile_name, region_name or keys to Session(); for hooks or credentials of your own, make an AioSession and "
        "put them there."
    )


class NoRegionError(AiosdkError, upstream.NoRegionError):
    """Raised when a service needs a region and none is configured."""

    fmt = (
        "No region for the {service_name} client. Pass region_name=... to Session() or client(), set "
        "AWS_DEFAULT_REGION, or add `region = ...` to the profile {profile!r}."
    )


class ProfileNotFoundError(AiosdkError, upstream.ProfileNotFound):
    """Raised when neither the config nor the credentials file has the named profile."""

    fmt = (
        "There is no profile {profile!r} in {config_file} or {credentials_file}. {nearest} "
        "Create it with `aws configure --profile {profile}`."
    )


class ConfigFileError(AiosdkError, upstream.ConfigParseError):
    """Raised when the config or the credentials file cannot be parsed; says where, and repeats nothing of it."""

    fmt = "The config file {path}{place}: {reason}."


class LoginNeededError(AiosdkError):
    """Raised when somebody has to log in, for the token of the profile is missing or has expired.

    It is one of botocore's `SSOTokenLoadError`, `UnauthorizedSSOTokenError`, `TokenRetrievalError`,
    `LoginRefreshRequired` and `LoginTokenLoadError` as well. `command` is what to run.
    """

    fmt = "{said}. Run `{command}`."

    @property
    def command(self) -> str:
        """What to run, such as `aws sso login --profile dev`."""
        return vars(self)["kwargs"].get("command", "")


class InvalidEndpointError(AiosdkError, ValueError):
    """Raised when an endpoint URL cannot be used."""

    fmt = "The endpoint URL {endpoint_url!r} {problem}. Give scheme and host, such as 'https://s3.example.com:9000'."


class InvalidHeaderError(AiosdkError, ValueError):
    """Raised when a parameter of a call would break its request: a line feed in a text that goes into a header, say."""

    fmt = "Nothing was sent: {what}. It comes from a parameter of the call, or from the client's configuration."


class BodyLengthError(AiosdkError, ValueError):
    """Raised when the length that a call gives for a body is not the body's.

    The server would wait for more, or take what is left over for another request.
    """

    fmt = (
        "The body cannot be sent: {problem}. Leave the length out (`ContentLength`, or a header of your own) and the "
        "body's own is told; a file must not become shorter while it is sent."
    )


class PoolLimitError(AiosdkError, ValueError):
    """Raised when a cap of a session is not a whole number of at least 1."""

    fmt = "{name}={value!r} is no cap: it takes a whole number of at least 1."


class CallOptionError(AiosdkError, ValueError):
    """Raised by `client.with_options` for a value that makes no sense; nothing was sent."""

    fmt = "{name}={value} is no option of a call: {problem}."


class UnsupportedOptionError(AiosdkError, ValueError):
    """Raised for an option of a `Config` that would be taken and then do nothing; nothing was sent."""

    fmt = "{name}={value!r} of a Config is not supported: {problem}. Leave it out."


class AsyncBodyError(AiosdkError, upstream.ParamValidationError, TypeError):
    """Raised for a body that would have to be awaited: an asynchronous file, a coroutine; or an iterator.

    Nothing was sent.
    """

    fmt = (
        "{service_name}.{operation_name} takes {member} as bytes or an open binary file, for it reads that more than "
        "once, and got {kind}. Write {instead}."
    )


class CertificateFileError(AiosdkError, OSError):
    """Raised when a CA bundle or a client certificate cannot be loaded; nothing was sent."""

    fmt = (
        "Could not load {path!r}: {problem}. It comes from verify=... or AWS_CA_BUNDLE or `ca_bundle` in the profile "
        "(a CA bundle), or from client_cert in a Config (a client certificate with its key)."
    )


class CredentialRecursionError(AiosdkError, RuntimeError):
    """Raised when a credential provider signs a request with the credentials that it is to find."""

    fmt = (
        "A credential provider of this session made a request with a client of the same session, which needs the very "
        "credentials that it is looking for. Use a client of another Session there."
    )


class NotAwaitedError(AiosdkError, AttributeError):
    """Raised when a client or resource is used that was asked for and not awaited."""

    fmt = "This is not yet the {what}: write {instead}, before using {used}."


class ConfigNotReadError(AiosdkError, RuntimeError):
    """Raised by a plain property whose value stands in a config file that was not read yet."""

    fmt = (
        "{name} stands in a config file, and files are not read on the event loop. Enter the session first "
        "(`async with session:`) or await any client of it; then the property has its value."
    )


class ClosedError(AiosdkError, RuntimeError):
    """Raised when something is used that was closed."""

    fmt = "{what} is closed."


class SessionClosedError(ClosedError):
    """Raised by every use of a session, or of anything that came from it, after `session.close()`."""

    fmt = "Cannot {doing}: its session is closed. Make a new Session, or close it later."


class ClientClosedError(ClosedError):
    """Raised by every call on a client after `client.close()`."""

    fmt = (
        "Cannot call {service_name}.{operation_name}: this client is closed. `await session.client(...)`, or "
        "`session.resource(...)` for resources, gives a new one."
    )


class EventLoopConflictError(AiosdkError, RuntimeError):
    """Raised when one session is used from two event loops that run at the same time."""

    fmt = (
        "This session is in use on another running event loop ({other_loop}, thread {other_thread}) and was used "
        "on {this_loop}, thread {this_thread}. Connections belong to one loop: make one Session per thread."
    )


class IdentifierError(AiosdkError, ValueError, TypeError):
    """Raised when a resource is made with an identifier missing, empty, unknown or given twice."""

    fmt = "{problem}. Write {call}."


class NotLoadedError(Namesake, AiosdkError, AttributeError):
    """Raised when an attribute or reference is read whose data was not fetched."""

    fmt = "{resource} has no {attribute} {reason}"


class NoClientError(AiosdkError, RuntimeError):
    """Raised when a resource is to send something and has no client, as after unpickling."""

    fmt = (
        "{resource} has no client to send with: it was unpickled, or made from its class. Give it one: "
        "`resource.meta.client = (await session.resource({service_name!r})).meta.client`."
    )


class SynchronousUseError(AiosdkError, TypeError):
    """Raised when something that has to be waited for is used as in synchronous code; says the asynchronous form."""

    fmt = "{what} is asynchronous, and {used} cannot wait for it. Write {instead}."


class NotIterableError(SynchronousUseError):
    """Raised when something that is fetched from AWS page by page, or chunk by chunk, is used as if it were a list."""

    fmt = "{what} is fetched from AWS {how}, which {used} cannot wait for. Write {instead}."


class ConcurrentIterationError(AiosdkError, RuntimeError):
    """Raised when two tasks ask one iterator for its next item at the same time."""

    fmt = "Two tasks are iterating over one iterator of {what}. Give each its own `async for`, or feed them by a queue."


class CollectionArgumentError(AiosdkError, ValueError, TypeError):
    """Raised when a collection is given a limit, a page size or a filter that cannot be."""

    fmt = "{collection}: {problem}"


class ClassesNotReadError(AiosdkError, RuntimeError):
    """Raised when resource classes are looked up on a running event loop before their description was read."""

    fmt = (
        "The classes of {service_name!r} resources are described in files that were not read yet, and files are not "
        "read on the event loop. `await session.resource({service_name!r})` first; outside a running loop nothing is "
        "needed."
    )


class ResourceDefinitionError(AiosdkError, ValueError):
    """Raised when a definition of resources (one of the user's own, for boto3's are all known) makes no sense."""

    fmt = "The definition of {what} cannot be used: {problem}."


class FileobjError(AiosdkError, ValueError, TypeError):
    """Raised when what is to be uploaded is no file, bytes or iterator; nothing was sent."""

    fmt = "{problem}."


class TreeArgumentError(AiosdkError, ValueError, TypeError):
    """Raised when `upload_dir`, `download_dir` or `sync` is given an argument that makes no sense; nothing was sent."""

    fmt = "{problem}."


class TreeNameError(AiosdkError, ValueError):
    """Raised (or listed as a failure) when a key cannot be a file in the directory, or a file's name no key.

    Keys that would leave the directory are among them. Nothing was written or sent for it.
    """

    fmt = "Refused {what}: it {problem}.{hint}"


class TreeRootError(AiosdkError, FileNotFoundError, NotADirectoryError):
    """Raised when the source of a tree is not there; nothing was sent, and nothing was deleted."""

    fmt = "{problem}."


class DynamoDBOperationNotSupportedError(Namesake, AiosdkError, TypeError):
    """Raised when something that is no condition is combined with `&`, `|` or `~`."""

    fmt = (
        "{operation} operation cannot be applied to {value}, a {kind}, which is no condition. Compare an attribute "
        "first: `Attr('name').eq(value)`."
    )


class DynamoDBNeedsConditionError(Namesake, AiosdkError, TypeError):
    """Raised when an expression is to be written of something that is no condition."""

    fmt = "Expecting a condition such as `Attr('name').eq(value)`, got {value} of type {kind}."


class DynamoDBNeedsKeyConditionError(Namesake, AiosdkError, TypeError):
    """Raised when a condition on the key has an attribute that is not given as `Key(...)`."""

    fmt = (
        "Attribute object {name} is of type {kind}. KeyConditionExpression only supports Attribute objects of type "
        "Key: write Key({name!r})."
    )


class ResourceNotFoundError(AiosdkError, LookupError):
    """Raised by `load()` when AWS answered without an error, and without the resource."""

    fmt = "There is no {resource}: {operation_name} answered with nothing."


class RepeatedTokenError(AiosdkError, upstream.PaginationError):
    """Raised when a service hands out a pagination token a second time, which would never end."""

    fmt = "{service_name}.{operation_name} handed out the same pagination token twice: {message}. It would never end."


class MissingExtraError(AiosdkError, upstream.MissingDependencyException, ImportError):
    """Raised when something needs a package that is not installed, because not everybody does."""

    fmt = "{what} needs the package {package}, which is not installed: `pip install aiosdk[{extra}]`."


class FileChangedError(AiosdkError, RuntimeError):
    """Raised when a file became shorter while it was uploaded, and no object was made of it.

    By trees also when it was written to during each of several attempts.
    """

    fmt = "{path} changed while it was uploaded: {problem}. Upload it again."


class S3UploadFailedError(Namesake, AiosdkError, upstream.ClientError):
    """Raised when S3 refused an upload. It has the `response` and `operation_name` of the `ClientError` behind it.

    The error behind it is its `__cause__`. What the network did (`EndpointConnectionError`, say) comes as it is.
    """

    fmt = "Failed to upload {source} to {bucket}/{key}: {error}"

    def __init__(self, **facts: Any) -> None:
        upstream.BotoCoreError.__init__(self, **facts)  # pyright: ignore[reportUnknownMemberType]
        self.response = facts.get("response", {})
        self.operation_name = facts.get("operation_name", "")


class S3CopyFailedError(Namesake, AiosdkError, upstream.ClientError):
    """Raised when the source of a copy was replaced while its parts were copied, or an annotation was not carried over.

    It has the `response` and `operation_name` of the `ClientError` behind it, which is its `__cause__`.
    """

    fmt = "Failed to copy {source} to {bucket}/{key}: {error}"

    def __init__(self, **facts: Any) -> None:
        upstream.BotoCoreError.__init__(self, **facts)  # pyright: ignore[reportUnknownMemberType]
        self.response = facts.get("response", {})
        self.operation_name = facts.get("operation_name", "")


class RetriesExceededError(Namesake, AiosdkError):
    """Raised when a download broke off more often than its configuration has attempts; the last error is told."""

    fmt = "Max Retries Exceeded: {what} broke off {attempts} times, the last time with: {last_exception}"

    @property
    def last_exception(self) -> Exception:
        """What happened the last time."""
        return self.kwargs["last_exception"]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class TreeTransferError(AiosdkError):
    """Raised by `upload_dir`, `download_dir` and `sync` when all is done but what has failed.

    `result` tells everything, and `failed` what failed: its entries have key, path, size and error. The first one's
    error is the cause. With `raise_failures=False` the result is returned instead.
    """

    fmt = (
        "{count} of {total} files could not be {what}. The first: {first}. `error.failed` lists them all; run it again "
        "for what is missing."
    )

    @property
    def result(self) -> Any:
        """What was done, skipped, deleted and failed, a `TreeResult`."""
        return vars(self)["kwargs"].get("result")

    @property
    def failed(self) -> tuple[Any, ...]:
        """The entries of what failed."""
        return () if self.result is None else self.result.failed


class BatchWriterClosedError(AiosdkError, RuntimeError):
    """Raised by a batch writer that was not entered, or was left."""

    fmt = "The batch writer of table {table!r} is {state}."


class BatchKeyError(AiosdkError, ValueError, KeyError):
    """Raised when a write of a batch lacks an attribute by which writes of the same key are found."""

    fmt = "The {member} for table {table!r} has no {missing}, which overwrite_by_pkeys names. It was not taken."
    __str__ = BaseException.__str__  # KeyError shows its message as a name in quotes


class BatchWriteError(AiosdkError, upstream.ClientError):
    """Raised when items could not be written that a batch writer has taken; its cause is what went wrong.

    `table` is the table's name, `unwritten` lists the requests that were not made or are not known to be, as
    `batch_write_item` takes them. `unwritten_by_table` has those of other batch writers too that the error came
    through. `response` is what AWS answered, if it did.
    """

    fmt = "Writing to the DynamoDB table {table!r} failed: {problem}."
    operation_name = "BatchWriteItem"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.table: str = kwargs["table"]
        self.unwritten: list[dict[str, Any]] = kwargs.get("unwritten", [])
        self.unwritten_by_table = {self.table: self.unwritten}
        self.response = kwargs.get("response", {"Error": {}})

    def __str__(self) -> str:
        count = len(self.unwritten)  # which may grow until all that was under way has ended
        return f"{super().__str__()} {count} write(s) not made, or not known to be: see `unwritten`."


class BatchGetError(AiosdkError, upstream.ClientError):
    """Raised when DynamoDB has left keys of a `batch_get` unprocessed again and again.

    `items` is what was found, by table; `unprocessed` lists what is left, as `batch_get_item` takes it.
    """

    fmt = (
        "DynamoDB left {count} keys unprocessed for {timeout:g} s: it is asked more than the tables' capacity allows. "
        "They are in `unprocessed`, and what was found is in `items`."
    )
    operation_name = "BatchGetItem"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.items: dict[str, list[dict[str, Any]]] = kwargs.get("items", {})
        self.unprocessed: list[dict[str, Any]] = kwargs.get("unprocessed", [])
        self.response = {"Error": {"Code": "UnprocessedKeys", "Message": str(self)}}


class UnexpectedRangeError(Namesake, AiosdkError):
    """Raised when a server answered a request for a range of an object with something else, which was not used."""

    fmt = (
        "Asked for {asked}, and the answer has {got}. The server, or a proxy before it, does not do ranges as S3 does: "
        "a Config with a multipart_threshold above the object's size downloads it with one request."
    )


class UnreadableAnswerError(AiosdkError, ValueError):
    """Raised when what a server answered cannot be read: it is not what the service's protocol says.

    `__cause__` is what the parser said. Nothing of the answer stands in the message, for there may be secrets in it.
    """

    fmt = (
        "The answer ({what}) cannot be read: {problem}. It does not come from AWS, or was changed on its way: look at "
        "the endpoint URL, and at proxies."
    )


class AnswerRefusedError(AiosdkError):
    """Raised when a server's answer is larger than any answer of AWS's; the connection was closed.

    What is read as a whole may have 1 GiB (`Session(max_response_size=...)`), 16 MiB if it is an error.
    """

    fmt = (
        "Refused the answer from {url}: {problem}. Look at the endpoint URL; if the answer is good, raise "
        "max_response_size of the Session."
    )


class PoolTimeoutError(AiosdkError):
    """Raised when for `pool_timeout` seconds nothing moved while a request waited for a connection; nothing was sent.

    It is no timeout of the server and is not retried: close the streaming bodies that are still open, send less at
    once, or raise `max_connections`. A long queue that moves on is no reason. A warning was logged before.
    """

    fmt = (
        "No free connection to {host} within {timeout:g} s in which nothing moved: {in_use} of {limit} connections are "
        "in use ({held}) and {waiting} requests wait. Close streaming bodies that are open, send less at once, or "
        "raise max_connections or Session(pool_timeout=...)."
    )


class DeadlineExceededError(AiosdkError, TimeoutError):
    """Raised when a call took longer than the `timeout` of `client.with_options`, all attempts and pauses included.

    `phase` says what it was at: `prepare` (credentials, say), `turn` (waiting, since the service throttles), `pool`
    (waiting for a connection), `connect`, `send`, `read` or `backoff` (the pause before the next attempt; the error
    comes at once when that would take too long).
    `attempts` has what came of each attempt so far. What was asked for may have been done nevertheless.
    """

    fmt = "{service_name}.{operation_name} was not done within {timeout:g} s: it was {doing}, {made}."

    @property
    def phase(self) -> str:
        """What the call was at: prepare, turn, pool, connect, send, read or backoff."""
        return vars(self)["kwargs"].get("phase", "")


def hide_userinfo(text: str) -> str:
    """Take user names and passwords out of the URLs in a text."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def nearest(name: object, known: Iterable[str], *, noun: str) -> str:
    """Say which of the `known` names is meant by a misspelt one, for use in a message."""
    names = sorted(known)
    close = get_close_matches(str(name), names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(each) for each in close)}?"
    if len(names) > 12:
        return f"There are {len(names)} {noun}s, {names[0]!r} to {names[-1]!r}."
    return f"It has: {', '.join(names)}." if names else f"There is no {noun} at all."
