"""The report in a real browser, on the width of a phone and of a desktop."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from tests.classification.results.sweeps import sweep_results, sweep_rows, translated_rows
from tests.report.page.runs import write_run
from xlm.report.page.write import report_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = (390, 1280)
# The report in a frame of each width; each sends what it looks like when all charts are drawn.
OUTER = """<!doctype html><title>frames</title><pre id="found"></pre>
<iframe src="report.html" width="390" height="800" style="border: 0"></iframe>
<iframe src="report.html" width="1280" height="800" style="border: 0"></iframe>
<script>
addEventListener("message", (event) => found.append(event.data + "\\n"));
</script>"""
HEAD = """<head><script>
const errors = [];
addEventListener("error", (event) => errors.push(event.message));
addEventListener("securitypolicyviolation", (event) => errors.push(event.blockedURI));
</script>"""
TAIL = """<script>
addEventListener("load", () => {
  dispatchEvent(new Event("beforeprint"));
  setTimeout(() => parent.postMessage(JSON.stringify({
    width: innerWidth,
    needed: document.documentElement.scrollWidth,
    plots: plots.length,
    drawn: document.querySelectorAll(".plot .plot-container").length,
    widest: Math.max(...plots.map((one) => one.getBoundingClientRect().right)),
    errors,
  }), "*"), 1000);
});
</script></body>"""


@pytest.mark.slow
def test_the_report_fits_a_phone_and_a_desktop_and_draws_all_charts(tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")
    sweep = sweep_results([*sweep_rows(), *translated_rows()])
    page = report_page(*write_run(tmp_path / "root", found=sweep))
    changed = page.replace("<head>", HEAD, 1).replace("</body>", TAIL)
    (tmp_path / "report.html").write_text(changed, encoding="utf-8")
    (tmp_path / "frames.html").write_text(OUTER, encoding="utf-8")
    command = [
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1700,1700",
        "--virtual-time-budget=60000", "--dump-dom", (tmp_path / "frames.html").as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    (text,) = re.findall(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    found = sorted(map(json.loads, unescape(text).split("\n")[:-1]), key=lambda one: one["width"])
    assert [one["width"] for one in found] == list(WIDTHS), shown[:2000]
    for one in found:
        assert one["errors"] == []
        assert one["needed"] <= one["width"]
        assert one["widest"] <= one["width"]
        assert one["drawn"] == one["plots"] == page.count('<div class="plot"')
