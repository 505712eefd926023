"""Makes a request once more that was refused for its time or for credentials that have expired.

botocore gives up on both, although both can be mended: AWS's answer says what time it is, and temporary credentials can
be asked for anew. A computer whose clock is wrong would never get an answer, and a crawl that outlives its credentials
by a second would end. What one endpoint says of either changes nothing for requests to another one.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import logging
import re
from time import monotonic
from typing import Any, Final

from aiosdk._aws.clock import TRIED
from aiosdk._aws.credentials import SessionCredentials
from aiosdk._aws.whom import whom_of
from aiosdk._compile.sign import host_of

log: Final = logging.getLogger("aiosdk.credentials")

EVENT: Final = "needs-retry"
ID: Final = "aiosdk-second-chance"

WRONG_TIME: Final = frozenset(
    (
        *("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "RequestNotYetValid"),
        # These may have other reasons, and have them most of the time.
        *("InvalidSignatureException", "SignatureDoesNotMatch", "InvalidSignature", "AuthFailure", "401", "403"),
    )
)
EXPIRED: Final = frozenset(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"))
_MAY_BE: Final = (400, 401, 403)
_ACCESS_KEY: Final = re.compile("Credential=([^/]+)/")
_GIVEN: Final = "aiosdk_second_chance"
_RENEWED_FOR: Final = "aiosdk_renewed_for"


async def give_second_chance(response: Any, endpoint: Any, request_dict: Any, **_: Any) -> float | None:
    """Say, as a handler of `needs-retry`, that a request should be sent again at once."""
    if response is None:
        return None
    http, parsed = response
    status, context = http.status_code, request_dict["context"]
    if _GIVEN in context:
        if status < 300 or (400 < status < 500 and status not in (*_MAY_BE, 429)):
            _was_right(endpoint, context)
        return None
    if status not in _MAY_BE:
        return None
    error = parsed.get("Error", {})
    code = str(error.get("Code"))
    if code in WRONG_TIME:
        again = _in_time(endpoint, request_dict, http, error)
    else:
        again = code in EXPIRED and await _renewed(endpoint, request_dict, http)
    if not again:
        return None
    context[_GIVEN] = True
    return 0.0


def _in_time(endpoint: Any, request_dict: Any, http: Any, error: Any) -> bool:
    host = host_of(request_dict["url"])
    told = http.headers.get("date") or error.get("ServerTime")
    offset = endpoint.http_session.clock.offset_told(host, told, getattr(http.raw, "signed_at", None))
    if offset is None:
        return False
    request_dict["context"][TRIED] = host, offset
    return True


def _was_right(endpoint: Any, context: Any) -> None:
    """The request was taken now: what it was refused for before was the reason."""
    if (tried := context.pop(TRIED, None)) is not None:
        endpoint.http_session.clock.keep(*tried)
    if (host := context.pop(_RENEWED_FOR, None)) is not None:
        endpoint.signing_credentials.renewals.was_right(host, monotonic())


async def _renewed(endpoint: Any, request_dict: Any, http: Any) -> bool:
    credentials = getattr(endpoint, "signing_credentials", None)
    found = _ACCESS_KEY.search(getattr(http.raw, "signature", None) or "")
    if not isinstance(credentials, SessionCredentials):
        return False
    try:
        host = host_of(request_dict["url"])
        if not await credentials.renew(found and found[1], host):
            return False
    except Exception as error:  # the service's own words are the better error
        log.warning("Credentials that have expired could not be renewed: %s", type(error).__name__)
        return False
    request_dict["context"][_RENEWED_FOR] = host
    return True


def prepare_client(client: Any, clock: Any) -> None:
    """Have a client sign with its endpoint's time, and what sends its requests know whom they concern."""
    signer = client._request_signer
    make_auth = signer.get_auth_instance

    async def on_time(*args: Any, **kwargs: Any) -> Any:
        auth = await make_auth(*args, **kwargs)
        return clock.sign_with(auth) if clock.doubted else auth

    signer.get_auth_instance = on_time
    client._endpoint.signing_credentials = signer._credentials
    client._endpoint.http_session.concerns(whom_of(client))
