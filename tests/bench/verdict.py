"""Who is better at a work, in sentences. They are made of its figures; the reasons given are only of who is ahead."""

import columns
from chart import escape, number

LEVEL = 1.05  # a difference that means nothing
SPREAD = 1.25  # between models: worth a word

CHEAP_TAG = "makes a file’s tag from its time and size, so it reads nothing before it answers"
TIMES_ONLY = "does not hash what it reads, and looks for no compressed siblings"

# What is known of a peer from its source or its configuration, and may be why it is ahead.
REASONS = {
    "crawl": {"nginx": TIMES_ONLY, "lighttpd": TIMES_ONLY, "h2o": TIMES_ONLY, "caddy": TIMES_ONLY,
              "apache2": TIMES_ONLY},
    "first": {name: CHEAP_TAG for name in ("nginx", "lighttpd", "h2o", "caddy", "apache2")},
    "mixed": {"lighttpd": "sends at most 256 KiB to a client in a turn, by sendfile",
              "nginx": "sends at most 2 MiB to a client in a turn, by sendfile"},
    "cold": {"lighttpd": "waits for the disk in its loop, but for at most 256 KiB at a time"},
    "listing": {"lighttpd": "reads a folder in portions, and serves others in between"},
}


def best(column, kind, kinds, cells):
    """(value, name) of the best server of a kind."""
    values = [(cell[column.key], name) for name, cell in cells.items()
              if kinds[name] == kind and cell.get(column.key) is not None and not columns.fails(cell)]
    return min(values, default=None) if column.less else max(values, default=None)


def ratio(column, ours, theirs):
    """How many times better theirs is."""
    above, below = (ours, theirs) if column.less else (theirs, ours)
    return above / below if below > 0 else float("inf") if above > 0 else 1


def leads(column, first, second):
    """Whether the first cell is better than the second by more than the rounds differ, and than means nothing."""
    key = column.key + "_range"
    apart = first[key][1] < second[key][0] or second[key][1] < first[key][0]
    return apart and ratio(column, second[column.key], first[column.key]) > LEVEL


def compared(column, cells, model, peer):
    text, gain = column.text, ratio(column, model[0], peer[0])
    theirs, ours = (f"{escape(name)} {escape(text(value))}" for value, name in (peer, model))
    if leads(column, cells[peer[1]], cells[model[1]]):
        times = f" ({number(gain)}×)" if gain != float("inf") else ""
        return f"<b>{theirs}</b>; the best model, {ours}: <b>here {escape(peer[1])} is better</b>{times}."
    if leads(column, cells[model[1]], cells[peer[1]]):
        return f"<b>{ours}</b>; the best other server, {theirs}."
    return f"{ours} and {theirs}: not told apart."


def among_models(column, kinds, cells):
    values = [(cell[column.key], name) for name, cell in cells.items()
              if kinds[name] == "model" and cell.get(column.key) is not None and not columns.fails(cell)]
    values.sort(reverse=not column.less)
    if len(values) < 2 or ratio(column, values[-1][0], values[0][0]) < SPREAD:
        return ""
    (first, first_name), (last, last_name) = values[0], values[-1]
    return (f" Among the models {escape(first_name)} is best, {escape(last_name)} last "
            f"({escape(column.text(first))} against {escape(column.text(last))}).")


def of(result, work):
    """A list of sentences, a figure each; then why."""
    kinds = {server["name"]: server["kind"] for server in result["servers"]}
    sentences, ahead = [], set()
    for column in (columns.COLUMNS[key] for key in work["shown"]):
        model, peer = (best(column, kind, kinds, work["cells"]) for kind in ("model", "peer"))
        if not model:
            continue
        cells, alone = work["cells"], f"{escape(model[1])} {escape(column.text(model[0]))}."
        said = compared(column, cells, model, peer) if peer else alone
        if peer and leads(column, cells[peer[1]], cells[model[1]]):
            ahead.add(peer[1])
        sentences.append(f"<li>{escape(column.caption)}: {said}{among_models(column, kinds, work['cells'])}</li>")
    sentences += [f"<li>{escape(name)} is not compared: {columns.percent(cell['failed'])} of its answers were errors, "
                  "which are cheap.</li>" for name, cell in work["cells"].items() if columns.fails(cell)]
    return (f'<ul class="verdict">{"".join(sentences)}</ul>' if sentences else "") + why(work, sorted(ahead))


def why(work, ahead):
    known = REASONS.get(work["name"], {})
    parts = [work["why"]] if work["why"] else []
    parts += [f"{name} {known[name]}." for name in ahead if name in known]
    unknown = [name for name in ahead if name not in known]
    if unknown and not work["why"]:
        parts.append(f"Why {' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} ahead, this does not tell.")
    return f"<p>{escape(' '.join(parts))}</p>" if parts else ""


def where_peers_lead(result):
    """(work, figure, peer, its text, the best model, its text, how many times) wherever a peer is better."""
    kinds = {server["name"]: server["kind"] for server in result["servers"]}
    for work in result["works"]:
        for column in (columns.COLUMNS[key] for key in work["shown"]):
            model, peer = (best(column, kind, kinds, work["cells"]) for kind in ("model", "peer"))
            if model and peer and leads(column, work["cells"][peer[1]], work["cells"][model[1]]):
                yield (work, column, peer[1], column.text(peer[0]), model[1], column.text(model[0]),
                       ratio(column, model[0], peer[0]))
