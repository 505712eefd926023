"""Packed models say what botocore's files say."""

from __future__ import annotations

import asyncio
import glob
import gzip
import json
import os
from pathlib import Path

import botocore
import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel

import aiosdk
from aiosdk._aws.models import _LINES, Packed, SharedLoader, read_model, shared_loader
from aiosdk._aws.packed import split_by_lines

DATA = os.path.join(os.path.dirname(botocore.__file__), "data")
MODELS = sorted(glob.glob(f"{DATA}/*/*/service-2.json.gz"))


def _text(path: str) -> bytes:
    return gzip.open(path).read() if path.endswith(".gz") else Path(path).read_bytes()


def test_every_service_model_unpacks_to_what_its_file_says() -> None:
    assert len(MODELS) > 400
    for path in MODELS:
        text = _text(path)
        expected = json.loads(text)
        errors = [name for name, shape in expected["shapes"].items() if shape.get("exception")]
        assert split_by_lines(text, *_LINES["service-2"]) is not None, path
        for model in (read_model("service-2", text), read_model("service-2", text, is_built_in=True)):
            assert list(model) == list(expected), path
            assert list(model["shapes"].error_names) == errors, path
            for section in ("operations", "shapes"):
                assert isinstance(model[section], Packed)
                assert list(model[section]) == list(expected[section]), path
            assert model == expected, path


def test_the_endpoints_file_unpacks_to_what_it_says() -> None:
    [path] = glob.glob(f"{DATA}/endpoints.json*")
    text = _text(path)
    assert read_model("endpoints", text) == json.loads(text)
    assert read_model("endpoints", text, is_built_in=True) == json.loads(text)
    assert split_by_lines(text, *_LINES["endpoints"]) is not None


@pytest.mark.parametrize(
    "path", ["sqs/2012-11-05/service-2.json.gz", "mq/2017-11-27/service-2.json.gz", "endpoints.json"]
)
@pytest.mark.parametrize("indent", [None, 0, 1, 2, 4, "\t"])
def test_a_file_of_botocores_that_was_written_anew_says_the_same(path: str, indent: int | str | None) -> None:
    [found] = glob.glob(f"{DATA}/{path}*")
    expected = json.loads(_text(found))
    for separators in ((",", ":"), (", ", ": "), (" ,", " : ")):
        text = json.dumps(expected, indent=indent, separators=separators).encode()
        name = "service-2" if "service" in path else "endpoints"
        assert read_model(name, text, is_built_in=True) == expected
        for line_end in (b"\r\n", b"\n\n"):
            assert read_model(name, text.replace(b"\n", line_end), is_built_in=True) == expected


def test_a_shape_is_unpacked_once_and_can_be_changed_in_place() -> None:
    model = read_model("service-2", _text(f"{DATA}/sqs/2012-11-05/service-2.json.gz"))
    shapes = model["shapes"]
    assert type(dict.__getitem__(shapes, "SendMessageRequest")) is bytes
    shape = shapes["SendMessageRequest"]
    assert shapes["SendMessageRequest"] is shape
    assert shapes.get("SendMessageRequest") is shape
    assert shapes.get("Nothing", 5) == 5
    assert shapes.pop("SendMessageRequest") is shape
    assert "SendMessageRequest" not in shapes
    with pytest.raises(KeyError):
        shapes["SendMessageRequest"]


@pytest.mark.parametrize("service", ["s3", "ec2", "sqs", "sagemaker-a2i-runtime"])
@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2"])
def test_the_loader_answers_as_botocores_does(service: str, kind: str) -> None:
    ours, theirs = SharedLoader([]), Loader()
    try:
        expected = theirs.load_service_model(service, kind)
    except (DataNotFoundError, UnknownServiceError) as error:
        for _ in range(2):
            with pytest.raises(type(error)):
                ours.load_service_model(service, kind)
    else:
        assert json.loads(json.dumps(ours.load_service_model(service, kind))) == json.loads(json.dumps(expected))
        assert ours.load_service_model(service, kind, api_version=ours.determine_latest_version(service, kind)) is (
            ours.load_service_model(service, kind)
        )


def test_models_in_aws_data_path_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "myservice" / "2026-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"apiVersion": "2026-01-01"}, "operations": {}, "shapes": {}}')
    loader = shared_loader(f"{tmp_path}/models")
    assert "myservice" in loader.list_available_services("service-2")
    assert loader.load_service_model("myservice", "service-2")["metadata"]["apiVersion"] == "2026-01-01"
    assert loader.load_service_model("s3", "service-2")["metadata"]["endpointPrefix"] == "s3"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "s3/", "../data/s3", "s3/2006-03-01", "S3", "endpoints.json", "nothing"]
)
def test_what_is_no_name_of_a_service_is_found_no_more_than_by_botocore(name: str) -> None:
    ours = SharedLoader([])
    with pytest.raises(UnknownServiceError) as theirs:
        Loader().load_service_model(name, "service-2")
    for _ in range(2):
        with pytest.raises(UnknownServiceError) as raised:
            ours.load_service_model(name, "service-2")
        assert str(raised.value) == str(theirs.value)


def test_the_loader_lists_every_service_also_after_it_has_loaded_one() -> None:
    ours = SharedLoader([])
    ours.load_service_model("sqs", "service-2")
    for kind in ("service-2", "waiters-2"):
        assert ours.list_available_services(kind) == Loader().list_available_services(kind)
        assert ours.list_available_services(type_name=kind) == Loader().list_available_services(kind)


def test_loading_a_known_service_again_reads_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = SharedLoader([])
    model = ours.load_service_model("sqs", "service-2")
    monkeypatch.setattr(os, "listdir", None)
    assert ours.load_service_model("sqs", "service-2") is model


async def test_making_a_client_reads_no_operation_and_asking_for_help_reads_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))  # other tests have used the models of the usual loader
    async with aiosdk.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1") as session:
        client = await session.client("mq")
        model = client.meta.service_model
        operations = model._service_description["operations"]
        assert isinstance(operations, Packed)
        assert [name for name in operations if type(dict.__getitem__(operations, name)) is not bytes] == []
        assert "Creates a broker" in str(client.create_broker.__doc__)
        assert model.operation_model("CreateBroker").documentation
        assert [name for name in operations if type(dict.__getitem__(operations, name)) is not bytes] == [
            "CreateBroker"
        ]


@pytest.mark.parametrize("service", ["dynamodb", "timestream-query", "mq"])
async def test_the_operation_that_finds_endpoints_is_known(service: str) -> None:
    upstream = ServiceModel(await asyncio.to_thread(Loader().load_service_model, service, "service-2"), service)
    expected = upstream.endpoint_discovery_operation
    async with aiosdk.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1") as session:
        found = (await session.client(service)).meta.service_model.endpoint_discovery_operation
    assert (found and found.name) == (expected and expected.name)
