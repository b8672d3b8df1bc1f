"""Which state of an alarm can follow from which, by what (ISA-18.2)."""

from __future__ import annotations

from collections.abc import Mapping

from station_ctl.alarms.record import State, Trigger

_S, _T = State, Trigger
_SHOWN = (_S.NORMAL, _S.UNACKNOWLEDGED, _S.ACKNOWLEDGED, _S.RETURNED, _S.LATCHED)
_OPEN = frozenset({*_SHOWN, _S.SUPPRESSED})
"""What can come out from under a person's cover."""
_COVERS = {
    _T.SUPPRESS: frozenset({_S.SUPPRESSED}),
    _T.SHELVE: frozenset({_S.SHELVED}),
    _T.OUT_OF_SERVICE: frozenset({_S.OUT_OF_SERVICE}),
}
_GONE = frozenset({_S.RETURNED, _S.LATCHED, _S.NORMAL})


def _hidden(state: State, more: Mapping[Trigger, frozenset[State]]) -> dict[Trigger, frozenset[State]]:
    """Under a cover a condition comes and goes unseen; what suppresses it as well."""
    unseen = (_T.RAISE, _T.CLEAR, _T.CHANGE, _T.SUPPRESS, _T.UNSUPPRESS)
    return {**dict.fromkeys(unseen, frozenset({state})), **more}


EDGES: Mapping[State, Mapping[Trigger, frozenset[State]]] = {
    _S.NORMAL: {_T.RAISE: frozenset({_S.UNACKNOWLEDGED}), **_COVERS},
    _S.UNACKNOWLEDGED: {
        _T.CLEAR: _GONE - {_S.NORMAL},
        _T.ACK: frozenset({_S.ACKNOWLEDGED}),
        _T.CHANGE: frozenset({_S.UNACKNOWLEDGED}),
        **_COVERS,
    },
    _S.ACKNOWLEDGED: {
        _T.CLEAR: _GONE - {_S.RETURNED},
        _T.CHANGE: frozenset({_S.UNACKNOWLEDGED}),
        **_COVERS,
    },
    _S.RETURNED: {_T.RAISE: frozenset({_S.UNACKNOWLEDGED}), _T.ACK: frozenset({_S.NORMAL}), **_COVERS},
    _S.LATCHED: {_T.RAISE: frozenset({_S.UNACKNOWLEDGED}), _T.ACK: frozenset({_S.NORMAL}), **_COVERS},
    _S.SUPPRESSED: {
        _T.SUPPRESS: frozenset({_S.SUPPRESSED}),
        _T.UNSUPPRESS: frozenset(_SHOWN),
        _T.SHELVE: _COVERS[_T.SHELVE],
        _T.OUT_OF_SERVICE: _COVERS[_T.OUT_OF_SERVICE],
    },
    _S.SHELVED: _hidden(
        _S.SHELVED,
        {
            _T.EXPIRE: _OPEN,
            _T.UNSHELVE: _OPEN,
            _T.OUT_OF_SERVICE: _COVERS[_T.OUT_OF_SERVICE],
        },
    ),
    _S.OUT_OF_SERVICE: _hidden(
        _S.OUT_OF_SERVICE, {_T.EXPIRE: frozenset({_S.OUT_OF_SERVICE}), _T.IN_SERVICE: _OPEN | {_S.SHELVED}}
    ),
}
"""What can follow from what, by what. A transition that is not here is a defect and stops the cycle."""
