"""Mutants that come of where an expression stands: a condition, the bound of a loop, a value to begin with."""

from __future__ import annotations

from collections.abc import Iterator

from proof.mutation.operators import Change, other_constants
from proof.tree import E, N, Node, copied, integer

_PLAIN = ("PrimaryCmpNode", "NotNode")
"""Conditions whose negation another family makes already."""


def is_truth(parent: Node, child: Node) -> bool:
    """True for an expression of which only the truth counts: a condition, or an operand of and/or."""
    return _decides(parent, child) or isinstance(parent, E.BoolBinopNode)


def truth_changes(parent: Node, child: Node) -> Iterator[Change]:
    """Changes of an expression of which only the truth counts."""
    if _decides(parent, child):
        yield "constant", E.BoolNode(child.pos, value=True)
        yield "constant", E.BoolNode(child.pos, value=False)
    if type(child).__name__ not in _PLAIN:
        yield "negation", E.NotNode(child.pos, operand=copied(child))


def bound_changes(parent: Node, child: Node) -> Iterator[Change]:
    """The last round of a loop left out."""
    in_range = isinstance(parent, E.SimpleCallNode) and getattr(parent.function, "name", "") == "range"
    if in_range and child is parent.args[-1]:
        yield "boundary", E.binop_node(child.pos, "-", copied(child), integer(child.pos, 1))


def is_initial(parent: Node, child: Node) -> bool:
    """True for what a variable, field or argument holds to begin with, and for a constant that is assigned."""
    if isinstance(parent, N.SingleAssignmentNode):
        return child is parent.rhs and type(child).__name__ in ("IntNode", "FloatNode", "BoolNode", "NameNode")
    return isinstance(parent, (N.CNameDeclaratorNode, N.CArgDeclNode)) and child is parent.default


def initial_changes(value: Node, constants: frozenset[str]) -> Iterator[Change]:
    """Another value to begin with."""
    others = other_constants(value, constants)
    yield from (("default", other) for other in others)
    if not others and isinstance(value, (E.SimpleCallNode, E.IndexNode, E.NumBinopNode)):
        yield "default", integer(value.pos, 0)


def _decides(parent: Node, child: Node) -> bool:
    """True for the condition of an if, elif, while or conditional expression."""
    return isinstance(parent, (N.IfClauseNode, N.WhileStatNode, E.CondExprNode)) and child is parent.condition
