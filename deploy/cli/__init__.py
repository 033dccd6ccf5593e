"""The `carelog` command: one machine's Carelog, its story, its import, and questions to it.

Each command is a module of its own, and imports what it needs when it is called: the help is there at once.
"""

import typer

from deploy.cli import bringing, demo, doctor, events, parked, projections, status, story, token, topics

app = typer.Typer(
    name="carelog",
    help="An event-sourced clinical record system: five services, one log each, every event on a topic.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("story")(story.story)
app.command("import")(bringing.bring_in)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("token")(token.token)

_events = typer.Typer(help="What is said on the topics.", no_args_is_help=True)
_events.command("tail")(events.tail)
app.add_typer(_events, name="events")

_projections = typer.Typer(help="What is shown of the topics: their generations, and rebuilds.", no_args_is_help=True)
_projections.command("status")(projections.status)
_projections.command("rebuild")(projections.rebuild)
_projections.command("compare")(projections.compare)
_projections.command("heal")(projections.heal)
_projections.command("rollback")(projections.rollback)
app.add_typer(_projections, name="projections")

_parked = typer.Typer(help="Messages that could not be applied, and wait aside.", no_args_is_help=True)
_parked.command("list")(parked.show_list)
_parked.command("show")(parked.show)
_parked.command("replay")(parked.replay)
app.add_typer(_parked, name="parked")

_topics = typer.Typer(help="The topics as they have to be.", no_args_is_help=True)
_topics.command("apply")(topics.apply)
_topics.command("republish")(topics.republish)
app.add_typer(_topics, name="topics")
