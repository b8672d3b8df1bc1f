"""Mutant schemata: one module that holds all mutants of a kernel, each behind a switch.

For `a < b` the schema says `(a <= b if proof_switch(17) else (a > b if proof_switch(18) else a < b))`.
The switch is a C function; it is on for the one number that the environment names, and it writes that number to a pipe
the first time it is asked while on: that is how a mutant is shown to have been applied, even if the process dies of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from proof.mutation.operators import Change, Mutant, expression_changes
from proof.mutation.places import bound_changes, initial_changes, is_initial, is_truth, truth_changes
from proof.mutation.statements import statement_changes
from proof.node_text import text
from proof.tree import E, N, Node, call, integer, slots, truth

HELPER = '''
cdef extern from *:
    """
    #include <stdlib.h>
    #include <unistd.h>
    static int proof_chosen = -1, proof_mark = -1;
    static void proof_set(int number, int mark) { proof_chosen = number; proof_mark = mark; }
    static int proof_switch(int number) {
        if (proof_chosen < 0) {
            const char *said = getenv("PROOF_MUTANT"), *where = getenv("PROOF_MARK");
            proof_set(said ? atoi(said) : 0, where ? atoi(where) : -1);
        }
        if (number != proof_chosen) return 0;
        if (proof_mark >= 0) {
            if (write(proof_mark, "x", 1) != 1) abort();
            proof_mark = -1;
        }
        return 1;
    }
    """
    void proof_set(int number, int mark) noexcept nogil
    bint proof_switch(int number) noexcept nogil


def proof_choose(int number, int mark):
    proof_set(number, mark)
'''
"""Cython source of the switch: chosen by the environment before the import, or by a call after it."""

_UNTOUCHED = frozenset(
    {"CEnumDefNode", "CStructOrUnionDefNode", "FromCImportStatNode", "CDefExternNode", "MemoryViewSliceTypeNode"}
)


class Schema:
    """Puts the mutants into a tree. `mutants` lists them after `edit`."""

    def __init__(self, lines: int) -> None:
        """lines: how many lines are the kernel's own; what stands behind them is the switch."""
        self.mutants: list[Mutant] = []
        self._lines = lines
        self._depth = 0
        self._constants: frozenset[str] = frozenset()
        self._tuples: set[str] = set()  # variables that are C tuples: an index of theirs names a field, it is no number
        self._returned = 0  # how many values the function returns that is walked through, 0: one

    def edit(self, body: Node) -> None:
        """Rewrite a module's body in place."""
        self._constants = frozenset(
            item.name for node in body.stats if isinstance(node, N.CEnumDefNode) for item in node.items
        )
        self._children(body)

    def _children(self, node: Node) -> None:
        if isinstance(node, N.FuncDefNode):
            self._returned = len(getattr(getattr(node, "base_type", None), "components", ()))
        if isinstance(node, N.CVarDefNode) and hasattr(node.base_type, "components"):
            self._tuples |= {declarator.name for declarator in node.declarators}
        self._depth += isinstance(node, N.FuncDefNode)
        for child, put in list(slots(node)):
            own = child.pos[1] <= self._lines and type(child).__name__ not in _UNTOUCHED
            if own and not self._is_fixed(node, child):
                self._child(node, child, put)
        self._depth -= isinstance(node, N.FuncDefNode)

    def _child(self, parent: Node, child: Node, put: Callable[[Node], None]) -> None:
        changes = list(self._changes(parent, child))
        said = text(child) if changes else ""
        self._children(child)
        as_truth = truth if is_truth(parent, child) or isinstance(child, (E.BoolBinopNode, E.NotNode)) else _as_it_is
        replaced = as_truth(child) if changes else child
        for family, other in changes:
            replaced = self._switched(
                Mutant(0, family, child.pos[1], child.pos[2], said, text(other), self._depth == 0),
                as_truth(other),
                replaced,
            )
        put(replaced)

    def _changes(self, parent: Node, child: Node) -> Iterator[Change]:
        if isinstance(parent, N.StatListNode):
            yield from statement_changes(child, self._returned)
        if not isinstance(child, E.ExprNode):
            return
        if is_initial(parent, child):
            yield from initial_changes(child, self._constants)
        else:
            yield from expression_changes(child, self._constants)
        yield from bound_changes(parent, child)
        if is_truth(parent, child):
            yield from truth_changes(parent, child)

    def _switched(self, mutant: Mutant, other: Node, rest: Node) -> Node:
        mutant = replace(mutant, number=len(self.mutants) + 1)
        self.mutants.append(mutant)
        switch = call(rest.pos, "proof_switch", integer(rest.pos, mutant.number))
        if isinstance(rest, N.StatNode):
            clause = N.IfClauseNode(rest.pos, condition=switch, body=other)
            return N.IfStatNode(rest.pos, if_clauses=[clause], else_clause=rest)
        return E.CondExprNode(rest.pos, condition=switch, true_val=other, false_val=rest)

    def _is_fixed(self, parent: Node, child: Node) -> bool:
        """What is not run: array bounds, the value of a C function that stands for an exception, a C tuple's index."""
        if isinstance(parent, N.CArrayDeclaratorNode):
            return child is parent.dimension
        if isinstance(parent, N.CFuncDeclaratorNode):
            return child is parent.exception_value
        return isinstance(parent, E.IndexNode) and child is parent.index and text(parent.base) in self._tuples


def _as_it_is(node: Node) -> Node:
    return node
