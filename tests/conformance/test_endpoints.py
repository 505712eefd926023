"""Endpoints remembered by the parameters that the rules read are the ones that botocore's rules give.

Over every service. `AIOSDK_DEEP=1` asks thirty times as often.
"""

from __future__ import annotations

import os
import random
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.endpoint_provider import RuleSet
from botocore.loaders import Loader

from aiosdk._compile.endpoint import parameters_read

if TYPE_CHECKING:
    from collections.abc import Callable

DEEP = bool(os.environ.get("AIOSDK_DEEP"))
LOADER = Loader()
SERVICES = LOADER.list_available_services("endpoint-rule-set-1")
PARTITIONS = LOADER.load_data("partitions")
REGIONS = [region for partition in PARTITIONS["partitions"] for region in partition["regions"]]

BUCKETS = [
    "bucket",
    "a.b.c",
    "Upper",
    "under_score",
    "ab",
    "192.168.1.1",
    "a" * 63,
    "a" * 64,
    "-a-",
    "a b",
    "ä",
    "",
    "a..b",
]
BUCKETS += ["name--usw2-az1--x-s3", "name--use1-az4--xa-s3", "a--abcd-ab1--x-s3", "--x-s3", "name--op-s3", "name--x-s3"]
BUCKETS += [
    "test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3ebeta0--op-s3",
    "test-e0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10",
]
SERVICE_ARNS = [
    "arn:{p}:s3:{r}:{a}:accesspoint:{n}",
    "arn:{p}:s3:{r}:{a}:accesspoint/{n}",
    "arn:{p}:s3::{a}:accesspoint:{n}",
]
SERVICE_ARNS += [
    "arn:{p}:s3-object-lambda:{r}:{a}:accesspoint/{n}",
    "arn:{p}:s3-outposts:{r}:{a}:outpost/op-01/bucket/{n}",
]
SERVICE_ARNS += ["arn:{p}:s3-outposts:{r}:{a}:outpost:op-01:accesspoint:{n}", "arn:{p}:s3::{a}:accesspoint:{n}.mrap"]
SERVICE_ARNS += ["arn:{p}:s3express:{r}:{a}:accesspoint/{n}--usw2-az1--xa-s3", "arn:{p}:s3:{r}:{a}:bucket_name:{n}"]
SERVICE_ARNS += ["arn:{p}:dynamodb:{r}:{a}:table/{n}", "arn:{p}:kinesis:{r}:{a}:stream/{n}", "arn:{p}:sns:{r}:{a}:{n}"]
SERVICE_ARNS += [
    "arn:{p}:kinesis:{r}:{a}:stream/{n}/consumer/{n}:1",
    "arn:{p}:events:{r}:{a}:event-bus/{n}",
    "arn:",
    "arn:{p}",
]
SERVICE_ARNS += [
    "arn:{p}:cloudfront::{a}:key-value-store/{n}",
    "arn:{p}:s3:{r}:{a}:",
    "arn:{p}:s3-outposts:{r}:{a}:outpost",
]
ENDPOINTS = [
    "https://example.com",
    "http://127.0.0.1:9000/some/path",
    "https://example.com?a=b",
    "no url",
    "http://h:port",
]
ENDPOINTS += ["https://[::1]:8000", "https://beta.example.com/", "https://s3.us-west-2.amazonaws.com", "ftp://h"]
PARTITION_NAMES = [partition["id"] for partition in PARTITIONS["partitions"]]


class Values:
    """Values for the parameters of a ruleset, plausible and not."""

    def __init__(self, ruleset: dict[str, Any], seed: object) -> None:
        self.parameters = ruleset["parameters"]
        self.random = random.Random(str(seed))
        self.literals = sorted(literals(ruleset["rules"]))  # what the rules compare with

    def some(self) -> dict[str, Any]:
        """One value for each of most parameters."""
        chosen = {name: self.value(name) for name in self.parameters if self.random.random() < 0.75}
        if self.random.random() < 0.9:
            chosen["Region"] = chosen.get("Region") or self.random.choice(REGIONS)
        if self.random.random() < 0.7:
            chosen.pop("Endpoint", None)
        return {name: value for name, value in chosen.items() if value is not None}

    def value(self, name: str) -> Any:
        """A value for a parameter."""
        choice = self.random.choice
        kind = self.parameters[name]["type"].lower()
        if self.random.random() < 0.05:
            return None
        if kind == "boolean":
            return self.random.random() < 0.3
        if kind == "stringarray":
            return tuple(self.arn() for _ in range(self.random.randrange(3)))
        if name == "Region":
            return (
                choice(REGIONS)
                if self.random.random() < 0.9
                else choice(["aws-global", "", "xx-nowhere-9", "a b", "é"])
            )
        if name == "Endpoint":
            return choice(ENDPOINTS)
        if name == "AccountId":
            return choice(["123456789012", "1", "not an account", ""])
        anything = [*self.literals, "abc.def", "op-01", "x" * 40] if self.random.random() < 0.5 else BUCKETS
        return self.arn() if self.random.random() < 0.4 else choice(anything)

    def arn(self) -> str:
        """An ARN, mostly of an account, a region and a partition that exist."""
        choice = self.random.choice
        return choice(SERVICE_ARNS).format(
            p=choice(PARTITION_NAMES) if self.random.random() < 0.3 else "aws",
            r=choice(REGIONS) if self.random.random() < 0.5 else "us-west-2",
            a=choice(["123456789012", "123456789012", "", "bad_account"]),
            n=choice(["name", "name.mrap", "a/b", "under_score", ""]),
        )


def literals(node: Any) -> set[str]:
    """The texts that conditions give to their functions."""
    if isinstance(node, list):
        return set().union(*map(literals, node))
    if not isinstance(node, dict):
        return set()
    own = {each for each in node.get("argv", []) if isinstance(each, str) and len(each) < 40}
    return own.union(*map(literals, node.values()))


class Recording(dict[str, Any]):
    """Variables that say which of them are looked at."""

    seen: set[str]

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)

    def copy(self) -> Recording:
        copied = Recording(self)
        copied.seen = self.seen
        return copied


class Given(dict[str, Any]):
    """Parameters whose copies record."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.seen: set[str] = set()

    def copy(self) -> Recording:
        copied = Recording(self)
        copied.seen = self.seen
        return copied


@cache
def ruleset_of(service: str) -> dict[str, Any]:
    ruleset: dict[str, Any] = LOADER.load_service_model(service, "endpoint-rule-set-1")
    return ruleset


@cache
def rules_of(service: str) -> RuleSet:
    return RuleSet(**ruleset_of(service), partitions=PARTITIONS)


def answer(resolve: Callable[[], Any]) -> Any:
    """The endpoint, or the error; None where no rule gives one."""
    try:
        return resolve()
    except Exception as error:  # odd values make the rules trip in every way
        return None if str(error).startswith("No endpoint found for parameters:") else (type(error), str(error))


def outcome(service: str, values: dict[str, Any]) -> Any:
    """What the rules give."""
    return answer(lambda: rules_of(service).evaluate(values if isinstance(values, Given) else dict(values)))


def rounds(service: str) -> int:
    """How many sets of parameters to try: more where there are others than everywhere."""
    special = set(ruleset_of(service)["parameters"]) - {"Region", "UseDualStack", "UseFIPS", "Endpoint"}
    return (4000 if service.startswith("s3") else 800 if special else 40) * (30 if DEEP else 1)


def test_rules_look_at_no_other_parameter_and_what_they_do_not_look_at_does_not_matter() -> None:
    assert len(SERVICES) > 400
    for service in SERVICES:
        ruleset = ruleset_of(service)
        declared, read = set(ruleset["parameters"]), parameters_read(ruleset)
        values, seen = Values(ruleset, service), set[str]()
        endpoints = 0
        for _ in range(rounds(service)):
            one = values.some()
            recorded = Given(one)
            first = outcome(service, recorded)
            seen |= recorded.seen
            other = {name: value for name, value in one.items() if name in read}
            unread = {name: values.value(name) for name in declared - read if values.random.random() < 0.75}
            assert outcome(service, {**other, **unread}) == first, (service, one)
            endpoints += first is not None and type(first) is not tuple
        assert seen & declared <= read, service
        assert endpoints, service


def test_every_parameter_read_is_looked_at_by_some_rule_or_must_be_given() -> None:
    for service in SERVICES:
        ruleset = ruleset_of(service)
        values, missing = Values(ruleset, service), set(parameters_read(ruleset))
        for _ in range(rounds(service) * 10):
            recorded = Given(values.some())
            outcome(service, recorded)
            missing -= recorded.seen
            if not missing:
                break
        assert all(ruleset["parameters"][name].get("required") for name in missing), (service, missing)


def test_s3_reads_neither_keys_nor_prefixes() -> None:
    declared = set(ruleset_of("s3")["parameters"])
    assert declared - parameters_read(ruleset_of("s3")) == {"Key", "Prefix", "CopySource"}
    assert not any(
        set(ruleset_of(name)["parameters"]) - parameters_read(ruleset_of(name)) for name in SERVICES if name != "s3"
    )


RULESET = {
    "version": "1.0",
    "parameters": {
        name: {"type": "String"} for name in ["Deep", "Url", "Header", "Property", "Message", "Argument", "Not", "Told"]
    }
    | {"Needed": {"type": "String", "required": True}, "Usual": {"type": "String", "required": True, "default": "x"}},
    "rules": [
        {
            "type": "tree",
            "documentation": "of {Told}",
            "conditions": [{"fn": "not", "argv": [{"fn": "isSet", "argv": [{"ref": "Deep"}]}], "assign": "Not"}],
            "rules": [
                {"type": "error", "conditions": [], "error": "{Message} is wrong"},
                {
                    "type": "endpoint",
                    "conditions": [{"fn": "parseURL", "argv": ["https://{Argument}"], "assign": "url"}],
                    "endpoint": {
                        "url": "https://{Url}.{url#authority}",
                        "headers": {"x": ["{Header}", {"ref": "Other"}]},
                        "properties": {"authSchemes": [{"signingRegion": "{Property}"}]},
                    },
                },
            ],
        }
    ],
}


def test_references_are_found_wherever_rules_may_have_them() -> None:
    expected = {"Deep", "Url", "Header", "Property", "Message", "Argument", "Needed"}
    assert parameters_read(RULESET) == expected
