"""What resource classes need to know of a service: its shapes, operations, paginators and waiters."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aiosdk.resources.names import snake_case
from aiosdk.resources.paging import Paging, read_paging
from aiosdk.resources.paths import compile_target

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


class ServiceModel:
    """The parsed files of one version of a service's API."""

    def __init__(self, service_name: str, api_version: str, api: Json, paginators: Json, waiters: Json) -> None:
        self.api_version = api_version
        self._service_name = service_name
        self._api = api
        self._paginators = paginators
        self._waiters = waiters
        self.paging = cache(self._read_paging)

    def shape(self, name: str) -> Json:
        """A shape, with its members as references to others."""
        return self._api["shapes"][name]

    def required(self, operation: str) -> frozenset[str]:
        """The parameters that an operation must have."""
        shape = self.input_shape(operation)
        return frozenset(self.shape(shape).get("required", ()) if shape else ())

    def members(self, shape: str | None) -> Mapping[str, Json]:
        """The members of a structure, by name."""
        return self.shape(shape).get("members", {}) if shape else {}

    def operation(self, name: str) -> Json:
        """An operation."""
        return self._api["operations"][name]

    def input_shape(self, operation: str) -> str | None:
        """The name of the shape of an operation's parameters."""
        return self.operation(operation).get("input", {}).get("shape")

    def output_shape(self, operation: str) -> str | None:
        """The name of the shape of what an operation answers."""
        return self.operation(operation).get("output", {}).get("shape")

    def parameters(self, operation: str) -> Mapping[str, Json]:
        """The parameters of an operation, by name."""
        return self.members(self.input_shape(operation))

    def is_secret(self, shape: str | None, member: str | None) -> bool:
        """Whether a member of a shape must not be shown."""
        found = self.members(shape).get(member or "")
        return bool(found and self.shape(found["shape"]).get("sensitive"))

    def waiter_operation(self, waiter_name: str) -> str | None:
        """The operation that a waiter asks, by the name that the client has for the waiter."""
        for name, waiter in self._waiters.get("waiters", {}).items():
            if snake_case(name) == waiter_name:
                return waiter["operation"]
        return None

    def _read_paging(self, operation: str) -> Paging:
        """How the pages of an operation hang together."""
        inputs = {name: self.shape(each["shape"]) for name, each in self.parameters(operation).items()}
        outputs = {name: self.shape(each["shape"]) for name, each in self.members(self.output_shape(operation)).items()}
        config = self._paginators.get("pagination", {}).get(operation)
        return read_paging(self._service_name, operation, config, inputs, outputs)

    def most_items(self, operation: str, target: str) -> int | None:
        """How many items the list takes that a target such as `AlarmNames[]` writes to, if the model says."""
        shape = self.shape(self.input_shape(operation) or "")
        for step in compile_target(target):
            shape = self.shape(shape["members"][step.name]["shape"])
            if shape["type"] == "list":
                return shape.get("max")
        return None
