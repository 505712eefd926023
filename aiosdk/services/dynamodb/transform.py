"""Python's values in the parameters and results of a client, as boto3's resources have them: by handlers of its events.

Nothing that the caller gave is changed: the functions here, compiled from the shapes of an operation, make new
dictionaries where something is different. On the express lane the handler of the answer is not called; the answer is
decoded straight into Python's values by the functions that `python_decoder` gives.
"""
# pyright: reportUnknownVariableType=false, reportUnknownLambdaType=false
# What parameters hold is known when they are there.

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakSet

from botocore.exceptions import ParamValidationError

from aiosdk.exceptions import UnreadableAnswerError
from aiosdk.services.dynamodb.conditions import is_condition
from aiosdk.services.dynamodb.deserializing import compile_deserializers, deserialize, deserialize_item
from aiosdk.services.dynamodb.expressions import ConditionExpressionBuilder
from aiosdk.services.dynamodb.types import Binary, Ready, serialize, serialize_attributes

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Any], Any]

_VALUE: Final = "AttributeValue"
_CONDITION, _KEY_CONDITION = "ConditionExpression", "KeyExpression"
_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
_PLACEHOLDER: Final = re.compile(r"[#:]\w+")

_prepared: Final[WeakSet[Any]] = WeakSet()
"""The events of clients, which a view of a client has too."""


def use_python_types(client: Any) -> None:
    """Have a client take and give Python's values. Its events get the handlers that boto3 gives them, by their ids."""
    types, events = PythonTypes(), client.meta.events
    events.register("provide-client-params.dynamodb", types.copy_params, unique_id="dynamodb-create-params-copy")
    events.register(
        "before-parameter-build.dynamodb", types.write_conditions, unique_id="dynamodb-condition-expression"
    )
    events.register("before-parameter-build.dynamodb", types.serialize_params, unique_id="dynamodb-attr-value-input")
    events.register("after-call.dynamodb", types.deserialize_answer, unique_id="dynamodb-attr-value-output")
    _prepared.add(events)


def takes_python_types(client: Any) -> bool:
    """Whether a client takes and gives Python's values."""
    return client.meta.events in _prepared


class PythonTypes:
    """The handlers of one client. What they do for an operation is compiled when it is first called."""

    def __init__(self) -> None:
        self._conditions: dict[str, Change | None] = {}
        self._inputs: dict[str, dict[str, Change]] = {}
        self._outputs: dict[str, dict[str, Change]] = {}

    def copy_params(self, params: Any, **_: Any) -> Any:
        """Copy what other handlers might change. There are none on the express lane, which does without."""
        return copied(params)

    def write_conditions(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Put expressions in the place of conditions."""
        if model.name not in self._conditions:
            self._conditions[model.name] = None if model.input_shape is None else _conditions(model.input_shape)
        write = self._conditions[model.name]
        if write is not None:
            try:
                params.update(write(params))
            except RecursionError as error:
                raise _too_deep(model.name) from error

    def serialize_params(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Put values as DynamoDB spells them in the place of Python's."""
        changes = self._inputs.get(model.name)
        if changes is None:
            changes = self._inputs[model.name] = _members(model.input_shape, serialize, _serialize_item)
        try:
            for name, change in changes.items():
                if name in params:
                    params[name] = change(params[name])
        except RecursionError as error:
            raise _too_deep(model.name) from error

    def deserialize_answer(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """Put Python's values in the place of those that DynamoDB has answered."""
        changes = self._outputs.get(model.name)
        if changes is None:
            changes = self._outputs[model.name] = _members(model.output_shape, deserialize, deserialize_item)
        try:
            for name, change in changes.items():
                if name in parsed:
                    parsed[name] = change(parsed[name])
        except (TypeError, AttributeError, ArithmeticError) as error:
            raise UnreadableAnswerError(what=model.name, problem="it has an attribute value that is none") from error

    @property
    def decoder(self) -> Callable[[Any], Change | None]:
        """What decodes an answer on the express lane in place of `deserialize_answer`."""
        return python_decoder


def _too_deep(operation: str) -> ParamValidationError:
    report = f"The conditions or values of {operation} are nested too deeply, or contain themselves."
    return ParamValidationError(report=report)


_decode_value, _decode_item = compile_deserializers(lambda text: Binary(base64.b64decode(text)))


def python_decoder(shape: Any) -> Change | None:
    """Give what makes Python's values of a shape's JSON, for the shapes of values and items; None for all others."""
    if shape.name == _VALUE:
        return _decode_value
    return _decode_item if shape.type_name == "map" and shape.value.name == _VALUE else None


def _serialize_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return item.serialized if type(item) is Ready else serialize_attributes(item)


def copied(value: Any) -> Any:
    """Copy parameters with all that is in them; an item that is `Ready` becomes one of Python's values."""
    if isinstance(value, Ready):
        return deserialize_item(value.serialized)
    if type(value) is dict:
        return {key: copied(each) for key, each in cast("dict[Any, Any]", value).items()}
    if type(value) is list:
        return [copied(each) for each in cast("list[Any]", value)]
    if isinstance(value, str | int | bytes | Decimal | None):
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # views and proxies, which cannot be copied; boto3 fails here
        return value


# From shapes to functions that change what has these shapes


def _members(shape: Any, one: Change, item: Change) -> dict[str, Change]:
    """The functions for those members of a structure in which there are values."""
    if shape is None:
        return {}
    found = {name: _values(member, one, item) for name, member in shape.members.items()}
    return {name: change for name, change in found.items() if change is not None}


def _values(shape: Any, one: Change, item: Change) -> Change | None:
    """The function for a shape, None if there are no values in it. `one` changes a value, `item` a map of them."""
    if shape.name == _VALUE:
        return one
    if shape.type_name == "structure":
        return _in_structure(_members(shape, one, item))
    if shape.type_name == "list":
        return _in_list(_values(shape.member, one, item))
    if shape.type_name == "map":
        if shape.value.name == _VALUE:
            return lambda value: item(value) if isinstance(value, Mapping) else value
        return _in_map(_values(shape.value, one, item))
    return None


def _in_structure(changes: dict[str, Change]) -> Change | None:
    def change(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        given = cast("Mapping[str, Any]", value)
        return {name: changes[name](each) if name in changes else each for name, each in given.items()}

    return change if changes else None


def _in_list(change: Change | None) -> Change | None:
    if change is None:
        return None
    return lambda value: [change(each) for each in value] if isinstance(value, (list, tuple)) else value


def _in_map(change: Change | None) -> Change | None:
    if change is None:
        return None
    return lambda value: {key: change(each) for key, each in value.items()} if isinstance(value, Mapping) else value


# Conditions


def _conditions(shape: Any) -> Change | None:
    """The function that puts expressions in the place of conditions in a shape; None if there can be none."""
    if shape.type_name == "list":
        return _in_list(_conditions(shape.member))
    if shape.type_name == "map":
        return None if shape.value.name == _VALUE else _in_map(_conditions(shape.value))
    if shape.type_name != "structure" or shape.name == _VALUE:
        return None
    own = {name: member.name for name, member in shape.members.items() if member.name in (_CONDITION, _KEY_CONDITION)}
    nested = {name: change for name, member in shape.members.items() if (change := _conditions(member)) is not None}
    within = _in_structure(nested)
    if not own:
        return within

    def write(value: Any) -> Any:
        if within is not None:
            value = within(value)
        if isinstance(value, Mapping):
            given = cast("Mapping[str, Any]", value)
            found = [name for name in given if name in own and is_condition(given[name])]
            if found:
                # As in boto3, conditions on keys come last: the placeholders are numbered in this order.
                return _written(given, sorted(found, key=lambda name: own[name] == _KEY_CONDITION), own)
        return value

    return write


def _written(params: Mapping[str, Any], found: list[str], own: Mapping[str, str]) -> dict[str, Any]:
    """Write the conditions among some parameters, with placeholders that the caller does not use."""
    written, builder = dict(params), ConditionExpressionBuilder(_taken(params))
    names, values = dict[str, Any](), dict[str, Any]()
    for name in found:
        built = builder.build_expression(params[name], is_key_condition=own[name] == _KEY_CONDITION)
        written[name] = built.condition_expression
        names |= built.attribute_name_placeholders
        values |= built.attribute_value_placeholders
    for member, made in ((_NAMES, names), (_VALUES, values)):
        given = params.get(member, {})
        if made and isinstance(given, Mapping):  # botocore says what is wrong with anything else
            written[member] = {**given, **made}
    return written


def _taken(params: Mapping[str, Any]) -> set[str]:
    """The placeholders that the caller uses."""
    taken: set[str] = set()
    for name, value in params.items():
        if name in (_NAMES, _VALUES) and isinstance(value, Mapping):
            taken.update(cast("Mapping[str, Any]", value))
        elif name.endswith("Expression") and isinstance(value, str):
            taken.update(_PLACEHOLDER.findall(value))
    return taken
