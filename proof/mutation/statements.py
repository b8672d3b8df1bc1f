"""The mutants of a statement: another value returned, the statement left out."""

from __future__ import annotations

from collections.abc import Iterator

from proof.mutation.operators import Change
from proof.tree import E, N, Node, copied, integer

_REMOVABLE = frozenset(
    {
        "SingleAssignmentNode", "InPlaceAssignmentNode", "ExprStatNode", "RaiseStatNode", "ReturnStatNode",
        "ContinueStatNode", "BreakStatNode", "IfStatNode", "ForInStatNode", "WhileStatNode",
    }
)  # fmt: skip


def statement_changes(node: Node, returned: int) -> Iterator[Change]:
    """Every change of this statement as a whole. returned: of how many values a C tuple is that is returned, else 0."""
    kind = type(node).__name__
    if kind == "ReturnStatNode" and node.value is not None:
        for value in _other_returns(node.value, returned):
            yield "return", copied(node, value=value)
    if kind == "InPlaceAssignmentNode":
        yield "arithmetic", N.SingleAssignmentNode(node.pos, lhs=copied(node.lhs), rhs=copied(node.rhs))
    if kind in _REMOVABLE and not _is_docstring(node):
        yield "deleted statement", N.PassStatNode(node.pos)


def _other_returns(value: Node, returned: int) -> Iterator[Node]:
    if returned and type(value).__name__ != "TupleNode":
        yield from (E.TupleNode(value.pos, args=[integer(value.pos, v)] * returned) for v in (0, 1))
    elif type(value).__name__ == "TupleNode":
        for i, part in enumerate(value.args):
            for other in _other_values(part):
                yield copied(value, args=[*map(copied, value.args[:i]), other, *map(copied, value.args[i + 1 :])])
    else:
        yield from _other_values(value)


def _other_values(value: Node) -> Iterator[Node]:
    said = getattr(value, "value", None) if type(value).__name__ in ("IntNode", "BoolNode") else None
    for other in (0, 1):
        if said is None or int(str(int(said) if isinstance(said, bool) else said), 0) != other:
            yield integer(value.pos, other)


def _is_docstring(node: Node) -> bool:
    return type(node).__name__ == "ExprStatNode" and isinstance(node.expr, E.UnicodeNode)
