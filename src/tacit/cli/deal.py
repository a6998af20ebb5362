"""``tacit deal``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from tacit.cli.failure import explained
from tacit.cli.machine import print_json
from tacit.cli.options import JsonOption, KeysOption, ThreadsOption
from tacit.runtime.defaults import KEYS, ONE


def deal_command(
    plan: Annotated[Path, typer.Argument(metavar="JOB.plan", help="What `tacit plan` wrote.", show_default=False)],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A new folder; each party gets one inside it.", show_default=False)
    ],
    count: Annotated[int, typer.Option(min=1, help="For how many runs of the job.")] = 1,
    keys: KeysOption = Path(KEYS),
    threads: ThreadsOption = ONE,
    as_json: JsonOption = False,
) -> None:
    """Be the dealer ahead of time: write what the parties need for some runs, encrypted to each of them.

    Takes dealer.key and the parties' .pub files from the folder of keys. Whoever runs this must not work together with
    any party: the two could read every secret of those runs. Give each party its folder, and keep no copy.
    """
    with explained("deal", as_json):
        from tacit.correlations.directory import deal
        from tacit.correlations.plan import Plan
        from tacit.profile.table import size
        from tacit.runtime.cores import computing_with
        from tacit.runtime.memory import keep_freed_memory

        keep_freed_memory()
        planned = Plan.load(plan)
        start = perf_counter()
        with computing_with(threads):
            deal(planned, count, out, keys)
        seconds = perf_counter() - start
        total = planned.correction_bytes * count
        if as_json:
            told = {"parties": list(planned.parties), "runs": count, "bytes_a_run": planned.correction_bytes}
            print_json({"folder": str(out), **told, "seconds": round(seconds, 3)})
            return
        typer.echo(
            f"{out}: {count} runs for {', '.join(planned.parties)}, {size(planned.correction_bytes)} each; "
            f"{size(total)} in {seconds:.1f} s, {size(int(total / seconds))}/s."
        )
