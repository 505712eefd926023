"""Says in words what a call of an operation does: which lane it takes, why, and its steps."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiosdk._aws.express import Plan
from aiosdk._aws.quirks import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosdk._aws.lanes import Lanes

_PROTOCOLS: Final = {
    "json": "JSON in the body",
    "rest-json": "parameters in path, query, headers and a body in JSON",
    "rest-xml": "parameters in path, query, headers and a body in XML",
    "query": "a form in the body",
    "ec2": "a form in the body, as EC2 writes it",
}


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a call of one operation does. `str()` and `print()` say it in words."""

    operation: str
    """Service and method, as in `s3.get_object`."""
    lane: str
    """`express`: compiled, straight over the pool; `reference`: aiobotocore's own path, over the same pool."""
    reason: str
    """Why the call takes the reference lane; empty for the express lane."""
    steps: tuple[str, ...]
    """What is done, in order."""

    def __str__(self) -> str:
        head = f"{self.operation} takes the {self.lane} lane" + (f": {self.reason}" if self.reason else "")
        return "\n".join([head, *(f"{number:3}. {step}" for number, step in enumerate(self.steps, 1))])


def call_plan(client: Any, lanes: Lanes | None, method: str, operation_name: str) -> CallPlan:
    """Make the plan of a client's method in words. Sends nothing; compiles the operation unless it is."""
    name = f"{client.meta.service_model.service_name}.{method}"
    if lanes is None:
        return CallPlan(name, "reference", "the session's events are the user's own botocore session's", _REFERENCE)
    plan = lanes.compiled(operation_name)
    if not isinstance(plan, Plan):
        return CallPlan(name, "reference", str(plan), _REFERENCE)
    if lanes.watched():
        return CallPlan(name, "reference", lanes.watcher(), _REFERENCE)
    if refusal := plan.targets.refusal():
        return CallPlan(name, "reference", refusal, _REFERENCE)
    return CallPlan(name, "express", "", tuple(_steps(plan)))


_REFERENCE: Final = ("aiobotocore makes the call, with its events, retries and errors, over the session's pool",)


def _steps(plan: Plan) -> Iterator[str]:
    operation, client = plan.operation, plan.client
    yield from _quirks(plan, "before-parameter-build")
    shape, protocol = operation.input_shape, operation.service_model.resolved_protocol
    members = 0 if shape is None else len(shape.members)
    http = operation.http
    yield (
        f"check and encode {members} parameters in one pass as {http.get('method', 'POST')} "
        f"{http.get('requestUri', '/')}, {_PROTOCOLS[protocol]}"
        + (f"; {plan.payload} goes as it is" if plan.payload else "")
    )
    by = plan.targets.names
    yield "find the endpoint by the service's rules, remembered " + (f"by {', '.join(by)}" if by else "for all calls")
    if plan.asks_checksum:
        yield "ask for the checksum of the answer, and check it when the body is read to its end"
    if plan.has_checksum:
        yield "add the checksum that the operation asks for, CRC32 unless another is given"
    yield from _quirks(plan, "before-call")
    if operation.request_compression:
        yield "compress a large body"
    yield "sign with the signer that the endpoint's rules and the operation choose; keys are derived once a day"
    retries = client.meta.config.retries
    streams = "; its body is streamed" if operation.has_streaming_output else ""
    yield f"send it once over the session's pool{streams}"
    yield "decode an answer below 300 into " + (
        "nothing" if operation.output_shape is None else f"{len(operation.output_shape.members)} members"
    )
    yield from _quirks(plan, "after-call")
    yield (
        "hand anything else (an error, no answer, an odd body) over to aiobotocore, which goes on from there: "
        f"{retries['mode']} retries, {retries.get('total_max_attempts') or 'as many as the mode has'} attempts"
    )


def _quirks(plan: Plan, kind: str) -> Iterator[str]:
    for _, quirk in plan.handlers[kind]:
        if quirk.way in (Way.CALL, Way.DECODED) and quirk.words:
            yield quirk.words + (f" (with {quirk.parameter})" if quirk.parameter else "")
