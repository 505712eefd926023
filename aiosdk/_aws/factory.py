"""Makes clients: what reads files or takes long off the loop first, then aiobotocore's own construction."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.endpoint import AioEndpoint
from botocore.exceptions import InvalidRegionError
from botocore.exceptions import NoRegionError as UpstreamNoRegionError

from aiosdk import _off_loop
from aiosdk._aws.client_creator import create_client, is_prepared, prepare
from aiosdk._aws.client_parts import know_errors
from aiosdk._aws.config_files import nested_as_text
from aiosdk._aws.endpoint import Endpoint, adopt
from aiosdk._aws.foreign_http import host, remembered_by
from aiosdk._aws.helper_state import bound_helpers
from aiosdk._aws.http_session import PooledHTTPSession
from aiosdk._aws.second_chance import prepare_client
from aiosdk._aws.serializers import compiled_serializer
from aiosdk._aws.user_agent import remember_user_agent
from aiosdk.exceptions import InvalidEndpointError, NoRegionError
from aiosdk.settings import check_endpoint

if TYPE_CHECKING:
    from aiobotocore.client import AioBaseClient
    from aiobotocore.session import AioSession


async def make_client(session: AioSession, service_name: str, arguments: dict[str, Any]) -> AioBaseClient:
    """Make a client with boto3's arguments. Sends nothing, unless `defaults_mode="auto"` must ask where it runs."""
    configured: dict[str, str] = session.get_config_variable("api_versions") or {}
    version = arguments.get("api_version") or configured.get(service_name)
    if not is_prepared(session, service_name, version):
        await _off_loop.call(prepare, session, service_name, version)
    if (remembering := remembered_by(session.get_default_client_config(), arguments.get("config"))) is not None:
        given = arguments.get("config")
        own = AioConfig() if given is None else AioConfig().merge(given)
        arguments = {**arguments, "config": own.merge(remembering)}
    try:
        client = await create_client(session, service_name, arguments)
    except UpstreamNoRegionError as error:
        raise NoRegionError(service_name=service_name, profile=session.profile or "default") from error
    except AttributeError as error:
        if (better := await _off_loop.call(nested_as_text, session)) is not None:
            raise better from error
        raise
    except ValueError as error:
        region = arguments.get("region_name") or session.get_config_variable("region")
        if str(region).endswith("\n"):  # which botocore's own check overlooks
            raise InvalidRegionError(region_name=repr(region)) from error
        if str(error).startswith(("Invalid endpoint", "Invalid IPv6 URL")):
            # It comes from AWS_ENDPOINT_URL or a profile: arguments are checked.
            url = str(error).partition(": ")[2][:80]
            problem = f"(configured for {service_name} in the environment or a profile) is malformed"
            if region == "":
                problem = "has no region: AWS_DEFAULT_REGION, the argument or the profile says '', which is none"
            raise InvalidEndpointError(endpoint_url=url, problem=problem) from error
        raise
    check_endpoint(client.meta.endpoint_url)  # which may come from an environment variable or a profile
    know_errors(client.meta.service_model)
    remember_user_agent(client)
    bound_helpers(client)
    client._serializer = compiled_serializer(client._serializer)
    endpoint = client._endpoint
    if (stay := host(endpoint)) is not None:
        vars(client)["_stay"] = stay
    if type(endpoint) is AioEndpoint:
        adopt(endpoint, client.meta.config.retries)
    elif isinstance(endpoint, Endpoint):
        endpoint.retries = client.meta.config.retries
    if isinstance(endpoint.http_session, PooledHTTPSession):
        prepare_client(client, endpoint.http_session.clock)
    return client
