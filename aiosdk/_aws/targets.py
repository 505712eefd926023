"""Where a call goes and how it is signed: botocore's decision, remembered by the parameters that it depends on."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore import UNSIGNED, auth
from botocore.context import ClientContext, get_context, start_as_current_context
from botocore.utils import ArnParser

from aiosdk._aws.models import SharedLoader
from aiosdk._compile.endpoint import parameters_read
from aiosdk._compile.sign import Signer, host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The oldest goes when there are more, used or not, for a hit to cost nothing more. S3 has one for each bucket.
MOST: Final = 1000
_ACCOUNT_ID: Final = "AWS::Auth::AccountId"


class CredentialsFailedError(Exception):
    """Raised around the error of a credential provider, which the reference lane need not ask a second time."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class NotCompiledError(Exception):
    """Raised for a call that must take the reference lane; it says why."""

    signs: tuple[Any, Any] = (None, None)
    """As a target's, where the signature is the reason."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint, with what signs requests to it."""

    scheme: str
    netloc: str
    path: str
    host: str
    headers: Mapping[str, str]
    signer: Signer | None
    """None for requests that are not signed."""
    is_s3: bool
    signs_payload: bool
    """Whether a body is hashed, where S3's own rules say nothing else."""
    features: frozenset[str]
    """What the endpoint's rules add to the features in the User-Agent."""
    signs: tuple[Any, Any] = (None, None)
    """botocore's name for how requests are signed, and the class that it has for that."""

    def url(self, path: str, prefix: str | None) -> str:
        """Join a request's path to the endpoint, and a prefix to its host."""
        if not path or path == "/":
            path = self.path or "/"
        elif path[0] == "/":
            path = self.path.removesuffix("/") + path
        else:
            path = self.path + path
        if path[0] != "/":
            path = "/" + path
        return f"{self.scheme}://{prefix or ''}{self.netloc}{path}"


@dataclass(eq=False, slots=True)
class Targets:
    """The targets of one operation of a client."""

    client: Any
    operation: Any
    context: Mapping[str, Any]
    """The call's context before anything is in it that depends on parameters."""
    bucket_regions: Mapping[str, str]
    """The regions of buckets that S3 has redirected to so far."""
    signing_type: str = "standard"
    """`presign-url` for URLs that are presigned."""
    _members: tuple[str, ...] = ()
    _paths: tuple[str, ...] = ()
    _search: tuple[Callable[[Any], Any], ...] = ()
    _account_id: Callable[[], Any] | None = None
    _known: dict[tuple[Any, ...], Target | NotCompiledError] = field(
        default_factory=dict[tuple[Any, ...], "Target | NotCompiledError"]
    )

    def __post_init__(self) -> None:
        resolver = self.client._ruleset_resolver
        if resolver is None:
            return
        read = _parameters_read(self.client)
        operation = self.operation
        self._members = tuple(param.member_name for param in operation.context_parameters if param.name in read)
        paths = [
            param["path"] for name, param in (operation.operation_context_parameters or {}).items() if name in read
        ]
        if paths:
            import jmespath

            self._search = tuple(jmespath.compile(path).search for path in paths)
        if operation.service_model.service_name == "s3" and "Bucket" not in self._members:
            self._members = ("Bucket", *self._members)  # of which the rules' built-in parameters depend
        for name, value in resolver._builtins.items():
            if callable(value) and name != _ACCOUNT_ID:
                raise NotCompiledError(f"the endpoint depends on {name}")
        if "AccountId" in resolver._param_definitions:
            self._account_id = resolver._builtins.get(_ACCOUNT_ID)

    @property
    def names(self) -> tuple[str, ...]:
        """What the endpoint depends on, by parameters of the call."""
        account = ("the account id",) if self._account_id is not None else ()
        return (*self._members, *self._paths, *account)

    def refusal(self) -> str:
        """Say why calls take the reference lane, as far as that is known before a call: nothing if it is not."""
        known = [each for each in self._known.values() if auth.AUTH_TYPE_MAPS.get(each.signs[0]) is each.signs[1]]
        if known and all(isinstance(each, NotCompiledError) for each in known):
            return str(known[0])
        version = self.context.get("auth_type") or self.client._request_signer._signature_version
        return unusual_signature(version) if version in _AUTHS or version == "bearer" else ""

    async def get(self, params: Mapping[str, Any], context: Mapping[str, Any]) -> Target:
        """Give the target for a call's parameters.

        Raises `NotCompiledError` for one that is signed in an unusual way, and what botocore raises for parameters for
        which there is none.
        """
        values: list[Any] = [params.get(name) for name in self._members]
        values += [_hashable(search(params)) for search in self._search]
        if self._account_id is not None:
            try:
                account_id = self._account_id()
                values.append(await account_id if inspect.isawaitable(account_id) else account_id)
            except Exception as error:
                raise CredentialsFailedError(error) from error
        if self.bucket_regions:
            values.append(self.bucket_regions.get(params.get("Bucket", "")))
        key = tuple(values)
        target = self._known.get(key)
        if target is None or (
            type(target) is Target and auth.AUTH_TYPE_MAPS.get(target.signs[0]) is not target.signs[1]
        ):
            if len(self._known) >= MOST:
                self._known.pop(next(iter(self._known)))
            target = self._known[key] = await self._resolve(params, dict(context))
        if isinstance(target, NotCompiledError):
            raise target.with_traceback(None)
        return target

    async def _resolve(self, params: Mapping[str, Any], context: dict[str, Any]) -> Target | NotCompiledError:
        client, signer = self.client, self.client._request_signer
        presigned = self.signing_type == "presign-url"
        with start_as_current_context(ClientContext()):
            url, headers, properties = await client._resolve_endpoint_ruleset(
                self.operation,
                params,
                context,
                ignore_signing_region=presigned and not ArnParser.is_arn(params.get("Bucket", "")),
            )
            version = await signer._choose_signer(self.operation.name, self.signing_type, context)
            features = frozenset(get_context().features)
        signing = context.get("signing", {})
        if properties.get("backend") == "S3Express" or signing.keys() & {"request_credentials", "identity_cache"}:
            return NotCompiledError("directory buckets have credentials of their own")
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            return NotCompiledError("the endpoint has a query")
        sign = None
        signs = version, auth.AUTH_TYPE_MAPS.get(version)
        if version is not UNSIGNED:
            if unusual := unusual_signature(version):
                refused = NotCompiledError(unusual)
                refused.signs = signs
                return refused
            region, name = signing.get("region") or signer._region_name, signing.get("signing_name")
            sign = Signer(name or signer._signing_name, region, is_s3=version.startswith("s3v4"))
        return Target(
            scheme=parts.scheme,
            netloc=parts.netloc,
            path=parts.path,
            host=host_of(url),
            headers=dict(headers),
            signer=sign,
            is_s3=str(version).startswith("s3v4"),
            signs_payload=context.get("payload_signing_enabled", True),
            features=features,
            signs=signs,
        )


# botocore's signers by name, and those that take their places where awscrt is installed.
_AUTHS: Final[dict[Any, tuple[Any, str]]] = {
    "v4": (auth.SigV4Auth, "CrtSigV4Auth"),
    "v4-query": (auth.SigV4QueryAuth, "CrtSigV4QueryAuth"),
    "s3v4": (auth.S3SigV4Auth, "CrtS3SigV4Auth"),
    "s3v4-query": (auth.S3SigV4QueryAuth, "CrtS3SigV4QueryAuth"),
}
_CRT: Final = "botocore.crt.auth"


def unusual_signature(version: Any) -> str:
    """Say why a signature of a version, by botocore's name, is not ours to make; nothing if it is.

    awscrt's signers make the same signatures of version 4 as botocore's own, at several times the cost.
    """
    if version not in _AUTHS:
        return f"requests are signed with {version}"
    own, crt = _AUTHS[version]
    made_by = auth.AUTH_TYPE_MAPS.get(version)  # which libraries may change
    if made_by is own or (made_by is not None and made_by is getattr(sys.modules.get(_CRT), crt, None)):
        return ""
    return f"requests are signed with {version} by {getattr(made_by, '__name__', made_by)}"


_read: Final[dict[int, tuple[Any, frozenset[str]]]] = {}


def _parameters_read(client: Any) -> frozenset[str]:
    """The parameters that the rules of a client's service look at; what they are is found out once per service."""
    loader, model = client._loader, client.meta.service_model
    if not isinstance(loader, SharedLoader):
        raise NotCompiledError("the models come from a loader of the user's")
    rules = loader.load_service_model(model.service_name, "endpoint-rule-set-1", api_version=model.api_version)
    if id(rules) not in _read:
        _read[id(rules)] = rules, parameters_read(rules)
    return _read[id(rules)][1]


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
