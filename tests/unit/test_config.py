"""A configuration that cannot be used is refused in one clear line, and nothing is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_ctl import cli, config
from station_ctl.config import ConfigError

GOOD = """\
[station]
id = "T-01"
journal = "{folder}/state/journal.db"
[robot]
host = "127.0.0.1"
[[can]]
name = "packs"
[[bay]]
number = 1
can_address = 0xB1
[[bay]]
number = 2
can_address = 0xB2
[[mount]]
number = 1
can_address = 0xA1
[mqtt]
port = 1884
[swap]
repark_attempts = 2
[safety]
plc_age_ms = 300
"""

TYPE = "lfp-302ah-177s"

CASES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "unknown key": ("repark_attempts = 2", "repark_atempts = 2", ("swap.repark_atempts", "nearest", "repark_attempts")),
    "unknown section": ("[swap]", "[swop]", ("swop is not a known key", "nearest known key: swap")),
    "unknown key of a bay": ("number = 2", "number = 2\nadress = 3", ("bay.1.adress", "nearest", "can_address")),
    "unknown, near nothing": ("port = 1884", "qqqq = 1", ("mqtt.qqqq", "known keys:", "keepalive_s")),
    "out of range": ("port = 1884", "port = 70000", ("mqtt.port", "got 70000", "less than or equal to 65535")),
    "wrong type": ("port = 1884", 'port = "1884"', ("mqtt.port", "got '1884'", "valid integer")),
    "a true is no number": ("port = 1884", "port = true", ("mqtt.port", "got True", "valid integer")),
    "not a number": ("repark_attempts = 2", "permit_grace_s = nan", ("swap.permit_grace_s", "got nan")),
    "missing key": ('host = "127.0.0.1"', "", ("robot.host is missing", "example file")),
    "missing section": ('[robot]\nhost = "127.0.0.1"', "", ("robot is missing",)),
    "bad TOML": ("[swap]", "[swap", ("is not valid TOML", "line 19")),
    "twice the same key": ("port = 1884", "port = 1884\nport = 1885", ("is not valid TOML",)),
    "two packs, one address": ("can_address = 0xB2", "can_address = 0xA1", ("can_address must be unique", "161")),
    "address of the station": ("can_address = 0xB2", "can_address = 0x56", ("can_address must be unique", "86")),
    "two bays, one number": ("number = 2", "number = 1", ("bay.number must be unique",)),
    "no such bus": ("[mqtt]", '[packs]\nbus = "can7"\n[mqtt]', ("packs.bus names 'can7'", "no [[can]] name")),
    "wider age": ("plc_age_ms = 300", "plc_age_ms = 301", ("safety.plc_age_ms", "got 301", "equal to 300")),
    "wider load": ("plc_age_ms = 300", "load_kg = 3600.0", ("safety.load_kg", "got 3600", "equal to 3500")),
    "weaker insulation": ("plc_age_ms = 300", "insulation_ohm_per_v = 99.0", ("insulation_ohm_per_v", "equal to 100")),
    "longer lease": ("[[can]]", "lease_ms = 501\n[[can]]", ("robot.lease_ms", "got 501", "equal to 500")),
    "no station name": ('id = "T-01"', 'id = "a/b"', ("station.id", "got 'a/b'", "match pattern")),
    "no password": ("port = 1884", 'password_file = "{folder}/none"', ("password cannot be read", "{folder}/none")),
    "no file of certificates": (
        "port = 1884",
        'tls_ca_file = "{folder}/none"',
        ("certificates cannot", "{folder}/none"),
    ),
    "no certificates in file": ("port = 1884", 'tls_ca_file = "{folder}/station.toml"', ("certificates cannot", "PEM")),
    "no map of that name": ("[[can]]", 'register_map = "acme"\n[[can]]', ("acme", "robot-plc-v2")),
    "no map file": ("[[can]]", 'register_map = "{folder}/m.toml"\n[[can]]', ("{folder}/m.toml",)),
}


def _file(folder: Path, old: str = "", new: str = "") -> Path:
    path = folder / "station.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1).replace("{folder}", str(folder)), encoding="utf-8")
    return path


@pytest.mark.parametrize("verb", ["check-config", "run"])
@pytest.mark.parametrize("case", CASES)
def test_unusable_configuration_is_refused_in_one_line(
    case: str, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, words = CASES[case]
    path = _file(tmp_path, old, new)
    assert cli.main([verb, "--config", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("station-ctl: ") and err.count("\n") == 1
    for word in words:
        assert word.replace("{folder}", str(tmp_path)) in err
    if not any(word in case for word in ("password", "map", "certificates")):
        assert str(path) in err
    assert not (tmp_path / "state").exists(), "nothing was started"


@pytest.mark.parametrize("content", [None, b"\xff\xfe[station]"])
def test_unreadable_file_is_named(content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "station.toml"
    if content is not None:
        path.write_bytes(content)
    assert cli.main(["check-config", "--config", str(path)]) == 2
    assert f"{path}: cannot be read" in capsys.readouterr().err


def test_good_file_says_what_it_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-config", "--config", str(_file(tmp_path))]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "good" in out and "2 bays (0 isolation), 1 mounts" in out and "127.0.0.1:1884" in out
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("issuers", "nobody"),
    [
        ("", ["supervisor", "service"]),
        ('[[issuer]]\nname = "lead"\nroles = ["supervisor"]', ["service"]),
        ('[[issuer]]\nname = "*"\nroles = ["service"]', ["operator", "supervisor"]),
    ],
)
def test_a_role_that_nobody_has_is_warned_of(
    issuers: str, nobody: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _file(tmp_path)
    path.write_text(f"{path.read_text('utf-8')}\n{issuers}\n", encoding="utf-8")
    assert cli.main(["check-config", "--config", str(path)]) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    assert [line.split(" role ")[1].split(":")[0] for line in warnings] == nobody


PROMISES: dict[str, tuple[float, float, float, str, tuple[str, ...]]] = {
    "the target is the promise": (90.0, 90.0, 95.0, TYPE, ("95 % sure", "is 90 %", "to 93 or more", "to 87 or less")),
    "the target is lower": (90.0, 85.0, 95.0, TYPE, ("charged to 85 %", "to 93 or more", "to 82 or less")),
    "no target is high enough": (99.0, 95.0, 95.0, TYPE, ("soc_promised_pct to 92 or less",)),
    "lower, by the BMS's word": (90.0, 85.0, 95.0, "", ("charging ends", "more than 90", "less than 85")),
    "the target is above": (90.0, 90.5, 95.0, TYPE, ()),
    "the middle counts": (90.0, 90.0, 50.0, TYPE, ()),
    "the same, by the BMS's word": (90.0, 90.0, 95.0, "", ()),
}


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_that_no_charge_can_reach_is_warned_of(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promised_pct, target_pct, sure_pct, soc_type, said = PROMISES[name]
    swap = f"soc_promised_pct = {promised_pct}\nsoc_confidence_pct = {sure_pct}\nrepark_attempts = 2"
    path = _file(tmp_path, "repark_attempts = 2", swap)
    more = f'\n[charging]\ntarget_soc_pct = {target_pct}\n[soc]\ntype = "{soc_type}"\n[[issuer]]\nname = "*"\n'
    every = 'roles = ["operator", "supervisor", "service"]\n'
    path.write_text(path.read_text("utf-8") + more + every, encoding="utf-8")
    assert cli.main(["check-config", "--config", str(path)]) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == bool(said) and all(part in warnings[0] for part in said)
    assert ("set charging.target_soc_pct" in str(warnings)) == bool(said and promised_pct <= 97.0)


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2 more to mend"):
        config.load(_file(tmp_path, "port = 1884", "port = 0\nkeepalive_s = 0\nhost = ''"))


def test_the_process_ends_with_status_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "station_ctl.cli", "run", "--config", str(_file(tmp_path, "[swap]", "[swop]"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("station-ctl: ")


@pytest.mark.parametrize("content", [None, b"no database, but long enough to be taken for one" * 100])
def test_unusable_journal_is_refused(content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    if content is None:
        state.write_text("a file where a folder should be")
    else:
        state.mkdir()
        (state / "journal.db").write_bytes(content)
    assert cli.main(["run", "--config", str(_file(tmp_path))]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "journal.db: cannot be used" in err and "moved aside" in err
    assert content is None or (state / "journal.db").read_bytes() == content


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("packs")
KEYS = st.sampled_from(("station", "robot", "can", "bay", "mount", "id", "host", "name", "number", "can_address", "x"))
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=6))
def test_any_document_is_taken_or_refused(document: dict[str, Any]) -> None:
    try:
        config.parse(document, "any")
    except ConfigError as e:
        assert str(e).startswith("any: ")
