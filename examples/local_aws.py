"""A local AWS to try programs on: moto's server in a process of its own.

python examples/local_aws.py prints the URL and serves until its standard input ends (Ctrl-D) or it is told to stop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def local_aws() -> Iterator[str]:
    """Run a moto server on a free port for as long as the block runs, and give its URL.

    A session of its own keeps a Ctrl-C in the terminal from reaching it before us. It ends with its standard input,
    so not even killing this process leaves it behind.
    """
    with subprocess.Popen(  # noqa: S603 - our own file
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                raise RuntimeError("The moto server did not start: is it installed? pip install 'moto[server]'")
            yield url
        finally:
            server.kill()


def serve() -> None:
    """Run the server in this process."""
    os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "1")  # no browser asks; a tenth faster
    import moto.backends
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Handler(MotoRequestHandler):
        def send_response(self, code: int, message: str | None = None) -> None:
            # Without the log, and without a second Server header, which aiohttp in development mode refuses.
            self.send_response_only(code, message)

    # moto looks through the folders of its package for every request that it gets: a third of its time.
    names = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: names
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    os.environ["MOTO_PORT"] = str(server.port)
    print(f"http://127.0.0.1:{server.port}", flush=True)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    server.serve_forever()


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    try:
        serve()
    except KeyboardInterrupt:
        sys.exit(130)
