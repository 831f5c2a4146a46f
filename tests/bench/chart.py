"""Drawings and tables of a page. Lengths in the drawings are in percent, so that text keeps its size at any width."""

import html
import statistics

ROW, BAR, GAP, TOP = 22, 12, 10, 8
LEFT, RIGHT = 25.0, 83.0  # where bars begin and end
CUT = 3.0  # bars longer than this many medians are cut short


def escape(text):
    return html.escape(str(text))


def fixed(value, digits):
    """Halves go up, in binary too."""
    return f"{value * (1 + 1e-12):,.{digits}f}"


def number(value):
    """Three digits or more, whatever the size."""
    if value is None:
        return "–"
    if value < 10_000:
        return fixed(value, 0 if value >= 100 else 1 if value >= 10 else 2).replace(",", "")
    return fixed(value, 0)


def duration(us):
    if us is None:
        return "–"
    for least, divisor, unit in ((1e6, 1e6, "s"), (1e3, 1e3, "ms"), (0, 1, "µs")):
        if us >= least:
            return f"{number(us / divisor)} {unit}"
    return "–"


def bars(label, rows):
    """rows: (name, kind, value, text). kind: floor, model or peer."""
    values = [value for _, _, value, _ in rows]
    scale = max(max(values), 1e-9)
    cut_at = CUT * statistics.median(values)
    if scale > cut_at > 0:
        scale = cut_at
    shapes, texts, y, previous = [], [], TOP, rows[0][1]
    for name, kind, value, text in rows:
        if kind != previous:
            y, previous = y + GAP, kind
        width = max(min(value / scale, 1) * (RIGHT - LEFT), 0.2)
        end = LEFT + width
        shapes.append(f'<rect class="of-{kind}" x="{LEFT:.1f}%" y="{y + 1}" width="{width:.2f}%" height="{BAR}"/>')
        if value > scale:
            shapes.append(f'<rect class="cut" x="{end - 4:.1f}%" y="{y}" width="5" height="{BAR + 2}"/>')
        texts.append(f'<text class="end" x="{LEFT - 1.5:.1f}%" y="{y + 11}">{escape(name)}</text>'
                     f'<text x="{end:.2f}%" dx="6" y="{y + 11}">{escape(text)}</text>')
        y += ROW
    floor = next((value for _, kind, value, _ in rows if kind == "floor"), None)
    if floor is not None and floor <= scale:
        x = LEFT + floor / scale * (RIGHT - LEFT)
        shapes.append(f'<line class="level" x1="{x:.2f}%" x2="{x:.2f}%" y1="{TOP + BAR + 3}" y2="{y - 4}"/>')
    shapes.append(f'<line class="axis" x1="{LEFT:.1f}%" x2="{LEFT:.1f}%" y1="{TOP - 4}" y2="{y - 4}"/>')
    return (f'<svg class="plot bars" role="img" aria-label="{escape(label)}" width="100%" height="{y}">'
            + "".join(shapes + texts) + "</svg>")


def figure(caption, note, rows):
    """A chart with its heading."""
    if not rows:
        return ""
    label = f"Bar chart: {caption}, {note}. " + ", ".join(f"{name} {text}" for name, _, _, text in rows)
    return f"<figure><figcaption><b>{escape(caption)}</b> {escape(note)}</figcaption>{bars(label, rows)}</figure>"


def table(label, heads, rows):
    """rows: lists of cells, escaped already; the first one names the row."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join('<tr><th scope="row">' + cells[0] + "</th>" + "".join(f"<td>{cell}</td>" for cell in cells[1:])
                   + "</tr>\n" for cells in rows)
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">\n<table class="figures">'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n</div>")


def folded(summary, content, is_open=False):
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>\n{content}\n</details>"
