"""Client: aiobotocore's client, at home in a session."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import asyncio
import inspect
import io
import logging
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache, cached_property, partial
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from xml.etree.ElementTree import ParseError

from aiobotocore.client import AioBaseClient
from botocore import xform_name
from botocore.exceptions import NoRegionError as UpstreamNoRegionError

from aiosdk import _forks, _off_loop
from aiosdk._async_only import AsyncContext
from aiosdk._aws.call_plan import CallPlan, call_plan
from aiosdk._aws.calls import Call, deadline_exceeded, under_way
from aiosdk._aws.endpoint import OutOfTimeError
from aiosdk._aws.events import attribute_by_hooks, is_ours, works_off_loop
from aiosdk._aws.given_answers import take_answers
from aiosdk._aws.guards import explained
from aiosdk._aws.http_session import PooledHTTPSession
from aiosdk._aws.lanes import Lanes
from aiosdk._aws.pages import paging
from aiosdk._aws.presign import presign_arguments
from aiosdk._aws.redirects import HEAD_BUCKET, asked_once
from aiosdk._aws.waiters import remembering
from aiosdk._options import KEEP, NONE
from aiosdk._transport.block import Block
from aiosdk._transport.progress import Progress, progress
from aiosdk.exceptions import (
    ClientClosedError,
    ClientError,
    NoRegionError,
    ServerError,
    SessionClosedError,
    ThrottledError,
    UnknownOperationError,
    UnknownPaginatorError,
    UnknownWaiterError,
    nearest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping
    from types import CoroutineType

    from aiosdk._aws.foreign_http import Stay
    from aiosdk._aws.handover import FirstAttempt
    from aiosdk._options import CallOptions


logger: Final = logging.getLogger(__name__)

# Seconds that are given to what has to be done before a client is closed.
_LONGEST_END: Final = 10.0


class Home(Protocol):
    """What a client needs of its session."""

    @property
    def profile_name(self) -> str:
        """The session's profile."""
        ...

    def check(self, doing: str) -> None:
        """Raise unless the session may be used here and now."""
        ...

    def retire(self, client: Client) -> None:
        """Give this client to nobody any more."""
        ...


def _may_block(value: object) -> bool:
    """Whether reading a parameter may wait for a disk: it is read for checksum, signature and sending."""
    read = getattr(value, "read", None)
    return read is not None and not isinstance(value, (io.BytesIO, Block)) and not inspect.iscoroutinefunction(read)


class _TypedNames(dict[str, str]):
    """The names of the methods of a service's operations, with its own: `s3.list_buckets`."""

    def __init__(self, service_name: str) -> None:
        super().__init__()
        self._service_name = service_name

    def __missing__(self, operation_name: str) -> str:
        name = self[operation_name] = f"{self._service_name}.{xform_name(operation_name)}"
        return name


_typed_names: Final = cache(_TypedNames)


class Client(AsyncContext, AioBaseClient):
    """A low-level client: each operation of its service as a coroutine, named and called as in boto3.

    Get one with `await session.client(name)`. It sends over the session's pool and lives as long as the session.
    """

    _home: Home | None = None
    _closed: bool = False
    _is_own: bool = False
    """Whether it belongs to whoever has entered it, as aiobotocore's clients do."""
    _lanes: Lanes | None = None
    _options: CallOptions | None = None
    _root: Client | None = None
    _stay: Stay | None = None
    _endings: Mapping[object, tuple[int, Callable[[], Awaitable[None]]]] = MappingProxyType({})
    _PY_TO_OP_NAME: Mapping[str, str]
    _entered_as = "async with session.client(...) as client:"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        take_answers(self._endpoint)

    def __repr__(self) -> str:
        state = "closed " if (self._root or self)._closed else ""
        return f"<{state}{self.meta.service_model.service_name} client region={self.meta.region_name!r}>"

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> CoroutineType[Any, Any, Any]:
        # Every operation comes through here; tracing libraries and moto patch the inherited method, which must
        # therefore stay the one that does the work.
        calling = self._call(operation_name, api_params)
        calling.__qualname__ = self._typed[operation_name]
        return calling

    async def _call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        if _off_loop.is_driven():
            return await _off_loop.OnLoop(lambda: self._make_api_call(operation_name, api_params))
        self.check(operation_name)
        options, headers = self._options, None
        if options is not None:
            if options.timeout is not None:
                return await self._within(options, operation_name, api_params)
            headers = options.headers
        lanes = self._lanes or self._open_lanes()
        plan = lanes.plan(operation_name) if lanes is not None else None
        try:
            if plan is not None:
                return await plan.call(api_params, partial(self._reference, operation_name), headers)
            return await self._reference(operation_name, api_params)
        except SessionClosedError as error:
            raise self._closed_meanwhile(operation_name, error) from error
        except UpstreamNoRegionError as error:
            raise self._no_region() from error
        except (RecursionError, ParseError, UnicodeEncodeError, AttributeError, TypeError) as error:
            better = explained(error, operation_name, api_params)
            if better is None:
                raise
            raise better from error

    def _open_lanes(self) -> Lanes | None:
        if self._lanes is None and is_ours(self.meta.events):
            self._lanes = Lanes(self)
        return self._lanes

    def plan(self, operation_name: str) -> CallPlan:
        """Say what a call of an operation does: `print(client.plan("put_object"))`.

        Sends nothing. Raises `UnknownOperationError` when the service has no such operation.
        """
        if operation_name not in self._PY_TO_OP_NAME:
            raise self._unknown(operation_name)
        return call_plan(self, self._open_lanes(), operation_name, self._PY_TO_OP_NAME[operation_name])

    async def presigned(self, *args: Any, **kwargs: Any) -> str | None:
        """Give the URL that `generate_presigned_url` gives, or None where botocore makes it or says what is wrong."""
        lanes = self._open_lanes()
        try:
            method, params, expires, http_method = presign_arguments(*args, **kwargs)
            presigner = lanes and lanes.presigner(self._PY_TO_OP_NAME[method])
            return await presigner.url(params or {}, expires, http_method) if presigner else None
        except Exception:  # whatever it is, botocore says it in its words
            return None

    async def _reference(
        self, operation_name: str, api_params: dict[str, Any], first: FirstAttempt | None = None
    ) -> Any:
        """Make a call as aiobotocore does; `first` is what came of its first request, where that was sent already."""
        call = Call(self._options, first)
        if (current := progress.get()) is not None and current.owner is self:
            current.call = call
        token = under_way.set(call)
        try:
            with asked_once() if operation_name == HEAD_BUCKET else nullcontext():
                answer = await self._inherited(operation_name, api_params)
        except Exception as error:
            call.tell(error)
            if isinstance(error, ClientError) and not isinstance(error, (ThrottledError, ServerError)):
                self._succeeded()  # the service is up
            raise
        finally:
            call.forget()
            under_way.reset(token)
        self._succeeded()
        return answer

    async def _inherited(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        """Make a call by aiobotocore's method, off the event loop where that reads a file."""
        files = [name for name, value in api_params.items() if _may_block(value)]
        if files and self._may_be_driven(api_params):
            return await _off_loop.drive(super()._make_api_call(operation_name, api_params))
        for name in files:
            api_params = {**api_params, name: io.BytesIO(await _off_loop.call(api_params[name].read))}
        return await super()._make_api_call(operation_name, api_params)

    @cached_property
    def _typed(self) -> Mapping[str, str]:
        """What the coroutines of calls are named, by the operation: what their caller has typed."""
        return _typed_names(self.meta.service_model.service_name)

    def _succeeded(self) -> None:
        endpoint: Any = self._endpoint
        if (budget := getattr(endpoint, "budget", None)) is not None:
            budget.successes += 1

    async def _within(self, options: CallOptions, operation_name: str, api_params: dict[str, Any]) -> Any:
        """Make a call within its deadline."""
        seconds = options.timeout
        assert seconds is not None
        inner = self._view(replace(options, timeout=None))
        current = Progress(monotonic() + seconds, inner)
        token = progress.set(current)
        patience = asyncio.timeout(seconds)
        try:
            async with patience:
                return await inner._make_api_call(operation_name, api_params)
        except OutOfTimeError:
            pass
        except TimeoutError as error:
            if not patience.expired() or not isinstance(error.__cause__, asyncio.CancelledError):
                raise  # it is another one's
        finally:
            progress.reset(token)
            current.owner = current.watch = None
        service = self.meta.service_model.service_name
        raise deadline_exceeded(current, service, xform_name(operation_name), seconds)

    def _may_be_driven(self, api_params: dict[str, Any]) -> bool:
        """Whether a call needs nothing of the event loop between its requests."""
        adaptive = self.meta.config.retries["mode"] == "adaptive"  # whose limiter waits on the loop
        directory_bucket = str(api_params.get("Bucket")).endswith("--x-s3")  # whose sessions are shared under a lock
        return not adaptive and not directory_bucket and works_off_loop(self.meta.events)

    def with_options(
        self,
        *,
        timeout: float | None = KEEP,
        attempts: int | None = KEEP,
        headers: Mapping[str, str] | None = KEEP,
    ) -> Self:
        """Give a view of this client whose calls have options: `await s3.with_options(timeout=2).get_object(...)`.

        The view is the same client in all else (connections, hooks, `meta`, `exceptions`), and costs a microsecond.
        Its paginators, waiters, transfers, and resources whose `meta.client` it is, have the options for each of their
        calls. A view of a view keeps what is not given anew; None takes an option back. Sends nothing.

        Args:
            timeout: Seconds within which a call must end, all its attempts, the pauses between them and the wait for a
                connection included. A streaming body is read after its call: for it the read time-out goes on.
            attempts: How many requests a call may send until one succeeds; 1 is no retry.
            headers: Headers to add to each request; they are signed. Those that a call writes itself are refused.

        Raises:
            CallOptionError: A value makes no sense, a `ValueError`.
            DeadlineExceededError: (by the calls) A call took longer than `timeout`, a `TimeoutError`.
        """
        return self._view((self._options or NONE).merged(timeout, attempts, headers))

    def _view(self, options: CallOptions) -> Self:
        self._open_lanes()  # or each view would compile plans of its own
        view = object.__new__(type(self))
        vars(view).update(vars(self), _options=options, _root=self._root or self)
        return view

    @contextmanager
    def calling(self, method_name: str) -> Generator[None]:
        """Check that a method may be called here and now, and explain what botocore leaves unexplained."""
        self.check(method_name)
        try:
            yield
        except UpstreamNoRegionError as error:
            raise self._no_region() from error

    def check(self, method_name: str) -> None:
        """Raise unless a method may be called here and now."""
        service = self.meta.service_model.service_name
        if (self._root or self)._closed:
            raise ClientClosedError(service_name=service, operation_name=xform_name(method_name))
        if self._home is not None:
            self._home.check(f"call {service}.{xform_name(method_name)}")

    def _closed_meanwhile(self, operation_name: str, error: SessionClosedError) -> SessionClosedError:
        """Say which call the session was closed under, and what that was at."""
        at = str(error.kwargs.get("doing"))
        if at.startswith("finish "):
            at = "its request was under way" if at == "finish a request" else at
        else:
            at = f"it was about to {at}"
        call = f"{self.meta.service_model.service_name}.{xform_name(operation_name)}"
        return SessionClosedError(doing=f"finish {call}, under which its session was closed ({at})")

    def _no_region(self) -> NoRegionError:
        profile = "default" if self._home is None else self._home.profile_name
        return NoRegionError(service_name=self.meta.service_model.service_name, profile=profile)

    def __getattr__(self, item: str) -> Any:
        if item.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {item!r}")
        found = attribute_by_hooks(self, item)
        if found is None:
            raise self._unknown(item)
        return found

    def _unknown(self, operation_name: str) -> UnknownOperationError:
        return UnknownOperationError(
            service_name=self.meta.service_model.service_name,
            operation_name=operation_name,
            nearest=nearest(operation_name, self._PY_TO_OP_NAME, noun="operation"),
        )

    def get_paginator(self, operation_name: str) -> Any:
        """Make a paginator for an operation: `async for page in client.get_paginator(name).paginate(...)`.

        Sends nothing. Raises `UnknownPaginatorError` when the operation has none.
        """
        if operation_name not in self._PY_TO_OP_NAME or not self.can_paginate(operation_name):
            pageable = [name for name in self._PY_TO_OP_NAME if self.can_paginate(name)]
            raise UnknownPaginatorError(
                service_name=self.meta.service_model.service_name,
                operation_name=operation_name,
                nearest=nearest(operation_name, pageable, noun="paginator"),
            )
        return paging(super().get_paginator(operation_name))

    def get_waiter(self, waiter_name: str) -> Any:
        """Make a waiter: `await client.get_waiter(name).wait(...)`.

        Sends nothing. Raises `UnknownWaiterError` when the service has no such waiter.
        """
        known: list[str] = self.waiter_names  # pyright: ignore[reportAssignmentType]
        if waiter_name not in known:
            raise UnknownWaiterError(
                service_name=self.meta.service_model.service_name,
                waiter_name=waiter_name,
                nearest=nearest(waiter_name, known, noun="waiter"),
            )
        return remembering(
            super().get_waiter(waiter_name), f"{self.meta.service_model.service_name}.get_waiter({waiter_name!r})"
        )

    def at_close(self, key: object, act: Callable[[], Awaitable[None]] | None) -> None:
        """Have something done before the client or its session is closed, or with None no more."""
        root = self._root or self
        others = {name: each for name, each in root._endings.items() if name is not key}
        root._endings = others if act is None else {**others, key: (_forks.generation, act)}

    async def end(self) -> None:
        """Do what is to be done before the client is closed; what takes too long is given up."""
        client = self._root or self
        try:
            # What a process has begun that this one was forked from is not to be ended here.
            await self._end([act() for begun, act in client._endings.values() if begun == _forks.generation])
        finally:
            if client._stay is not None:
                await self._end([client._stay.end()])

    async def _end(self, acts: list[Awaitable[None]]) -> None:
        if not acts:
            return
        try:
            async with asyncio.timeout(_LONGEST_END):
                failures = await asyncio.gather(*acts, return_exceptions=True)
        except TimeoutError as error:
            failures = [error]
        for failure in failures:
            if failure is not None:
                logger.warning("Before %r was closed: %r", self, failure)

    async def close(self) -> None:
        """Retire this client: its calls raise `ClientClosedError`, and the session makes a new one when asked.

        The connections are the session's and stay open. Closing twice does nothing. Closing a view of it is the same.
        """
        client = self._root or self
        try:
            await client.end()
        finally:
            client._closed = True
            if client._home is not None:
                client._home.retire(client)
            if client._stay is None:  # else it was exited
                await super().close()

    async def __aenter__(self) -> Self:
        if self._is_a_providers():
            await self._on_loop(super().__aenter__)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close nothing, for the client is the session's; unless it is from `create_client`."""
        if (self._root or self)._is_own:
            await self.close()
        elif self._is_a_providers():
            await self._on_loop(partial(super().__aexit__, *exc_info))

    def _is_a_providers(self) -> bool:
        """Whether a credential provider of aiobotocore's has made it for itself, over an HTTP session of its own."""
        return self._home is None and not isinstance(self._endpoint.http_session, PooledHTTPSession)

    async def _on_loop(self, act: Callable[..., Any]) -> None:
        if _off_loop.is_driven():
            await _off_loop.OnLoop(act)
        else:
            await act()
