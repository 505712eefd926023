"""Looks for an error in an answer of S3 with status 200, as botocore does, and keeps the parsed body for the parser.

botocore parses such a body twice, once to look for the error and once for its contents.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

from botocore.handlers import _handle_200_error, _should_handle_200_error

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

EVENT: Final = "before-parse.s3.*"


class ParsedBody(bytes):
    """A body with the XML tree that was made of it."""

    root: Element


def find_error(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Give an answer that is an error, or that broke off, the status of one, so that it is tried again."""
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or not body or not _should_handle_200_error(operation_model, response_dict):
        return
    try:
        parser = XMLParser(target=TreeBuilder(), encoding="utf-8")  # noqa: S314 - as botocore does; expat refuses entity bombs
        parser.feed(body)
        root = parser.close()
    except ParseError:
        root = None
    if root is None or root.tag == "Error":
        response_dict["status_code"] = 500
    else:
        response_dict["body"] = ParsedBody(body)
        response_dict["body"].root = root


def keep_parsed(emitter: Any) -> None:
    """Put `find_error` in the place of botocore's handler."""
    emitter.unregister(EVENT, _handle_200_error)
    emitter.register_first(EVENT, find_error)
