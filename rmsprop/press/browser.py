"""A server and a Chromium, to look at the rendered book as a reader does."""

import functools
import gzip
import http
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "find_chromium", "serve"]

# How far ahead of a reader Chromium fetches pictures on a fast line. The headless shell does not
# know how fast its line is, and would fetch them from more than twice as far.
AHEAD = "--blink-settings=lazyLoadingImageMarginPxUnknown=1250"
COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg")


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Send files as hosts of pages do: texts compressed, everything to keep for a while."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        status = http.HTTPStatus.OK
        if not path.is_file():
            status, path = http.HTTPStatus.NOT_FOUND, Path(self.directory) / "404.html"
        type = self.guess_type(str(path))
        packed = type.startswith(COMPRESSED)
        content = _content(path, packed)
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@functools.lru_cache(maxsize=512)
def _content(path: Path, packed: bool) -> bytes:
    content = path.read_bytes() if path.is_file() else b""
    return gzip.compress(content, mtime=0) if packed else content


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, compressed, and yield its address without a last slash.

    A file is read once: what changes on disk meanwhile is not seen.

    Args:
        folder: of the rendered book; its ``404.html`` answers for what is missing.
    """
    _content.cache_clear()
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def find_chromium() -> str | None:
    """Return the path of the system's Chromium or Chrome, None if there is none.

    The headless shell comes first: with no windows to keep it is the fastest.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start the system's Chromium, without a window, and yield it.

    Raises:
        FileNotFoundError: if there is no Chromium on this machine.
    """
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        raise FileNotFoundError("there is no Chromium or Chrome on this machine; install one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", AHEAD],
        )
        yield browser
        browser.close()
