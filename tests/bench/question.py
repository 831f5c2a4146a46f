"""What the page lets one ask, and the data that the answers are made of by html/compare.js. The same data make the next
page when nothing is measured anew."""

import json
import re

import columns
import verdict

FORM = """
<section class="sheet" id="question" aria-labelledby="question-label">
  <h2 class="label" id="question-label">Question</h2>
  <div>
    <noscript><p>With JavaScript this page answers “I have so many connections, files of this size, so many of them
    cold, and these CPUs: which model?”. Without it, look for the line that is nearest in <a href="#points">the
    tables</a>; each leads to its figures.</p></noscript>
    <form id="ask" class="controls" hidden>
      <label>what is asked for
        <select name="work"><option value="">files of one size</option></select></label>
      <label>connections <input name="connections" type="number" min="1" max="1000000" value="100" required></label>
      <label>size of a file <input name="size" type="number" min="0.01" step="any" value="20" required></label>
      <label>in <select name="unit"><option value="1">bytes</option><option value="1024" selected>KiB</option>
        <option value="1048576">MiB</option></select></label>
      <label>percent cold <input name="cold" type="number" min="0" max="100" step="any" value="0" required></label>
      <label>CPUs <input name="cpus" type="number" min="1" max="1024" value="1" required></label>
      <label>what matters <select name="figure"></select></label>
    </form>
    <p id="short" class="lead after" role="status"></p>
    <div id="answer" class="result"></div>
  </div>
</section>
"""


def data(result):
    figures = {column.key: {"caption": column.caption or column.head, "less": column.less, "text": column.text.__name__}
               for column in columns.COLUMNS.values()}
    known = json.dumps({"figures": figures, "reasons": verdict.REASONS, "result": result}, ensure_ascii=False,
                       separators=(",", ":"))
    return f'<script type="application/json" id="measured">{known.replace("<", chr(92) + "u003c")}</script>\n'


def data_of(text):
    """The result that a page was made of, or a file of --json has."""
    found = re.search(r'<script type="application/json" id="measured">(.*?)</script>', text, re.S)
    return json.loads(found[1])["result"] if found else json.loads(text)
