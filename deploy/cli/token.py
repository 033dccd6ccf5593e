"""`carelog token`: a bearer token of the embedded mode's own issuer."""

from datetime import timedelta
from typing import Annotated, get_args

import typer

from deploy.cli.terminal import HomeOption, aside, command, said
from deploy.trouble import Trouble
from shared.kernel import Purpose, Role

_LONGEST_HOURS = 24 * 31


@command
async def token(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Role))}.")],
    organization: Annotated[
        str, typer.Option(help="For whom the caller acts: what is recorded is this organisation's.")
    ],
    purpose: Annotated[str, typer.Option(help=f"Purpose of use, one of {', '.join(get_args(Purpose))}.")] = "TREAT",
    subject: Annotated[str, typer.Option(help="Who the caller is.")] = "demo",
    hours: Annotated[float, typer.Option(help="How long it is valid.")] = 12,
    home: HomeOption = None,
) -> None:
    """Print a token for the doors of this machine's Carelog."""
    from deploy.embedded.home import Home

    if role not in get_args(Role):
        raise Trouble(f"There is no role {role}; there are {', '.join(get_args(Role))}.")
    if purpose not in get_args(Purpose):
        raise Trouble(f"There is no purpose {purpose}; there are {', '.join(get_args(Purpose))}.")
    if not 0 < hours <= _LONGEST_HOURS:
        raise Trouble(f"A token is valid for up to {_LONGEST_HOURS} hours.")
    chosen = Home.chosen(given=home)
    if not chosen.issuer.key_set.exists():
        raise Trouble(f"There is no issuer in {chosen.path}: `carelog demo` makes one, or name its home.")
    lifetime = timedelta(hours=hours)
    issued = chosen.issuer.token(
        subject=subject,
        role=role,  # type: ignore[arg-type]  # looked up above
        organization=organization,
        purpose=purpose,  # type: ignore[arg-type]
        lifetime=lifetime,
    )
    said.print(issued, soft_wrap=True)
    aside.print(f"[dim]valid for {lifetime}[/]")
