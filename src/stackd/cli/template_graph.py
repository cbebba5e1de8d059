"""`stackd template graph`: what needs what in a template, drawn."""

from __future__ import annotations

import click

from stackd.cli.template import source_options
from stackd.cli.template_source import Given
from stackd.cli.template_work import evaluated
from stackd.engine.definition.desired import Desired
from stackd.engine.validation.tree import Expanded
from stackd.template.drawing import FORMATS, Edge, Need, Node, Picture
from stackd.template.evaluate import references


@click.command()
@source_options
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="mermaid",
    help="Text for Markdown, a graph for Graphviz, or a drawing.",
)
def graph(given: Given, form: str) -> None:
    """Draw the resources of FILE and what they need, with the nested stacks inside those that contain them.

    Arrows lead from what is made first to what needs it: solid where a property refers to it, dashed for
    depends_on, dotted where the types imply it.
    """
    _, expanded = evaluated(given)
    click.echo(FORMATS[form](picture_of(expanded)), nl=False)


def picture_of(expanded: Expanded) -> Picture:
    """The graph of a stack to be, with those inside it."""
    desired = expanded.desired
    children = {name: picture_of(child) for name, child in expanded.children.items()}
    nodes = tuple(
        Node(name, _type(definition.type), children.get(name))
        for name, definition in desired.resources.items()
    )
    return Picture(nodes, tuple(edge for name in desired.resources for edge in _edges(desired, name)))


def _type(name: str) -> str:
    """A type as it is known; of a template's URL the last part."""
    return name if "::" in name else name.rsplit("/", 1)[-1]


def _edges(desired: Desired, name: str) -> list[Edge]:
    """The requirements of a resource with their reasons; a reference takes precedence over depends_on."""
    definition = desired.resources[name]
    parts = (definition.properties, definition.metadata)
    referred = {use.resource for part in parts for use in references(part, conditions=desired.conditions)}

    def need(other: str) -> Need:
        if other in referred:
            return Need.REFERENCE
        return Need.EXPLICIT if other in definition.depends_on else Need.IMPLIED

    return [Edge(other, name, need(other)) for other in desired.resources if other in desired.requires[name]]
