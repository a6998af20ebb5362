"""``tacit plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tacit.cli.failure import explained
from tacit.cli.jobfile import check_job_file, load_job
from tacit.cli.machine import kept_clean, print_json
from tacit.cli.options import AssignmentsOption, JobArgument, JsonOption
from tacit.cli.settings import make_settings, parse_assignments
from tacit.errors import MisuseError
from tacit.party import check_names


def plan_command(
    job: JobArgument,
    parties: Annotated[
        str, typer.Option(metavar="NAME,NAME,...", help="The parties, in order of rank.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="Where to write the plan; JOB.plan by default."),
    ] = None,
    assignments: AssignmentsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write down what a dealer must supply for one run of job(): a dry run of all parties, here and now.

    The plan has sizes and kinds of operations in it, and no data. Give job() inputs of the right shapes, such as zeros.
    """
    with explained("plan", as_json):
        check_job_file(job)
        import torch

        from tacit.profile.table import size
        from tacit.runtime.launcher import plan

        names = check_names([name.strip() for name in parties.split(",")])
        settings = make_settings(parse_assignments(assignments or []))
        torch.set_num_threads(1)  # parties take turns, and threads of theirs would get into each other's way
        with kept_clean(as_json):
            made = plan(_dry_run, names, (str(job),), settings)
        path = job.with_suffix(".plan") if out is None else out
        try:
            made.save(path)
        except OSError as error:
            raise MisuseError(f"cannot write {path}: {error.strerror}.") from None
        if as_json:
            told = {"parties": list(names), "requests": len(made.requests), "bytes_a_run": made.correction_bytes}
            print_json({"file": str(path), **told})
            return
        typer.echo(f"{path}: {len(made.requests)} requests, {size(made.correction_bytes)} from the dealer for one run.")


def _dry_run(path: str) -> None:
    load_job(Path(path))()
