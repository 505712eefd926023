"""The resource classes of every service: built when first asked for, once per process, shared by all sessions.

What boto3 adds by hand has a folder for each service here, imported with its service.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Final

from aiosdk import _forks
from aiosdk._aws.models import reading
from aiosdk._aws.resource_files import read_resource_files
from aiosdk._bounded import Bounded
from aiosdk.resources.boto3_files import read_definition
from aiosdk.resources.build import Extras, Family
from aiosdk.resources.model import ServiceModel

if TYPE_CHECKING:
    from botocore.loaders import Loader

    from aiosdk._aws.resource_files import ResourceFiles

TYPES: Final = "aiosdk.types"
"""The module in which the classes are found by name."""

_WITH_EXTRAS: Final = ("dynamodb", "ec2", "s3")

MOST_OF_LOADERS: Final = 200
"""Services of boto3's, and of loaders of the users' own; the oldest goes, and its loader with it."""
_of_loader: Final[dict[tuple[int, str, str | None], tuple[Any, Family]]] = Bounded(MOST_OF_LOADERS)
_by_content: Final[dict[str, Family]] = {}
_by_name: Final[dict[str, Family]] = {}


def known_family(name: str) -> Family | None:
    """Give the classes of a service if they were built, by `s3` or, for an older API, `ec2@2015-10-01`."""
    return _by_name.get(name)


def get_family(loader: Loader, service: str, api_version: str | None) -> Family:
    """Give the classes of a service, building them at the first time. Reads files: call it off the loop.

    Sessions with loaders of their own share the classes if their files say the same.
    """
    with reading:
        key = (id(loader), service, api_version)
        known = _of_loader.get(key)
        if known is None:
            files = read_resource_files(loader, service, api_version)
            content = _content(files)
            if content not in _by_content:
                _by_content[content] = _build(files)
            known = _of_loader[key] = loader, _by_content[content]  # the loader stays as long, and so its id
        return known[1]


def _content(files: ResourceFiles) -> str:
    """Everything that the classes are made from, but for documentation."""
    shapes = {each.get("shape") for each in files.resources["resources"].values()} - {None}
    members = {shape: list(files.api["shapes"][shape].get("members", ())) for shape in sorted(shapes)}
    operations = {
        name: [each.get("input"), each.get("output")] for name, each in sorted(files.api["operations"].items())
    }
    names = [files.service_name, files.api_version, files.is_latest]
    return json.dumps([names, files.resources, members, operations, files.paginators, files.waiters])


def _build(files: ResourceFiles) -> Family:
    name = files.service_name
    with _forks.undisturbed():
        extras = importlib.import_module(f"aiosdk.services.{name}.extras").EXTRAS if name in _WITH_EXTRAS else Extras()
    model = ServiceModel(name, files.api_version, files.api, files.paginators, files.waiters)
    full_name = name if files.is_latest else f"{name}@{files.api_version}"
    family = Family(read_definition(name, files.resources), model, extras, TYPES, full_name)
    family.make(family.plans())
    _by_name.setdefault(full_name, family)
    return family
