"""An error is data: no code decides by the text of a message, or makes another message out of one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "stackd"
ELSEWHERE = frozenset({"db", "devcloud"})
"""A database says only in words which of its rules was broken; the dev cloud has errors of its own."""

MODULES = sorted(path for path in SOURCE.rglob("*.py") if ELSEWHERE.isdisjoint(path.parts))

TEXT_METHODS = frozenset(
    name
    for name in dir(str)
    if name.startswith(("find", "index", "part", "remove", "replace", "rfind", "rindex", "rpart", "rsplit"))
    or name in ("count", "endswith", "lstrip", "rstrip", "split", "splitlines", "startswith", "strip")
)
PATTERN_METHODS = frozenset({"findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"})
SETTABLE_BY_THEIR_CLASS = frozenset({"args", "message"})

ALLOWED = {
    "cli/diagnostics.py: in found.message",
    "cli/causes.py: each.message.endswith",
    "cli/causes.py: fullmatch(_REASON.fullmatch(failed.message))",
}
"""Where text is read because there is no more than text: what a server answers, shown on a terminal."""


def looks_into_text(code: str) -> list[str]:
    """What a module does with the texts of errors that it should ask for their data."""
    tree = ast.parse(code)
    scopes = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = [each for scope in (tree, *scopes) for each in _Reading(scope).found]
    return list(dict.fromkeys(found))


class _Reading:
    """What one function, or the module around all functions, reads out of messages."""

    def __init__(self, scope: ast.AST) -> None:
        self.nodes = list(_own_nodes(scope))
        self.errors = {each.name for each in self.nodes if isinstance(each, ast.ExceptHandler) and each.name}
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            self.errors |= {arg.arg for arg in _arguments(scope) if _is_error(arg.annotation)}
        self.texts: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Assign) and self.is_text(node.value):
                self.texts |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        self.found = [said for node in self.nodes for said in self.judge(node)]

    def is_text(self, node: ast.AST) -> bool:
        """Whether an expression is the text of an error, or a text in which one stands."""
        match node:
            case ast.Attribute(attr="message"):
                return True
            case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
                return name in self.errors
            case ast.JoinedStr(values=values):
                parts = [each.value for each in values if isinstance(each, ast.FormattedValue)]
                return any(self.is_text(each) or self.is_error(each) for each in parts)
            case ast.Name(id=name):
                return name in self.texts
            case ast.Subscript(value=value):
                return self.is_text(value)
        return False

    def is_error(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self.errors

    def judge(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                for operator, other in zip(ops, others, strict=True):
                    if isinstance(operator, ast.In | ast.NotIn) and self.is_text(other):
                        yield f"in {ast.unparse(other)}"
                    elif isinstance(operator, ast.Eq | ast.NotEq) and self.is_text(left):
                        yield f"{ast.unparse(left)} =="
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=args):
                if method in TEXT_METHODS and self.is_text(value):
                    yield f"{ast.unparse(value)}.{method}"
                if method in PATTERN_METHODS and any(map(self.is_text, args)):
                    yield f"{method}({ast.unparse(node)})"
            case ast.Subscript(value=value, slice=ast.Slice(lower=lower)) if lower is not None:
                if self.is_text(value):
                    yield f"{ast.unparse(value)}[…]"
            case ast.Attribute(attr="__dict__"):
                yield f"{ast.unparse(node.value)}.__dict__"
            case ast.Attribute(attr=attribute, ctx=ast.Store(), value=value):
                is_self = isinstance(value, ast.Name) and value.id == "self"
                if attribute in SETTABLE_BY_THEIR_CLASS and not is_self:
                    yield f"{ast.unparse(value)}.{attribute} ="
            case ast.Call(func=ast.Name(id="vars"), args=[ast.Name(id=name)]) if name in self.errors:
                yield f"vars({name})"


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _own_nodes(child)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _is_error(annotation: ast.expr | None) -> bool:
    """Whether a parameter is declared to be an error."""
    if annotation is None:
        return False
    names = [each.id for each in ast.walk(annotation) if isinstance(each, ast.Name)]
    return any(name.endswith(("Error", "Exception", "Failure")) for name in names)


def test_no_module_looks_into_a_message() -> None:
    found = {
        f"{path.relative_to(SOURCE)}: {each}"
        for path in MODULES
        for each in looks_into_text(path.read_text())
    }
    assert found == ALLOWED, "ask for the error's reason, path or words instead"


@pytest.mark.parametrize(
    "code",
    [
        "'Unknown' in error.message",
        "error.message.rsplit(': ', 1)",
        "error.message.removeprefix('x')",
        "error.message == 'x'",
        "error.message[4:]",
        "re.search('x', error.message)",
        "pattern.match(error.message)",
        "made.args = (text,)",
        "made.message = text",
        "error.__dict__['all_errors']",
        "try: f()\nexcept ValueError as error:\n    str(error).startswith('x')",
        "try: f()\nexcept ValueError as error:\n    'x' in str(error)",
        "try: f()\nexcept ValueError as error:\n    text = f'{error}'\n    text.partition(': ')",
        "def f(error: TemplateError):\n    kind, _, rest = str(error).partition(': ')",
        "said = error.message\nif 'x' in said: pass",
    ],
)
def test_reading_a_message_is_noticed(code: str) -> None:
    assert looks_into_text(code)


@pytest.mark.parametrize(
    "code",
    [
        "raise Other(f'{what}: {error.message}')",
        "return error.message",
        "error.reason is Reason.UNKNOWN_PROPERTY",
        "try: f()\nexcept ValueError as error:\n    raise Other(str(error)) from error",
        "class A:\n    def __init__(self, message):\n        self.message = message",
    ],
)
def test_showing_a_message_is_not(code: str) -> None:
    assert looks_into_text(code) == []
