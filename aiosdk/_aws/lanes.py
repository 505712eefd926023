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
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.client import AioBaseClient
from aiobotocore.endpoint import AioEndpoint
from botocore.handlers import remove_accid_host_prefix_from_model, remove_bucket_from_url_paths_from_model
from botocore.history import get_global_history_recorder

from aiosdk._aws.events import changes, hooks_of
from aiosdk._aws.express import Plan
from aiosdk._aws.http_session import PooledHTTPSession
from aiosdk._aws.presign import Presigner
from aiosdk._aws.quirks import KINDS, QUIRKS, name_of
from aiosdk._aws.serializers import CompiledSerializer
from aiosdk._aws.targets import NotCompiledError

if TYPE_CHECKING:
    from aiosdk._aws.quirks import Quirk

_LOGGERS: Final = [
    logging.getLogger(name)
    for name in (
        "botocore.auth",
        "botocore.endpoint",
        "botocore.handlers",
        "botocore.hooks",
        "botocore.parsers",
        "botocore.regions",
        "botocore.retryhandler",
        "aiobotocore.regions",
    )
]


def _seam(owner: type, name: str) -> Any:
    """A method that tracing libraries replace, as it is without them; None where one already has."""
    found: Any = None
    for base in owner.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            break
    module = str(getattr(found, "__globals__", {}).get("__name__"))
    return found if type(found) is FunctionType and module.partition(".")[0] in ("botocore", "aiobotocore") else None


_MAKE_API_CALL: Final = _seam(AioBaseClient, "_make_api_call")
_PREPARE_REQUEST: Final = _seam(AioEndpoint, "prepare_request")
_SEND: Final = _seam(AioEndpoint, "_send")
_DEBUG: Final = logging.DEBUG
FORCED: Final = os.environ.get("AIOSDK_LANE", "")
_history: Final = get_global_history_recorder()


class Lanes:
    """The plans of one client, made when their operations are first called."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._plans: dict[str, Plan | NotCompiledError] = {}
        self._presigners: dict[Plan, Presigner] = {}
        self._changes = changes(client.meta.events)

    def plan(self, operation_name: str) -> Plan | None:
        """Give the plan that a call should follow now, or None for the reference lane."""
        plan = self._plans.get(operation_name)
        if plan is None or self._changes != self._client.meta.events._emitter._handlers.changes:
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
        now = changes(self._client.meta.events)
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
        except ZeroDivisionError as error:  # a model of a user's own may lack anything; botocore says what
            return NotCompiledError(f"its model is unusual ({type(error).__name__})")

    def watched(self) -> bool:
        """Whether somebody looks at what only the reference lane does, or does it differently."""
        endpoint = type(self._client._endpoint)
        if (
            AioBaseClient._make_api_call is not _MAKE_API_CALL
            or endpoint.prepare_request is not _PREPARE_REQUEST
            or endpoint._send is not _SEND
        ):
            return True
        if FORCED:
            return FORCED == "reference"
        for logger in _LOGGERS:
            if logger.isEnabledFor(_DEBUG):
                return True
        return _history._enabled


def _handlers(client: Any, operation: Any) -> dict[str, list[tuple[Any, Quirk]]]:
    """The handlers of an operation's events that concern it, with their treatment."""
    service, found = operation.service_model.service_id.hyphenize(), dict[str, list[tuple[Any, Any]]]()
    for kind in KINDS:
        found[kind] = []
        name = f"{kind}.{service}" if kind == "before-endpoint-resolution" else f"{kind}.{service}.{operation.name}"
        for handler in hooks_of(client.meta.events, name):
            quirk = QUIRKS.get(kind, {}).get(name_of(handler))
            if quirk is None:
                raise NotCompiledError(f"{name_of(handler)} is registered for {name}")
            if quirk.concerns(operation):
                found[kind].append((handler, quirk))
    return found


def _check(client: Any, operation: Any) -> None:
    """Raise for what is not compiled: streams of events, endpoint discovery, parts that the user has replaced."""
    session = client._endpoint.http_session
    if operation.has_event_stream_input or operation.has_event_stream_output:
        raise NotCompiledError("it is a stream of events")
    if not isinstance(client._serializer, CompiledSerializer):
        raise NotCompiledError("its protocol is not compiled")
    if not isinstance(session, PooledHTTPSession) or "send" in vars(session):
        raise NotCompiledError("its HTTP session is the user's")
    if type(session).send is not PooledHTTPSession.send:
        raise NotCompiledError("its HTTP session is the user's")
    if client._ruleset_resolver is None:
        raise NotCompiledError("its service has no endpoint rules")
