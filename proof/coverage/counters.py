"""Counters in a kernel: one for each statement, two for each condition.

A condition is whatever decides: the test of an if, elif, while or conditional expression, each operand of and/or, and
each comparison wherever it stands. That is more than branch coverage of the source: an `if a and b` counts as three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proof.mutation.places import is_truth
from proof.node_text import text
from proof.tree import E, Helper, N, Node, call, file_of, integer, slots, truth

SPACE = 8192
_KERNEL = f'''
cdef extern from *:
    """
    static unsigned char proof_table[{SPACE}];
    static int proof_truth(int site, int outcome) {{
        proof_table[site + (outcome != 0)] = 1;
        return outcome;
    }}
    """
    const unsigned char* proof_table
    bint proof_truth(int site, bint outcome) noexcept nogil


def proof_counts():
    """What has been run so far, one byte a counter."""
    return (<const char*>proof_table)[:{SPACE}]
'''
_ROOM = """
cdef extern from *:
    bint proof_truth(int site, bint outcome) noexcept nogil
"""
HELPER = Helper(_KERNEL, _ROOM)
_COUNTED = frozenset(
    {
        "SingleAssignmentNode", "CascadedAssignmentNode", "ParallelAssignmentNode", "InPlaceAssignmentNode",
        "ExprStatNode", "RaiseStatNode", "ReturnStatNode", "ContinueStatNode", "BreakStatNode", "PassStatNode",
        "IfStatNode", "ForInStatNode", "WhileStatNode", "GILStatNode", "TryExceptStatNode", "TryFinallyStatNode",
    }
)  # fmt: skip
_UNTOUCHED = frozenset(
    {"CEnumDefNode", "CStructOrUnionDefNode", "FromCImportStatNode", "CDefExternNode", "MemoryViewSliceTypeNode"}
)


@dataclass(frozen=True, slots=True)
class Site:
    """What is counted. counter: its byte in the table, for a condition that of `false`, with `true` behind it."""

    counter: int
    condition: bool
    file: str
    line: int
    said: str

    def missing(self, counts: bytes) -> list[str]:
        """What has not been seen here."""
        if self.condition:
            return [f"never {name}" for i, name in enumerate(("false", "true")) if not counts[self.counter + i]]
        return [] if counts[self.counter + 1] else ["never run"]


class Counters:
    """Puts counters into a tree. `sites` lists them after `edit`."""

    def __init__(self, lines: Mapping[str, int]) -> None:
        """lines: how many lines of each file are the kernel's own; what stands behind them is not counted."""
        self.sites: list[Site] = []
        self._lines = lines
        self._comprehensions = 0  # how many are open: their loops are expressions, no statement fits in

    def edit(self, body: Node) -> None:
        """Rewrite the body of a file in place."""
        for child, put in list(slots(body)):
            if child.pos[1] <= self._lines[file_of(child)] and type(child).__name__ not in _UNTOUCHED:
                self._child(body, child, put)

    def _child(self, parent: Node, child: Node, put: Callable[[Node], None]) -> None:
        said, inner = text(child), isinstance(child, E.ScopedExprNode)
        self._comprehensions += inner
        self.edit(child)
        self._comprehensions -= inner
        if type(child).__name__ in _COUNTED and not self._comprehensions and not _is_docstring(child):
            note = N.ExprStatNode(child.pos, expr=self._noted(child, False, said, E.BoolNode(child.pos, value=True)))
            put(N.StatListNode(child.pos, stats=[note, child]))
        elif is_truth(parent, child) or isinstance(child, E.PrimaryCmpNode):
            put(self._noted(child, True, said, truth(child)))

    def _noted(self, node: Node, condition: bool, said: str, outcome: Node) -> Node:
        site = Site(2 * len(self.sites), condition, file_of(node), node.pos[1], said)
        self.sites.append(site)
        return call(node.pos, "proof_truth", integer(node.pos, site.counter), outcome)


def _is_docstring(node: Node) -> bool:
    return isinstance(node, N.ExprStatNode) and isinstance(node.expr, E.UnicodeNode)
