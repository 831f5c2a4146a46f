#!/usr/bin/env python3
"""The course (html/models.html and html/models/): what it shows of the source, of traces and of figures is what they are.

    course.py HTTPD [--traces] [--write] [--switches BENCH_SWITCHES]

Without --traces: links lead somewhere, pages are well-formed and take nothing from elsewhere, excerpts stand in the source,
constants have the value that is told, commands and tests that are named exist. With it: the server does what the traces
show. --write puts into the pages what is so now: excerpts, constants, with --traces traces, and with --switches figures.

Exits 0 when all is well, 1 when something isn't, 77 when strace is missing."""

import argparse
import html
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import excerpts
import pages
import trace_requests
from play import CantServe

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SITE = ROOT / "html"
TRIES = 3  # of a trace: on a busy machine a client may come in the middle of something


def source(path):
    return (ROOT / path).read_text()


# ---- What is put into the pages


def excerpt(attributes):
    """Comments in <i>, the call that waits in <b>."""
    text = html.escape(excerpts.excerpt(source(attributes["data-source"]), attributes["data-parts"].split()), quote=False)
    text = re.sub(r"/\*.*?\*/", lambda comment: f"<i>{comment[0]}</i>", text, flags=re.S)
    for call in attributes.get("data-waits", "").split():
        text = re.sub(rf"(?<![\w>]){call}(?=\()", f"<b>{call}</b>", text)
    return text


def constant(attributes):
    path, name = attributes["data-constant"].split()
    value, unit = excerpts.constant(source(path), name), attributes.get("data-unit", "")
    scale = {"KiB": 1024, "MiB": 1 << 20, "ms": 1000 if name.endswith("_US") else 1, "s": 1000}.get(unit, 1)
    assert value % scale == 0, f"{name} is {value}"
    return f"{value // scale:,}" + (f" {unit}" if unit else "")


traced, missing = {}, set()


def traces_of(httpd, model):
    if model not in traced:
        traced[model] = trace_requests.scenes(httpd, model)
    return traced[model]


def trace(httpd, attributes):
    """Who speaks, and what the ring says, in <i>; where somebody sleeps in <b>."""
    model, *scenes = attributes["data-trace"].split()
    lines = []
    for scene in scenes:
        for line in trace_requests.as_text(traces_of(httpd, model)[scene]).split("\n"):
            text = html.escape(line.lstrip("#~ " if line[0] in "#~" else ""), quote=False)
            lines.append(f"<i>{text}</i>" if line[0] in "# …" else
                         f"<b>{text}</b>  <i>sleeps</i>" if line[0] == "~" else text)
    return "\n".join(lines)


def calls(httpd, attributes):
    """How many system calls one more request takes."""
    parts = traces_of(httpd, attributes["data-calls"])["again"]
    counted = [call for _, lines in parts for call, _ in lines if call not in ("done", "submit", "waits", "")]
    return str(len(counted))


def duration(figure, unit):
    ns = figure * {"ns": 1, "µs": 1e3}[unit]
    scale, name = next((scale, name) for scale, name in ((1e6, "ms"), (1e3, "µs"), (1, "ns")) if ns >= scale)
    return f"{ns / scale:.{1 if ns / scale < 10 else 0}f} {name}"


def measured(*command):
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {tuple(line.split("\t")[:2]): line.split("\t")[2:] for line in said.splitlines()}


def check_switches(program):
    """What the page says of their order."""
    figures = {key: float(value[0]) for key, value in measured(program, "--quick").items()}

    def ascending(what, *of):
        found = [figures[what, each] for each in of]
        if found != sorted(found):
            yield f"{what} of {', '.join(of)}: {found}"
    yield from ascending("make and end", "coroutine", "thread", "process")
    yield from ascending("switch", "coroutines", "a system call that does next to nothing", "threads, by a futex")
    yield from ascending("memory", "coroutine", "thread", "process")


def switches(program):
    """The table's body, and where it was measured."""
    figures = measured(program)

    def time_of(what, of):
        figure, unit = figures[what, of]
        return duration(float(figure), unit)

    def size_of(what, of):
        figure = float(figures[what, of][0])
        return f"{figure:.0f} KiB" if figure >= 10 else f"{figure:.1f} KiB"

    rows = (
        ("make one, and be rid of it", *(time_of("make and end", of) for of in ("process", "thread", "coroutine"))),
        ("the same, where the maker has 64 MiB", time_of("make and end", "process, of one with 64 MiB"), "as above",
         "as above"),
        ("hand over by a pipe", time_of("switch", "processes, by a pipe"), time_of("switch", "threads, by a pipe"), "–"),
        ("hand over by what it has for that", "–", time_of("switch", "threads, by a futex") + " (futex)",
         time_of("switch", "coroutines") + " (registers)"),
        ("keep one: memory of its own", *(size_of("memory", of) for of in ("process", "thread", "coroutine"))),
        ("keep one: in the kernel", *(size_of("kernel", of) for of in ("process", "thread", "coroutine"))),
    )
    virtual = " of a virtual machine" if "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text() else ""
    cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    machine = (f"{cpu} ({os.cpu_count()} processors{virtual}), Linux {platform.release().split('-')[0]}. "
               f"A system call that does next to nothing takes {time_of('switch', 'a system call that does next to nothing')} "
               "there.")
    body = "\n".join("    <tr><th scope=\"row\">" + "</th><td>".join((row[0], "</td><td>".join(row[1:]))) + "</td></tr>"
                     for row in rows)
    return "\n" + body + "\n  ", machine


def made(options):
    """Attribute -> what makes the content of an element that has it."""
    makers = {"data-parts": excerpt, "data-constant": constant} if options.write or not options.traces else {}
    if options.traces:
        makers["data-trace"] = lambda attributes: retried(options, attributes, trace)
        makers["data-calls"] = lambda attributes: retried(options, attributes, calls)
    if options.switches and options.write:
        body, machine = switches(options.switches)
        makers["data-switches"] = lambda _: body
        makers["data-machine"] = lambda _: machine
    return makers


def retried(options, attributes, make):
    """As the page has it, if that is seen at one try of some."""
    model = attributes.get("data-trace", attributes.get("data-calls")).split()[0]
    for tries_left in reversed(range(TRIES if model not in missing else 0)):
        try:
            content = make(options.httpd, attributes)
            if options.write or content == attributes[""] or tries_left == 0:
                return content
        except CantServe as error:
            print(f"{error}: left out")
            missing.add(model)
            break
        except (AssertionError, LookupError, StopIteration, ValueError, OSError) as error:
            assert tries_left > 0, f"{model} can't be traced: {error!r}"
        traced.pop(model, None)
    return attributes[""]


ELEMENT = re.compile(r"(?P<open><(?P<name>\w+)(?P<attributes>(?: [\w-]+(?:=\"[^\"]*\")?)*)>(?P<code><code>)?)"
                     r"(?P<content>(?:(?!<(?P=name)\b).)*?)(?P<close>(?(code)</code>)</(?P=name)>)", re.S)


def renew(text, makers, wrong):
    """The page with what its marked elements should hold; adds to wrong what can't be told."""
    def put(found):
        attributes = {key: html.unescape(value or "") for key, value in
                      re.findall(r" ([\w-]+)(?:=\"([^\"]*)\")?", found["attributes"])}
        attributes[""] = found["content"]
        for key, make in makers.items():
            if key in attributes:
                try:
                    return found["open"] + make(attributes) + found["close"]
                except AssertionError as error:
                    wrong.append(f"{attributes[key]}: {error}")
        return found[0]
    marked = "|".join(makers)
    return re.sub(rf"<(\w+)(?: [^<>]*)? (?:{marked})(?:=\"[^\"]*\")?[^<>]*>.*?</\1>",
                  lambda element: ELEMENT.sub(put, element[0]), text, flags=re.S)


# ---- Checking


def difference(before, after):
    for was, would in zip(before.split("\n"), after.split("\n")):
        if was != would:
            return f"it says\n    {was}\nwhere it is\n    {would}"
    return "it differs in length"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("httpd")
    parser.add_argument("--traces", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--switches", metavar="BENCH_SWITCHES")
    options = parser.parse_args()
    if options.traces and not shutil.which("strace"):
        print("strace is not installed: left out")
        return 77
    makers, wrong = made(options), []
    for path in sorted([SITE / "models.html", *(SITE / "models").glob("*.html")]):
        before = path.read_text()
        after = renew(before, makers, wrong)
        if before != after and options.write:
            path.write_text(after)
        elif before != after:
            wrong.append(f"{path.relative_to(ROOT)}: {difference(before, after)}")
    if not options.traces:
        wrong += pages.check(ROOT, options.httpd)
    if options.switches and not options.write:
        wrong += check_switches(options.switches)
    for each in wrong:
        print(each)
    if wrong and not options.write:
        print("`tests/course/course.py HTTPD --write --traces` makes excerpts, constants and traces anew")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
