"""The text path, run in real processes with two different dates, writes the same bytes."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.wikipedia.dumps import page, write_dump
from tests.repository import REPOSITORY
from xlm.sample.files.wikipedia_files import write_wikipedia

_SECONDS_OF_A_YEAR = 366 * 86400
# Every Python process with this on its path, including wikiextractor, is in another year.
_SHIFT = f"""
import datetime, sys, time
_time, _now, _gm, _local, _strf = (
    time.time, datetime.datetime, time.gmtime, time.localtime, time.strftime
)
time.time = lambda: _time() + {_SECONDS_OF_A_YEAR}
time.gmtime = lambda seconds=None: _gm(time.time() if seconds is None else seconds)
time.localtime = lambda seconds=None: _local(time.time() if seconds is None else seconds)
time.strftime = lambda form, value=None: _strf(form, time.localtime() if value is None else value)
class Later(_now):
    @classmethod
    def now(cls, tz=None):
        return _now.fromtimestamp(time.time(), tz)
    today = now
    @classmethod
    def utcnow(cls):
        return _now.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)
class LaterDay(datetime.date):
    @classmethod
    def today(cls):
        return Later.now().date()
if any("wikiextractor" in part for part in sys.orig_argv):
    # Compiled extensions of other programs need the real classes.
    datetime.datetime, datetime.date = Later, LaterDay
"""
_STAGES = """
import sys
from pathlib import Path
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import StageContext
from xlm.stages.registry import STAGES
class Serial:
    def map(self, function, items):
        return map(function, items)
config = PipelineConfig(languages=("en",), sample=None, sources={"mirror": sys.argv[1]},
    bpe={"codes": 50}, vocabulary={"size": 200},
    split={"valid_fraction": 0.1, "test_fraction": 0.1})
by_name = {stage.name: stage for stage in STAGES}
built = {}
def build(name, unit):
    if (name, unit) not in built:
        stage = by_name[name]
        inputs = {role: build(*node) for role, node in stage.upstream(config, unit).items()}
        folder = Path(sys.argv[2]) / f"{name}.{unit}"
        for part in ("out", "scratch", "logs"):
            (folder / part).mkdir(parents=True)
        built[name, unit] = folder / "out"
        stage.run(StageContext(unit=unit, config=stage.slice(config, unit), inputs=inputs,
            out=folder / "out", scratch=folder / "scratch", logs=folder / "logs",
            mapper=Serial(), workers=2))
    return built[name, unit]
build("shard", "en")
"""
_WORDS = [
    f"{where}{what}"
    for where in ("CURRENT", "LOCAL", "Current", "local")
    for what in (
        "YEAR", "MONTH", "MONTH1", "MONTH2", "MONTHNAME", "MONTHNAMEGEN", "MONTHABBREV", "DAY",
        "DAY2", "DOW", "DAYNAME", "TIME", "HOUR", "WEEK", "TIMESTAMP",
    )
]  # fmt: skip
_FORMS = (
    "{{%s}}", "{{ %s }}", "{{subst:%s}}", "{{safesubst: %s}}", "{{lc:{{%s}}}}", "{{%s|x}}",
    "{{#expr:{{%s}}+1}}", "{{#switch:{{%s}}|2026=a|2027=b|c}}", "<nowiki>{{%s}}</nowiki>",
    "{{#time:Y-m-d|{{%s}}}}", "{{padleft:{{%s}}|9}}", "{{{{lc:%s}}}}", "[[x|{{%s}}]]",
)  # fmt: skip
_OTHERS = "{{#time:Y}} {{#timel:H:i:s}} {{#time:r|now}} {{CURRENT{{uc:year}}}} {{#timef:now}}"


def _shifted(folder, shift):
    module = folder / "shift"
    module.mkdir(exist_ok=True)
    (module / "sitecustomize.py").write_text(_SHIFT)
    return [str(module)] if shift else []


def _digests(tmp_path, dump, name, shift):
    out = tmp_path / name
    path = os.pathsep.join([*_shifted(tmp_path, shift), str(REPOSITORY)])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run(
        [sys.executable, "-c", _STAGES, str(dump), str(out)], env=environment, check=True
    )
    return {
        str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(out.glob("*/out/**/*"))
        if file.is_file()
    }


@pytest.mark.slow
def test_the_date_changes_no_byte_from_dump_to_shards(tmp_path):
    articles = [
        (word, [f"Text {form % word} end. {_OTHERS}" for form in _FORMS]) for word in _WORDS
    ]
    write_wikipedia(tmp_path / "mirror", "en", articles, date="20261101")
    now = _digests(tmp_path, tmp_path / "mirror", "now", shift=False)
    later = _digests(tmp_path, tmp_path / "mirror", "later", shift=True)
    assert any(name.startswith("shard.en/") for name in now)
    assert now == later
    text = (tmp_path / "now" / "extract-wiki.en" / "out" / "text.00000.txt").read_text("utf-8")
    assert "Text 2026 end." in text


@pytest.mark.slow
def test_the_shift_reaches_wikiextractor(tmp_path):
    """Without our rules the bytes differ, so the test above can fail."""
    dump = write_dump(tmp_path / "in", page(1, "T", "In {{CURRENTYEAR}}."))
    program = Path(sys.executable).with_name("wikiextractor")
    texts = []
    for shift in (False, True):
        path = os.pathsep.join(_shifted(tmp_path, shift))
        out = tmp_path / f"out{shift}"
        command = [str(program), str(dump), "-o", str(out), "-q", "--no-templates"]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True)
        texts.append((out / "AA" / "wiki_00").read_text())
        shutil.rmtree(out)
    assert texts[0] != texts[1]
