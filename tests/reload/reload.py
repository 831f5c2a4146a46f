"""SIGHUP: what it changes, for whom, and what it leaves alone, in every model.

Usage: reload.py HTTPD [--model M ...] [--what changes|load] [--reloads N] [--requests N] [--workers N] [--wrk]
The long form: --what load --reloads 250 --requests 1000000 --wrk"""

import argparse
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import changes  # noqa: E402
import ignored  # noqa: E402
import traffic  # noqa: E402
import watching  # noqa: E402
from site_files import Site  # noqa: E402
from webdriver import MODELS, skip_without, terminate_politely  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("httpd")
    parser.add_argument("--model", nargs="+", default=[*MODELS, "coroutine", "uring"])
    parser.add_argument("--what", choices=["changes", "load"])
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--requests", type=int, default=0, help="about so many, over all of them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--wrk", action="store_true", help="with more requests than a script has")
    parser.add_argument("--sanitized", action="store_true", help="memory says nothing")
    return parser.parse_args()


def main():
    args = parse()
    terminate_politely()
    if args.wrk:
        skip_without("wrk")
    httpd = os.path.abspath(args.httpd)
    with tempfile.TemporaryDirectory(prefix="httpd-reload-") as folder:
        os.chmod(folder, 0o755)  # for whoever the server becomes
        site = Site(folder)
        for model in args.model:
            if args.what != "load":
                for test in (changes.each_thing, changes.files_alone, changes.limits, changes.counted, changes.mistakes,
                             changes.under_way, *([] if args.sanitized else [changes.within_reach]), *watching.ALL,
                             ignored.nohup, ignored.terminal):
                    test(httpd, model, site)
            if args.what != "changes":
                for keep in (True, False):
                    traffic.reloads(httpd, model, site, args.reloads, args.requests, args.workers, keep, args.wrk)
                traffic.nothing_left(httpd, model, site, sanitized=args.sanitized)
            print(f"{model}: ok", flush=True)


if __name__ == "__main__":
    main()
