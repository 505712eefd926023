"""Routes of every kind of destination.

The definition knows only those for IPv4. boto3 leaves other routes out, and gives their data to those that come next.
"""
# pyright: reportPrivateUsage=false
# Part of the resource classes.

from __future__ import annotations

from typing import Any, Final

from aiosdk.resources.resource import Resource

_DESTINATION: Final = "DestinationCidrBlock||DestinationIpv6CidrBlock||DestinationPrefixListId"

PATHS: Final = {
    "Tags[].Value": "Tags[].(Value||'')",  # a tag may be made without one
    "DestinationCidrBlock": _DESTINATION,
    "Routes[].DestinationCidrBlock": f"Routes[].({_DESTINATION})",
}


class Route(Resource):
    """A route; `destination_cidr_block` is its destination, be it for IPv4, for IPv6 or a prefix list."""

    __slots__ = ()

    def _adapt(self, params: dict[str, Any]) -> dict[str, Any]:
        destination = params.pop("DestinationCidrBlock")
        if destination.startswith("pl-"):
            return {**params, "DestinationPrefixListId": destination}
        name = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
        return {**params, name: destination}
