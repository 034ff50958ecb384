"""A page opened from disk, and everything that it asked for, complained of or ran."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

# Set before the page's own scripts: a payload that runs says so, and so does the policy that stops one.
WATCH = """
window.ran = [];
window.violations = [];
for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => { window.ran.push(name); };
document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


@dataclass
class Opened:
    """A page and its record.

    Attributes:
        requests: addresses that are neither a file nor inline data.
        errors: what the console called an error, and exceptions that nobody caught.
        dialogs: messages of dialogs.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """Everything that a page which loads nothing and runs only its own script never does."""
        ran = [f"ran {name}" for name in self.page.evaluate("window.ran || []")]
        stopped = [f"policy stopped {what}" for what in self.page.evaluate("window.violations || []")]
        asked = [f"asked for {url}" for url in self.requests]
        return [*asked, *self.errors, *ran, *stopped, *(f"dialog {text}" for text in self.dialogs)]


@contextmanager
def opened(browser: Browser, path: Path, route: str = "", **context: Any) -> Iterator[Opened]:
    """``path`` in a context of its own (``viewport``, ``color_scheme``, ``forced_colors``, ``java_script_enabled``)."""
    context.setdefault("viewport", {"width": 1280, "height": 800})
    with browser.new_context(**context, offline=True) as made:
        if context.get("java_script_enabled", True):
            made.add_init_script(WATCH)
        page = made.new_page()
        found = Opened(page)
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else found.requests.append(r.url))
        page.on("console", lambda m: found.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: found.errors.append(str(e)))
        page.on("dialog", lambda d: (found.dialogs.append(d.message), d.dismiss()))
        page.goto(path.as_uri() + route)
        yield found


def visit(page: Page, route: str) -> None:
    """Follow a link inside the page, and wait until it is drawn."""
    page.evaluate(
        """route => new Promise((done) => {
        const before = location.hash;
        const drawn = () => requestAnimationFrame(done);
        addEventListener('hashchange', drawn, { once: true });
        location.hash = route;
        if (location.hash === before) drawn();
        })""",
        route,
    )
