"""Pages as files: well-formed, whole by themselves, and what they name exists."""

import html.parser
import re
import subprocess
import urllib.parse

VOID = "area base br col embed hr img input link meta source track wbr".split()
OPTIONAL = ("p", "li", "dt", "dd", "tr", "td", "th")  # HTML lets their ends be left out; we don't
LOADING = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src", "object": "data",
           "image": "href", "use": "href", "video": "src", "audio": "src"}


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.path, self.open, self.ids, self.links, self.wrong = path, [], [], [], []
        self.codes, self.headings, self.drawings = [], [], []
        self.text = path.read_text()
        self.feed(self.text)
        self.close()
        self.wrong += [f"<{name}> isn't closed" for name, _, _ in self.open]
        self.wrong += [f"the id {each} is there twice" for each in set(self.ids) if self.ids.count(each) > 1]

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag in LOADING and attributes.get(LOADING[tag]):
            self.links.append(attributes[LOADING[tag]])
            if re.match(r"(?i)[a-z]+:|//", attributes[LOADING[tag]]):
                self.wrong.append(f"<{tag}> loads {attributes[LOADING[tag]]}")
        if tag == "img" and "alt" not in attributes:
            self.wrong.append("an <img> has no alt")
        for key in attributes:
            if key.startswith("on"):
                self.wrong.append(f"<{tag}> has a script in {key}")
        if tag == "svg" and attributes.get("role") == "img":
            self.drawings.append(set())
        if tag in ("title", "desc") and any(name == "svg" for name, _, _ in self.open):
            self.drawings[-1:] and self.drawings[-1].add(tag)
        if tag not in VOID:
            self.open.append((tag, attributes, self.getpos()[0]))
        if tag == "code":
            self.codes.append([attributes, ""])

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            line = self.getpos()[0]
            self.wrong.append(f"line {line}: </{tag}> where <{self.open[-1][0] if self.open else 'nothing'}> is open")
            while self.open and self.open[-1][0] != tag:
                self.open.pop()
        if self.open:
            self.open.pop()

    def handle_data(self, data):
        for tag, _, _ in self.open:
            if tag == "code":
                self.codes[-1][1] += data


def check_links(page, site, known):
    for link in page.links:
        url = urllib.parse.urlsplit(link)
        if url.scheme in ("http", "https"):
            if not url.netloc or " " in link:
                yield f"{link} is no address"
            continue
        if url.scheme or url.netloc:
            yield f"{link} leads elsewhere"
            continue
        where = page.path if not url.path else (site / url.path.lstrip("/")) if url.path.startswith("/") else \
            page.path.parent / urllib.parse.unquote(url.path)
        where = where.resolve()
        if where.is_dir():
            where /= "index.html"
        if not where.is_file():
            yield f"{link} leads nowhere"
        elif url.fragment and where in known and url.fragment not in known[where].ids:
            yield f"{link}: no such place in that page"


def check_named(page, root, models, experiments):
    """Commands and tests in <code>, and those of which data-in tells the file that has them."""
    for attributes, text in page.codes:
        if "data-in" in attributes:
            file = root / attributes["data-in"]
            if not file.is_file() or text not in file.read_text():
                yield f"{text} isn't in {attributes['data-in']}"
        elif re.match(r"(tests|src|include)/[\w/.-]+", text):
            path, *words = text.split()
            if not (root / path).exists():
                yield f"{path} doesn't exist"
            elif path.endswith("bugs.py") and any(f"def {word}(" not in (root / path).read_text() for word in words):
                yield f"{text}: no such one"
        for command in re.findall(r"httpd lab((?: [\w-]+)*)", text):
            for word in command.replace("--help", "").split():
                if word not in models and word not in experiments:
                    yield f"httpd lab{command}: {word} is neither experiment nor model"
        for model in re.findall(r"httpd[^\n]* -m ([\w-]+)", text):
            if model not in models:
                yield f"{text}: no such model"


def check(root, httpd):
    """What is wrong with the pages of html."""
    said = subprocess.run([httpd, "lab", "--help"], capture_output=True, text=True, check=True).stdout
    experiments = re.findall(r"^  ([\w-]+) ", said.partition("\nEXPERIMENT")[2], re.M)
    said = subprocess.run([httpd, "-m", "no-such-model"], capture_output=True, text=True, check=False).stderr
    models = re.search(r"\((.*)\)", said)[1].replace(",", "").split()
    site, wrong = root / "html", []
    known = {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in known.items():
        course = path.name == "models.html" or path.parent.name == "models"
        found = [*page.wrong, *check_links(page, site, known)]
        if course:
            found += [f"{each} holds nothing: course.py --write, with --traces and --switches, fills it" for each in
                      re.findall(r"<[^<>]* (data-[a-z]+)(?:=\"[^\"]*\")?[^<>]*>(?:<code>)?(?:</code>)?</", page.text)]
            found += check_named(page, root, models, experiments)
            found += ["a drawing lacks title or desc" for drawing in page.drawings if drawing != {"title", "desc"}]
        wrong += [f"{path.relative_to(root)}: {each}" for each in found]
    for path in sorted(site.rglob("*.css")):
        wrong += [f"{path.relative_to(root)}: loads {each}" for each in
                  re.findall(r"@import.*|url\(\s*[\"']?(?:[a-z]+:)?//[^)]*", path.read_text())]
    for model in models:
        if model != "epoll" and not (site / "models" / f"{model}.html").is_file():
            wrong.append(f"{model} has no page")
    return wrong
