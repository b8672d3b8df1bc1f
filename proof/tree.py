"""Cython's own parse tree of a kernel: parsed, handed to an editor, compiled to a module of the same name."""

from __future__ import annotations

import copy
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Cython.Compiler import ExprNodes, Main, Nodes, Pipeline
from Cython.Compiler.Errors import init_thread

from proof.kernels import Kernel

Node = Any
"""A node of Cython's tree; the compiler declares no types for them."""

E: Any = ExprNodes
N: Any = Nodes
_DIRECTIVES = {"embedsignature": True}


class DoesNotCompile(Exception):
    """The edited kernel was refused by Cython or by the C compiler."""


def slots(node: Node) -> Iterator[tuple[Node, Callable[[Node], None]]]:
    """The children of a node, each with the function that puts another node in its place."""
    for name in node.child_attrs or ():
        value = getattr(node, name, None)
        if isinstance(value, list):
            for i, child in enumerate(value):
                yield child, lambda new, value=value, i=i: value.__setitem__(i, new)  # type: ignore[misc]
        elif value is not None:
            yield value, lambda new, name=name: setattr(node, name, new)  # type: ignore[misc]


def copied(node: Node, **changes: Any) -> Node:
    """A copy of a freshly parsed node with some of its attributes replaced."""
    twin = copy.deepcopy(node)
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def call(pos: Any, function: str, *args: Node) -> Node:
    """A call of a C function by name."""
    return E.SimpleCallNode(pos, function=E.NameNode(pos, name=function), args=list(args))


def integer(pos: Any, value: int) -> Node:
    """An integer literal."""
    return E.IntNode(pos, value=str(value))


def truth(node: Node) -> Node:
    """The truth of an expression as a C bint, so that it is of one type with any other."""
    return E.NotNode(node.pos, operand=E.NotNode(node.pos, operand=node))


@dataclass(frozen=True, slots=True)
class Helper:
    """Cython source put behind the kernel's own, so that no line of it moves. room: behind each of its rooms."""

    kernel: str = ""
    room: str = ""


def build(kernel: Kernel, helper: Helper, edit: Callable[[Node], None], folder: Path, flags: tuple[str, ...]) -> Path:
    """Compile the kernel with helpers and with its trees edited; the module's file. Raises DoesNotCompile."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in kernel.files:
        added = helper.kernel if file == kernel.source else helper.room
        (folder / file.name).write_text(f"{file.read_text('utf-8')}\n\n{added}", encoding="utf-8")
    source = folder / kernel.source.name
    translate(source, kernel.module, edit)
    return link(source.with_suffix(".c"), flags)


def translate(source: Path, module: str, edit: Callable[[Node], None]) -> None:
    """Cython to C, with an edit of each tree between parsing and analysis: the source's, and its rooms' beside it.

    Raises DoesNotCompile."""
    init_thread()
    options: Any = Main.CompilationOptions(
        Main.default_options,
        compiler_directives=_DIRECTIVES,
        language_level=3,
        include_path=[str(source.parent)],
    )
    options.configure_language_defaults("pyx")
    context: Any = Main.Context.from_options(options)
    context.setup_errors(options, None)
    parse = context.parse

    def edited(description: Any, *args: Any, **named: Any) -> Node:
        tree = parse(description, *args, **named)
        if Path(description.filename).resolve().parent == source.resolve().parent:
            edit(tree.body)
        return tree

    context.parse = edited
    compiled = Main.setup_source_object(str(source), ".pyx", module, options, context)
    result = Main.create_default_resultobj(compiled, options)
    error, _ = Pipeline.run_pipeline(Pipeline.create_pyx_pipeline(context, options, result), compiled)
    if error is not None or not source.with_suffix(".c").exists():
        raise DoesNotCompile(f"{source}: {error}")


def file_of(node: Node) -> str:
    """Name of the file it stands in."""
    return Path(node.pos[0].filename).name


def link(c_file: Path, flags: tuple[str, ...]) -> Path:
    """C to a loadable module beside it. Raises DoesNotCompile."""
    module = c_file.with_suffix(".so")
    include = sysconfig.get_paths()["include"]
    command = ["gcc", "-shared", "-fPIC", "-w", *flags, f"-I{include}", str(c_file), "-o", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DoesNotCompile(done.stderr)
    return module
