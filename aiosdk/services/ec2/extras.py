"""What EC2's resources have beside what their definition says."""

from __future__ import annotations

from typing import Final

from aiosdk.resources.build import Extras
from aiosdk.services.ec2.routes import PATHS, Route
from aiosdk.services.ec2.tags import Instance, ServiceResource

EXTRAS: Final = Extras(
    resources={"ServiceResource": ServiceResource, "Instance": Instance, "Route": Route}, paths=PATHS
)
