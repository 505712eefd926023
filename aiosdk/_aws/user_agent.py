"""Remembers the User-Agent of a client, which botocore puts together twice for each call, from some sixteen parts."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore has no types.

from __future__ import annotations

from typing import Any, Final

from botocore.context import get_context

# A call has few features, in few combinations; a program that makes up its own should not fill the memory.
_MOST: Final = 100


def remember_user_agent(client: Any) -> None:
    """Have botocore's `UserAgentString` of a client build each text once.

    It depends on what the client was made with, on what of that may still be changed in its config, on the features
    (waiter, paginator, checksum, ...) that the call at hand uses, and on how the client's credentials were found: that
    botocore knows when it makes a client, and we when they are first needed.
    """
    creator, signer = client._user_agent_creator, client._request_signer
    build, made_with = creator.to_string, frozenset(creator._client_features or ())
    known: dict[object, str] = {}

    def to_string() -> str:
        context = get_context()
        config = creator._client_config
        found = getattr(signer._credentials, "features", None)
        key = (
            frozenset(context.features) if context is not None else None,
            found,
            config and (config.user_agent, config.user_agent_extra, config.user_agent_appid),
        )
        if key not in known:
            if len(known) >= _MOST:
                known.clear()
            creator._client_features = made_with.union(found or ())
            known[key] = build()
        return known[key]

    creator.to_string = to_string
