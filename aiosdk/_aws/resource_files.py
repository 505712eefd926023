"""The files that describe a service's resources: boto3's, beside botocore's own. No code of boto3's is imported."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# botocore has no types.

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import DataNotFoundError
from botocore.waiter import WaiterModel

from aiosdk._aws.models import make_ready, reading
from aiosdk.exceptions import ResourceNotExistsError, UnknownAPIVersionError

if TYPE_CHECKING:
    from botocore.loaders import Loader

KIND: Final = "resources-1"


@dataclass(frozen=True)
class ResourceFiles:
    """The parsed files of one version of a service."""

    service_name: str
    api_version: str
    is_latest: bool
    resources: dict[str, Any]
    api: dict[str, Any]
    paginators: dict[str, Any]
    waiters: dict[str, Any]


def available_resources(loader: Loader) -> list[str]:
    """List the services that have resources. Reads directories: call it off the loop."""
    with reading:
        _find_boto3(loader)
        return loader.list_available_services(KIND)


def read_resource_files(loader: Loader, service: str, api_version: str | None) -> ResourceFiles:
    """Read the files. Call it off the loop.

    Raises `ResourceNotExistsError` when the service has no resources, `UnknownAPIVersionError` when that version of
    its API has none.
    """
    with reading:
        known = available_resources(loader)
        if service not in known:
            raise ResourceNotExistsError(service_name=service, available=", ".join(known))
        latest = loader.determine_latest_version(service, KIND)
        version = api_version or latest
        if version not in loader.list_api_versions(service, KIND):
            versions = ", ".join(loader.list_api_versions(service, KIND))
            raise UnknownAPIVersionError(
                service_name=service, api_version=version, bad_value=version, available=versions
            )
        make_ready(loader, service, version)
        return ResourceFiles(
            service,
            version,
            version == latest,
            loader.load_service_model(service, KIND, version),
            loader.load_service_model(service, "service-2", version),
            _optional(loader, service, "paginators-1", version),
            _optional(loader, service, "waiters-2", version),
        )


def waiter_model(files: ResourceFiles) -> WaiterModel | None:
    """Botocore's object for the waiters, which boto3 hands to hooks."""
    return WaiterModel(files.waiters) if files.waiters else None


def _optional(loader: Loader, service: str, kind: str, version: str) -> dict[str, Any]:
    try:
        return loader.load_service_model(service, kind, version)
    except DataNotFoundError:
        return {}


def _find_boto3(loader: Loader) -> None:
    spec = importlib.util.find_spec("boto3")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "The description of resources is in the files of the boto3 package, which is not installed: "
            "`pip install boto3`."
        )
    folder = os.path.join(os.path.dirname(spec.origin), "data")
    if folder not in loader.search_paths:
        loader.search_paths.append(folder)
