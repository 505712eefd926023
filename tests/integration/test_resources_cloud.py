"""Stacks, alarms, metrics and vaults: our resources beside boto3's, on the same server."""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

import aiosdk
from tests.support.side_by_side import both, collect, requests_of, side_by_side

if TYPE_CHECKING:
    from tests.integration.conftest import Boto3
    from tests.support.side_by_side import Side

WHOLE_TIME = {
    "StartTime": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    "EndTime": datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC),
}
ALARM = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Period": 60, "Threshold": 5.0}


def template(topic: str) -> str:
    """Describe a queue and a topic."""
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": topic}},
    }
    return json.dumps({"Resources": resources, "Outputs": {"Url": {"Value": {"Ref": "Queue"}}}})


async def test_a_stack_lives(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        cloud = await side.resource("cloudformation")
        tags = [{"Key": "a", "Value": "b"}]
        stack = await side.do(lambda: cloud.create_stack(StackName="mine", TemplateBody=template("first"), Tags=tags))
        await side.load(stack)
        await side.do(lambda: stack.outputs)
        assert await side.do(lambda: stack.events.all())
        summaries = await side.do(lambda: stack.resource_summaries.all())
        assert [each.logical_id for each in summaries] == ["Queue", "Topic"]
        assert len(await side.do(lambda: stack.resource_summaries.limit(1))) == 1
        queue = await side.do(lambda: stack.Resource("Queue"))
        await side.load(queue)
        await side.load(queue.Stack())
        await side.do(lambda: stack.update(TemplateBody=template("second")))
        await side.load(stack)
        await side.do(lambda: stack.events.all())
        await side.fail(lambda: stack.Resource("None").load())
        await side.fail(lambda: cloud.create_stack(StackName="mine", TemplateBody=template("third")))
        await side.do(lambda: cloud.stacks.filter(StackName="mine"))
        await side.do(lambda: stack.delete())
        assert await side.do(lambda: cloud.stacks.all()) == []
        await side.fail(lambda: stack.load())
        await side.fail(lambda: cloud.stacks.filter(StackName="mine"))

    await side_by_side(scenario, aws, ours, theirs)


async def test_a_summary_leads_to_the_resource_that_it_sums_up(ours: aiosdk.Session) -> None:
    cloud = await ours.resource("cloudformation")
    stack = await cloud.create_stack(StackName="mine", TemplateBody=template("first"))
    async for summary in stack.resource_summaries:
        resource = summary.Resource()
        assert resource == cloud.StackResource("mine", summary.logical_id) == stack.Resource(summary.logical_id)
        assert (resource.stack_name, resource.logical_id) == ("mine", summary.logical_id)
        await resource.load()
        assert resource.physical_resource_id == summary.physical_resource_id
        assert resource.Stack() == stack


async def test_a_hundred_and_ten_stacks_are_listed_over_three_pages(ours: aiosdk.Session, theirs: Boto3) -> None:
    cloud = await ours.resource("cloudformation")
    other = await asyncio.to_thread(theirs.resource, "cloudformation")
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    await asyncio.gather(*(cloud.create_stack(StackName=f"s-{n:03}", TemplateBody=body) for n in range(110)))
    with requests_of(cloud) as sent:
        assert {each.name for each in await cloud.stacks} == {f"s-{n:03}" for n in range(110)}
    assert len(sent) == 3
    pages = await both(collect(cloud.stacks.pages()), lambda: other.stacks.pages())
    assert [len(page) for page in pages] == [50, 50, 10]
    for limit, requests in [(0, 0), (1, 1), (50, 1), (51, 2), (100, 2), (110, 3), (111, 3)]:
        with requests_of(cloud) as sent:
            assert len(await cloud.stacks.limit(limit)) == min(limit, 110)
        assert len(sent) == requests
    await both(cloud.stacks.limit(51), lambda: other.stacks.limit(51))
    with requests_of(cloud) as sent:
        assert (await cloud.stacks.first()).stack_status == "CREATE_COMPLETE"
    assert len(sent) == 1


async def test_metrics_and_alarms(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        watch = await side.resource("cloudwatch")
        metric = watch.Metric("shop", "orders")
        await side.do(lambda: metric.put_data(MetricData=[{"MetricName": "orders", "Value": 3.0}]))
        await side.load(metric)
        await side.do(lambda: metric.get_statistics(**WHOLE_TIME, Period=86400, Statistics=["Sum"]))
        alarm = await side.do(lambda: metric.put_alarm(AlarmName="many", Statistic="Sum", **ALARM))
        await side.load(alarm)
        assert await side.do(lambda: alarm.metric) == metric
        await side.load(alarm.metric)
        await side.do(lambda: metric.alarms.all())
        await side.do(lambda: watch.Metric("shop", "none").alarms.all())
        await side.do(lambda: alarm.set_state(StateValue="ALARM", StateReason="a test"))
        await side.do(lambda: watch.alarms.filter(StateValue="ALARM"))
        for act in ("disable_actions", "enable_actions"):
            await side.do(lambda act=act: getattr(alarm, act)())
            await side.load(alarm)
        await side.do(lambda: watch.metrics.filter(Namespace="shop"))
        await side.do(lambda: watch.metrics.filter(Namespace="none"))
        await side.do(lambda: alarm.delete())
        assert await side.do(lambda: watch.alarms.all()) == []
        await side.fail(lambda: alarm.set_state(StateValue="OK", StateReason="a test"))

    await side_by_side(scenario, aws, ours, theirs)


async def test_metrics_of_one_name_have_their_own_dimensions(ours: aiosdk.Session, theirs: Boto3) -> None:
    watch = await ours.resource("cloudwatch")
    other = await asyncio.to_thread(theirs.resource, "cloudwatch")
    data = [{"MetricName": "orders", "Value": 1.0, "Dimensions": [{"Name": "shop", "Value": str(n)}]} for n in range(3)]
    await watch.Metric("shop", "orders").put_data(MetricData=data)
    found = await both(watch.metrics.all(), lambda: other.metrics.all())
    assert [each.dimensions for each in found] == [each["Dimensions"] for each in data]
    one = {"Dimensions": data[1]["Dimensions"]}
    (second,) = await both(watch.metrics.filter(**one), lambda: other.metrics.filter(**one))
    assert second.dimensions == data[1]["Dimensions"]


async def test_twelve_hundred_metrics_are_listed_over_three_pages(ours: aiosdk.Session, theirs: Boto3) -> None:
    watch = await ours.resource("cloudwatch")
    other = await asyncio.to_thread(theirs.resource, "cloudwatch")
    names = [f"m-{n:04}" for n in range(1200)]
    for start in (0, 600):
        data = [{"MetricName": name, "Value": 1.0} for name in names[start : start + 600]]
        await watch.meta.client.put_metric_data(Namespace="shop", MetricData=data)
    with requests_of(watch) as sent:
        assert [each.name for each in await watch.metrics] == names
    assert len(sent) == 3
    pages = await both(collect(watch.metrics.pages()), lambda: other.metrics.pages())
    assert [len(page) for page in pages] == [500, 500, 200]
    for limit in (0, 1, 500, 501, 1200, 1201):
        assert [each.name for each in await watch.metrics.limit(limit)] == names[:limit]
    await both(watch.metrics.limit(501), lambda: other.metrics.limit(501))


async def test_batch_actions_on_alarms_keep_to_a_hundred_names(ours: aiosdk.Session, theirs: Boto3) -> None:
    watch = await ours.resource("cloudwatch")
    other = await asyncio.to_thread(theirs.resource, "cloudwatch")
    names = [f"a-{n:03}" for n in range(210)]
    metric = watch.Metric("shop", "orders")
    await asyncio.gather(*(metric.put_alarm(AlarmName=name, Statistic="Sum", **ALARM) for name in names))
    few = {"AlarmNamePrefix": "a-00"}
    for act, enabled in [("disable_actions", False), ("enable_actions", True)]:
        await both(
            getattr(watch.alarms.filter(**few), act)(), lambda act=act: getattr(other.alarms.filter(**few), act)()
        )
        assert {each.actions_enabled async for each in watch.alarms.filter(**few)} == {enabled}
    await watch.alarms.filter(**few).disable_actions()
    assert len([each async for each in watch.alarms if each.actions_enabled]) == 200
    assert len(await watch.alarms.filter(**few).delete()) == 1
    await both(watch.alarms.all(), lambda: other.alarms.all())
    assert len(await watch.alarms.delete()) == 2
    assert await watch.alarms == []
    assert await both(watch.alarms.delete(), lambda: other.alarms.delete()) == []


async def test_alarms_and_metrics_that_are_not_there_are_not_found_though_the_service_answers_200(
    ours: aiosdk.Session,
) -> None:
    watch = await ours.resource("cloudwatch")
    for missing in (watch.Alarm("none"), watch.Metric("shop", "none")):
        with pytest.raises(aiosdk.exceptions.ResourceNotFoundError) as caught:
            await missing.load()
        assert repr(missing) in str(caught.value)
        assert isinstance(caught.value, LookupError)
    with pytest.raises(aiosdk.NotLoadedError, match=r"await alarm\.load\(\)"):
        _ = watch.Alarm("none").metric


def undated(side: Side, *resources: Any) -> None:
    """Take the times out of texts: the sides do not act in the same second."""
    for each in resources:
        for name in ("CreationDate", "LastInventoryDate", "CompletionDate"):
            if name in each.meta.data:
                side.name(each.meta.data[name], "a date")


async def test_vaults_archives_and_jobs(aws: str, ours: aiosdk.Session, theirs: Boto3) -> None:
    async def scenario(side: Side) -> None:
        glacier = await side.resource("glacier")
        vault = await side.do(lambda: glacier.create_vault(vaultName="films"))
        undated(side, await side.load(vault))
        account = await side.do(lambda: vault.Account())
        await side.do(lambda: account.create_vault(vaultName="songs"))
        await side.do(lambda: account.Vault("books").create())
        for vaults in (glacier.vaults, account.vaults):
            undated(side, *await side.do(lambda vaults=vaults: vaults.all()))
            for limit in (1, 2, 3, 4):
                await side.do(lambda vaults=vaults, limit=limit: vaults.limit(limit))
            await side.do(lambda vaults=vaults: vaults.page_size(1))
        archive = await side.do(lambda: vault.upload_archive(archiveDescription="a film", body=b"reel"))
        await side.do(lambda: archive.Vault())
        await side.do(lambda: vault.Archive(archive.id))
        job = await side.do(lambda: archive.initiate_archive_retrieval())
        undated(side, await side.load(job))
        await side.do(lambda: job.Vault())
        await side.do(lambda: vault.initiate_inventory_retrieval())
        for name in ("jobs", "jobs_in_progress", "completed_jobs", "failed_jobs", "succeeded_jobs"):
            undated(side, *await side.do(lambda name=name: getattr(vault, name).all()))
        await side.do(lambda: vault.jobs.limit(1))
        await side.fail(lambda: job.get_output())
        await side.do(lambda: archive.delete())
        await side.do(lambda: vault.delete())
        await side.fail(lambda: vault.load())
        await side.fail(lambda: vault.jobs.all())

    await side_by_side(scenario, aws, ours, theirs)


async def test_a_finished_job_has_the_archive(ours: aiosdk.Session, theirs: Boto3) -> None:
    glacier = await ours.resource("glacier")
    vault = await glacier.create_vault(vaultName="films")
    archive = await vault.upload_archive(body=b"reel")
    # "Expedited" joins the parameters that the archive fills in by itself; moto takes two seconds then, else five.
    job = await archive.initiate_archive_retrieval(jobParameters={"Tier": "Expedited"})
    assert (await job.load()).archive_id == archive.id
    assert (job.action, job.tier) == ("ArchiveRetrieval", "Expedited")
    while not (await job.load()).completed:
        await asyncio.sleep(0.2)
    output = await job.get_output()
    assert await output["body"].read() == b"reel"
    assert job.completed
    other = await asyncio.to_thread(theirs.resource, "glacier")
    same = other.Job("-", "films", job.id)
    assert await asyncio.to_thread(lambda: same.get_output()["body"].read()) == b"reel"


async def test_vaults_with_a_limit_of_zero_ask_for_nothing(ours: aiosdk.Session) -> None:
    glacier = await ours.resource("glacier")
    vault = await glacier.create_vault(vaultName="films")
    with requests_of(glacier) as sent:
        assert await glacier.vaults.limit(0) == []
        assert await vault.jobs.limit(0) == []
    assert sent == []
    # The operation's own parameter, which is a text, and ours, a number, do not get in each other's way.
    with requests_of(glacier) as sent:
        assert await glacier.vaults.filter(limit="5").limit(1) == [vault]
    assert [each.query for each in sent] == [{"limit": "1"}]
