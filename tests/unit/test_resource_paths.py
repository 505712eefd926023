"""Paths compiled to closures read what jmespath reads, and write what boto3 writes: all that occur in boto3's files."""

from __future__ import annotations

import copy
import re
from typing import Any

import jmespath
import pytest
from boto3.resources.params import build_param_structure
from botocore.loaders import Loader
from hypothesis import given, settings
from hypothesis import strategies as st

from aiosdk.resources.paths import compile_path, compile_target, split_items, write
from aiosdk.services.ec2.routes import PATHS as ROUTE_PATHS
from tests.support.resources import LATEST, VERSIONS, Version


def _found(definition: Any, wanted: str) -> set[str]:
    """The values of a key at any depth."""
    found: set[str] = set()
    for key, value in definition.items() if isinstance(definition, dict) else enumerate(definition):
        if key == wanted and isinstance(value, str):
            found.add(value)
        elif isinstance(value, dict | list):
            found |= _found(value, wanted)
    return found


def _requests(definition: Any) -> set[tuple[str, ...]]:
    """The targets of each request, in order."""
    found: set[tuple[str, ...]] = set()
    for key, value in definition.items() if isinstance(definition, dict) else enumerate(definition):
        if key == "params":
            found.add(tuple(each["target"] for each in value if each["source"] != "input"))
        elif isinstance(value, dict | list):
            found |= _requests(value)
    return found


def _parts(path: str) -> set[str]:
    """A path, and its parts before and after its last list, which are compiled too. Ours for routes has these only."""
    parts = set(split_items(path)) if "[]" in path else set()
    return (parts | {path} if ".(" not in path else parts) - {""}


def _likeness(path: str) -> str:
    """What is the same for paths that differ in names alone."""
    names = list(dict.fromkeys(re.findall(r"[A-Za-z]\w*", path)))
    return re.sub(r"[A-Za-z]\w*", lambda name: f"n{names.index(name[0])}", path)


IN_FILES = set().union(*(_found(each.definitions, "path") for each in VERSIONS))
PATHS = sorted(set().union(*(_parts(path) for path in IN_FILES | set(ROUTE_PATHS.values()))))
LIKE = {_likeness(path): path for path in PATHS}
REQUESTS = sorted(set().union(*(_requests(each.definitions) for each in VERSIONS)) - {()})
TARGETS = sorted({target for request in REQUESTS for target in request})

_scalars = st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2)


def _documents(path: str) -> st.SearchStrategy[Any]:
    """Documents in which a path leads somewhere, or ends early: at a missing member, an empty list, a wrong type."""
    inner_lists = set(re.findall(r"(?<=\.)(\w+)\[\]", path))
    merged = re.fullmatch(r"\[([\w,]+)\]\|\[\].*", path)
    lists = inner_lists | set(merged[1].split(",") if merged else ())
    return _structure(re.findall(r"[A-Za-z]\w*", path), lists)


def _structure(names: list[str], lists: set[str]) -> st.SearchStrategy[Any]:
    """A structure with some of the names, and in it structures with those that follow.

    What must be a list is one or is missing: AWS puts no nulls into lists, no lists, and nothing in the place of one.
    """
    members = {}
    for place, name in enumerate(names):
        following = names[place + 1 :]
        other = st.fixed_dictionaries({}, optional={"Other": _scalars})
        inner = _structure(following, lists) if following else other | _scalars.filter(lambda each: each is not None)
        many = st.lists(inner, max_size=3)
        members[name] = many | st.none() if name in lists else many | inner | _scalars
    return st.fixed_dictionaries({}, optional=members)


def _check(path: str, examples: int) -> None:
    expected, read = jmespath.compile(path).search, compile_path(path)

    @settings(deadline=None, max_examples=examples, database=None)
    @given(_documents(path))
    def check(document: Any) -> None:
        before = copy.deepcopy(document)
        assert read(document) == expected(document)
        assert document == before

    check()


def test_the_walk_meets_all_kinds_of_paths_and_targets() -> None:
    assert len(PATHS) > 220
    assert {"@", "Contents[].Key", "Vpcs[0]", "Reservations[].Instances[]", "[Versions,DeleteMarkers]|[]"} < set(PATHS)
    assert len(TARGETS) > 100
    assert {"Filters[0].Values[0]", "Delete.Objects[*].Key", "InstanceIds[]", "Bucket"} < set(TARGETS)


@pytest.mark.parametrize("path", LIKE.values(), ids=LIKE)
def test_a_compiled_path_of_each_kind_reads_what_jmespath_reads(path: str) -> None:
    _check(path, 300)


@pytest.mark.parametrize("path", PATHS)
def test_every_compiled_path_reads_what_jmespath_reads(path: str) -> None:
    _check(path, 12)


@pytest.mark.parametrize("path", [None, "", "@", "$"])
def test_no_path_gives_the_document_itself(path: str | None) -> None:
    document = {"a": 1}
    assert compile_path(path)(document) is document


@pytest.mark.parametrize("version", LATEST, ids=str)
def test_tokens_of_every_paginator_read_what_jmespath_reads(version: Version) -> None:
    paginators = Loader().load_service_model(version.service, "paginators-1", version.api_version)["pagination"]
    paths: set[str] = set()
    for each in paginators.values():
        paths |= {*_listed(each["output_token"]), *_listed(each.get("more_results", []))}
    for path in paths:
        _check(path, 30)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


values = st.integers(0, 9) | st.text(max_size=2) | st.lists(st.integers(0, 9), max_size=2)


@pytest.mark.parametrize("request_targets", REQUESTS, ids=" ".join)
def test_every_request_is_filled_in_as_by_boto3(request_targets: tuple[str, ...]) -> None:
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    for number in range(3):  # of a batch; other requests have one resource
        for target in request_targets:
            write(ours, compile_target(target), f"{target} {number}", number)
            build_param_structure(theirs, target, f"{target} {number}", number)
            assert ours == theirs


def _group(target: str) -> str:
    return re.split(r"[.\[]", target)[0]


GROUPS = sorted({_group(target) for target in TARGETS if re.search(r"[.\[]", target)})


@pytest.mark.parametrize("group", GROUPS)
def test_targets_of_one_parameter_are_written_as_by_boto3_in_any_order(group: str) -> None:
    targets = [target for target in TARGETS if _group(target) == group and target != group]
    steps = st.tuples(st.sampled_from(targets), values, st.integers(0, 3))

    @settings(deadline=None, max_examples=40, database=None)
    @given(st.lists(steps, max_size=6))
    def check(sequence: list[tuple[str, Any, int]]) -> None:
        ours: dict[str, Any] = {}
        theirs: dict[str, Any] = {}
        for target, value, number in sequence:
            write(ours, compile_target(target), value, number)
            build_param_structure(theirs, target, value, number)
        assert ours == theirs

    check()


@pytest.mark.parametrize("target", ["", "a b", "a[b]", "a..b", "a[0", "a[0].[1]"])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="it is no path"):
        compile_target(target)
