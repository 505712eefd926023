"""Docstrings of a client's methods that read the model of their operation when somebody asks for them.

botocore makes the model of every operation with the class of a client, for docstrings that are hardly ever read.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false, reportUntypedBaseClass=false
# botocore has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.docs.docstring import ClientMethodDocstring

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel


class UnreadService:
    """Stands in for a service model where a method of a client is made."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def operation_model(self, operation_name: str) -> UnreadOperation:
        return UnreadOperation(self._model, operation_name)


class UnreadOperation:
    """Stands in for the model of an operation, which is made when anything but its documentation is asked of it."""

    documentation = ""

    def __init__(self, service: ServiceModel, name: str) -> None:
        self._service = service
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.read(), name)

    def read(self) -> OperationModel:
        return self._service.operation_model(self._name)


class LateDocstring(ClientMethodDocstring):
    """botocore's docstring of a method, made for an operation that was not read yet."""

    def _write_docstring(self, *args: Any, **kwargs: Any) -> None:
        model = kwargs["operation_model"].read()
        kwargs |= {"operation_model": model, "method_description": model.documentation}
        super()._write_docstring(*args, **kwargs)


def make_late(method: Any) -> bool:
    """Let the docstring of a method read its operation late, if it was made for an unread one as is known."""
    docstring = method.__doc__
    if type(docstring) is not ClientMethodDocstring or docstring._gen_args:
        return False
    if not isinstance(docstring._gen_kwargs.get("operation_model"), UnreadOperation):
        return False
    method.__doc__ = LateDocstring(**docstring._gen_kwargs)
    return True
