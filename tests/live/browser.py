"""A real browser without a window: Chromium, told what to do over its debugging protocol."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from stratolith.core.conformance.cases import until
from websockets.sync.client import ClientConnection, connect

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--remote-debugging-port=0", "--window-size=1024,768")
SAID_AT = re.compile(r"DevTools listening on (ws://\S+)")


class Page:
    """One tab."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._numbers = itertools.count(1)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    _session = ""

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._line.send(json.dumps(message))
        while True:
            answer = json.loads(self._line.recv(timeout=60))
            if answer.get("id") == number:
                assert "result" in answer, answer
                return answer["result"]

    def open(self, url: str) -> None:
        """Go to a page."""
        self._call("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives on the page."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def shows(self, expression: str, timeout_s: float = 120) -> Any:
        """The first true value of an expression."""
        return until(lambda: self.value(expression), timeout_s, f"the page shows {expression}", 0.3)

    def type(self, text: str) -> None:
        """Press the keys of a text, a line end with each newline."""
        for letter in text:
            key = {"key": "Enter", "text": "\r"} if letter == "\n" else {"key": letter, "text": letter}
            self._call("Input.dispatchKeyEvent", type="keyDown", **key)
            self._call("Input.dispatchKeyEvent", type="keyUp", key=key["key"])

    def picture(self) -> bytes:
        """A screenshot as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])


@contextlib.contextmanager
def browsing() -> Iterator[Page]:
    """A page of a browser that ends with the test."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program is not None, "the tests with a browser need chromium"
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        command = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        try:
            address = next(found[1] for line in process.stderr if (found := SAID_AT.search(line)))
            with connect(address, proxy=None, max_size=1 << 26) as line:
                yield Page(line)
        finally:
            process.terminate()
            process.wait(20)
            process.stderr.close()
