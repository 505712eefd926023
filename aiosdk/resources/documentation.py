"""Docstrings and signatures of resource classes, written from the service model when somebody asks."""

from __future__ import annotations

import inspect
import re
import textwrap
from functools import cached_property
from html.parser import HTMLParser
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Collection as Container

    from aiosdk.resources import definition
    from aiosdk.resources.definition import ResourceDefinition
    from aiosdk.resources.model import Json, ServiceModel

_TYPES: Final = {
    "string": "str",
    "character": "str",
    "blob": "bytes",
    "boolean": "bool",
    "timestamp": "datetime.datetime",
    "integer": "int",
    "long": "int",
    "short": "int",
    "byte": "int",
    "float": "float",
    "double": "float",
    "structure": "dict",
}
_STATES: Final = {"exists": "exists", "not exists": "does not exist"}
_WIDTH: Final = 110
_VOWELS: Final = ("a", "e", "i", "o", "s3", "sns", "sqs")  # as they are spoken


class Documentation:
    """Writes about one resource class."""

    def __init__(
        self,
        service_name: str,
        model: ServiceModel,
        resource: ResourceDefinition,
        kind: str,
        types: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._service = service_name
        self._model = model
        self._resource = resource
        self._kind = kind
        self._types = types

    # Texts

    def resource(self) -> str:
        """Write about the class itself."""
        about = self._resource
        names = [each.name for each in about.identifiers]
        attributes = about.attribute_members(self._model.members(about.shape))
        makes = f"await session.resource({self._service!r})" if self._kind.endswith("ServiceResource") else ""
        parts = [
            f"{_capital(_article(self._kind))} resource" + (f", identified by {', '.join(names)}." if names else "."),
            f"Made with `{makes}`. " if makes else "",
            _plain(self._model.shape(about.shape).get("documentation", "")) if about.shape else "",
            _listed("Attributes", attributes) + (" `await load()` fetches them." if about.load and attributes else ""),
            _listed("Actions", [each.name for each in about.actions]),
            _listed("Sub-resources", [each.name for each in about.subresources]),
            _listed("References", [each.name for each in about.references]),
            _listed("Collections", [each.name for each in about.collections]),
            _listed("Waiters", [each.name for each in about.waiters]),
        ]
        return _text(parts)

    def identifier(self, name: str) -> str:
        """Write about an identifier."""
        return f"The {self._kind}'s {name} identifier; given when the resource is made. Sends nothing."

    def attribute(self, member: str) -> str:
        """Write about an attribute."""
        found = self._model.members(self._resource.shape)[member]
        about = _plain(found.get("documentation", "")) or f"The {self._kind}'s {member}."
        return _text([f"({self._type(found['shape'])}) {about}", "A plain value of the loaded data; sends nothing."])

    def action(self, action: definition.Action, filled: Container[str], *, drops: bool) -> str:
        """Write about an action, `load` among them."""
        operation = action.request.operation
        drops = drops and self._resource.load is not None
        return self._call(
            operation,
            filled,
            sends=f"Sends `{operation}`{_filled(filled)}.",
            returns=self._result(action),
            more="Loaded data are dropped." if drops else "",
        )

    def by_hand(self, function: Callable[..., Any], operation: str, filled: Container[str]) -> str:
        """Write about a method that was written by hand, with its docstring."""
        return _text([inspect.getdoc(function) or "", self._arguments(operation, filled, heading="Args:\n")])

    def batch_action(self, action: definition.Action, filled: Container[str]) -> str:
        """Write about a batch action."""
        operation = action.request.operation
        return self._call(
            operation,
            filled,
            sends=f"For each page of the collection, sends `{operation}`{_filled(filled)} for all items of the page.",
            returns="list[dict]: The response for each request, in order. What failed of a request is told there.",
        )

    def waiter(self, waiter: definition.Waiter, filled: Container[str]) -> str:
        """Write about a waiter."""
        operation = self._model.waiter_operation(waiter.waiter_name)
        state = waiter.name.removeprefix("wait_until_").replace("_", " ")
        sends = f"Sends `{operation}`{_filled(filled)} again and again, as the client's waiter `{waiter.waiter_name}`."
        return _text(
            [
                f"Wait until the {self._kind} {_STATES.get(state, f'is {state}')}.",
                sends if operation else "This version of the API has no such waiter.",
                "Args:\n    WaiterConfig (dict): `Delay` (seconds between requests) and `MaxAttempts`.",
                "Raises:\n    WaiterError: It came to another end, or MaxAttempts was reached.",
            ]
        )

    def subresource(self, relation: definition.Relation, asked: Iterable[str]) -> str:
        """Write about a sub-resource."""
        kind = f"{self._service}.{relation.resource.type}"
        given = [each.name for each in relation.resource.identifiers if each.source == "identifier"]
        arguments = "\n".join(f"    {name}: An identifier of the {kind}." for name in asked)
        return _text(
            [
                f"Make {_article(kind)}" + (" that belongs to this resource." if given else "."),
                "Sends nothing.",
                arguments and f"Args:\n{arguments}",
                f"Returns:\n    {kind}",
                "Raises:\n    IdentifierError: An identifier is missing or empty.",
            ]
        )

    def reference(self, relation: definition.Relation) -> str:
        """Write about a reference."""
        kind = f"{self._service}.{relation.resource.type}"
        many = any("[]" in (each.path or "") for each in relation.resource.identifiers)
        what = f"A list of {kind} resources" if many else _capital(_article(kind))
        return f"({kind}) {what} that the loaded data point to; None where they point to none. Sends nothing."

    def collection(self, collection: definition.Collection, operation: str) -> str:
        """Write about a collection, which lists by the operation."""
        kind = f"{self._service}.{collection.resource.type}"
        filled = {each.target.partition("[")[0].partition(".")[0] for each in collection.request.params}
        batch = _listed("Batch actions", [each.name for each in collection.batch_actions])
        return _text(
            [
                f"A collection of {kind} resources: `async for each in ...`, or `await ...` for a list.",
                f"Each page sends `{operation}`{_filled(filled)}. `filter()` takes its other parameters:",
                self._arguments(operation, filled, heading=""),
                batch,
            ]
        )

    def _call(self, operation: str, filled: Container[str], *, sends: str, returns: str, more: str = "") -> str:
        about = _plain(self._model.operation(operation).get("documentation", ""), paragraphs=2) or sends
        return _text(
            [
                about,
                sends,
                more,
                self._arguments(operation, filled, heading="Args:\n"),
                f"Returns:\n    {returns}",
                self._errors(operation),
            ]
        )

    def _arguments(self, operation: str, filled: Container[str], *, heading: str) -> str:
        parameters = self._model.parameters(operation)
        lines = [
            _wrapped(f"{name} ({self._type(each['shape'])}): {_plain(each.get('documentation', ''))}")
            for name, each in parameters.items()
            if name not in filled
        ]
        return heading + "\n".join(lines) if lines else ""

    def _result(self, action: definition.Action) -> str:
        if action.name == "load":
            return f"{self._kind}: The resource itself, with its data."
        if action.resource is not None:
            many = any("[]" in (each.path or "") for each in action.resource.identifiers)
            kind = f"{self._service}.{action.resource.type}"
            return f"list[{kind}]" if many else kind
        shape = self._model.output_shape(action.request.operation)
        members = self._model.members(shape)
        if not members:
            return "dict: The response, which has `ResponseMetadata` only."
        lines = [f"        {name} ({self._type(each['shape'])})" for name, each in members.items()]
        return "\n".join(["dict: The response:", *lines])

    def _errors(self, operation: str) -> str:
        errors = [each["shape"] for each in self._model.operation(operation).get("errors", [])]
        modelled = f" Modelled are {', '.join(errors)}." if errors else ""
        return f"Raises:\n    ClientError: AWS refused.{modelled}"

    def _type(self, name: str, depth: int = 0) -> str:
        if name in self._types:
            return self._types[name]
        shape: Json = self._model.shape(name)
        kind: str = shape["type"]
        if depth < 3 and kind == "list":
            return f"list[{self._type(shape['member']['shape'], depth + 1)}]"
        if depth < 3 and kind == "map":
            return f"dict[str, {self._type(shape['value']['shape'], depth + 1)}]"
        return _TYPES.get(kind, kind)

    # Signatures

    def signature(self, operation: str, filled: Container[str]) -> inspect.Signature:
        """The signature of an action: what the user may give, all by name, what is optional as `...`."""
        required = self._model.required(operation)
        return _signature(
            {
                name: (self._type(each["shape"]), name in required)
                for name, each in self._model.parameters(operation).items()
                if name not in filled
            }
        )

    def waiter_signature(self, waiter: definition.Waiter, filled: Container[str]) -> inspect.Signature:
        """The signature of a waiter: the parameters of its operation, and the waiter's own."""
        operation = self._model.waiter_operation(waiter.waiter_name)
        own = list(self.signature(operation, filled).parameters.values()) if operation else []
        config = inspect.Parameter(
            "WaiterConfig", inspect.Parameter.KEYWORD_ONLY, default=_Shown("..."), annotation=_Shown("dict")
        )
        return inspect.Signature([*(own or _signature({}).parameters.values()), config])


def identifiers_signature(names: Iterable[str]) -> inspect.Signature:
    """The signature of what takes identifiers."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(name, kind) for name in names])


def _signature(parameters: dict[str, tuple[str, bool]]) -> inspect.Signature:
    ordered = sorted(parameters.items(), key=lambda each: not each[1][1])
    return inspect.Signature(
        [
            inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY),
            *(
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if required else _Shown("..."),
                    annotation=_Shown(kind),
                )
                for name, (kind, required) in ordered
            ),
        ]
    )


class _Shown(str):
    """Shows as it is written, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str.__str__(self)


class _Text(HTMLParser):
    """Takes the text out of the HTML that service models are documented in."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("p", "ul", "ol", "dl", "note", "important", "h1", "h2", "h3", "pre"):
            self.parts.append("\n\n")
        elif tag in ("li", "dt"):
            self.parts.append("\n\n* ")
        elif tag in ("code", "a") and tag == "code":
            self.parts.append("`")

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self.parts.append("`")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @cached_property
    def paragraphs(self) -> list[str]:
        found = re.split(r"\n\s*\n", "".join(self.parts))
        return [text for each in found if (text := " ".join(each.split())) not in ("", "*")]


def _plain(html: str, paragraphs: int = 1) -> str:
    """Give the first paragraphs of a documentation as plain text."""
    if not html:
        return ""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "\n\n".join(_wrapped(each, "") for each in parser.paragraphs[:paragraphs])


def _wrapped(text: str, indent: str = "    ") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _text(parts: Iterable[str]) -> str:
    return "\n\n".join(part.rstrip() for part in parts if part)


def _listed(title: str, names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return _wrapped(f"{title}: {listed}.", "") if listed else ""


def _filled(names: Iterable[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in sorted(names))
    return f" with {listed} filled in" if listed else ""


def _article(kind: str) -> str:
    return f"{'an' if kind.startswith(_VOWELS) else 'a'} {kind}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
