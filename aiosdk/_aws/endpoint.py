"""aiobotocore's endpoint, where the attempts of the reference lane are made, with our options, history and budget.

aiobotocore and botocore decide whether there is another attempt, as ever. What is ours: that the options may ask for
more or fewer, that a pause is as long as the server asks, and that the session's budget must allow it.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from aiobotocore.endpoint import AioEndpoint

from aiosdk import _off_loop
from aiosdk._aws import retry_after
from aiosdk._aws.calls import under_way
from aiosdk._aws.throttling import turn_of
from aiosdk._options import put_headers
from aiosdk._transport.progress import enter, progress

if TYPE_CHECKING:
    from aiosdk._transport.budget import RetryBudget


class OutOfTimeError(Exception):
    """The pause before the next attempt would go beyond the deadline."""


class _OutOfBudgetError(Exception):
    pass


class Endpoint(AioEndpoint):
    """Makes the attempts of the calls of one client."""

    retries: dict[str, Any]

    @property
    def budget(self) -> RetryBudget | None:
        """The retries of the client's account at its endpoint; None where the session's pool does not send."""
        return getattr(self.http_session, "budget", None)

    async def create_request(self, params: dict[str, Any], operation_model: Any = None) -> Any:
        call = under_way.get()
        if call is not None:
            if call.options.headers:
                put_headers(call.options.headers, params["headers"])
            if call.first is None or call.first.outcome is None:
                # Before it is signed: a signature is good for some minutes.
                call.turn = await turn_of(self.http_session, params["url"], params["headers"], params["body"])
        request = await super().create_request(params, operation_model)
        if self.budget is None:
            enter("read")  # from here on it is in the hands of somebody who does not tell
        return request

    async def _get_response(self, request: Any, operation_model: Any, context: Any) -> Any:
        try:
            return await super()._get_response(request, operation_model, context)
        except Exception as error:  # the answer cannot be read
            if (call := under_way.get()) is not None:
                call.ended(None, error)
            raise

    async def _needs_retry(
        self,
        attempts: int,
        operation_model: Any,
        request_dict: Any,
        response: Any = None,
        caught_exception: Exception | None = None,
    ) -> bool:
        call = under_way.get()
        number = attempts
        if call is not None:
            call.ended(response, caught_exception)
            number = call.number_for_handlers(attempts, self.retries)
        try:
            return await super()._needs_retry(number, operation_model, request_dict, response, caught_exception)
        except _OutOfBudgetError:
            return False

    async def _sleep(self, sleep_amount: float) -> None:
        # Asked for when there is to be another attempt. Without a pause it is none after a failure, but goes elsewhere.
        call = under_way.get()
        if call is None:
            await _off_loop.sleep(sleep_amount)
            return
        if sleep_amount:
            budget = self.budget
            if budget is not None and not budget.take():
                call.out_of_budget = True
                raise _OutOfBudgetError
            if (answer := call.answer) is not None:
                sleep_amount = retry_after.pause(answer.headers, sleep_amount)
        current = progress.get()
        if current is not None:
            current.pause = sleep_amount
            enter("backoff")
            if current.until < monotonic() + sleep_amount:
                call.pauses(None)
                raise OutOfTimeError
        call.pauses(sleep_amount)
        await _off_loop.sleep(sleep_amount)
        enter("prepare")
        call.goes_on()


def adopt(endpoint: Any, retries: dict[str, Any]) -> None:
    """Make an endpoint ours that aiobotocore has made.

    Args:
        endpoint: The endpoint.
        retries: The client's configuration of retries.
    """
    endpoint.__class__ = Endpoint
    endpoint.retries = retries
