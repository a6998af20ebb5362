"""Job files: a Python file that defines ``def job():``, loaded anew by every party that runs it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from tacit.errors import MisuseError

_SHAPE = (
    "A job file defines `def job():`, without parameters; its own tacit.run(...) goes under "
    '`if __name__ == "__main__":`.'
)


def check_job_file(path: Path) -> None:
    """Raise MisuseError unless ``path`` is a job file, as far as can be seen without running it."""
    tree = _parsed(path)
    if not any(_defines_job(statement) for statement in ast.walk(tree)):
        raise MisuseError(f"{path} does not define job(). {_SHAPE}")
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "job" and _needs_arguments(statement.args):
            raise MisuseError(f"{path}:{statement.lineno}: job() has parameters that `tacit run` cannot fill. {_SHAPE}")
    for call in _calls_when_loaded(tree):
        if ast.unparse(call.func) == "tacit.run":
            raise MisuseError(f"{path}:{call.lineno} calls tacit.run(...) whenever the file is loaded. {_SHAPE}")


def load_job(path: Path) -> Callable[[], Any]:
    """Run the file at ``path`` as a module and return its ``job``. Its folder comes first among the import paths."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = f"tacit_job_{path.stem}"
    loader = _FreshLoader(name, str(path))
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(path)))
    module.__file__ = str(path)
    sys.modules[name] = module
    loader.exec_module(module)
    job = getattr(module, "job", None)
    if not callable(job):
        raise MisuseError(f"{path} does not define job(). {_SHAPE}")
    found: Callable[[], Any] = job
    return found


class _FreshLoader(SourceFileLoader):
    """Compiles the file as it is now. Cached code can be stale: it is told apart by seconds and size only."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _parsed(path: Path) -> ast.Module:
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        raise MisuseError(f"there is no file {path}.") from None
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}.") from None
    if path.suffix != ".py":
        raise MisuseError(f"{path} is not a Python file: its name must end in .py.")
    try:
        return ast.parse(source, str(path))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise MisuseError(f"{path}{line} is not valid Python: {getattr(error, 'msg', error)}.") from None


def _defines_job(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name="job") | ast.ImportFrom(names=[*_, ast.alias(name="*")]):
            return True
        case ast.Assign(targets=targets):
            return any(isinstance(target, ast.Name) and target.id == "job" for target in targets)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return any((alias.asname or alias.name) == "job" for alias in names)
    return False


def _needs_arguments(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)


def _calls_when_loaded(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls at the top level of a file: outside functions, classes and every ``if``."""
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))
