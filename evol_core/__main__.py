"""The `evol` command line."""

import typer

from evol_core.cli import (
    airflow_commands,
    build_commands,
    compare_commands,
    data_commands,
    demo_command,
    equalise_command,
    judge_commands,
    lineage_commands,
    platform_commands,
    recipe_commands,
    score_commands,
    train_commands,
    trajectory_commands,
    verify_commands,
)


def app() -> typer.Typer:
    """The command line with all of its groups."""
    evol = typer.Typer(
        name="evol",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        help="Build instruction-tuning datasets by evolving instructions, and keep every row's lineage.",
    )
    for group in (
        demo_command,
        platform_commands,
        build_commands,
        airflow_commands,
        data_commands,
        lineage_commands,
        recipe_commands,
        train_commands,
        score_commands,
        verify_commands,
        judge_commands,
        compare_commands,
        equalise_command,
        trajectory_commands,
    ):
        group.register(evol)
    return evol


def main() -> None:
    app()()


if __name__ == "__main__":
    main()
