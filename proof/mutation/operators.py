"""What a mutant is, and the mutants of an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proof.tree import E, N, Node, copied, integer

FAMILIES = (
    "comparison", "boundary", "and/or", "negation", "arithmetic", "constant", "return", "deleted statement", "default",
)  # fmt: skip

Change = tuple[str, Node]
"""Family, and the node to stand in place of the original."""

_COMPARISON = {
    "<": (">=", ">"), ">": ("<=", "<"), "<=": (">", ">="), ">=": ("<", "<="), "==": ("!=",), "!=": ("==",),
    "is": ("is_not",), "is_not": ("is",), "in": ("not_in",), "not_in": ("in",),
}  # fmt: skip
_BOUNDARY = {"<": ("<=",), ">": (">=",), "<=": ("<", "=="), ">=": (">", "=="), "==": ("<=", ">="), "!=": ("<", ">")}
_ARITHMETIC = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "+", "&": "|", "|": "&", "^": "&", "<<": ">>", ">>": "<<",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a kernel's source; `before` and `after` are the text of what is changed.

    at_import: it stands outside of every function, so that it acts only when the module is imported.
    """

    number: int
    family: str
    line: int
    column: int
    before: str
    after: str
    at_import: bool


def expression_changes(node: Node, constants: frozenset[str]) -> Iterator[Change]:
    """Every change of this very node (not of its parts). constants: names of the module's enum members."""
    kind = type(node).__name__
    if kind == "PrimaryCmpNode":
        yield from _comparisons(node)
    elif kind == "BoolBinopNode":
        yield "and/or", copied(node, operator="or" if node.operator == "and" else "and")
        yield "and/or", copied(node.operand1)
        yield "and/or", copied(node.operand2)
    elif kind in ("NotNode", "UnaryMinusNode", "TildeNode"):
        yield "negation", copied(node.operand)
    elif kind.endswith("BinopNode") or kind in ("AddNode", "SubNode", "MulNode", "DivNode", "ModNode"):
        yield from _operations(node)
    elif kind == "CondExprNode":
        yield "default", copied(node.true_val)
        yield "default", copied(node.false_val)
    else:
        yield from (("constant", other) for other in other_constants(node, constants))


def other_constants(node: Node, constants: frozenset[str]) -> list[Node]:
    """Constants in place of a constant; empty for anything else."""
    kind = type(node).__name__
    if kind == "BoolNode":
        return [E.BoolNode(node.pos, value=not node.value)]
    if kind == "IntNode":
        value = int(str(node.value), 0)
        return [integer(node.pos, other) for other in (value + 1, value - 1)]
    if kind == "FloatNode":
        return [E.FloatNode(node.pos, value=repr(float(node.value) + step)) for step in (1.0, -1.0)]
    if kind == "NameNode" and node.name in constants:
        return [_operation(node, "+", copied(node), integer(node.pos, step)) for step in (1, -1)]
    return []


def _comparisons(node: Node) -> Iterator[Change]:
    """Each operator of a comparison, also of a chained one, exchanged."""
    depth, step = 0, node
    while step is not None:
        for family, others in (("comparison", _COMPARISON), ("boundary", _BOUNDARY)):
            for other in others.get(step.operator, ()):
                twin = copied(node)
                link = twin
                for _ in range(depth):
                    link = link.cascade
                link.operator = other
                yield family, twin
        depth, step = depth + 1, step.cascade


def _operations(node: Node) -> Iterator[Change]:
    yield "arithmetic", _operation(node, _ARITHMETIC[node.operator], copied(node.operand1), copied(node.operand2))
    yield "arithmetic", copied(node.operand1)
    if not _is_pointer(node.operand1):
        yield "arithmetic", copied(node.operand2)


def _is_pointer(node: Node) -> bool:
    """A pointer and a number are of no common type."""
    return isinstance(getattr(node, "declarator", node), (N.CPtrDeclaratorNode, E.AmpersandNode))


def _operation(node: Node, operator: str, left: Node, right: Node) -> Node:
    return E.binop_node(node.pos, operator, left, right)
