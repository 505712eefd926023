"""What DynamoDB's resources have beside what their definition says."""

from __future__ import annotations

from typing import Final

from aiosdk.resources.build import Extras
from aiosdk.services.dynamodb.table import ServiceResource, Table
from aiosdk.services.dynamodb.transform import use_python_types

EXTRAS: Final = Extras(
    resources={"ServiceResource": ServiceResource, "Table": Table},
    types={
        "AttributeValue": "Any",
        "ConditionExpression": "Attr condition | str",
        "KeyExpression": "Key condition | str",
    },
    prepare_client=use_python_types,
)
"""Items are Python's values, as `aiosdk.dynamodb` says."""
