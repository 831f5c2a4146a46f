#!/usr/bin/env python3
"""A real browser against every model: headless Chromium loads a site and uses what it finds.

    browser.py [HTTPD] [--model M ...] [--what load|video|listing|spa|compare|measure ...] [--root DIR]

Exits 0 when all is well, 1 when something failed, 77 when Chromium or its driver is missing."""

import argparse
import array
import collections
import math
import os
import pathlib
import re
import struct
import sys
import tempfile
import time
import traceback
import urllib.parse
import wave
import zlib

from webdriver import MODELS, Browser, Server, skip_without, terminate_politely

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "bench"))

import columns
import question

LOAD_LIMIT = 10

INSPECT = """
const images = [...document.images];
// A picture below the fold would wait for somebody to scroll.
images.forEach(image => image.loading = 'eager');
await Promise.all(images.map(image => image.decode().catch(() => {})));
await document.fonts.ready;
const rules = sheet => { try { return sheet.cssRules.length; } catch (e) { return -1; } };
const urls = (selector, name) => [...document.querySelectorAll(selector)].map(e => e[name]);
return {
  state: document.readyState,
  resources: performance.getEntriesByType('resource')
    .map(entry => ({url: entry.name, status: entry.responseStatus})),
  images: images.map(image => ({url: image.currentSrc || image.src,
                                ok: image.complete && image.naturalWidth > 0})),
  sheets: [...document.styleSheets].map(sheet => ({url: sheet.href, rules: rules(sheet)})),
  references: [...urls('script[src]', 'src'), ...urls('link[rel~=stylesheet][href]', 'href'),
               ...images.map(image => image.currentSrc || image.src)],
  icons: urls('link[rel~=icon][href]', 'href'),
};
"""

FETCH_STATUSES = """
const status = async url => [url, (await fetch(url, {cache: 'no-store'})).status];
return await Promise.all(args[0].map(status));
"""


# ---- Pictures


def unfilter_row(kind, row, above, step):
    """Undoes one PNG row filter in place."""
    if kind == 1:
        for i in range(step, len(row)):
            row[i] = (row[i] + row[i - step]) & 255
    elif kind == 2:
        row[:] = bytes((a + b) & 255 for a, b in zip(row, above))
    elif kind == 3:
        for i in range(len(row)):
            left = row[i - step] if i >= step else 0
            row[i] = (row[i] + (left + above[i]) // 2) & 255
    elif kind == 4:
        for i in range(len(row)):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            row[i] = (row[i] + paeth(left, above[i], corner)) & 255


def paeth(left, up, corner):
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def png_chunks(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "the screenshot is no PNG"
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def png_colours(data):
    """How often each colour occurs in an 8-bit RGB or RGBA picture."""
    chunks = list(png_chunks(data))
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    assert depth == 8 and colour in (2, 6) and not interlace, "an unexpected kind of PNG"
    step = 3 if colour == 2 else 4
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    above, counts, stride = bytearray(width * step), collections.Counter(), width * step + 1
    for y in range(height):
        row = bytearray(raw[y * stride + 1:(y + 1) * stride])
        unfilter_row(raw[y * stride], row, above, step)
        counts.update(zip(*(row[channel::step] for channel in range(3))))
        above = row
    return counts


def check_not_blank(picture):
    counts = png_colours(picture)
    total, (colour, most) = counts.total(), counts.most_common(1)[0]
    assert len(counts) > 50, f"the screenshot has only {len(counts)} colours"
    assert most <= 0.98 * total, f"{100 * most / total:.1f} % of the screenshot is {colour}"


# ---- The site


def over_network(url):
    return url.startswith("http")


def check_page(page, origin):
    """Everything that the page refers to has arrived, from this server and nowhere else."""
    assert page["state"] == "complete", f"document is {page['state']}"
    resources = {r["url"]: r["status"] for r in page["resources"] if over_network(r["url"])}
    foreign = [url for url in resources if not url.startswith(origin)]
    assert not foreign, f"resources from elsewhere: {foreign}"
    bad = {url: status for url, status in resources.items() if status not in (200, 206, 304)}
    assert not bad, f"resources that did not arrive: {bad}"
    missing = [url for url in page["references"] if over_network(url) and url not in resources]
    assert not missing, f"never requested: {missing}"
    broken = [image["url"] for image in page["images"] if not image["ok"]]
    assert not broken, f"broken images: {broken}"
    closed = [sheet["url"] for sheet in page["sheets"] if sheet["rules"] < 0]
    assert not closed, f"style sheets that cannot be read: {closed}"
    return resources


def check_no_console_errors(browser):
    errors = browser.console_errors()
    assert not errors, "console errors:\n  " + "\n  ".join(errors)


def check_all_answered(exchanges):
    bad = [x for x in exchanges if x.failed or x.sent_status not in (200, 206, 304)]
    assert not bad, f"requests that went wrong: {bad}"


def check_icons(browser, page, url):
    icons = [icon for icon in page["icons"] if over_network(icon)]
    if not page["icons"]:
        icons = [url + "favicon.ico"]
    bad = [pair for pair in browser.execute(FETCH_STATUSES, icons) if pair[1] != 200]
    assert not bad, f"no favicon: {bad}"


def check_first_visit(browser, server, save_to):
    began = time.monotonic()
    browser.get(server.url)
    took = time.monotonic() - began
    assert took < LOAD_LIMIT, f"the page took {took:.1f} s"
    page = browser.execute(INSPECT)
    resources = check_page(page, server.url)
    assert resources, "the page has no resources at all"
    check_icons(browser, page, server.url)
    exchanges = browser.settled_exchanges()
    check_all_answered(exchanges)
    unseen = [url for url in resources if url not in {x.url for x in exchanges}]
    assert not unseen, f"arrived without a request, so the cache was not empty: {unseen}"
    check_no_console_errors(browser)
    picture = browser.screenshot()
    if save_to:
        pathlib.Path(save_to, f"{server.model}.png").write_bytes(picture)
    check_not_blank(picture)
    # An icon may or may not be among the resources by now.
    return cacheable(exchanges), len(resources.keys() - set(page["icons"])), took


def cacheable(exchanges):
    """Without what scripts and players fetch: they may bypass the cache for their own reasons."""
    return [x for x in exchanges
            if x.kind not in ("Fetch", "XHR", "Media", "EventSource")]


def check_reload(browser, server, first_visit):
    """The second visit costs no bodies: 304, or not even a request."""
    browser.forget_exchanges()
    browser.reload()
    page = browser.execute(INSPECT)
    check_page(page, server.url)
    exchanges = browser.settled_exchanges()
    check_all_answered(exchanges)
    check_no_console_errors(browser)
    assert any(x.kind == "Document" for x in exchanges), "the reload asked for no document"
    known = {x.url for x in first_visit}
    again = [x for x in cacheable(exchanges)
             if x.url in known and not x.from_cache and x.wire_status != 304]
    assert not again, f"sent a second time on reload: {again}"
    return sum(x.wire_status == 304 for x in exchanges)


def load(browser, options, model):
    with Server(options.httpd, options.root, model, *options.option) as server:
        browser.forget()
        first_visit, count, took = check_first_visit(browser, server, options.screenshots)
        revalidated = check_reload(browser, server, first_visit)
    return f"{count} resources in {took:.2f} s, {revalidated} times 304 on reload"


# ---- A player that seeks

SEEK = """
const player = document.querySelector('video');
const event = name => new Promise((resolve, reject) => {
  player.addEventListener(name, resolve, {once: true});
  player.addEventListener('error', () => reject(new Error(player.error.message)), {once: true});
});
if (player.readyState < 1) await event('loadedmetadata');
const seeked = event('seeked');
player.currentTime = args[0];
await seeked;
const at = player.currentTime;
await player.play();
while (player.currentTime <= at) await event('timeupdate');
player.pause();
return {duration: player.duration, at, played: player.currentTime};
"""


def write_tone(path, seconds):
    """Large enough that a player asks for the far end instead of waiting until it comes by."""
    rate, channels = 96000, 2
    second = array.array("h", (round(9000 * math.sin(math.tau * 440 * (i // channels) / rate))
                               for i in range(rate * channels)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        for _ in range(seconds):
            out.writeframes(second.tobytes())


def check_ranges(exchanges, size):
    parts = [x for x in exchanges if "range" in x.request_headers and x.sent_status == 206]
    assert parts, f"no range was asked for and answered by 206: {exchanges}"
    starts = []
    for part in parts:
        first, last, total = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)",
                                                   part.headers["content-range"]).groups())
        assert total == size and first <= last < size, f"{part}: {part.headers}"
        starts.append(first)
    assert max(starts) > 0, f"no range from the middle of the file: {starts}"
    return len(parts)


def video(browser, options, model):
    with tempfile.TemporaryDirectory(prefix="httpd-video-") as root:
        tone = pathlib.Path(root, "tone.wav")
        write_tone(tone, 20)
        pathlib.Path(root, "index.html").write_text(
            "<!doctype html><title>player</title><link rel=icon href=data:,>"
            "<video src=tone.wav preload=metadata controls></video>")
        with Server(options.httpd, root, model, *options.option) as server:
            browser.forget()
            browser.get(server.url)
            result = browser.execute(SEEK, 15)
            media = [x for x in browser.exchanges() if x.url.endswith("/tone.wav")]
            browser.get("about:blank")
        assert abs(result["duration"] - 20) < 0.5, f"duration {result['duration']}"
        assert abs(result["at"] - 15) < 0.5, f"at {result['at']} after seeking to 15"
        check_no_console_errors(browser)
        ranges = check_ranges(media, tone.stat().st_size)
    return f"seeked to {result['at']:.1f} s and played on, {ranges} ranges"


# ---- Listings

FOLDER = "a folder"
NAMES = ["plain.txt", "two words.txt", "<img src=x onerror=pwned=1>.txt", "fish & chips.txt",
         "&amp;.txt", "\"quoted\" 'name'.txt", "100% #1 ?a=b.txt", "Grüße ☃ 雪.txt"]

LINKS = """
return [...document.links].map(link => ({url: link.href, text: link.textContent.trim()}));
"""

FIND_LINK = "return [...document.links].find(link => link.href === args[0]);"


def content_of(name):
    return f"This is {name}, schön."


def write_listing_root(root):
    folder = pathlib.Path(root, FOLDER)
    folder.mkdir()
    pathlib.Path(folder, "inner.txt").write_text(content_of("inner.txt"), "utf-8")
    for name in NAMES:
        pathlib.Path(root, name).write_text(content_of(name), "utf-8")


def links_by_path(browser):
    """Path on the server, decoded, to what the link says and where it leads."""
    found = {}
    for link in browser.execute(LINKS):
        parts = urllib.parse.urlsplit(link["url"])
        # A listing may carry links that sort it; they lead to the page itself.
        if not parts.query and not parts.fragment:
            found[urllib.parse.unquote(parts.path)] = link
    return found


def follow(browser, link):
    browser.click(browser.execute(FIND_LINK, link["url"]))
    here = browser.current_url()
    assert here == link["url"], f"a click on {link['url']} leads to {here}"


def check_listed(links):
    for name in [*NAMES, FOLDER + "/"]:
        assert "/" + name in links, f"{name!r} is not listed: {sorted(links)}"
        text = links["/" + name]["text"]
        assert name.rstrip("/") in text, f"the link to {name!r} says {text!r}"


def check_escaped(browser):
    pwned, pictures = browser.execute(
        "return [typeof pwned, document.querySelectorAll('img[src=x]').length]")
    assert pwned == "undefined" and not pictures, "a file name became markup"


def check_shows(browser, name):
    text = browser.execute("return document.body.innerText").strip()
    assert text == content_of(name), f"{name}: the browser shows {text!r}"


def listing(browser, options, model):
    with tempfile.TemporaryDirectory(prefix="httpd-listing-") as root:
        write_listing_root(root)
        with Server(options.httpd, root, model, "--list", *options.option) as server:
            browser.forget()
            browser.get(server.url)
            links = links_by_path(browser)
            check_listed(links)
            check_escaped(browser)
            for name in NAMES:
                browser.get(server.url)
                follow(browser, links["/" + name])
                check_shows(browser, name)
            browser.get(server.url)
            follow(browser, links[f"/{FOLDER}/"])
            follow(browser, links_by_path(browser)[f"/{FOLDER}/inner.txt"])
            check_shows(browser, "inner.txt")
    return f"{len(NAMES)} names and a folder"


# ---- Single-page applications

SPA_INDEX = """<!doctype html><title>app</title><link rel=icon href=data:,>
<main></main><script src=/app.js></script>"""
SPA_SCRIPT = "document.querySelector('main').textContent = 'route ' + location.pathname;"

FETCH_STATUS = "return (await fetch(args[0], {headers: args[1]})).status;"


def spa(browser, options, model):
    with tempfile.TemporaryDirectory(prefix="httpd-spa-") as root:
        pathlib.Path(root, "index.html").write_text(SPA_INDEX)
        pathlib.Path(root, "app.js").write_text(SPA_SCRIPT)
        with Server(options.httpd, root, model, "--spa", *options.option) as server:
            browser.forget()
            browser.get(server.url + "some/route")
            text = browser.execute("return document.querySelector('main').textContent")
            documents = [x for x in browser.exchanges() if x.kind == "Document"]
            check_no_console_errors(browser)
            missing = browser.execute(FETCH_STATUS, "/missing.js", {})
            data = browser.execute(FETCH_STATUS, "/api/thing", {})
            browser.get(server.url + "user/john.doe")
            dotted = browser.execute("return document.querySelector('main').textContent")
    assert text == "route /some/route", f"the route shows {text!r}"
    assert [x.sent_status for x in documents] == [200], f"the route: {documents}"
    assert missing == 404, f"a missing script is answered by {missing}"
    assert data == 404, f"a fetch() that leads nowhere is answered by {data}"
    assert dotted == "route /user/john.doe", f"the route with a dot shows {dotted!r}"
    return "a route by 200, a missing script by 404"


# ---- The page that answers questions

ASK = """
const form = document.getElementById('ask');
const changed = () => form.dispatchEvent(new Event('input', {bubbles: true}));
const {work, ...others} = args[0];
if (work) { form.elements.work.value = work; changed(); } // which decides what may be asked
for (const [name, value] of Object.entries(others)) form.elements[name].value = value;
changed();
"""
ANSWER = """
const rows = place => [...place.querySelectorAll(':scope > .scroll tbody tr')]
  .map(row => [...row.children].map(cell => cell.textContent));
const answer = document.getElementById('answer');
const near = [...answer.querySelectorAll('details')];
return {shown: !document.getElementById('ask').hidden, short: document.getElementById('short').textContent,
        title: answer.querySelector('h3')?.textContent ?? '', text: answer.textContent, rows: rows(answer),
        near: near.map(one => ({title: one.querySelector('summary').textContent, rows: rows(one)})),
        overflow: document.documentElement.scrollWidth - innerWidth, address: location.hash};
"""


def ask(browser, **question):
    return browser.execute(ASK + ANSWER, question)


def check_measured(data, work, key, rows):
    """What a table of an answer says is in the data, for each server but the floor."""
    column = columns.COLUMNS[key]
    kinds = {server["name"]: server["kind"] for server in data["servers"]}
    expected = {name: (column.text(cell[key]), "{} to {}".format(*map(column.text, cell[key + "_range"])))
                for name, cell in work["cells"].items() if kinds[name] != "floor" and cell.get(key) is not None}
    assert {row[0]: (row[1], row[3]) for row in rows} == expected, f"{work['name']}: {rows} instead of {expected}"


def compare(browser, options, model):
    data = question.data_of(pathlib.Path(options.root, "compare.html").read_text())
    works = {work["title"]: work for work in data["works"]}
    points = [work for work in data["works"] if work["point"] and work["cells"]]
    named = [work for work in data["works"] if not work["point"] and work["cells"]]
    with Server(options.httpd, options.root, model, *options.option) as server:
        browser.forget()
        browser.get(server.url + "compare.html")
        between = browser.execute(ANSWER)
        assert between["shown"] and between["title"].startswith("Nearest measured: "), between
        for point in points:
            answer = ask(browser, connections=point["connections"], size=point["size"], unit=1,
                         cold=100 * point["cold"], cpus=point["cpus"], figure="cpu_us")
            assert answer["title"] == f"Measured: {point['title']}", (point["title"], answer["title"])
            check_measured(data, point, "cpu_us", answer["rows"])
            for near in answer["near"]:
                check_measured(data, works[near["title"].split(": ")[1]], "cpu_us", near["rows"])
        far = ask(browser, connections=1_000_000)
        assert "far from your question" in far["text"] and data["machine"]["cpu"] in far["text"], far
        assert "needs numbers" in ask(browser, connections="")["text"]
        ask(browser, connections=32)
        for work in named:
            check_measured(data, work, work["shown"][0], ask(browser, work=work["name"],
                                                             figure=work["shown"][0])["rows"])
        asked = ask(browser, figure=named[0]["shown"][1])
        browser.get("about:blank")
        browser.get(server.url + "compare.html" + asked["address"])
        again = browser.execute(ANSWER)
        assert (again["title"], again["rows"]) == (asked["title"], asked["rows"]), (asked, again)
        browser.cdp("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=False)
        narrow = browser.execute(ANSWER)["overflow"]
        browser.cdp("Emulation.clearDeviceMetricsOverride")
        assert narrow <= 0, f"{narrow} pixels too wide"
        check_no_console_errors(browser)
    return f"{len(points)} points and {len(named)} works"


# ---- The front page's measurement

MEASURE = """
const own = window.fetch, form = document.getElementById('probe');
let asked = 0;
window.fetch = async (...what) => { // one of them takes long, and is beyond the axis
  if (++asked === 50) await new Promise(done => setTimeout(done, 500));
  return own(...what);
};
form.elements.count.value = '100';
form.requestSubmit();
while (!document.querySelector('#histogram .over')) await new Promise(done => setTimeout(done, 20));
const labels = [...document.querySelectorAll('#histogram text')].map(text => [text.textContent, text.getBoundingClientRect()]);
return {told: document.getElementById('result').textContent,
        labels: labels.map(([text, box]) => [text, box.left, box.right])};
"""


def measure(browser, options, model):
    """In a narrow window, too, no label lies upon another."""
    with Server(options.httpd, options.root, model, *options.option) as server:
        browser.forget()
        browser.cdp("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
        browser.get(server.url)
        seen = browser.execute(MEASURE)
        browser.cdp("Emulation.clearDeviceMetricsOverride")
        assert seen["told"].startswith("100 answers in "), seen
        labels = sorted(seen["labels"], key=lambda label: label[1])
        assert labels[-1][0] == ">", labels
        assert all(one[2] < next_one[1] for one, next_one in zip(labels, labels[1:])), labels
        check_no_console_errors(browser)
        browser.get("about:blank")
    return "100 requests"


# ---- Running


CHECKS = {"load": load, "video": video, "listing": listing, "spa": spa, "compare": compare, "measure": measure}


def run(browser, what, options, model):
    label = "browser" if what == "load" else f"browser {what}"
    try:
        told = CHECKS[what](browser, options, model)
    except Exception as error:
        print(f"FAILED {label} {model}: {error}", flush=True)
        if not isinstance(error, AssertionError):
            traceback.print_exc()
        return False
    print(f"ok {label} {model} {told}", flush=True)
    return True


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("httpd", nargs="?",
                        default=os.environ.get("HTTPD", str(HERE.parent / "build" / "httpd")))
    parser.add_argument("--model", nargs="+", action="extend", metavar="M")
    parser.add_argument("--what", nargs="+", action="extend", choices=CHECKS)
    parser.add_argument("--root", default=str(HERE.parent / "html"), help="site for `load`")
    parser.add_argument("--option", action="append", default=[], metavar="OPT",
                        help="one more option for the server, such as --option=--workers=2")
    parser.add_argument("--screenshots", metavar="DIR", help="keep what `load` saw in DIR")
    return parser.parse_args()


def main():
    options = arguments()
    terminate_politely()
    skip_without("chromium", "chromedriver")
    with Browser() as browser:
        models = options.model or MODELS
        results = [run(browser, what, options, model) for what in options.what or ["load"] for model in models]
        if not options.what:  # which are about the page, whoever serves it
            results += [run(browser, what, options, models[0]) for what in ("compare", "measure")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
