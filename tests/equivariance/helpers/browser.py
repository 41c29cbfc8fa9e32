"""A headless Chromium, driven through its debugging pipe: nothing to install beside the browser itself."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell")
PATIENCE = 60.0
AFTER_DRAWING = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "Tab": 9}

TOO_WIDE = """
[...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.right > innerWidth + 1 && !element.parentElement.closest(".scroll, svg");
}).map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`)
"""
"""Lists the elements that are wider than the window and do not scroll."""

# Chromium reads commands from descriptor 3 and answers on 4; the shell puts ours there.
LAUNCH = 'exec "$@" 3<&"$0" 4>&"$COMMANDS_OUT"'


def executable():
    """The browser's path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="needs Chromium on the path (apt-get install chromium)"),
]
"""Marks of test modules that open pages. They are not part of the default run: see CONTRIBUTING.md."""


class Browser:
    """One tab. ``problems`` gathers what the console and uncaught exceptions said since the last ``open``."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        self.count, self.unread, self.problems, self.events = 0, b"", [], []
        self.process = self._launch()
        target = self._send("Target.createTarget", None, url="about:blank")["targetId"]
        self.session = self._send("Target.attachToTarget", None, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe in (self.to, self.back):
            os.close(pipe)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def open(self, url, width=1280, height=900, scheme="light", scripts=True, touch=False):
        """Load a page and wait until it is there."""
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", features=[feature])
        self.problems.clear()
        self.events.clear()
        self.send("Page.navigate", url=url)
        self._until(lambda: "Page.loadEventFired" in self.events)

    def run(self, script):
        """The value of a JavaScript expression."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def drawn(self, script):
        """The value of a JavaScript expression, once the page is drawn."""
        self.run(AFTER_DRAWING)
        return self.run(script)

    def press(self, key):
        """Press and release a key, for the element that has the focus."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, **code)

    def drag(self, start, end):
        """Move the mouse from one place of the window to another with its button down."""
        (x, y), held = start, {"button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **held)
        for x, y in _between(start, end):
            self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **held)

    def swipe(self, start, end):
        """Move one finger from one place of the window to another."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": start[0], "y": start[1]}])
        for x, y in _between(start, end):
            self.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def middle(self, selector):
        """Where the middle of an element is, once it is scrolled to that of the window."""
        return self.run(f"""(() => {{
            const element = document.querySelector('{selector}');
            element.scrollIntoView({{block: "center"}});
            const box = element.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()""")

    def picture(self, selector="html", form="png"):
        """One element, or the whole page, as PNG or WebP."""
        box = self.run(f"(({{x, y, width, height}}) => ({{x, y: y + scrollY, width, height}}))"
                       f"(document.querySelector('{selector}').getBoundingClientRect())")  # fmt: skip
        clip = {**box, "scale": 1}
        shot = self.send("Page.captureScreenshot", format=form, captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def printed(self):
        """The page as PDF, A4."""
        paper = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": False}
        return base64.b64decode(self.send("Page.printToPDF", **paper)["data"])

    def send(self, method, **parameters):
        """One command to the tab, and its result."""
        return self._send(method, self.session, **parameters)

    def _launch(self):
        from_us, to = (_high(end) for end in os.pipe())
        back, to_us = (_high(end) for end in os.pipe())
        self.to, self.back = to, back
        command = [
            *(executable(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe"),
            *("--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"),
            f"--user-data-dir={self.profile.name}",
        ]
        process = subprocess.Popen(
            ["bash", "-c", LAUNCH, str(from_us), *command],
            env={**os.environ, "COMMANDS_OUT": str(to_us)},
            pass_fds=(from_us, to_us),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        return process

    def _send(self, method, session, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        answers = []
        self._until(lambda: answers, answers)
        assert "error" not in answers[0], (method, answers[0]["error"])
        return answers[0]["result"]

    def _until(self, done, answers=None):
        end = time.monotonic() + PATIENCE
        while not done():
            while b"\0" not in self.unread:
                ready, _, _ = select.select([self.back], [], [], max(0.0, end - time.monotonic()))
                more = os.read(self.back, 1 << 16) if ready else b""
                assert more, "the browser does not answer"
                self.unread += more
            line, _, self.unread = self.unread.partition(b"\0")
            message = json.loads(line)
            if message.get("id") == self.count and answers is not None:
                answers.append(message)
            else:
                self._note(message)

    def _note(self, message):
        method, parameters = message.get("method", ""), message.get("params", {})
        self.events.append(method)
        if method == "Runtime.exceptionThrown":
            self.problems.append(parameters["exceptionDetails"].get("exception", {}).get("description"))
        if method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append([argument.get("value") for argument in parameters["args"]])
        if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(parameters["entry"]["text"])


def _high(descriptor):
    """The same pipe end beyond the descriptors that the browser wants."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


def _between(start, end, steps=8):
    (x, y), (u, v) = start, end
    return [(x + (u - x) * i / steps, y + (v - y) * i / steps) for i in range(1, steps + 1)]
