"""Presigned URLs by the compiled parts of a call: encoded, addressed and signed, and sent by whoever has the URL."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.handlers import remove_content_type_header_for_presigning
from botocore.signers import _should_use_global_endpoint
from botocore.utils import percent_encode_sequence

from aiosdk._aws.targets import NotCompiledError, Targets

if TYPE_CHECKING:
    from aiosdk._aws.express import Plan


class Presigner:
    """Presigns the requests of one operation of one client.

    Args:
        plan: The plan of the operation's calls.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        client = plan.client
        self._context = {"is_presign_request": True, "use_global_endpoint": _should_use_global_endpoint(client)}
        self._targets = Targets(
            client, plan.operation, self._context, plan.targets.bucket_regions, signing_type="presign-url"
        )
        if any(handler is remove_content_type_header_for_presigning for handler, _ in plan.handlers["before-sign"]):
            raise NotCompiledError("a header is taken off before signing")

    async def url(self, given: dict[str, Any], expires: Any, method: str | None) -> str:
        """Give the URL for a call's parameters. Raises an exception, of whatever kind, for what is not plain."""
        plan = self._plan
        params, context = dict(given), self._context.copy()
        plan.change_params(params, context)
        target = await self._targets.get(params, context)
        if target.signer is None:
            raise NotCompiledError("it is not signed")
        request = plan.encode(params)
        body = request["body"]
        if body and not isinstance(body, dict):
            raise NotCompiledError("it has a body")
        url = target.url(request["url_path"], request.get("host_prefix") if plan.prefixes else None)
        if query := request["query_string"]:
            url += ("&" if "?" in url else "?") + percent_encode_sequence(query)
        credentials = await plan.client._request_signer._credentials.get_frozen_credentials()
        return target.signer.presign(
            request["method"] if method is None else method,
            url,
            {**request["headers"], **target.headers},
            credentials.access_key,
            credentials.secret_key,
            credentials.token,
            plan.client._endpoint.http_session.clock.now_at(url),
            expires,
            body=body or None,
        )


def presign_arguments(
    ClientMethod: str,  # noqa: N803 - botocore's names
    Params: dict[str, Any] | None = None,  # noqa: N803
    ExpiresIn: Any = 3600,  # noqa: N803
    HttpMethod: str | None = None,  # noqa: N803
) -> tuple[str, dict[str, Any] | None, Any, str | None]:
    """Give the arguments of `generate_presigned_url` in order."""
    return ClientMethod, Params, ExpiresIn, HttpMethod
