"""`stackd template schema`: the JSON Schema by which editors complete and check templates."""

from __future__ import annotations

import json

import click

from stackd.cli.failures import BAD_INPUT, Failure
from stackd.cli.settings import load_settings
from stackd.cli.template_source import load_types
from stackd.resources.json_schema import environment_schema, template_schema


@click.command()
@click.option("--environment", is_flag=True, help="That of environments.")
@click.option("--cfn", is_flag=True, help="That of templates in CloudFormation's dialect.")
@click.pass_obj
def schema(config_file: str | None, environment: bool, cfn: bool) -> None:
    """Print the JSON Schema (draft-07) of templates, with the types of the configured plug-ins.

    Editors with a YAML language server complete and check templates by it.
    """
    if environment and cfn:
        raise Failure("There is one schema for environments, whatever the template.", BAD_INPUT)
    registry = load_types(load_settings(config_file))
    made = environment_schema(registry) if environment else template_schema(registry, "cfn" if cfn else "hot")
    click.echo(json.dumps(made, indent=1, ensure_ascii=False))
