"""Names in Python's spelling."""
# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false
# botocore has no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from botocore import xform_name

if TYPE_CHECKING:
    from collections.abc import Callable

snake_case: Final = cast("Callable[[str], str]", xform_name)
"""Spell `DescribeVpcs` as `describe_vpcs`, as botocore does."""
