"""Cython's own parse tree of a kernel: parsed, handed to an editor, compiled to a module of the same name."""

from __future__ import annotations

import copy
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
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


def build(kernel: Kernel, helper: str, edit: Callable[[Node], None], folder: Path, flags: tuple[str, ...]) -> Path:
    """Compile the kernel with C helpers appended and its tree edited; the module's file.

    helper: Cython source put behind the kernel's own, so that no line of the kernel moves. Raises DoesNotCompile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / kernel.source.name
    source.write_text(kernel.source.read_text("utf-8") + "\n\n" + helper, encoding="utf-8")
    translate(source, kernel.module, edit)
    return link(source.with_suffix(".c"), flags)


def translate(source: Path, module: str, edit: Callable[[Node], None]) -> None:
    """Cython to C, with an edit of the tree between parsing and analysis. Raises DoesNotCompile."""
    init_thread()
    options: Any = Main.CompilationOptions(Main.default_options, compiler_directives=_DIRECTIVES, language_level=3)
    options.configure_language_defaults("pyx")
    context: Any = Main.Context.from_options(options)
    context.setup_errors(options, None)
    compiled = Main.setup_source_object(str(source), ".pyx", module, options, context)
    result = Main.create_default_resultobj(compiled, options)

    def edited(tree: Node) -> Node:
        edit(tree.body)
        return tree

    stages: list[Any] = Pipeline.create_pyx_pipeline(context, options, result)
    error, _ = Pipeline.run_pipeline([stages[0], edited, *stages[1:]], compiled)
    if error is not None or not source.with_suffix(".c").exists():
        raise DoesNotCompile(f"{source}: {error}")


def link(c_file: Path, flags: tuple[str, ...]) -> Path:
    """C to a loadable module beside it. Raises DoesNotCompile."""
    module = c_file.with_suffix(".so")
    include = sysconfig.get_paths()["include"]
    command = ["gcc", "-shared", "-fPIC", "-w", *flags, f"-I{include}", str(c_file), "-o", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DoesNotCompile(done.stderr)
    return module
