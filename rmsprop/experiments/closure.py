"""The code that a function's result rests on: its own, and all that it names of its package."""

import ast
import copy
import functools
import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["code_digest"]


def code_digest(function: Callable[..., Any]) -> str:
    """Return the SHA-256 of a function's code and of all code of its package that it can reach.

    What is reached are the functions, classes and constants that the code names, what these name in
    turn, and so on. Comments, docstrings, annotations and the way a line is set do not count; other
    packages do not either, for which a version stands. Every version of Python says the same.

    Args:
        function: defined at the top of a module that can be imported.

    Raises:
        ValueError: if it is not.

    >>> len(code_digest(code_digest))
    64
    """
    module, name = function.__module__, function.__qualname__
    if name not in _definitions(module):
        raise ValueError(f"function must be defined at the top of a module, got {module}.{name}")
    seen: dict[str, str] = {}
    _visit(module, name, seen)
    told = "\n".join(f"{name}\n{code}" for name, code in sorted(seen.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def _visit(module: str, name: str, seen: dict[str, str]) -> None:
    """Note the code behind a name of a module, and go on to what that names."""
    statement = _definitions(module).get(name)
    if statement is None or f"{module}.{name}" in seen:
        return
    if isinstance(statement, ast.ImportFrom):
        for origin, original in _imported(statement, module, name):
            _visit(origin, original, seen)
    elif not isinstance(statement, ast.Import):
        seen[f"{module}.{name}"] = _told(_stripped(statement))
        for owner, used in _named(statement, module):
            _visit(owner, used, seen)


def _named(statement: ast.stmt, module: str) -> Iterator[tuple[str, str]]:
    """Yield the names that a statement uses, each with the module in which it is defined."""
    for node in ast.walk(statement):
        if isinstance(node, ast.ImportFrom):
            yield from _imported(node, module)
        elif isinstance(node, ast.Name):
            yield module, node.id
        elif isinstance(node, ast.Attribute):
            dotted = ast.unparse(node).split(".")
            owner = _module_called(dotted[0], module)
            while owner and len(dotted) > 2 and _source(f"{owner}.{dotted[1]}"):
                owner = f"{owner}.{dotted.pop(1)}"
            if owner:
                yield owner, dotted[1]


def _module_called(name: str, module: str) -> str | None:
    """Return which module of the package a name stands for, None if it stands for anything else."""
    statement = _definitions(module).get(name)
    if isinstance(statement, ast.Import):
        called = next(a for a in statement.names if (a.asname or a.name.partition(".")[0]) == name)
        target = called.name if called.asname else name
    elif isinstance(statement, ast.ImportFrom):
        target = ".".join(next(iter(_imported(statement, module, name)), ()))
    else:
        return None
    return target if target and _inside(target, module) and _source(target) else None


def _imported(
    statement: ast.ImportFrom, module: str, name: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield from where in the package a statement imports what: all, or what it calls `name`."""
    origin = _absolute(module, statement)
    for alias in statement.names:
        if _inside(origin, module) and name in (None, alias.asname or alias.name):
            yield origin, alias.name


def _absolute(module: str, statement: ast.ImportFrom) -> str:
    name = "." * statement.level + (statement.module or "")
    source = _source(module)
    is_package = source is not None and source.name == "__init__.py"
    return importlib.util.resolve_name(name, module if is_package else module.rpartition(".")[0])


def _inside(target: str, module: str) -> bool:
    return target.partition(".")[0] == module.partition(".")[0]


@functools.cache
def _source(module: str) -> Path | None:
    """Return the file of a module, None if there is no such module."""
    try:
        spec = importlib.util.find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin else None


@functools.cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Return the statement behind each name at the top of a module."""
    source = _source(module)
    tree = ast.parse(source.read_text(encoding="utf-8")) if source else ast.Module([], [])
    return {name: statement for statement in tree.body for name in _defined(statement)}


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        stored = [node for target in targets for node in ast.walk(target)]
        return [n.id for n in stored if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return []


def _told(node: Any) -> str:
    """Return syntax as text.

    `ast.unparse` and `ast.dump` would differ between versions of Python, in the quotes of strings
    and in the fields that are empty. Those are left out here, and with them new ones.
    """
    if isinstance(node, list):
        return f"[{', '.join(map(_told, node))}]"
    if not isinstance(node, ast.AST):
        return ascii(node)  # versions know different characters as printable
    fields = (
        f"{name}={_told(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])
    )
    return f"{type(node).__name__}({', '.join(fields)})"


def _stripped(statement: ast.stmt) -> ast.stmt:
    """Return a statement without docstrings and annotations of functions."""
    statement = copy.deepcopy(statement)
    for node in ast.walk(statement):
        if (
            isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.JoinedStr):  # Python 3.12 puts empty parts into some
            node.values = [part for part in node.values if getattr(part, "value", None) != ""]
    return statement
