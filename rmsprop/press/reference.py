"""Write the pages of the reference: ``python -m rmsprop.press.reference FOLDER``.

They name what is public, module by module; Sphinx's autodoc puts the docstrings in place.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from sphinx.pycode import ModuleAnalyzer

__all__ = ["PAGES", "page", "public"]

#: For each page its title, and the modules and packages whose names it has.
PAGES = {
    "api": ("API", ["rmsprop", "rmsprop.conventions"]),
    "api-equations": ("Equations", ["rmsprop.equations"]),
    "api-experiments": ("Experiments", ["rmsprop.experiments"]),
    "api-press": (
        "Drawing, publishing, ruling",
        ["rmsprop.press", "rmsprop.press.draw", "rmsprop.records.claims"],
    ),
}
METHODS = (FunctionType, classmethod, staticmethod, property, cached_property)


def public(name: str) -> dict[str, list[str]]:
    """Return the public names of a module, by the module that defines them.

    Those of a package are what it exports; one that exports nothing has those of its modules. They
    come in the order in which its docstring names the modules.

    Args:
        name: of the module.

    >>> public("rmsprop.equations")["rmsprop.equations.valley"]
    ['rmsprop.equations.escape_time', 'rmsprop.equations.floor_rate']
    """
    module = importlib.import_module(name)
    found: dict[str, list[str]] = {}
    if hasattr(module, "__all__"):
        origins = _origins(module)
        for own in module.__all__:
            found.setdefault(origins.get(own, name), []).append(f"{name}.{own}")
    else:
        for part in pkgutil.iter_modules(module.__path__):
            found |= public(f"{name}.{part.name}")
    said = str(module.__doc__)
    return {part: found[part] for part in sorted(found, key=lambda p: said.find(f"`{_own(p)}`"))}


def _own(name: str) -> str:
    """Return a name without those of the modules it is in."""
    return name.rpartition(".")[2]


def _origins(module: ModuleType) -> dict[str, str]:
    """Return where a module imports its names from."""
    return {
        alias.name: str(statement.module)
        for statement in ast.parse(inspect.getsource(module)).body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def page(title: str, modules: Sequence[str]) -> str:
    """Return a page as reStructuredText.

    Args:
        title: of the page.
        modules: names of modules and packages, the first being what the page is about.

    Raises:
        ValueError: if public names have no docstring; names them.
    """
    sections = _sections(modules)
    bare = [
        name for origin, names in sections.items() for own in names for name in _bare(origin, own)
    ]
    if bare:
        raise ValueError(f"public names without a docstring: {', '.join(bare)}")
    lines = [title, "=" * len(title), "", *_directive("automodule", modules[0])]
    for origin, names in sections.items():
        # A function may have taken the name of the module it comes from.
        options = [":no-index:"] if origin in names.values() else []
        lines += [_own(origin), "-" * len(_own(origin)), ""]
        lines += _directive("automodule", origin, *options)
        for own, name in names.items():
            lines += _entry(origin, own, name)
    return "\n".join(lines)


def _sections(modules: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return for each defining module its names, short and whole; what two modules have, once."""
    sections: dict[str, dict[str, str]] = {}
    for module in modules:
        for origin, names in public(module).items():
            section = sections.setdefault(origin, {})
            for name in names:
                section.setdefault(_own(name), name)
    return sections


def _entry(origin: str, own: str, name: str) -> list[str]:
    value = getattr(importlib.import_module(origin), own)
    if inspect.isclass(value):
        return _directive("autoclass", name, *_members(value))
    if inspect.isroutine(value):
        return _directive("autofunction", name)
    module = name.removesuffix(f".{own}")
    return _directive("py:data", own, f":module: {module}", "", *_description(origin, own))


def _members(cls: type) -> list[str]:
    names = [name for name, _ in _methods(cls)]
    return [f":members: {', '.join(names)}"] if names else []


def _directive(kind: str, name: str, *content: str) -> list[str]:
    return [f".. {kind}:: {name}", *(f"   {line}".rstrip() for line in content), ""]


def _bare(origin: str, own: str) -> Iterator[str]:
    """Yield a name, or those of its methods, that nothing is said about."""
    value: Any = getattr(importlib.import_module(origin), own)
    if not inspect.isclass(value) and not inspect.isroutine(value):
        if not _description(origin, own):
            yield f"{origin}.{own}"
        return
    # A dataclass without words gets its signature.
    if not value.__doc__ or value.__doc__.startswith(f"{own}("):
        yield f"{origin}.{own}"
    if inspect.isclass(value):
        yield from (f"{origin}.{own}.{name}" for name, m in _methods(value) if not m.__doc__)


def _methods(cls: type) -> list[tuple[str, Any]]:
    return [
        (name, member)
        for name, member in vars(cls).items()
        if not name.startswith("_") and isinstance(member, METHODS)
    ]


def _description(origin: str, own: str) -> list[str]:
    """Return the lines that are said about a constant beside it."""
    analyzer = ModuleAnalyzer.for_module(origin)
    analyzer.analyze()
    return analyzer.attr_docs.get(("", own), [])


if __name__ == "__main__":
    try:
        for name, content in PAGES.items():
            (Path(sys.argv[1]) / f"{name}.rst").write_text(page(*content), encoding="utf-8")
    except ValueError as error:
        sys.exit(f"rmsprop: {error}")
