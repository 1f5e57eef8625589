"""The `xingshu` command. Progress goes to stderr, answers and JSON to stdout.

Exit codes: 0 answered, 1 the task failed, 2 wrong use or configuration, 130 cancelled. Commands import what they
need when they run, so that `xingshu --help` is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import typer

from app.when_options import says_when
from domain.people import Role

cli = typer.Typer(
    name="xingshu",
    help="星枢 · One message in, a validated plan, work done once, one answer out.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
User = Annotated[str | None, typer.Option("--user", "-u", help="On whose behalf. Default: you.")]
AnyUser = Annotated[
    str | None, typer.Option("--user", "-u", help="Only what belongs to this user. Default: everybody.")
]


@cli.command()
def chat(user: User = None) -> None:
    """Chat in this terminal; piped lines are answered one by one."""
    from app.commands.chat import chat

    _run(chat, user=user)


@cli.command()
@says_when
def ask(
    text: Annotated[str, typer.Argument(help="The request; - reads it from stdin.")],
    json: Json = False,
    user: User = None,
    when: Mapping[str, str | None] = MappingProxyType({}),
) -> None:
    """Ask once and wait for the answer."""
    from app.commands.ask import When, ask

    _run(ask, text=text, as_json=json, user=user, when=When(**when))


@cli.command()
def plan(
    text: Annotated[str, typer.Argument(help="The request; - reads it from stdin.")] = "-",
    json: Json = False,
    catalogue: Annotated[
        str | None, typer.Option(help="A JSON file of skills to plan with, instead of the live ones.")
    ] = None,
    raw: Annotated[
        str | None, typer.Option(help="Validate and repair a model's text (or a .jsonl of them) instead.")
    ] = None,
) -> None:
    """Plan only: show what would be done."""
    from app.commands.plan import plan

    _run(plan, text=text, as_json=json, catalogue=catalogue, raw=raw)


@cli.command()
def run(
    file: Annotated[str, typer.Argument(metavar="PLAN.json", help="A plan; - reads it from stdin.")],
    json: Json = False,
    count: Annotated[int, typer.Option(min=1, help="Execute it so many times and print throughput and latency.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="So many at once.")] = 1,
    user: User = None,
) -> None:
    """Execute a given plan."""
    from app.commands.run import Load, run

    _run(run, file=file, as_json=json, load=Load(count=count, concurrency=concurrency), user=user)


@cli.command()
def serve(
    role: Annotated[
        list[str] | None, typer.Option(help="bot, planner, dispatcher, aggregator, api, agents. Default: all.")
    ] = None,
) -> None:
    """Perform roles of the deployment until stopped."""
    from app.commands.serve import serve

    _run(serve, roles=role or [])


@cli.command()
def worker(
    agents: Annotated[
        list[str], typer.Argument(metavar="AGENT...", help="Names from XINGSHU_AGENTS, or of default agents.")
    ],
    concurrency: Annotated[int | None, typer.Option(min=1, help="Subtasks each agent runs at once.")] = None,
) -> None:
    """Be a worker of these agents; needs the broker and nothing else."""
    from app.commands.serve import worker

    _run(worker, agents=agents, concurrency=concurrency)


@cli.command()
def status(task: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None) -> None:
    """Show how a task stands; answers from the database alone."""
    from app.commands.tasks import status

    _run(status, task=task, as_json=json, user=user)


@cli.command()
def tasks(json: Json = False, limit: Annotated[int, typer.Option(min=1, max=1000)] = 20, user: AnyUser = None) -> None:
    """List the newest tasks."""
    from app.commands.tasks import tasks

    _run(tasks, as_json=json, limit=limit, user=user)


@cli.command()
def cost(
    task: Annotated[str | None, typer.Argument(metavar="ID", help="A task; without it, the last 30 days.")] = None,
    json: Json = False,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Only what belongs to this user. Default: you, or any task.")
    ] = None,
) -> None:
    """Show what language models took."""
    from app.commands.tasks import cost

    _run(cost, task=task, as_json=json, user=user)


@cli.command()
def cancel(task: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None) -> None:
    """Start nothing more of a task."""
    from app.commands.tasks import act

    _run(act, verb="cancel", arguments=[task], as_json=json, user=user)


@cli.command()
def retry(
    task: Annotated[str, typer.Argument(metavar="ID")],
    node: Annotated[str | None, typer.Argument(metavar="NODE")] = None,
    json: Json = False,
    user: AnyUser = None,
) -> None:
    """Do the failed part of a task again, as a new task; what succeeded is kept."""
    from app.commands.tasks import act

    _run(act, verb="retry", arguments=[task, *([node] if node else [])], as_json=json, user=user)


@cli.command()
def approve(task: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None) -> None:
    """Allow the external effects that wait in a task."""
    from app.commands.tasks import act

    _run(act, verb="approve", arguments=[task], as_json=json, user=user)


@cli.command()
def deny(task: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None) -> None:
    """Refuse the external effects that wait in a task."""
    from app.commands.tasks import act

    _run(act, verb="deny", arguments=[task], as_json=json, user=user)


@cli.command()
def pair(
    role: Annotated[Role, typer.Option(help="What they become.")] = Role.MEMBER,
    json: Json = False,
) -> None:
    """Make a one-time code that lets somebody in on a chat platform."""
    from app.commands.pair import pair

    _run(pair, role=role, as_json=json)


@cli.command()
def agents(json: Json = False) -> None:
    """List the agents that are alive, and their skills."""
    from app.commands.tasks import agents

    _run(agents, as_json=json)


dead = typer.Typer(help="Messages that could not be taken: why, and bringing them back.", no_args_is_help=False)
cli.add_typer(dead, name="dead")
Letter = Annotated[str, typer.Argument(metavar="ID")]


@dead.callback(invoke_without_command=True)
def dead_letters(context: typer.Context, json: Json = False) -> None:
    """Messages that could not be taken: why, and bringing them back."""
    if context.invoked_subcommand is None:
        dead_list(json=json)


@dead.command("list")
def dead_list(
    json: Json = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Also those something was done about.")] = False,
) -> None:
    """List the dead letters that wait to be looked at."""
    from app.commands.dead import letters

    _run(letters, as_json=json, limit=limit, everything=everything)


@dead.command("show")
def dead_show(letter: Letter, json: Json = False) -> None:
    """Explain one: what it is, why it died, what to do."""
    from app.commands.dead import show

    _run(show, letter=letter, as_json=json)


@dead.command("requeue")
def dead_requeue(letter: Letter, json: Json = False) -> None:
    """Bring one back, where that makes sense."""
    from app.commands.dead import requeue

    _run(requeue, letter=letter, as_json=json)


@dead.command("drop")
def dead_drop(letter: Letter, json: Json = False) -> None:
    """Put one aside."""
    from app.commands.dead import drop

    _run(drop, letter=letter, as_json=json)


@cli.command()
def purge(
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Such as 90d, 12h. Default: XINGSHU_KEEP_S.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    archive: Annotated[
        str | None, typer.Option(metavar="FILE.jsonl", help="Write each task down first. Default: XINGSHU_ARCHIVE.")
    ] = None,
    json: Json = False,
) -> None:
    """Delete finished tasks that are old, and what belongs to them."""
    from app.commands.purge import purge

    _run(purge, older_than=older_than, dry_run=dry_run, archive=archive, as_json=json)


@cli.command()
def setup(json: Json = False) -> None:
    """Migrate the database and declare the broker's topology. Safe to repeat."""
    from app.commands.setup import setup

    _run(setup, as_json=json)


@cli.command()
def doctor(json: Json = False) -> None:
    """Check database, broker, model, tokens and workspace; say the exact fix for each."""
    from app.commands.setup import doctor

    _run(doctor, as_json=json)


schedules = typer.Typer(help="Do something again and again, or later.", no_args_is_help=True)
cli.add_typer(schedules, name="schedule")


@schedules.command("add")
def schedule_add(
    text: Annotated[str, typer.Argument(metavar="WHEN REQUEST", help='E.g. "every day at 9:00 check the prices".')],
    zone: Annotated[str | None, typer.Option(help="The time zone of its times, e.g. Europe/Berlin.")] = None,
    json: Json = False,
    user: User = None,
) -> None:
    """Make a schedule; whatever dispatcher runs follows it, and answers wait for your terminal chat."""
    from app.commands.schedule import add

    _run(add, text=text, zone=zone, user=user, as_json=json)


@schedules.command("list")
def schedule_list(json: Json = False, user: AnyUser = None) -> None:
    """List schedules with their next time and how the last one went."""
    from app.commands.schedule import listed

    _run(listed, user=user, as_json=json)


@schedules.command("pause")
def schedule_pause(
    schedule: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None
) -> None:
    """Begin nothing of it until it is resumed."""
    from app.commands.schedule import change

    _run(change, verb="pause", schedule=schedule, user=user, as_json=json)


@schedules.command("resume")
def schedule_resume(
    schedule: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None
) -> None:
    """Go on with what is still to come."""
    from app.commands.schedule import change

    _run(change, verb="resume", schedule=schedule, user=user, as_json=json)


@schedules.command("remove")
def schedule_remove(
    schedule: Annotated[str, typer.Argument(metavar="ID")], json: Json = False, user: AnyUser = None
) -> None:
    """Forget it; what has begun goes on."""
    from app.commands.schedule import change

    _run(change, verb="remove", schedule=schedule, user=user, as_json=json)


def _run(command: Callable[..., Coroutine[Any, Any, int]], **options: Any) -> None:
    """Run a command in an event loop and exit with its code; a person reads one sentence, the log has the rest."""
    from app.exits import guarded  # with the event loop comes half of the start-up time

    raise typer.Exit(guarded(command, options))


def main() -> None:
    """Entry point of the `xingshu` script."""
    cli()
