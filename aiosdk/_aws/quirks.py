"""What the express lane makes of each handler that botocore and aiobotocore register for the events of a call.

A call whose events have a handler that is not in this table takes the reference lane: it is a user's hook, or belongs
to something that is not compiled. A test holds the table against all handlers that the two libraries have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: Final = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "before-send",
    "response-received",
    "before-parse",
    "needs-retry",
    "after-call",
    "after-call-error",
)
"""The kinds of events of a call, in order."""


class Way(Enum):
    """How the express lane accounts for a handler."""

    CALL = "is called"
    DONE = "is done by the lane itself"
    DECODED = "is done by decoders that it has, where the answer is decoded"
    IDLE = "has nothing to do in a call that succeeds at once"
    RULES = "is called when the endpoint's rules are evaluated, and its outcome remembered"


@dataclass(frozen=True, slots=True)
class Quirk:
    """The treatment of one handler."""

    way: Way
    words: str = ""
    """What the handler does, for `client.plan()`; empty when it goes without saying."""
    concerns: Callable[[Any], bool] = lambda model: True
    """Whether it does anything for an operation."""
    parameter: str | None = None
    """The parameter without which it does nothing."""


def _call(words: str = "", parameter: str | None = None, concerns: Callable[[Any], bool] = lambda model: True) -> Quirk:
    return Quirk(Way.CALL, words, concerns, parameter)


_DONE: Final = Quirk(Way.DONE)
_IDLE: Final = Quirk(Way.IDLE)
_RULES: Final = Quirk(Way.RULES)

# By the kind of event and the handler's module and name; for an object, its class's.
QUIRKS: Final[dict[str, dict[str, Quirk]]] = {
    "provide-client-params": {
        # For other handlers, which might change the parameters.
        "aiosdk.services.dynamodb.transform.PythonTypes.copy_params": _IDLE,
    },
    "before-parameter-build": {
        "botocore.handlers.generate_idempotent_uuid": _call(
            "make up an idempotency token unless one is given", concerns=lambda model: bool(model.idempotent_members)
        ),
        "botocore.handlers._handle_request_validation_mode_member": _DONE,
        "botocore.handlers.validate_bucket_name": _call("check the bucket's name", "Bucket"),
        "botocore.handlers.remove_bucket_from_url_paths_from_model": _DONE,  # when the plan is made
        "botocore.handlers.remove_accid_host_prefix_from_model": _DONE,  # likewise
        "botocore.handlers.set_list_objects_encoding_type_url": _call("ask for keys in URL encoding"),
        "botocore.handlers.handle_copy_source_param": _call("encode the source's key", "CopySource"),
        "botocore.handlers.validate_ascii_metadata": _call("check that metadata are ASCII", "Metadata"),
        "botocore.handlers.convert_body_to_file_like_object": _DONE,
        "botocore.handlers.sse_md5": _call("add the MD5 of the encryption key", "SSECustomerKey"),
        "botocore.handlers.copy_source_sse_md5": _call(
            "add the MD5 of the source's encryption key", "CopySourceSSECustomerKey"
        ),
        "botocore.handlers.base64_encode_user_data": _call("encode the user data in base64", "UserData"),
        "botocore.handlers.fix_route53_ids": _call("take the kind off an id"),
        "botocore.handlers.inject_account_id": _call("fill in the account id `-`"),
        "botocore.handlers.ParameterAlias.alias_parameter_in_call": _call("take parameters by their older names"),
        "botocore.discovery.block_endpoint_discovery_required_operations": _call(
            concerns=lambda model: bool(model.endpoint_discovery and model.endpoint_discovery.get("required"))
        ),
        "aiosdk.services.dynamodb.transform.PythonTypes.write_conditions": _call("write conditions as expressions"),
        "aiosdk.services.dynamodb.transform.PythonTypes.serialize_params": _call("take Python's values"),
        # They note in the call's context what a redirect or S3 Express will ask for.
        "botocore.utils.S3RegionRedirectorv2.annotate_request_context": _IDLE,
        "botocore.client.ClientCreator._inject_s3_input_parameters": _IDLE,
    },
    "before-endpoint-resolution": {
        "botocore.handlers.customize_endpoint_resolver_builtins": _RULES,
        "botocore.utils.S3RegionRedirectorv2.redirect_from_cache": _RULES,
    },
    "before-call": {
        "botocore.handlers.add_recursion_detection_header": _DONE,
        "botocore.handlers.add_expect_header": _DONE,
        "botocore.handlers.add_glacier_version": _call("add the version of Glacier's API"),
        "botocore.handlers.add_accept_header": _call("ask for JSON"),
        "botocore.handlers.escape_xml_payload": _call("escape line ends in the body"),
        "botocore.handlers.inject_api_version_header_if_needed": _call(
            concerns=lambda model: model.is_endpoint_discovery_operation
        ),
        "botocore.utils.S3ExpressIdentityResolver.apply_signing_cache_key": _IDLE,
    },
    "request-created": {
        "aiobotocore.signers.AioRequestSigner.handler": _DONE,
        "botocore.useragent.UserAgentString.rebuild_and_replace_user_agent_handler": _DONE,
        "botocore.handlers.add_retry_headers": _DONE,
    },
    "choose-signer": {
        "botocore.handlers.set_operation_specific_signer": _RULES,
        "botocore.handlers._set_auth_scheme_preference_signer": _RULES,
        "botocore.handlers.disable_signing": _RULES,
        "botocore.client.ClientCreator._default_s3_presign_to_sigv2": _RULES,
        "botocore.client.ClientCreator._default_signer_to_sigv4": _RULES,
    },
    "before-sign": {
        # It cuts a path that only signatures of version 2 look at.
        "botocore.handlers.remove_arn_from_signing_path": _IDLE,
        "botocore.handlers._set_extra_headers_for_unsigned_request": _DONE,
        "botocore.utils.S3ExpressIdentityResolver.resolve_s3express_identity": _IDLE,
        "botocore.handlers.remove_content_type_header_for_presigning": _IDLE,
    },
    "before-parse": {
        "aiosdk._aws.s3_bodies.find_error": _DONE,
        "botocore.handlers.handle_expires_header": _DONE,
        "botocore.handlers._map_oauth2_errors": _IDLE,
    },
    "needs-retry": {
        "botocore.handlers._update_status_code": _IDLE,
        "aiobotocore.retryhandler.AioRetryHandler": _IDLE,
        "aiobotocore.retries.standard.AioRetryHandler.needs_retry": _IDLE,
        "aiobotocore.utils.AioS3RegionRedirectorv2.redirect_from_error": _IDLE,
        "aiosdk._aws.second_chance.give_second_chance": _IDLE,
    },
    "after-call": {
        "botocore.handlers._handle_sqs_compatible_error": _IDLE,
        "botocore.handlers.json_decode_policies": _call("read policies, which are JSON"),
        "botocore.handlers.decode_console_output": _call("decode the output's base64"),
        "botocore.handlers.json_decode_template_body": _call("read the template, which is JSON"),
        "aiosdk._aws.s3_bodies.DecodeEncoded": _call("decode keys from URL encoding"),
        "botocore.retries.standard.RetryQuotaChecker.release_retry_quota": _call("give back to the retry quota"),
        "aiosdk.services.dynamodb.transform.PythonTypes.deserialize_answer": Quirk(
            Way.DECODED, "give Python's values: the answer is decoded into them"
        ),
    },
}


def name_of(handler: Any) -> str:
    """The module and name of a handler: of its function, or of its class where it is an object."""
    function: Any = getattr(handler, "__func__", handler)
    if not hasattr(function, "__qualname__"):
        function = cast("Any", type(handler))
    return f"{function.__module__}.{function.__qualname__}"


def called(handlers: list[tuple[Any, Quirk]]) -> list[tuple[Any, str | None]]:
    """Give the handlers that are called, each with the parameter without which it does nothing."""
    return [(handler, quirk.parameter) for handler, quirk in handlers if quirk.way is Way.CALL]
