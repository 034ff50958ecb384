"""The page asks for nothing, and nothing goes wrong in it; and these tests would know."""

import pytest
from opened import opened, visit


def test_no_page_asks_for_anything(browser, every_page, routes):
    with opened(browser, every_page) as found:
        for route in routes:
            visit(found.page, route)
            found.page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            for button in found.page.locator("main button:visible").all()[:12]:
                button.click()
        assert found.complaints() == []


@pytest.mark.parametrize(
    ("added", "sign"),
    [
        ('<img src="https://tracker.example/x.png">', "policy stopped img-src"),
        ("<script>window.ran.push('mine')</script>", "policy stopped script-src"),
        ('<p onclick="1" style="color: red">x</p>', "policy stopped style-src"),
        ('<link rel="stylesheet" href="https://cdn.example/x.css">', "policy stopped style-src"),
    ],
)
def test_the_policy_stops_what_somebody_adds(browser, every_page, tmp_path, added, sign):
    path = tmp_path / "changed.html"
    path.write_text(every_page.read_text("utf-8").replace("</main>", f"{added}</main>"), "utf-8")
    with opened(browser, path) as found:
        complaints = found.complaints()
    assert any(c.startswith(sign) for c in complaints), complaints
    assert not [c for c in complaints if c.startswith("ran")]


def test_a_request_would_be_seen(browser, tmp_path):
    path = tmp_path / "asks.html"
    path.write_text('<!doctype html><img src="https://tracker.example/x.png">', "utf-8")
    with opened(browser, path) as found:
        found.page.wait_for_timeout(50)
        assert "asked for https://tracker.example/x.png" in found.complaints()
