"""An `except` clause written for boto3's exceptions catches ours of the same name."""

from __future__ import annotations

import subprocess
import sys

import boto3.exceptions
import pytest
import s3transfer.exceptions

from aiosdk import exceptions
from aiosdk._namesakes import relate_namesakes

NAMESAKES = [
    "DynamoDBNeedsConditionError",
    "DynamoDBNeedsKeyConditionError",
    "DynamoDBOperationNotSupportedError",
    "ResourceNotExistsError",
    "RetriesExceededError",
    "S3UploadFailedError",
    "UnknownAPIVersionError",
]
RAISE = """
import pickle
from aiosdk import exceptions

def error():
    return exceptions.S3UploadFailedError(
        source="a", bucket="b", key="k", error="refused", response={"Error": {"Code": "SlowDown"}}
    )
"""
CATCH = """
for made in (error(), pickle.loads(pickle.dumps(error()))):
    try:
        raise made
    except boto3.exceptions.Boto3Error as caught:
        assert isinstance(caught, boto3.exceptions.S3UploadFailedError)
        assert type(caught) is exceptions.S3UploadFailedError
        assert str(caught) == "Failed to upload a to b/k: refused"
        assert caught.response["Error"]["Code"] == "SlowDown"
    for kind in (exceptions.S3UploadFailedError, exceptions.AiosdkError, exceptions.ClientError):
        try:
            raise made
        except kind:
            pass
"""
ORDERS = {
    "boto3 first": f"import boto3.exceptions\n{RAISE}{CATCH}",
    "boto3 second": f"{RAISE}\nearlier = error()\nimport boto3.exceptions\n{CATCH}"
    "assert isinstance(earlier, boto3.exceptions.S3UploadFailedError)",
    "no boto3": f"{RAISE}\nimport sys\nerror()\n"
    "assert not sys.modules.keys() & {'boto3', 'boto3.exceptions', 's3transfer', 's3transfer.exceptions'}",
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_relation_holds_in_whatever_order_they_are_imported(order: str) -> None:
    subprocess.run([sys.executable, "-c", ORDERS[order]], check=True)


@pytest.mark.parametrize("theirs", [boto3.exceptions, s3transfer.exceptions])
def test_each_exception_of_a_name_that_boto3_has_is_also_boto3s(theirs: object) -> None:
    relate_namesakes()
    names = vars(theirs).keys() & set(exceptions.__all__)
    for name in names:
        assert issubclass(getattr(exceptions, name), getattr(theirs, name)), name
    if theirs is boto3.exceptions:
        assert sorted(names) == NAMESAKES


def test_what_boto3_calls_otherwise_is_caught_by_its_name_there() -> None:
    relate_namesakes()
    assert issubclass(exceptions.NotLoadedError, boto3.exceptions.ResourceLoadException)
    assert issubclass(exceptions.UnexpectedRangeError, s3transfer.exceptions.S3ValidationError)


def test_a_class_that_is_derived_from_both_stays_usable() -> None:
    class Both(exceptions.S3UploadFailedError, boto3.exceptions.S3UploadFailedError):
        pass

    assert str(Both(source="a", bucket="b", key="k", error="e")) == "Failed to upload a to b/k: e"
