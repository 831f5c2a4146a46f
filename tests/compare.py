#!/usr/bin/env python3
"""What html/compare.html shows was measured: the page is what the bench makes of the data in it, every model is at every
point or it is said why not, and every figure lies within its rounds. And the bench says how long it takes, and what is
missing.

    compare.py HTTPD"""

import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "bench"))

import columns
import files
import page
import progress
import question
import servers
import works

PAGE = HERE.parent / "html" / "compare.html"
BENCH = str(HERE / "bench" / "run")


def page_is_its_data(text, result):
    assert page.render(result) == text, "the page is not what its data make: tests/bench/run --from PAGE --page PAGE"
    targets, links = set(re.findall(r' id="([^"]+)"', text)), re.findall(r'href="#([^"]+)"', text)
    assert set(links) <= targets, set(links) - targets
    foreign = [url for url in re.findall(r'(?:src|href)="([^"]+)"', text) if "//" in url]
    assert not foreign, foreign


def says_where_from(result):
    machine, parameters = result["machine"], result["parameters"]
    assert machine["cpu"] and machine["cpus"] >= 1 and machine["kernel"] and machine["memory"] > 0, machine
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", result["date"]), result["date"]
    assert parameters["command"].startswith("tests/bench/run"), parameters
    assert result["versions"]["httpd"] and result["versions"]["wrk"], result["versions"]


def works_are_known(result):
    """Under their names, with the numbers that the bench gives to them."""
    known = works.of(files.sizes_of(result["parameters"]["set_mib"]))
    for work in result["works"]:
        expected = known[work["name"]]
        for key in ("title", "about", "connections", "size", "cold", "cpus", "point"):
            assert work[key] == getattr(expected, key), (work["name"], key, work[key])
        assert work["rounds"] >= 1 and work["seconds"] >= progress.SHORTEST, work["name"]
    missing = known.keys() - {work["name"] for work in result["works"]}
    assert not missing, f"not measured: {missing}"


def everybody_is_there(result, models):
    there = {server["name"] for server in result["servers"] if server["kind"] == "model"}
    assert there == models, there ^ models
    for work in result["works"]:
        accounted = work["cells"].keys() | work["left_out"].keys()
        assert models <= accounted, (work["name"], models - accounted)
        assert all(work["left_out"].values()), work["left_out"]
        assert not work["cells"].keys() & work["left_out"].keys(), work["name"]


def figures_are_measured(result):
    for work in result["works"]:
        for name, cell in work["cells"].items():
            figures = {key: value for key, value in cell.items() if not key.endswith("_range") and key != "errors"}
            assert any(cell.get(key) is not None for key in work["shown"]), (work["name"], name)
            for key, value in figures.items():
                low, high = cell[key + "_range"] if columns.COLUMNS[key].caption else (value, value)
                assert math.isfinite(value) and low <= value <= high, (work["name"], name, key, value)
                assert work["rounds"] > 1 or low == high, (work["name"], name, key)


def script_knows_the_formats(text):
    script = (PAGE.parent / "compare.js").read_text()
    known = set(re.findall(r"^  (\w+)(?::|,$)", re.search(r"const TEXTS = \{\n(.*?)\n\};", script, re.S)[1], re.M))
    used = set(re.findall(r'"text":"(\w+)"', text))
    assert used and used <= known, used - known


def plan_fits():
    all_works = list(works.of(files.sizes_of(files.FULL_MIB)).values())
    for minutes in (15, 60):
        plan = progress.Progress(all_works, [15] * len(all_works), 3, 2, minutes, [16, 16])
        rounds, seconds = plan.current
        assert plan.needs(rounds, seconds) <= 60 * minutes, (minutes, plan.current)
        assert rounds == 3 and progress.SHORTEST <= seconds <= 2, (minutes, plan.current)


def bench(*arguments, path=None):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, BENCH, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=30, env={**os.environ, "PATH": path or folder})
    return done.returncode, done.stderr.strip()


def bench_says_what_is_wrong(httpd):
    for arguments, status, said in (
            (["--httpd", "/no/httpd"], 1, r"^bench: missing: wrk \(.+\), cc \(.+\), /no/httpd \(.+\)$"),
            (["--work", "nonsense"], 2, "--work: nonsense: not among .*32x200k"),
            (["--minutes", "1", "--seconds", "1"], 2, "--minutes and --seconds"),
            (["--rounds", "0"], 2, "--rounds: 0: at least 1")):
        code, text = bench("--httpd", httpd, *arguments)
        assert code == status and re.search(said, text, re.M), (arguments, code, text)


def main():
    text = PAGE.read_text()
    result = question.data_of(text)
    page_is_its_data(text, result)
    says_where_from(result)
    works_are_known(result)
    everybody_is_there(result, set(servers.models_of(sys.argv[1])))
    figures_are_measured(result)
    script_knows_the_formats(text)
    plan_fits()
    bench_says_what_is_wrong(sys.argv[1])
    print(f"ok: {len(result['works'])} works, {sum(len(work['cells']) for work in result['works'])} cells")


if __name__ == "__main__":
    main()
