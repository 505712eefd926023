"""The classes of clients: most services' is `Client` itself, some have methods written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiosdk._client import Client
from aiosdk.services.s3.client import S3Client

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLASSES: Final[Mapping[str, type[Client]]] = {"s3": S3Client}


def client_class(service_id: str) -> type[Client]:
    """Give the class of a service's clients, by the service's id as botocore writes it in the names of events."""
    return _CLASSES.get(service_id, Client)
