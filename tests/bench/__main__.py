"""`python -m tests.bench [NAME…]`: run the benchmarks and print the table of the README."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from tests.bench import graphs, simulate, store, whole
from tests.bench.kit import Result

ALL: dict[str, Callable[[], Iterator[Result]]] = {
    "cold": whole.cold,
    "end_to_end": whole.end_to_end,
    "contention": whole.contention,
    "latency": whole.latency,
    "idle": whole.idle,
    "bulk": store.bulk,
    "claims": store.claims,
    "batch": graphs.batch,
    "members": graphs.members,
    "simulate": simulate.simulated_week,
}


def main(names: list[str]) -> None:
    """Print one row per measured line, as it is measured."""
    print("| work | measured | budget | |\n|---|---|---|---|", flush=True)
    for name in names or ALL:
        for row in ALL[name]():
            verdict = {True: "within", False: "**over**", None: ""}[row.within]
            print(f"| {row.work} | {row.measured} | {row.budget} | {verdict} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
