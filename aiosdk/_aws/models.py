"""Service models: read off the event loop, once per process, shared by every session.

A parsed model is a tree of up to a million objects. The garbage collector walks them all, again and again, which
stalls the event loop for 50 to 100 ms each time once a few services are loaded; and 12 MB per service is kept though
a program uses a few operations of it. So a model is kept packed: each shape is marshalled to bytes as the parser
finishes it, and unpacked when botocore first asks for it.

The parser calls a Python function for each object it has read, which lets the event loop have the interpreter lock
in between; `json.loads` alone would hold it for the whole document.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# botocore has no types.

from __future__ import annotations

import gzip
import json
import marshal
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from botocore.exceptions import DataNotFoundError
from botocore.exceptions import UnknownServiceError as UpstreamUnknownServiceError
from botocore.loaders import Loader

from aiosdk._off_loop import let_loop_run, no_collection
from aiosdk.exceptions import UnknownServiceError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE_TYPES: Final = frozenset(
    ["structure", "list", "map", "string", "integer", "boolean", "timestamp", "blob", "long", "float", "double"]
).union(["character", "short", "byte", "bigdecimal", "biginteger", "union", "enum", "intEnum", "document"])


# Takes about a quarter of a millisecond.
OBJECTS_AT_A_TIME: Final = 200


class Packed(dict[str, Any]):
    """A dictionary whose values are unpacked, for good, when they are first read."""

    error_names: tuple[str, ...] = ()
    """The names of those values that are shapes of errors."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if type(value) is bytes:
            value = self[key] = _unpack(value)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - that would be this method again

    def items(self) -> Any:
        self._unpack_all()
        return super().items()

    def values(self) -> Any:
        self._unpack_all()
        return super().values()

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self[key] = self[key]
        return super().pop(key, *default)

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __eq__(self, other: object) -> bool:
        self._unpack_all()
        return super().__eq__(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self.items()),)

    def _unpack_all(self) -> None:
        for key in self:
            self[key] = self[key]


def _pack(value: dict[str, Any]) -> bytes:
    return marshal.dumps(value)


def _unpack(packed: bytes) -> Any:
    """Undo `_pack`, also for what looked like a shape inside another one (JSON itself has no bytes)."""
    return _thaw(marshal.loads(packed))  # noqa: S302 - what this process has packed


def _thaw(value: Any) -> Any:
    if type(value) is bytes:
        return _unpack(value)
    if type(value) is dict:
        for key, each in value.items():
            if type(each) in (bytes, dict, list):
                value[key] = _thaw(each)
    elif type(value) is list:
        value[:] = [_thaw(each) for each in value]
    return value


def _is_shape(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    return type(kind) is str and kind in SHAPE_TYPES


def _has_endpoints(value: dict[str, Any]) -> bool:
    return "endpoints" in value


def _parse(text: bytes, is_packed: Callable[[dict[str, Any]], bool] | None = None) -> Any:
    """Parse JSON, packing those of its objects that `is_packed` says, and letting the event loop run every so often."""
    made = 0

    def finish(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal made
        made += 1
        if made % OBJECTS_AT_A_TIME == 0:
            let_loop_run()
        value = dict(pairs)
        return _pack(value) if is_packed is not None and is_packed(value) else value

    return json.loads(text, object_pairs_hook=finish)


def read_model(name: str, text: bytes) -> Any:
    """Parse the text of the data file `name` (without its extension); large ones come packed."""
    if name == "service-2":
        model = _parse(text, _is_shape)
        sections: list[Any] = [model]
        packed = "shapes"
    elif name == "endpoints":
        model = _parse(text, _has_endpoints)
        sections = model["partitions"]
        packed = "services"
    else:
        return _parse(text)
    for section in sections:
        for key, value in section.items():
            section[key] = Packed(value) if key == packed else _thaw(value)
    if name == "service-2":
        # An error is told from other shapes by a trait that its packed bytes contain; few others contain the word.
        shapes = model["shapes"]
        likely = [key for key, value in dict.items(shapes) if b"exception" in value]
        shapes.error_names = tuple(key for key in likely if _unpack(dict.__getitem__(shapes, key)).get("exception"))
    return model


class ModelFiles:
    """What botocore's `Loader` reads its files with."""

    def exists(self, file_path: str) -> bool:
        return any(os.path.isfile(file_path + extension) for extension in _OPENERS)

    def load_file(self, file_path: str) -> Any:
        for extension, opener in _OPENERS.items():
            if os.path.isfile(file_path + extension):
                with opener(file_path + extension, "rb") as file:
                    return read_model(os.path.basename(file_path), file.read())
        return None


_OPENERS: Final[dict[str, Callable[..., Any]]] = {".json": open, ".json.gz": gzip.open}
_GENERIC: Final = ("_retry", "endpoints", "partitions", "sdk-default-configuration")

# One model is read at a time: parsing is bound to the interpreter lock anyway, and the fewer threads compete for it,
# the sooner the event loop gets it.
reading: Final = threading.RLock()
_loaders: Final[dict[str | None, SharedLoader]] = {}
_ready: Final[set[tuple[int, str, str | None]]] = set()


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


def shared_loader(data_path: str | None) -> SharedLoader:
    """Give the process's loader for a value of AWS_DATA_PATH."""
    with reading:
        loader = _loaders.get(data_path)
        if loader is None:
            paths = [path for path in (data_path or "").split(os.pathsep) if path]
            loader = _loaders[data_path] = SharedLoader(
                [os.path.expanduser(os.path.expandvars(path)) for path in paths]
            )
        return loader


def is_ready(loader: Loader, service: str, api_version: str | None) -> bool:
    """Whether a client of the service can be made without reading a file."""
    return (id(loader), service, api_version) in _ready


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
        _ready.add((id(loader), service, api_version))
