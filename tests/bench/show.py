"""What is said on stdout while it is measured."""

import sys

import columns


def work(result, everyone):
    cells = {server.name: result["cells"][server.name] for server in everyone if server.name in result["cells"]}
    print(f"\n{result['name']}: {result['about']}")
    if cells:
        chosen = columns.of(cells.values())
        rows = [["", *(column.head for column in chosen), "errors"]]
        rows += [[name, *(column.of(cell) for column in chosen), columns.errors(cell)] for name, cell in cells.items()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(chosen) + 1)]
        for row in rows:
            print(f"{row[0]:{widths[0]}}" + "".join(f"  {text:>{width}}" for text, width in zip(row[1:], widths[1:]))
                  + (f"  {row[-1]}" if row[-1] else ""))
    left_out(result["left_out"])


def left_out(reasons):
    for name, why in reasons.items():
        print(f"{name} left out: {why}")
    sys.stdout.flush()


def syscalls(result):
    print("\nsyscalls: System calls a request for 1 KiB, under strace; 64 connections, blocking: one.")
    for name, cell in result["cells"].items():
        each = ", ".join(f"{call} {count:.2f}" for call, count in list(cell["each"].items())[:5])
        print(f"{name:14}{cell['all']:9.2f}  {each}")
    left_out(result["left_out"])


def memory(result):
    print("\nmemory: PSS at rest, and bytes that an idle connection adds.")
    for name, cell in result["cells"].items():
        print(f"{name:14}{cell['at_rest'] / 1024:9.0f} KiB {cell['each']:9.0f} B, of {cell['connections']}")
    left_out(result["left_out"])
