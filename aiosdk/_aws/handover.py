"""Hands a first attempt that did not simply succeed from the express lane over to the reference lane.

The reference lane goes through the call once more from its parameters. Where it would send its first request, it gets
what came of the request that was sent already; so errors, retries, redirects and waiting are aiobotocore's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosdk._transport.http import Response

INVOCATION_ID: Final = "amz-sdk-invocation-id"


@dataclass(eq=False, slots=True)
class FirstAttempt:
    """What came of the first request of a call."""

    sender: Any
    """The HTTP session of the call's client; other requests may be sent while the call is under way."""
    invocation_id: str
    outcome: Response | Exception | None
    """None once it was taken."""
    seconds: float = 0.0
    """How long it took."""

    def take(self) -> Response | None:
        """Give the response or raise the failure, once; None for the attempts after that."""
        outcome, self.outcome = self.outcome, None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def same_call(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Give headers with the id of the call that the first attempt had. They are not signed."""
        return {name: self.invocation_id if name == INVOCATION_ID else value for name, value in headers.items()}
