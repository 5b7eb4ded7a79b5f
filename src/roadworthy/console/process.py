"""The console process: Streamlit behind a door, on a port of its own. It holds no secret and no state of its own.

python -m roadworthy.console.process --settings-fd N
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from roadworthy.console.settings import ConsoleSettings, cookie_name, served_hosts
from roadworthy.guard.text.masker import TextMasker

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_BACKLOG = 128
_GRACE_S = 2

OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "viewer",
    "client.disableDataExport": True,
    "global.developmentMode": False,
    "logger.level": "warning",
    "runner.magicEnabled": False,
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
    "server.showEmailPrompt": False,
    "server.xsrfCookieSameSite": "strict",
    "server.disconnectedSessionTTL": 60,
}
"""Set as if by the command line, which is above every file and every variable: what the browser is told must not
depend on the folder that the product was started in."""

_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK KR", sans-serif'
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
THEME: dict[str, object] = {
    "theme.font": _FONT,
    "theme.headingFont": _FONT,
    "theme.codeFont": _MONO,
    "theme.baseFontSize": 15,
    "theme.baseRadius": "8px",
    "theme.buttonRadius": "8px",
    "theme.showWidgetBorder": True,
    "theme.light.primaryColor": "#1f5f8b",
    "theme.light.backgroundColor": "#fbfbfa",
    "theme.light.secondaryBackgroundColor": "#f1f2f0",
    "theme.light.textColor": "#1b1d21",
    "theme.light.borderColor": "#dfe1dd",
    "theme.light.linkColor": "#1f5f8b",
    "theme.dark.primaryColor": "#7db7e0",
    "theme.dark.backgroundColor": "#14161a",
    "theme.dark.secondaryBackgroundColor": "#1c1f24",
    "theme.dark.textColor": "#e8e9eb",
    "theme.dark.borderColor": "#31353c",
    "theme.dark.linkColor": "#7db7e0",
}
"""One calm look in light and dark; which of them, the system of whoever looks decides."""


def create_app(settings: ConsoleSettings) -> ASGIApp:
    """The console as an ASGI application: Streamlit, and the door before it.

    Args:
        settings: See there.
    """
    import streamlit
    from streamlit import config
    from streamlit.file_util import get_static_dir

    from roadworthy.client.admin import AdminClient

    # Pages are loaded now, so that the first who opens one does not wait for them.
    from roadworthy.console import frame, session
    from roadworthy.console.desk import Desk
    from roadworthy.console.door import Door, page_of

    config.get_config_options(force_reparse=True, options_from_flags={**OPTIONS, **THEME})
    session.configure(settings)
    frame.pages()
    index = (Path(get_static_dir()) / "index.html").read_text(encoding="utf-8")
    desk = Desk(lambda key: AdminClient(settings.admin_url, key, timeout_s=5.0))
    return Door(
        streamlit.App(Path(__file__).with_name("app.py")),
        desk,
        served_hosts(settings),
        cookie_name(settings.port),
        page_of(index, "Roadworthy"),
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on a port that the supervisor holds reserved."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(_BACKLOG)
    return listener


class _MaskedLines(logging.Handler):
    """One masked line to standard error for each record, without tracebacks, whose last line may quote anything."""

    def __init__(self) -> None:
        super().__init__()
        self._mask = TextMasker().mask

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        sys.stderr.write(f"console: {record.levelname.lower()}: {self._mask(record.getMessage())}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM.

    Returns:
        Exit code: 0 after an orderly end.
    """
    parser = argparse.ArgumentParser(prog="python -m roadworthy.console.process", description=__doc__)
    parser.add_argument("--settings-fd", type=int, required=True, help="file descriptor to read the settings from")
    with open(parser.parse_args(argv).settings_fd, "rb") as pipe:
        settings = msgspec.json.decode(pipe.read(), type=ConsoleSettings)
    logging.basicConfig(level=logging.WARNING, handlers=[_MaskedLines()])
    # Before the second that the imports take: who opens the page meanwhile waits instead of being refused.
    listener = listen(settings.host, settings.port)
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(
        create_app(settings), log_config=None, access_log=False, server_header=False, proxy_headers=False,
        ws="websockets-sansio", ws_max_size=8 * 1024 * 1024, timeout_graceful_shutdown=_GRACE_S,
    ))  # fmt: skip
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
