"""The stub of `aiosdk.types` has every resource class, and no other."""

from __future__ import annotations

import ast
from pathlib import Path

import aiosdk.types


def test_type_checkers_see_every_resource_class() -> None:
    stub = ast.parse(Path(aiosdk.types.__file__).with_suffix(".pyi").read_text())
    seen = {
        each.name: sorted(inner.name for inner in each.body if isinstance(inner, ast.ClassDef))
        for each in stub.body
        if isinstance(each, ast.ClassDef) and each.name.islower()
    }
    assert seen == {name: dir(getattr(aiosdk.types, name)) for name in seen}
    assert len(seen) == 9
