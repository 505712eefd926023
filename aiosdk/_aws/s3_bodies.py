"""What botocore's handlers do with the bodies of S3, done with less.

botocore parses a body with status 200 twice, once to look for an error and once for its contents; here what was read
is kept for the parser. It decodes each listed key from URL encoding; here only pages in which some key is encoded.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

from botocore.handlers import (
    _handle_200_error,
    _should_handle_200_error,
    decode_list_object,
    decode_list_object_v2,
    decode_list_object_versions,
)
from botocore.parsers import ResponseParserError

from aiosdk._aws.guards import check_document_type
from aiosdk._aws.xml_bodies import body_decoder

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

EVENT: Final = "before-parse.s3.*"


class ParsedBody(bytes):
    """A body with what has been made of it: the decoded members of an output shape, or a tree."""

    root: Element | None = None
    shape: Any = None
    decoded: dict[str, Any] | None = None

    def take(self, shape: Any) -> dict[str, Any]:
        """Give what was decoded, once: it is for the caller to keep. Raises LookupError if there is nothing."""
        decoded = self.decoded
        if decoded is None or shape is not self.shape:
            raise LookupError
        self.decoded = None
        return decoded


def find_error(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Give an answer that is an error, or that broke off, the status of one, so that it is tried again."""
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or not body or not _should_handle_200_error(operation_model, response_dict):
        return
    kept = _decoded(body, operation_model.output_shape) or _with_tree(body)
    if kept is None:
        response_dict["status_code"] = 500
    else:
        response_dict["body"] = kept


def _decoded(body: bytes, shape: Any) -> ParsedBody | None:
    """A body that could be decoded: which is proof that it is well-formed and no error."""
    decode = body_decoder(shape, "rest-xml")
    if decode is None:
        return None
    try:
        decoded = decode(body)
    except Exception:  # it is not plain, which does not mean that it is broken
        return None
    kept = ParsedBody(body)
    kept.shape, kept.decoded = shape, decoded
    return kept


def _with_tree(body: bytes) -> ParsedBody | None:
    """A body that an XML parser could read, and that is no error."""
    try:
        check_document_type(body)
        parser = XMLParser(target=TreeBuilder(), encoding="utf-8")  # noqa: S314 - as botocore does; expat refuses entity bombs
        parser.feed(body)
        root = parser.close()
    except (ParseError, ResponseParserError):
        return None
    if root.tag == "Error":
        return None
    kept = ParsedBody(body)
    kept.root = root
    return kept


class DecodeEncoded:
    """Calls a handler that decodes the keys and prefixes of a page, if any of them is encoded."""

    def __init__(self, decode: Any) -> None:
        self._decode = decode

    def __call__(self, parsed: dict[str, Any], **kwargs: Any) -> None:
        if parsed.get("EncodingType") != "url":
            return
        try:
            texts = [value for value in parsed.values() if type(value) is str]
            for name, member in _NAMES_ON_A_PAGE:
                if name in parsed:
                    texts += [each[member] for each in parsed[name]]
            text = "".join(texts)
        except (KeyError, TypeError):  # botocore says what is wrong with the page
            text = "%"
        if "%" in text or "+" in text:
            self._decode(parsed=parsed, **kwargs)

    def __eq__(self, other: object) -> bool:
        return self._decode is getattr(other, "_decode", other)  # it is unregistered as botocore's

    def __hash__(self) -> int:
        return hash(self._decode)


_NAMES_ON_A_PAGE: Final = (
    ("Contents", "Key"),
    ("Versions", "Key"),
    ("DeleteMarkers", "Key"),
    ("CommonPrefixes", "Prefix"),
)
_DECODERS: Final = {
    "after-call.s3.ListObjects": decode_list_object,
    "after-call.s3.ListObjectsV2": decode_list_object_v2,
    "after-call.s3.ListObjectVersions": decode_list_object_versions,
}


def take_the_place_of_botocores(emitter: Any) -> None:
    """Put these handlers in the place of botocore's, unless somebody has taken those away or wrapped them."""
    if _has(emitter, EVENT, _handle_200_error):
        emitter.unregister(EVENT, _handle_200_error)
        emitter.register_first(EVENT, find_error)
    for event, decode in _DECODERS.items():
        if _has(emitter, event, decode):
            emitter.unregister(event, decode)
            emitter.register(event, DecodeEncoded(decode))


def _has(emitter: Any, event: str, handler: Any) -> bool:
    return any(each is handler for each in emitter._handlers.prefix_search(event))
