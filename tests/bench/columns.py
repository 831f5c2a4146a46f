"""The figures of a cell: what each is called, how it is written, and which way is better."""

from chart import duration, fixed, number

NONE = "–"


def percent(value):
    return f"{fixed(100 * value, 0 if value >= 0.1 else 2)}%"


def times(value):
    return f"{number(value)}×"


def count(value):
    return fixed(value, 0)


def size(value):
    return f"{fixed(value / 2**20, 1)} MiB"


def pace(value):
    """Bytes in a second."""
    return f"{fixed(value / 1e9, 2)} GB/s" if value >= 1e8 else f"{fixed(value / 1e6, 1)} MB/s"


class Column:
    def __init__(self, key, head, text, caption=None, less=True):
        self.key, self.head, self.text, self.caption, self.less = key, head, text, caption, less

    def of(self, cell):
        value = cell.get(self.key)
        return NONE if value is None else self.text(value)


COLUMNS = {column.key: column for column in (
    Column("cpu_us", "CPU µs", number, "CPU µs per request"),
    Column("both_us", "with client’s", number),
    Column("rps", "req/s", number, "requests per second", less=False),
    Column("p50_us", "p50", duration, "p50"),
    Column("p99_us", "p99", duration, "p99"),
    Column("alone_rps", "req/s alone", number),
    Column("rate_share", "of alone", percent, "share of the rate alone", less=False),
    Column("alone_p99_us", "p99 alone", duration),
    Column("p99_times", "p99 of alone", times, "p99, times that alone"),
    Column("beside_rps", "req/s beside", number, "requests per second of the others", less=False),
    Column("beside_bytes", "beside", pace, "bytes per second of the others", less=False),
    Column("from_disk", "from disk", pace),
    Column("memory_more", "memory more", size, "memory that the crowd adds"),
    Column("drip_closed", "drips closed", count),
    Column("stall_closed", "stalled closed", count),
    Column("half_closed", "half-closed closed", count),
    Column("failed", "failed", percent),
    Column("server_busy", "server’s CPU", percent),
    Column("client_busy", "client’s CPU", percent),
)}


FAILING = 0.01  # of the answers; errors are cheap, so whoever fails more often is not compared


def fails(cell):
    return (cell.get("failed") or 0) > FAILING


def of(cells):
    """Those that any of the cells has."""
    return [column for column in COLUMNS.values() if any(cell.get(column.key) is not None for cell in cells)]


def errors(cell):
    return ", ".join(f"{count} {kind}" for kind, count in cell["errors"].items())
