"""A web service over S3: one session for its whole life, objects streamed to whoever asks for them.

python examples/web_service.py --port 8080
curl localhost:8080/buckets
curl localhost:8080/objects/my-bucket/some/key
"""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

import aiosdk
from aiosdk.exceptions import IdentifierError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SESSION = web.AppKey("session", aiosdk.Session)
LOG = logging.getLogger("web_service")
ERRORS = {400: web.HTTPBadRequest, 403: web.HTTPForbidden, 404: web.HTTPNotFound}


async def open_session(options: argparse.Namespace, app: web.Application) -> AsyncIterator[None]:
    """Keep one session open from start-up to shutdown: its clients and connections serve every request."""
    async with aiosdk.Session(
        profile_name=options.profile, region_name=options.region, endpoint_url=options.endpoint_url
    ) as app[SESSION]:
        yield


@contextmanager
def http_errors() -> Iterator[None]:
    """Turn what AWS or the network says into the status that our caller should get."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise ERRORS.get(status, web.HTTPBadGateway)(text=f"{error}\n") from error
    except (IdentifierError, ParamValidationError) as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error
    except BotoCoreError as error:
        raise web.HTTPBadGateway(text=f"{error}\n") from error


async def list_buckets(request: web.Request) -> web.Response:
    """Answer with the names of the buckets and when they were made."""
    with http_errors():
        s3 = await request.app[SESSION].resource("s3")
        buckets = await s3.buckets
    return web.json_response([{"name": each.name, "created": each.creation_date.isoformat()} for each in buckets])


async def get_object(request: web.Request) -> web.StreamResponse:
    """Pass an object on chunk by chunk: however large it is, only a chunk of it is in memory."""
    with http_errors():
        s3 = await request.app[SESSION].resource("s3")
        found = await s3.Object(request.match_info["bucket"], request.match_info["key"]).get()
    async with found["Body"] as body:
        response = web.StreamResponse(headers={"Content-Type": found["ContentType"], "ETag": found["ETag"]})
        response.content_length = found["ContentLength"]
        await response.prepare(request)
        try:
            async for chunk in body.iter_chunks(64 * 1024):
                await response.write(chunk)
        except BotoCoreError as error:
            LOG.warning("%s broke off: %s", request.path, error)
            if request.transport is not None:
                request.transport.abort()  # it is too late for another status, but not complete either
        except ConnectionError:
            pass  # the caller has left
    return response


def make_app(options: argparse.Namespace) -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(partial(open_session, options))
    app.router.add_get("/buckets", list_buckets)
    app.router.add_get("/objects/{bucket}/{key:.*}", get_object, allow_head=False)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint-url", metavar="URL", help="where S3 is, if not at AWS")
    parser.add_argument("--profile", help="profile of the AWS config files")
    parser.add_argument("--region", help="region, if not the profile's")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: %(default)s)")
    options = parser.parse_args()
    try:
        web.run_app(make_app(options), host="127.0.0.1", port=options.port)
    except (BotoCoreError, OSError) as error:
        sys.exit(f"web_service.py: {error}")


if __name__ == "__main__":
    main()
