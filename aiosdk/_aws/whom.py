"""Whom a client's requests concern: whose keys sign them, and where they go. What clients share is keyed by it.

AWS counts requests, and refuses them, by account, region and service; an endpoint that is down is down for whoever uses
it. What comes of the requests of one of them is no reason to treat those of another one otherwise.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aiosdk._aws.credentials import SessionCredentials

if TYPE_CHECKING:
    from collections.abc import Hashable


class Whom(NamedTuple):
    """Whom requests concern."""

    account: Hashable
    """The account where it is known, or else the access key. What a session's provider gives has one identity, however
    often its keys change."""
    service: str
    region: str
    endpoint: str


NOBODY = Whom(None, "", "", "")
"""For requests of no client, such as those for credentials."""


def whom_of(client: Any) -> Whom:
    """Say whom a client's requests concern."""
    meta = client.meta
    account = _account_of(client._request_signer._credentials)
    return Whom(account, meta.service_model.service_name, str(meta.region_name), str(meta.endpoint_url))


def _account_of(credentials: Any) -> Hashable:
    if credentials is None or isinstance(credentials, SessionCredentials):
        return credentials
    known = getattr(credentials, "account_id", None), getattr(credentials, "access_key", None)
    return next((each for each in known if isinstance(each, str)), id(credentials))
