"""Tags several EC2 resources at once, and takes tags from an instance."""
# pyright: reportPrivateUsage=false
# Part of the resource classes.

from __future__ import annotations

from typing import Any

from aiosdk.resources.actions import send, sends
from aiosdk.resources.resource import Resource
from aiosdk.resources.results import fill


class ServiceResource(Resource):
    """EC2 itself."""

    __slots__ = ()

    @sends("CreateTags")
    async def create_tags(self, **params: Any) -> list[Resource]:
        """Put tags on resources, and give a Tag for each resource and tag.

        Sends `CreateTags`.

        Returns:
            list[ec2.Tag]: Those of the first resource, then those of the second, and so on.

        Raises:
            ClientError: A resource does not exist or may not be tagged.
        """
        client = self._client_to_call()
        await send(client, "ec2", "CreateTags", params)
        kind = self._family.classes["Tag"]
        return [
            fill(kind, (resource, tag["Key"], tag.get("Value", "")), client, None)
            for resource in params["Resources"]
            for tag in params["Tags"]
        ]


class Instance(Resource):
    """An instance."""

    __slots__ = ()

    id: str

    @sends("DeleteTags", "Resources")
    async def delete_tags(self, **params: Any) -> dict[str, Any]:
        """Take tags from the instance.

        Sends `DeleteTags` with `Resources` filled in. Loaded data are dropped.

        Returns:
            dict: The response.

        Raises:
            ClientError: The instance does not exist or may not be changed.
        """
        response = await send(self._client_to_call(), "ec2", "DeleteTags", {**params, "Resources": [self.id]})
        self._drop_data("delete_tags")
        return response
