"""DynamoDB's types and conditions: `from aiosdk.dynamodb import Attr, Key`.

What is used of `boto3.dynamodb.conditions` and `boto3.dynamodb.types`, in one module. The tables themselves come from
`await session.resource("dynamodb")`.
"""

from __future__ import annotations

from aiosdk.services.dynamodb.conditions import And, Attr, AttributeBase, ConditionBase, Key, Not, Or
from aiosdk.services.dynamodb.deserializing import TypeDeserializer
from aiosdk.services.dynamodb.expressions import BuiltConditionExpression, ConditionExpressionBuilder
from aiosdk.services.dynamodb.types import DYNAMODB_CONTEXT, Binary, TypeSerializer
from aiosdk.services.dynamodb.writer import BatchWriter

__all__ = [
    "DYNAMODB_CONTEXT",
    "And",
    "Attr",
    "AttributeBase",
    "BatchWriter",
    "Binary",
    "BuiltConditionExpression",
    "ConditionBase",
    "ConditionExpressionBuilder",
    "Key",
    "Not",
    "Or",
    "TypeDeserializer",
    "TypeSerializer",
]
