"""Bounds what botocore's helpers of a client remember of buckets and endpoints, for as long as the client lives.

They keep an entry for each bucket that was redirected, each directory bucket that refused a session, each endpoint that
was discovered: a crawler of a million buckets fills the memory with them. Nothing is patched: each helper keeps what it
remembers in a dictionary of its own, and is given a bounded one.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import Any, Final
from weakref import WeakValueDictionary

from aiobotocore.utils import AioS3ExpressIdentityCache
from botocore.discovery import EndpointDiscoveryHandler
from botocore.utils import S3ExpressIdentityResolver, S3RegionRedirectorv2

from aiosdk._aws.events import hooks_of
from aiosdk._bounded import Bounded

MOST_BUCKETS: Final = 1000
"""That were redirected. One that is forgotten is redirected once more."""
MOST_ENDPOINTS: Final = 1000
"""That were discovered, or not."""
_EVENTS: Final = ("before-endpoint-resolution", "before-sign", "needs-retry")


def bound_helpers(client: Any) -> None:
    """Bound what a new client's helpers remember."""
    events, service = client.meta.events, client.meta.service_model
    if not hasattr(getattr(events, "_emitter", events), "_handlers"):
        return  # an emitter of the user's
    if service.service_name != "s3" and service.endpoint_discovery_operation is None:
        return
    name = service.service_id.hyphenize()
    helpers = [getattr(each, "__self__", None) for kind in _EVENTS for each in hooks_of(events, f"{kind}.{name}")]
    for helper in helpers:
        if isinstance(helper, S3RegionRedirectorv2):
            helper._cache = Bounded(MOST_BUCKETS)
        elif isinstance(helper, S3ExpressIdentityResolver) and isinstance(helper._cache, AioS3ExpressIdentityCache):
            # The credentials are bounded, but the lock of a bucket that gave none stayed.
            cache: Any = helper._cache
            cache._refresh_locks = WeakValueDictionary()
        elif isinstance(helper, EndpointDiscoveryHandler):
            manager: Any = helper._manager
            manager._cache, manager._failed_attempts = Bounded(MOST_ENDPOINTS), Bounded(MOST_ENDPOINTS)
