"""Decides which lane a call takes: the compiled plan of its operation, or aiobotocore's own path.

`AIOSDK_LANE` in the environment decides it for all calls, for tests and to find out where a difference comes from:
`reference` never takes a plan, `express` takes it also where aiobotocore's part would be logged or recorded.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.client import AioBaseClient
from aiobotocore.endpoint import AioEndpoint
from botocore.handlers import remove_accid_host_prefix_from_model, remove_bucket_from_url_paths_from_model
from botocore.history import get_global_history_recorder

from aiosdk._aws.endpoint import Endpoint
from aiosdk._aws.events import Hook, built_in_of, changes, emits_as_ever, hooks_of
from aiosdk._aws.express import Plan
from aiosdk._aws.http_session import PooledHTTPSession
from aiosdk._aws.presign import Presigner
from aiosdk._aws.quirks import KINDS, QUIRKS, Way, name_of
from aiosdk._aws.serializers import CompiledSerializer
from aiosdk._aws.targets import NotCompiledError
from aiosdk._seams import Seams

if TYPE_CHECKING:
    from aiosdk._aws.quirks import Quirk

_LOGGERS: Final = [
    logging.getLogger(name)
    for name in (
        "botocore.auth",
        "botocore.endpoint",
        "botocore.handlers",
        "botocore.hooks",
        "botocore.httpchecksum",
        "botocore.parsers",
        "botocore.regions",
        "botocore.retryhandler",
        "aiobotocore.regions",
    )
]


_UPSTREAM: Final = ("botocore", "aiobotocore")
# The door, what tracing libraries wrap, test suites mock and subclasses change beside it, and what tells hooks.
_DOOR: Final = Seams(("_make_api_call",), _UPSTREAM)
_CLIENT: Final = Seams(
    ("_make_request", "_convert_to_request_dict", "_emit_api_params", "_resolve_endpoint_ruleset"), _UPSTREAM
)
_ENDPOINT: Final = Seams(
    (
        "make_request",
        "_send_request",
        "create_request",
        "prepare_request",
        "_get_response",
        "_do_get_response",
        "_needs_retry",
        "_send",
    ),
    _UPSTREAM,
)
_RETRIES: Final = "aiobotocore.retryhandler.AioRetryHandler"
_SIGNER: Final = "aiobotocore.signers.AioRequestSigner.handler"
_DEBUG: Final = logging.DEBUG
FORCED: Final = os.environ.get("AIOSDK_LANE", "")
_history: Final = get_global_history_recorder()


class Lanes:
    """The plans of one client, made when their operations are first called."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._plans: dict[str, Plan | NotCompiledError] = {}
        self._presigners: dict[Plan, Presigner] = {}
        self._events = client.meta.events
        self._changes = changes(self._events)

    def plan(self, operation_name: str) -> Plan | None:
        """Give the plan that a call should follow now, or None for the reference lane."""
        events = self._client.meta.events
        if events is not self._events:
            return None  # the user has put others in their place
        plan = self._plans.get(operation_name)
        if plan is None or self._changes != events._emitter._handlers.changes:
            plan = self.compiled(operation_name)
        if type(plan) is not Plan or self.watched():
            return None
        return plan

    def presigner(self, operation_name: str) -> Presigner | None:
        """Give what makes an operation's presigned URLs now, or None where botocore does."""
        plan = self.plan(operation_name)
        if plan is None:
            return None
        presigner = self._presigners.get(plan)
        if presigner is None:
            presigner = self._presigners[plan] = Presigner(plan)
        return presigner

    def compiled(self, operation_name: str) -> Plan | NotCompiledError:
        """Give the plan of an operation as its handlers are now, or the reason why it has none."""
        now = changes(self._events)
        if now != self._changes:
            self._plans.clear()
            self._presigners.clear()
            self._changes = now
        plan = self._plans.get(operation_name)
        if plan is None:
            plan = self._plans[operation_name] = self._compile(operation_name)
        return plan

    def _compile(self, operation_name: str) -> Plan | NotCompiledError:
        client = self._client
        try:
            operation = client.meta.service_model.operation_model(operation_name)
            handlers = _handlers(client, operation)
            _check(client, operation)
            for handler, _ in handlers["before-parameter-build"]:
                if handler in (remove_bucket_from_url_paths_from_model, remove_accid_host_prefix_from_model):
                    handler(params={}, model=operation, context={})
            return Plan(client, operation, handlers)
        except NotCompiledError as reason:
            return reason
        except Exception as error:  # a model of a user's own may lack anything; botocore says what
            return NotCompiledError(f"its model is unusual ({type(error).__name__})")

    def watched(self) -> bool:
        """Whether somebody looks at what only the reference lane does, or does it differently."""
        client = self._client
        endpoint = client._endpoint
        kind = type(endpoint)
        if (
            not _DOOR.are_own(AioBaseClient)
            or not _CLIENT.are_own(type(client))
            or not _ENDPOINT.are_own(AioEndpoint if kind is Endpoint else kind)  # what is ours there goes on to theirs
            or not emits_as_ever()
            or not client.__dict__.keys().isdisjoint(_CLIENT.names)
            or not endpoint.__dict__.keys().isdisjoint(_ENDPOINT.names)
            or "send" in endpoint.http_session.__dict__
        ):
            return True
        if FORCED:
            return FORCED == "reference"
        for logger in _LOGGERS:
            if logger.isEnabledFor(_DEBUG):
                return True
        return _history._enabled

    def watcher(self) -> str:
        """Say who watches, where somebody does."""
        client = self._client
        endpoint = client._endpoint
        kind = type(endpoint)
        for seams, owner, instance in (
            (_DOOR, AioBaseClient, client),
            (_CLIENT, type(client), client),
            (_ENDPOINT, AioEndpoint if kind is Endpoint else kind, endpoint),
        ):
            if name := seams.changed(owner):
                return f"{owner.__name__}.{name} is not aiobotocore's"
            if seams is not _DOOR and (names := seams.names & vars(instance).keys()):
                return f"{min(names)} of this {'endpoint' if seams is _ENDPOINT else 'client'} is replaced"
        if not emits_as_ever():
            return "somebody has replaced what emits events"
        if "send" in vars(endpoint.http_session):
            return "send of its HTTP session is replaced"
        if FORCED:
            return f"AIOSDK_LANE={FORCED}"
        return "somebody looks at the debug logs or the history of botocore"


def _handlers(client: Any, operation: Any) -> dict[str, list[tuple[Any, Quirk]]]:
    """The handlers of an operation's events that concern it, with their treatment."""
    service, found = operation.service_model.service_id.hyphenize(), dict[str, list[tuple[Any, Any]]]()
    for kind in KINDS:
        found[kind] = []
        name = f"{kind}.{service}" if kind == "before-endpoint-resolution" else f"{kind}.{service}.{operation.name}"
        for handler in hooks_of(client.meta.events, name):
            if isinstance(handler, Hook):
                raise NotCompiledError(f"{name_of(handler.__wrapped__)} is registered for {name}")
            quirk = QUIRKS.get(kind, {}).get(name_of(handler))
            if quirk is None:
                raise NotCompiledError(f"{name_of(handler)} is registered for {name}")
            if quirk.concerns(operation):
                found[kind].append((handler, quirk))
        for handler in built_in_of(client.meta.events, name):
            quirk = QUIRKS.get(kind, {}).get(name_of(handler))
            if quirk is not None and quirk.way is Way.DONE and (handler, quirk) not in found[kind]:
                raise NotCompiledError(f"{name_of(handler)} was unregistered from {name}")
    if sum(name_of(each) == _RETRIES for each, _ in found["needs-retry"]) > 1:
        raise NotCompiledError("it has retry rules beside the client's")
    if _SIGNER not in [name_of(each) for each, _ in found["request-created"]]:
        raise NotCompiledError("its signer was unregistered")
    return found


def _check(client: Any, operation: Any) -> None:
    """Raise for what is not compiled: streams of events, endpoint discovery, parts that the user has replaced."""
    session = client._endpoint.http_session
    if operation.has_event_stream_input or operation.has_event_stream_output:
        raise NotCompiledError("it is a stream of events")
    if not isinstance(client._serializer, CompiledSerializer):
        raise NotCompiledError("its protocol is not compiled")
    if not isinstance(session, PooledHTTPSession):
        raise NotCompiledError("its HTTP session is the user's")
    if type(session).send is not PooledHTTPSession.send:
        raise NotCompiledError("its HTTP session is the user's")
    if client._ruleset_resolver is None:
        raise NotCompiledError("its service has no endpoint rules")
