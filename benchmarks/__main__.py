"""`python -m benchmarks` measures, `report` writes the page, `profile` looks inside."""

import asyncio
import pstats
import shlex
import sys
from pathlib import Path

import click

from benchmarks import machine, report, results
from benchmarks.contestants import CONTESTANTS, GOFLAT
from benchmarks.faults import EFFECTS
from benchmarks.race import RaceError, Run, Track
from benchmarks.schedule import USUAL, Plan
from benchmarks.work import LISTED, ROUND_TRIP_MS, Work

PROFILE = results.FOLDER / "profile.pstats"
PROFILE_LINES = 40


@click.group(invoke_without_command=True)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Time to flat: goflat against what people use otherwise, and against bare sockets."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(run)


@cli.command()
@click.option("--positions", "-n", "sizes", type=int, multiple=True, default=(1, 10, 100))
@click.option("--round-trip-ms", "-l", type=float, multiple=True, default=(ROUND_TRIP_MS,))
@click.option("--rounds", "-r", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--contestant", "-c", type=click.Choice(list(CONTESTANTS)), multiple=True)
@click.option("--listed", type=int, default=LISTED, show_default=True, help="Instruments listed.")
@click.option("--fault", type=click.Choice(list(EFFECTS)), multiple=True)
@click.option(
    "--realtime", is_flag=True, help="Ahead of all else on its cores. Needs the right to."
)
def run(
    *,
    sizes: tuple[int, ...],
    round_trip_ms: tuple[float, ...],
    rounds: int,
    contestant: tuple[str, ...],
    listed: int,
    fault: tuple[str, ...],
    realtime: bool,
) -> None:
    """Measure, print the tables, and keep the figures in results/."""
    plan = Plan(
        sizes=sizes,
        round_trips_ms=round_trip_ms,
        rounds=rounds,
        contestants=contestant or USUAL,
        listed=listed,
        faults=fault or (None,),
    )
    runs: list[Run] = []
    began_at, load = results.now(), machine.load_now()
    try:
        asyncio.run(race(plan, runs, is_realtime=realtime))
    except RaceError as failure:
        raise click.ClickException(str(failure)) from None
    finally:
        measured = results.Results(
            began_at=began_at,
            command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
            machine=machine.machine_line(is_realtime=realtime),
            load_before=load,
            runs=tuple(runs),
        )
        path = results.save(measured)
        click.echo(report.summary(measured))
        click.echo(f"kept in {path}", err=True)


async def race(plan: Plan, runs: list[Run], *, is_realtime: bool) -> None:
    """Every run of a plan, each told and kept as it ends.

    Raises:
        RaceError: the benchmark itself failed. What was measured before stands.
    """
    async with Track.opened(is_realtime=is_realtime) as track:
        for turn in plan.turns():
            runs.append(await track.run(turn.contestant, turn.work, turn.round))
            click.echo(report.line(runs[-1]), err=True)


@cli.command("report")
@click.argument("file", type=click.Path(exists=True, path_type=Path), required=False)
def write_report(file: Path | None) -> None:
    """Write docs/benchmarks.md from FILE, or from the newest results."""
    path = file or results.newest()
    if path is None:
        raise click.ClickException("there are no results yet: run `python -m benchmarks` first")
    report.PAGE.write_text(report.page(results.load(path)), encoding="utf-8")
    click.echo(f"{report.PAGE} from {path}", err=True)


@cli.command()
@click.option("--contestant", "-c", type=click.Choice(list(CONTESTANTS)), default=GOFLAT)
@click.option("--positions", "-n", type=int, default=100, show_default=True)
@click.option("--listed", type=int, default=LISTED, show_default=True)
@click.option("--sort", type=click.Choice(["tottime", "cumtime"]), default="tottime")
def profile(contestant: str, positions: int, listed: int, sort: str) -> None:
    """Run a contestant under cProfile, and print what it asked when, and where its time went.

    The times of the requests are those of a run without the profile, which slows everything.
    """
    results.FOLDER.mkdir(exist_ok=True)
    work = Work(positions=positions, listed=listed)
    plain, profiled = asyncio.run(_twice(contestant, work))
    click.echo(f"{report.line(plain)}\n{report.steps(plain)}\n\nunder the profile:")
    click.echo(report.line(profiled))
    pstats.Stats(str(PROFILE)).strip_dirs().sort_stats(sort).print_stats(PROFILE_LINES)


async def _twice(contestant: str, work: Work) -> tuple[Run, Run]:
    async with Track.opened() as track:
        plain = await track.run(contestant, work)
        return plain, await track.run(contestant, work, profile=str(PROFILE.resolve()))


if __name__ == "__main__":
    cli(prog_name="python -m benchmarks")
