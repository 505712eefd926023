"""aiobotocore sessions for libraries, whose clients somebody else makes."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# botocore and aiobotocore have no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig

from aiosdk._aws.botocore_session import FittedSession
from aiosdk._aws.events import SharedAliaser, built_in_emitter

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from botocore.client import Config


class LibrarySession(FittedSession):
    """An aiobotocore session with the parts of ours, made with aiobotocore's arguments."""

    def __init__(
        self,
        session_vars: Any = None,
        event_hooks: Any = None,
        include_builtin_handlers: bool = True,
        profile: str | None = None,
    ) -> None:
        if event_hooks is not None or not include_builtin_handlers:
            super().__init__(session_vars, event_hooks, include_builtin_handlers, profile)
            return
        emitter = built_in_emitter()
        super().__init__(session_vars, emitter, include_builtin_handlers=False, profile=profile)
        self._events = SharedAliaser(emitter)
        self.register_component("event_emitter", self._events)

    def set_default_client_config(self, client_config: Config) -> None:
        """Set the configuration of all clients; how they send stays as it is."""
        sending = getattr(self.get_default_client_config(), "http_session_cls", None)
        if sending is not None and "http_session_cls" not in client_config._user_provided_options:
            client_config = AioConfig(http_session_cls=sending).merge(client_config)
        super().set_default_client_config(client_config)


def twin(session: AioSession) -> AioSession:
    """Give a session that is the same in all but its class: what is set on either is set on both."""
    same = FittedSession.__new__(FittedSession)
    same.__dict__ = session.__dict__
    return same
