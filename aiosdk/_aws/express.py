"""The express lane of a call: one operation of one client, compiled to a plan, and run straight over the pool.

A plan covers the calls that are ordinary and succeed at once. Whatever happens before anything is sent (parameters
that are not valid, say) sends the call down the reference lane from its start; whatever comes of the one request that
is not simply a success is handed over to it. So every error, and every second attempt, is aiobotocore's own.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import os
import uuid
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.httpchecksum import apply_request_checksum
from botocore import auth
from botocore.compress import maybe_compress_request
from botocore.context import ClientContext, get_context, reset_context, set_context
from botocore.handlers import add_recursion_detection_header, convert_body_to_file_like_object
from botocore.httpchecksum import resolve_checksum_context
from botocore.utils import percent_encode_sequence

from aiosdk._aws.answer_reader import AnswerReader
from aiosdk._aws.handover import INVOCATION_ID, FirstAttempt
from aiosdk._aws.quirks import called
from aiosdk._aws.request_bodies import ASKS_FROM, as_sent, may_have_checksum, validated_by
from aiosdk._aws.targets import CredentialsFailedError, NotCompiledError, Targets
from aiosdk._aws.throttling import turn_of
from aiosdk._compile.sign import EMPTY_SHA256, UNSIGNED_PAYLOAD, UNSIGNED_TRAILER, hash_payload, s3_signs_payload
from aiosdk._options import put_headers
from aiosdk._transport.block import Block
from aiosdk.exceptions import SessionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiosdk._aws.quirks import Quirk
    from aiosdk._aws.targets import Target
    from aiosdk._aws.throttling import Turn
    from aiosdk._transport.http import Response

GOOD_FOR: Final = 30.0
"""Seconds after which what still waits for its turn is signed again. AWS takes signatures that are five minutes old."""


class Prepared:
    """One request, signed and ready, and what is needed to read its answer."""

    __slots__ = ("body", "context", "headers", "invocation_id", "method", "params", "url")

    params: dict[str, Any]
    context: dict[str, Any]
    method: str
    url: str
    headers: dict[str, str]
    body: Any
    invocation_id: str


class Plan:
    """What a call of one operation of one client does, step by step.

    Args:
        client: The client.
        operation: botocore's model of the operation.
        handlers: The handlers of each kind of event, with their treatment.
    """

    def __init__(self, client: Any, operation: Any, handlers: Mapping[str, list[tuple[Any, Quirk]]]) -> None:
        self.client, self.operation, self.handlers = client, operation, handlers
        self._before_build = called(handlers["before-parameter-build"])
        self._before_call = called(handlers["before-call"])
        self._converts_body = any(
            handler is convert_body_to_file_like_object for handler, _ in handlers["before-parameter-build"]
        )
        self._context = _base_context(client, operation)
        self.encode = client._serializer.encoder(operation)
        self.prefixes = client._client_config.inject_host_prefix
        self.targets = Targets(client, operation, self._context, _bucket_regions(handlers))
        self.has_checksum = may_have_checksum(operation)
        self._validates = validated_by(operation)
        self.asks_checksum = (
            self._validates is not None and client.meta.config.response_checksum_validation == "when_supported"
        )
        self._compresses = bool(operation.request_compression)
        self._has_texts = _has_header_map(operation)
        self._traces = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        self._streams = bool(operation.has_streaming_output)
        self._reader = AnswerReader(client, operation, handlers)
        self._budget = client._endpoint.http_session.budget
        payload = operation.input_shape and operation.input_shape.serialization.get("payload")
        blob = bool(payload) and operation.input_shape.members[payload].type_name == "blob"
        self.payload: str | None = payload if blob else None

    async def prepare(self, given: Mapping[str, Any], extra: Mapping[str, str] | None = None) -> Prepared:
        """Make the request of a call: checked, encoded, addressed and signed. Sends nothing.

        Args:
            given: The parameters.
            extra: Headers to add.
        """
        outside = get_context()
        features = ClientContext(set() if outside is None else set(outside.features))
        token = set_context(features)
        try:
            return await self._prepare(given, features, extra)
        finally:
            reset_context(token)

    async def _prepare(
        self, given: Mapping[str, Any], features: ClientContext, extra: Mapping[str, str] | None
    ) -> Prepared:
        body = given.get(self.payload) if self.payload is not None else None
        if body is not None and not isinstance(body, (bytes, bytearray, str, Block)):
            raise NotCompiledError("the body is a file")
        params, context, operation = dict(given), self._context.copy(), self.operation
        if self._converts_body and isinstance(body, str):
            body = params[str(self.payload)] = body.encode()
        self.change_params(params, context)
        if self._validates is not None and self.asks_checksum:
            params.setdefault(self._validates[0], "ENABLED")
        target = await self.targets.get(params, context)
        features.features.update(target.features)
        request = self.encode(params)
        headers: dict[str, Any] = request["headers"]
        if self._has_texts:  # of the user's, which may be members of an enumeration
            headers.update({name: str.__str__(value) for name, value in headers.items()})
        prefix = request.get("host_prefix") if self.prefixes else None
        headers.update(target.headers)
        url = target.url(request["url_path"], prefix)
        if query := request["query_string"]:
            url += ("&" if "?" in url else "?") + percent_encode_sequence(query)
        request["url"], request["context"] = url, context
        if self.has_checksum:
            resolve_checksum_context(request, operation, params)
        elif self._validates is not None and self._validates[0] in params:
            context["checksum"] = self._validates[1]
        for handler, parameter in self._before_call:
            if parameter is None or parameter in params:
                handler(model=operation, params=request, context=context)
        if self._converts_body and isinstance(body, (bytes, Block)) and len(body) >= ASKS_FROM:
            headers["Expect"] = "100-continue"
        if self._traces:
            add_recursion_detection_header(request)
        if self._compresses:
            maybe_compress_request(self.client.meta.config, request, operation)
        if self.has_checksum:
            apply_request_checksum(request)
        if extra is not None:
            put_headers(extra, headers)
        prepared = Prepared()
        prepared.params, prepared.context = params, context
        prepared.method, prepared.url = request["method"], url
        prepared.body = as_sent(request["body"])
        prepared.headers = await self._sign(target, prefix, prepared, headers)
        self._finish(prepared)
        return prepared

    def change_params(self, params: dict[str, Any], context: dict[str, Any]) -> None:
        """Do what botocore's handlers do with parameters before they are encoded."""
        for handler, parameter in self._before_build:
            if parameter is None or parameter in params:
                handler(params=params, model=self.operation, context=context)

    async def _sign(
        self, target: Target, prefix: str | None, prepared: Prepared, headers: dict[str, Any]
    ) -> dict[str, str]:
        checksum = prepared.context.get("checksum", {}).get("request_algorithm")
        in_trailer = checksum is not None and checksum["in"] == "trailer"
        if target.signer is None:
            if in_trailer:
                headers["X-Amz-Content-SHA256"] = UNSIGNED_TRAILER
            return headers
        source = self.client._request_signer._credentials
        if source is None:
            raise NotCompiledError("there are no credentials")
        try:
            credentials = await source.get_frozen_credentials()
        except Exception as error:
            raise CredentialsFailedError(error) from error
        if in_trailer:
            payload_hash = UNSIGNED_TRAILER
        elif not self._signs_payload(target, headers, checksum, prepared.body):
            payload_hash = UNSIGNED_PAYLOAD
        elif isinstance(prepared.body, Block):
            payload_hash = await prepared.body.sha256()
        else:
            payload_hash = hash_payload(prepared.body) if prepared.body else EMPTY_SHA256
        host = (prefix or "") + target.host
        path, _, query = prepared.url[len(target.scheme) + 3 + len(prefix or "") + len(target.netloc) :].partition("?")
        return target.signer.sign(
            prepared.method,
            host,
            path,
            query,
            headers,
            payload_hash,
            credentials.access_key,
            credentials.secret_key,
            credentials.token,
            self.client._endpoint.http_session.clock.now(host),
        )

    def _signs_payload(self, target: Target, headers: dict[str, Any], checksum: Any, body: Any) -> bool:
        if not target.is_s3:
            return target.signs_payload
        # Over TLS botocore signs no hash of a body whose checksum it has worked out itself. That of a part of a
        # transfer was worked out beforehand, and the part is not to be hashed a second time for that.
        header = checksum["name"] if checksum is not None else "Content-MD5"
        header = "x-amz-checksum-" if isinstance(body, Block) else header.lower()
        return s3_signs_payload(
            is_https=target.scheme == "https",
            has_checksum=any(name.lower().startswith(header) for name in headers),
            is_streaming=self._context["has_streaming_input"],
            is_unsigned=not target.signs_payload,
            configured=(self.client.meta.config.s3 or {}).get("payload_signing_enabled"),
        )

    def _finish(self, prepared: Prepared) -> None:
        """Add the headers that are not signed."""
        headers = prepared.headers
        prepared.invocation_id = str(uuid.uuid4())
        headers[INVOCATION_ID] = prepared.invocation_id
        headers["amz-sdk-request"] = "attempt=1"
        headers["User-Agent"] = self.client._user_agent_creator.to_string()

    async def send(self, prepared: Prepared, turn: Turn | None = None) -> Response:
        """Send a request over the pool."""
        return await self.client._endpoint.http_session.exchange(
            prepared.method, prepared.url, prepared.headers.copy(), prepared.body, stream=self._streams, turn=turn
        )

    async def call(
        self, given: dict[str, Any], reference: Callable[..., Any], extra: Mapping[str, str] | None = None
    ) -> Any:
        """Make a call.

        Args:
            given: The parameters.
            reference: Takes parameters and a first attempt, and goes down the reference lane.
            extra: Headers to add.
        """
        prepared = turn = None
        sender = self.client._endpoint.http_session
        try:
            prepared = await self.prepare(given, extra)
            turn = await turn_of(sender, prepared.url, prepared.headers, prepared.body)
            if turn is not None and turn.waited > GOOD_FOR:
                prepared = None
                prepared = await self.prepare(given, extra)
        except CredentialsFailedError as failed:
            raise failed.error from failed.error.__cause__
        except Exception:  # noqa: S110 - whatever it is, botocore says it in its words
            pass
        # The reference lane is called outside of `except`, or its errors would be told with ours before them.
        if prepared is None:
            return await reference(given, None)
        response: Response | None = None
        failure: Exception | None = None
        begun = monotonic()
        try:
            response = await self.send(prepared, turn)
        except SessionClosedError:
            raise  # there is nothing to go on with
        except Exception as error:
            failure = error
        if response is None:
            first = FirstAttempt(sender, prepared.invocation_id, failure, monotonic() - begun)
            del failure  # it holds this frame
            return await reference(self._retold(given, prepared), first)
        if response.status < 300:
            try:
                answer = await self._reader.read(response, prepared.context)
            except Exception:  # noqa: S110 - likewise
                pass
            else:
                self._budget.successes += 1
                return answer
        first = FirstAttempt(sender, prepared.invocation_id, response, monotonic() - begun)
        return await reference(self._retold(given, prepared), first)

    def _retold(self, given: dict[str, Any], prepared: Prepared) -> dict[str, Any]:
        """The parameters for the reference lane: idempotency tokens stay those that were sent."""
        params = prepared.params
        return {**given, **{name: params[name] for name in self.operation.idempotent_members if name in params}}


def _has_header_map(operation: Any) -> bool:
    shape = operation.input_shape
    return shape is not None and any(
        member.serialization.get("location") == "headers" for member in shape.members.values()
    )


def _base_context(client: Any, operation: Any) -> dict[str, Any]:
    """What botocore puts into the context of each call of an operation."""
    preference = client.meta.config.auth_scheme_preference
    auth_type = operation.resolved_auth_type
    if operation.auth and preference:
        auth_type = auth.resolve_auth_scheme_preference(preference.split(","), operation.auth)
    return {
        "client_region": client.meta.region_name,
        "client_config": client.meta.config,
        "has_streaming_input": operation.has_streaming_input,
        "auth_type": auth_type,
        "unsigned_payload": operation.unsigned_payload,
        "auth_options": operation.service_model.metadata.get("auth"),
    }


def _bucket_regions(handlers: Mapping[str, list[tuple[Any, Quirk]]]) -> Mapping[str, str]:
    """The cache of S3's redirector."""
    for handler, _ in handlers["before-endpoint-resolution"]:
        if handler.__name__ == "redirect_from_cache":
            return handler.__self__._cache
    return {}
