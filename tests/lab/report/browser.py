"""A headless Chromium for tests of pages: one process, many pages."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

HEIGHT = 900


class Browser:
    """A browser that opens files at a given width, light or dark."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, file: Path, width: int = 1280, *, dark: bool = False) -> None:
        """Open a file afresh; the logs of earlier pages are dropped."""
        self.resize(width)
        self.prefer(dark=dark)
        self._log("browser")
        self._log("performance")
        self._driver.get(file.as_uri())

    def resize(self, width: int) -> None:
        """Give the page another width, in CSS pixels."""
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT, deviceScaleFactor=1, mobile=False)

    def prefer(self, *, dark: bool) -> None:
        """Let the reader prefer dark or light colours."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._do("Emulation.setEmulatedMedia", features=[feature])

    def media(self, kind: str) -> None:
        """Show the page as on "screen" or in "print"."""
        self._do("Emulation.setEmulatedMedia", media=kind, features=[])

    def ask(self, script: str, *arguments: Any) -> Any:
        """Evaluate the body of a function in the page."""
        return self._driver.execute_script(script, *arguments)

    def press(self, key: Literal["Tab", "Enter"]) -> None:
        """Press and release a key."""
        typed = {"key": key, "code": key, "windowsVirtualKeyCode": {"Tab": 9, "Enter": 13}[key]}
        self._do("Input.dispatchKeyEvent", type="keyDown", text="\r" if key == "Enter" else "", **typed)
        self._do("Input.dispatchKeyEvent", type="keyUp", **typed)

    def complaints(self) -> list[str]:
        """What the page's console has said."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses the page has asked for, its own file among them, and not those its policy has blocked."""
        asked: dict[str, str] = {}
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            given = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                asked[given["requestId"]] = given["request"]["url"]
            elif message["method"] == "Network.loadingFailed" and given.get("blockedReason") == "csp":
                del asked[given["requestId"]]
        return list(asked.values())

    def screenshot(self, file: Path) -> None:
        """Write a picture of the whole page."""
        size = self._do("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16_000), "scale": 1}
        self._save(file, self._do("Page.captureScreenshot", captureBeyondViewport=True, clip=clip))

    def print(self, file: Path) -> None:
        """Write the page as a PDF."""
        self._save(file, self._do("Page.printToPDF", printBackground=True, preferCSSPageSize=True))

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def _do(self, command: str, **arguments: Any) -> Any:
        return self._driver.execute_cdp_cmd(command, arguments)

    def _save(self, file: Path, answer: dict[str, str]) -> None:
        file.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def started(chromium: Path, chromedriver: Path, profile: Path) -> Iterator[Browser]:
    """Start a browser, and end it.

    Args:
        chromium: the browser.
        chromedriver: what drives it.
        profile: an empty folder for what it writes.
    """
    options = ChromeOptions()
    options.binary_location = str(chromium)
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
    ):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(executable_path=str(chromedriver)))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
