"""`python -m bench [--quick] [--only NAME]`: measure, print a table, write a JSON file."""

from __future__ import annotations

import argparse
import sys
import time

import uvloop

from bench.measures import MEASURES
from bench.results import Result, save, table


async def run(names: list[str], *, quick: bool) -> list[Result]:
    """Take the measures one after the other."""
    results: list[Result] = []
    for name in names:
        begun = time.perf_counter()
        results += await MEASURES[name](quick)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return results


def main() -> None:
    """Run as told on the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller counts, for a look")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="this measure; repeatable")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bar is missed")
    options = parser.parse_args()
    begun = time.perf_counter()
    results = uvloop.run(run(options.only or list(MEASURES), quick=options.quick))
    print(table(results))
    print(
        f"written to {save(results, quick=options.quick, seconds=time.perf_counter() - begun)}",
        file=sys.stderr,
    )
    if options.strict and any(result.verdict == "MISSED" for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
