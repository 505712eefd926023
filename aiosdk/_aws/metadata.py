"""Has aiobotocore's fetchers of instance and container metadata send over the session's pool, and minds the answers."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import MetadataRetrievalError
from botocore.utils import get_environ_proxies

from aiosdk import _off_loop
from aiosdk._aws.redaction import redacted
from aiosdk.exceptions import InvalidHeaderError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiosdk._aws.http_session import PooledHTTPSession

# Characters of a refusal that an error repeats.
MOST_SAID: Final = 500
_ROLES: Final = "/iam/security-credentials/"


def send_metadata_over(fetcher: Any, http: type[PooledHTTPSession]) -> None:
    """Have one of aiobotocore's metadata fetchers (instance, container, region) use the session's pool."""
    if hasattr(fetcher, "_base_url"):
        proxies = get_environ_proxies(fetcher._base_url)
        fetcher._session = _InstanceSession(http(timeout=fetcher._timeout, proxies=proxies))
    else:
        fetcher._session = _ContainerSession(http(timeout=fetcher.TIMEOUT_SECONDS))
        fetcher._sleep = _off_loop.sleep


class _FetcherSession:
    """Sends what a fetcher asks, in the form that aiobotocore's fetchers expect of a session."""

    def __init__(self, http: PooledHTTPSession) -> None:
        self._http = http

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Self]:
        yield self

    async def _answer(self, request: Any) -> Any:
        try:
            return await self._http.send(request)
        except InvalidHeaderError as error:  # which is no parameter of the user's call
            problem = f"what the service or the environment gave cannot be sent on: {error.kwargs['what']}"
            raise MetadataRetrievalError(error_msg=problem) from None


class _InstanceSession(_FetcherSession):
    """Sends what an instance's fetcher asks.

    Names, tokens and zones are answered as a line of text, whose end some services write and the fetcher would take for
    a part of it: a role's name goes into a path, a token into a header, and of a zone the last character is cut off.
    """

    async def send(self, request: Any) -> Any:
        answer = await self._answer(request)
        text: bytes = (await answer.content).strip()
        if request.url.endswith(_ROLES):
            text = text.partition(b"\n")[0].rstrip()  # a list of one, but of the first if there were more
        answer._content = text
        return answer


class _ContainerSession(_FetcherSession):
    """Sends what a container's fetcher asks, which puts the whole body of a refusal into the text of its error."""

    async def send(self, request: Any) -> Any:
        answer = await self._answer(request)
        if answer.status_code != 200:
            said = (await answer.content).decode(errors="replace")[:MOST_SAID]
            answer._content = redacted(said).encode()
        return answer
