"""What was run, as a table in Markdown: a row for each fault or hostile kind, a column for each model."""

import re


def first_sentence(action):
    return re.split(r"(?<=[.:])\s", " ".join((action.__doc__ or "").split()), 1)[0].rstrip(".:")


def processor(tellings):
    """The most that any of them took."""
    parts = [int(part) for told in tellings for part in re.findall(r"(\d+) % of a processor", told)]
    return f"at most {max(parts)} % of a processor" if parts else ""


def cell(name, result):
    if isinstance(result, str):
        return result if name.startswith("kind-") else "ok"
    return "–" if result is None else "FAILED"


def print_table(scenarios, results, models):
    """results[name, model]: what was told, an exception, or None where it doesn't apply."""
    names = list(dict.fromkeys(name for name, _ in results))
    print(f"\n| what | {' | '.join(models)} | what it was | the last said |\n|{'---|' * (len(models) + 3)}")
    for name in names:
        row = [results.get((name, model)) for model in models]
        told = [result for result in row if isinstance(result, str)]
        what = "; ".join(filter(None, (first_sentence(scenarios[name][0]), processor(told))))
        print(f"| {name} | {' | '.join(cell(name, result) for result in row)} | {what} | {told[-1] if told else ''} |")
