"""Looks for an error in an answer of S3 with status 200, as botocore does, and keeps what it read for the parser.

botocore parses such a body twice, once to look for the error and once for its contents.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

from botocore.handlers import _handle_200_error, _should_handle_200_error

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
        parser = XMLParser(target=TreeBuilder(), encoding="utf-8")  # noqa: S314 - as botocore does; expat refuses entity bombs
        parser.feed(body)
        root = parser.close()
    except ParseError:
        return None
    if root.tag == "Error":
        return None
    kept = ParsedBody(body)
    kept.root = root
    return kept


def keep_parsed(emitter: Any) -> None:
    """Put `find_error` in the place of botocore's handler."""
    emitter.unregister(EVENT, _handle_200_error)
    emitter.register_first(EVENT, find_error)
