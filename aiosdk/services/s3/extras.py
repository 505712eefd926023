"""What S3's resources have beside what their definition says."""

from __future__ import annotations

from typing import Final

from aiosdk.resources.build import Extras
from aiosdk.services.s3.bucket import Bucket
from aiosdk.services.s3.objects import Object, ObjectsCollection, ObjectSummary, ObjectVersion

EXTRAS: Final = Extras(
    resources={
        "Bucket": Bucket,
        "Object": Object,
        "ObjectSummary": ObjectSummary,
        "ObjectVersion": ObjectVersion,
    },
    collections={("Bucket", "objects"): ObjectsCollection},
)
