"""Exceptions that boto3 and s3transfer have by the same name: ours are theirs too, once those libraries are imported.

An `except boto3.exceptions.S3UploadFailedError` asks for a real subclass. boto3 need not be installed and is not
imported for this: whoever writes such a clause has done so.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final, Self

_MODULES: Final = ("boto3.exceptions", "s3transfer.exceptions")
# What boto3 raises in the same case by another name.
_OTHERWISE: Final = {"NotLoadedError": "ResourceLoadException", "UnexpectedRangeError": "S3ValidationError"}
_kinds: Final[list[type[BaseException]]] = []
_done: Final[set[str]] = set()


class Namesake:
    """Mixed into an exception: it is also the one of its name in boto3 and s3transfer, where they are imported."""

    __slots__ = ()

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if Namesake in cls.__bases__ and issubclass(cls, BaseException):
            _kinds.append(cls)

    def __new__(cls, *args: Any, **more: Any) -> Self:
        relate_namesakes()
        return super().__new__(cls, *args, **more)


def relate_namesakes() -> None:
    """Make ours subclasses of theirs, in the modules that have been imported since the last time."""
    for name in _MODULES:
        if name in _done or not isinstance(module := sys.modules.get(name), ModuleType):
            continue
        for kind in _kinds:
            _relate(kind, getattr(module, _OTHERWISE.get(kind.__name__, kind.__name__), None))
        if not getattr(module.__spec__, "_initializing", False):  # on another thread
            _done.add(name)


def _relate(ours: type[BaseException], theirs: object) -> None:
    if not (isinstance(theirs, type) and issubclass(theirs, Exception)) or issubclass(ours, theirs):
        return
    place = ours.__bases__.index(Namesake) + 2  # after the family's own base, whose methods count
    try:
        ours.__bases__ = (*ours.__bases__[:place], theirs, *ours.__bases__[place:])
    except TypeError:
        pass  # somebody has derived a class from both, in the order that this would turn round
