"""Service models: read off the event loop, once per process, shared by every session.

A parsed model is a tree of up to a million objects. The garbage collector walks them all, again and again, which
stalls the event loop for 50 to 100 ms each time once a few services are loaded; and 12 MB per service is kept though
a program uses a few operations of it. So of a model only the outline is parsed: each shape and each operation stays
the text that it is in the file until botocore first asks for it.

That also lets the event loop run: `json.loads` of the whole would hold the interpreter lock for 25 ms.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# botocore has no types.

from __future__ import annotations

import gzip
import json
import os
import re
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.exceptions import DataNotFoundError
from botocore.exceptions import UnknownServiceError as UpstreamUnknownServiceError
from botocore.loaders import Loader

from aiosdk import _forks
from aiosdk._aws.packed import PACKED, Packed, read_packed, split_by_lines
from aiosdk._off_loop import let_loop_run, no_collection
from aiosdk.exceptions import UnknownServiceError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

# Which objects of a kind of file are packed.
_PACKED: Final[dict[str, Any]] = {
    "service-2": {"operations": PACKED, "shapes": PACKED},
    "endpoints": {"partitions": [{"services": PACKED}]},
}
_SECTIONS: Final = frozenset(["operations", "shapes", "services"])
# How the lines look on which they begin and end in botocore's files.
_LINES: Final = {
    "service-2": (re.compile(rb'\n(  )"(?:operations|shapes)("\s?:\s?)\{(?=\n)'), re.compile(rb"\n  \}")),
    "endpoints": (re.compile(rb'\n(    )"(?:services)("\s?:\s?)\{(?=\n)'), re.compile(rb"\n    \}")),
}


def read_model(name: str, text: bytes, *, is_built_in: bool = False) -> Any:
    """Parse the text of the data file `name` (without its extension); large ones come packed.

    Args:
        name: What the file is called.
        text: What is in it.
        is_built_in: Whether it comes with botocore, whose files are all laid out alike.
    """
    if name not in _PACKED:
        return json.loads(text)
    model = _by_lines(name, text) if is_built_in else None
    if model is None:
        model = read_packed(text.decode(), _PACKED[name], let_loop_run)
    shapes = model.get("shapes") if isinstance(model, dict) else None
    if isinstance(shapes, Packed):
        # An error is told from other shapes by a trait of its own; few others have the word for it.
        spelled = not is_built_in  # as \u0065xception, say
        likely = [key for key, value in dict.items(shapes) if b'"exception"' in value or (spelled and b"\\u" in value)]
        shapes.error_names = tuple(key for key in likely if json.loads(dict.__getitem__(shapes, key)).get("exception"))
    return model


def _by_lines(name: str, text: bytes) -> Any:
    split = split_by_lines(text, *_LINES[name])
    let_loop_run()
    if split is None:
        return None
    outline, packed = split
    model = json.loads(outline)
    sections = [model] if name == "service-2" else model.get("partitions", [])
    emptied = [(section, key) for section in sections for key in section if key in _SECTIONS]
    if len(emptied) != len(packed) or any(section[key] != {} for section, key in emptied):
        return None
    for (section, key), values in zip(emptied, packed, strict=True):
        section[key] = values
    return model


class ModelFiles:
    """What botocore's `Loader` reads its files with."""

    def exists(self, file_path: str) -> bool:
        return any(os.path.isfile(file_path + extension) for extension in _EXTENSIONS)

    def load_file(self, file_path: str) -> Any:
        for extension, read in _EXTENSIONS.items():
            if os.path.isfile(file_path + extension):
                with open(file_path + extension, "rb") as file:
                    text = read(file.read())
                return read_model(os.path.basename(file_path), text, is_built_in=file_path.startswith(_BUILT_IN))
        return None


_BUILT_IN: Final = os.path.join(Loader.BUILTIN_DATA_PATH, "")
_EXTENSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {".json": bytes, ".json.gz": gzip.decompress}
_GENERIC: Final = ("_retry", "endpoints", "partitions", "sdk-default-configuration")

# One model is read at a time: parsing is bound to the interpreter lock anyway, and the fewer threads compete for it,
# the sooner the event loop gets it.
reading: Final = _forks.Lock()
_loaders: Final[dict[str | None, SharedLoader]] = {}
# The services and versions of each loader; of a user's own loader, which may go, nothing is left.
_ready: Final[weakref.WeakKeyDictionary[Loader, set[tuple[str, str | None]]]] = weakref.WeakKeyDictionary()


class SharedLoader(Loader):
    """botocore's loader with a cache that also holds what is not there, whichever way it is asked.

    botocore looks through all services (some 1,700 directories) to find out whether it has one; here only that one's
    directory is read.
    """

    def __init__(self, extra_search_paths: list[str]) -> None:
        super().__init__(extra_search_paths=extra_search_paths, file_loader=ModelFiles())
        self._models: dict[tuple[str, str, str | None], Any] = {}
        self._known: dict[tuple[str, str], bool] = {}
        self._asked = _Asked()
        self.seen: tuple[tuple[str, int, int], ...] = ()
        """A user's own files when the loader was made."""

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        if api_version is None and self._has(service_name, type_name):
            api_version = self.determine_latest_version(service_name, type_name)
        key = (service_name, type_name, api_version)
        if key not in self._models:
            self._asked.service = service_name
            try:
                self._models[key] = super().load_service_model(service_name, type_name, api_version)
            except DataNotFoundError as missing:
                self._models[key] = missing
            finally:
                self._asked.service = None
        found = self._models[key]
        if isinstance(found, DataNotFoundError):
            raise found.with_traceback(None)
        return found

    def list_available_services(self, type_name: str) -> list[str]:
        """List the services that have this type of file; within `load_service_model` that one is enough."""
        service = self._asked.service
        if service is not None and self._has(service, type_name):
            return [service]
        return super().list_available_services(type_name)

    def _has(self, service_name: str, type_name: str) -> bool:
        known = self._known.get((service_name, type_name))
        if known is None:
            known = self._known[service_name, type_name] = self._find(service_name, type_name)
        return known

    def _find(self, service_name: str, type_name: str) -> bool:
        # By the listing: a path that leads to a directory need not be a name, nor a name in another case this one.
        if not any(service_name in os.listdir(path) for path in self._potential_locations()):
            return False
        try:
            return bool(self.list_api_versions(service_name, type_name))
        except (DataNotFoundError, NotADirectoryError):  # a file beside the services'
            return False


class _Asked(threading.local):
    """The service that this thread is loading."""

    service: str | None = None


def shared_loader(data_path: str | None, *, looks: bool = False) -> SharedLoader:
    """Give the process's loader for a value of AWS_DATA_PATH.

    Args:
        data_path: The value.
        looks: Whether to look if a user's own model files have come, gone or changed since the loader was made; then
            there is another from here on. It reads directories, as botocore does for each session.
    """
    paths = [os.path.expanduser(os.path.expandvars(path)) for path in (data_path or "").split(os.pathsep) if path]
    with reading:
        loader = _loaders.get(data_path)
        if loader is None or looks:
            seen = _seen([Loader.CUSTOMER_DATA_PATH, *paths])
            if loader is None or loader.seen != seen:
                loader = _loaders[data_path] = SharedLoader(paths)
                loader.seen = seen
        return loader


def _seen(paths: list[str]) -> tuple[tuple[str, int, int], ...]:
    """The files below some directories, with their sizes and the times of their last changes."""
    found: list[tuple[str, int, int]] = []
    for path in paths:
        for folder, _, names in os.walk(path):
            about = [(os.path.join(folder, name), os.stat(os.path.join(folder, name))) for name in sorted(names)]
            found += [(name, each.st_size, each.st_mtime_ns) for name, each in about]
    return tuple(found)


def is_ready(loader: Loader, service: str, api_version: str | None) -> bool:
    """Whether a client of the service can be made without reading a file."""
    return (service, api_version) in _ready.get(loader, ())


def make_ready(loader: Loader, service: str, api_version: str | None) -> None:
    """Read everything that a client of the service will ask the loader for. Reads files: call it off the loop.

    Raises `UnknownServiceError` with the nearest names when there is no such service.
    """
    with reading, no_collection():
        for name in _GENERIC:
            loader.load_data_with_path(name)
        try:
            model = loader.load_service_model(service, "service-2", api_version=api_version)
        except UpstreamUnknownServiceError as error:
            known = loader.list_available_services("service-2")
            raise UnknownServiceError(
                service_name=service,
                known_service_names=", ".join(known),
                nearest=nearest(service, known, noun="service"),
            ) from error
        # Asked for as botocore will: its own loader keeps answers by the form of the question.
        version = model["metadata"]["apiVersion"]
        for load in (
            partial(loader.load_service_model, service, "endpoint-rule-set-1", api_version=api_version),
            partial(loader.load_service_model, service, "paginators-1", version),
            partial(loader.load_service_model, service, "waiters-2", version),
        ):
            try:
                load()
            except DataNotFoundError:
                continue  # not every service has them
        for operation in model["operations"]:
            xform_name(operation)  # botocore keeps the names it has made; ec2's 780 take 10 ms
        _ready.setdefault(loader, set()).add((service, api_version))
