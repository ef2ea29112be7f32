"""
`rsolv config`: are the settings right.
"""

import os

import typer

from rsolv.cli.outcome import ExitCode, Json, show
from rsolv.settings import SettingsInvalid, load_settings

app = typer.Typer(help="Check the settings.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """
    Check the settings.
    """


@app.command()
def check(*, json_output: Json = False) -> None:
    """
    Check every setting in the environment and list all problems by name; exit 1 if there are any.

    Examples: `RSOLV_ENV=production rsolv config check`, `rsolv config check --json`.
    """
    try:
        environment = load_settings(os.environ).environment
    except SettingsInvalid as error:
        problems = error.problems
        show(
            {"ok": False, "problems": problems},
            as_json=json_output,
            as_text=lambda: "\n".join(f"✗ {problem}" for problem in problems),
        )
        raise typer.Exit(ExitCode.FAILURE) from None
    show(
        {"ok": True, "environment": environment, "problems": []},
        as_json=json_output,
        as_text=lambda: f"✓ The settings are right for {environment}.",
    )
