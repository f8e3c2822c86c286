"""Functions of the user's own (`model.python`): found without running them, then run.

Needs no torch.
"""

import hashlib
import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from grelu_models.errors import ModelError, describe_error

__all__ = ["OwnCode", "find_code", "list_parameters", "report_errors", "run_code"]

LOG = logging.getLogger(__name__)

FUNCTION = re.compile(r"(?!\d)\w+(\.(?!\d)\w+)*:(?!\d)\w+")


RAN: dict[str, str] = {}
"""Modules that were run here -> digest of their source."""


@dataclass(frozen=True)
class OwnCode:
    """A function that returns a model, and the source file that defines it.

    Attributes
    ----------
    function : str
        `module:function`.
    folder : str
        Folder in which modules are looked up first.
    file : str
        The module's source file.
    sha256 : str
        Hex digest of its bytes.
    """

    function: str
    folder: str
    file: str
    sha256: str

    @property
    def module(self) -> str:
        """Name of the module."""
        return self.function.partition(":")[0]

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.partition(":")[2]


def find_code(function: str, folder: str | None = None) -> OwnCode:
    """Find the source file of a function, without running anything.

    Parameters
    ----------
    function : str
        `module:function`; the module may be in a package (`package.module:function`).
    folder : str, optional
        Where the module is. Default is None: the working directory. Installed packages follow.

    Raises
    ------
    ModelError
        If the text has another form, or there is no such module.
    """
    if not FUNCTION.fullmatch(function):
        raise ModelError(f"model.python: {function!r} is not of the form module:function")
    home, name = folder or ".", function.partition(":")[0]
    if not Path(home).is_dir():
        raise ModelError(f"model.python_path: {home}: no such folder: correct it")
    file = _find_source(name, home)
    if file is None:
        raise ModelError(
            f"model.python: there is no {name.replace('.', '/')}.py in {Path(home).resolve()}, and "
            f"no installed module {name}: correct it, or set model.python_path to its folder"
        )
    return OwnCode(function, home, str(file), hashlib.sha256(_read(file)).hexdigest())


def _find_source(name: str, home: str) -> Path | None:
    """The file of a module, found without importing the packages that contain it."""
    invalidate_caches()
    folders, spec = [str(Path(home).resolve()), *sys.path], None
    for part in name.split("."):
        spec = PathFinder.find_spec(part, folders)
        if spec is None:
            return None
        folders = list(spec.submodule_search_locations or ())
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin)
    if file.is_relative_to(Path(home).resolve()):  # named as the config names the folder
        return Path(home) / file.relative_to(Path(home).resolve())
    return file


def run_code(code: OwnCode) -> Callable[..., object]:
    """Run the source file, and return the function.

    Raises
    ------
    ModelError
        If the file changed since it was found, raises an error, or does not define the function.
    """
    source = _read(Path(code.file))
    if hashlib.sha256(source).hexdigest() != code.sha256:
        raise ModelError(
            f"{code.file}: the source changed since the plan was made: touch this file, so that "
            "Snakemake notices the change, and run again"
        )
    LOG.info(f"model.python: running {code.name} of {code.file}")
    with report_errors(code):
        module = _run_module(code, source)
    return _get_function(module, code)


def _run_module(code: OwnCode, source: bytes) -> ModuleType:
    """Run exactly the bytes that were digested: compiled files beside the source are not used."""
    parent = code.module.rpartition(".")[0]
    if parent:
        import_module(parent)
    used = sys.modules.get(code.module)
    if used is not None:
        other = getattr(used, "__file__", None)
        if other is None or Path(other).resolve() != Path(code.file).resolve():
            raise ModelError(
                f"model.python: {code.module} is also the name of a module that is in use "
                f"({other or 'part of Python'}): rename {code.file}"
            )
        if RAN.get(code.module, code.sha256) == code.sha256:
            return used
    loader = SourceFileLoader(code.module, str(Path(code.file).resolve()))
    spec = spec_from_loader(code.module, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[code.module] = module  # its classes refer to it by name
    try:
        exec(compile(source, code.file, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[code.module]
        raise
    RAN[code.module] = code.sha256
    return module


def _get_function(module: ModuleType, code: OwnCode) -> Callable[..., object]:
    function: Callable[..., object] | None = getattr(module, code.name, None)
    if not callable(function):
        defined = sorted(key for key, each in vars(module).items() if _is_defined(each, module))
        known = f"it has {', '.join(defined)}" if defined else "it defines none"
        raise ModelError(f"model.python: {code.file} has no function {code.name}: {known}")
    if not _is_defined(function, module):
        raise ModelError(
            f"model.python: {code.name} is not defined in {code.file}: name the module that "
            "defines it, so that a change of its file is noticed"
        )
    return function


def _is_defined(value: object, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def list_parameters(function: Callable[..., object]) -> list[str]:
    """Parameters that must be given; if there are none, one that is named `weights`."""
    named = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    needed = [each.name for each in named if each.default is each.empty]
    return needed or [each.name for each in named if each.name == "weights"]


@contextmanager
def report_errors(code: OwnCode) -> Iterator[None]:
    """Put the folder of the code on `sys.path`; an error becomes one line with its place."""
    path = str(Path(code.folder).resolve())
    sys.path.insert(0, path)
    try:
        yield
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(describe_error(error, code.file)) from error
    finally:
        sys.path.remove(path)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"model.python: {file}: cannot be read: {error.strerror}") from error
