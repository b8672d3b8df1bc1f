"""Files that a person gives the offline tool: how they may look, and what is refused with its line and column."""

from __future__ import annotations

import contextlib
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
from station_ctl.soc import cell_type, log, log_files, plausible  # noqa: E402
from tests.soc_logs import N, columns, sound, text_of  # noqa: E402

TYPE = cell_type.load("lfp-302ah-177s")


def test_a_file_as_people_save_it_is_the_same_log(tmp_path: Path) -> None:
    text = text_of(columns())
    half = text.splitlines(keepends=True)
    forms = (text, "\ufeff" + text, text.replace("\n", "\r\n"), text + "\n\n", "".join([*half[:9], "\n", *half[9:]]))
    for k, form in enumerate(forms):
        path = tmp_path / f"{k}.CSV"
        path.write_text(form, encoding="utf-8", newline="")
        assert len(log_files.read(path).frames) == N
        assert np.nanmax(np.abs(log_files.read(path).frames - sound().frames)[:, :4]) < 1e-3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (text_of(columns(), between=";"), r"a.csv: has no column t, I, V; got \['t;I;V;T'\].*commas"),
        ("# of pack 3\nt,I,V\n0,1,3.3\n", r"has no column t, I, V; got \['# of pack 3'\]"),
        ("t,I,V\n0,1,3.3\n1,1,3,3\n", "a.csv: line 3 has 4 columns, not 3; columns are separated by commas"),
        ("t,I,V,x\n0,1,3.3,a\n\n1,1,3.3 V,b\n", "a.csv, line 4: column V is no number; got '3.3 V'"),
        ("t,I,V,V\n0,1,3.3,3.4\n", "line 1: has column V more than once"),
        ("t,I,V\n0,1," + "3" * 200_000 + "\n", "cannot be read.*field"),
        ("t,I,V\n0,1,3.3\n1e300,1,3.3\n", "row 2: column t has a gap"),
        ("t,I,V,V_cell_1_mV\n0,1,3.3,x\n", "column V_cell_1_mV is no number"),
    ],
)
def test_a_csv_that_is_none_names_the_line_and_the_column(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(log.LogError, match=says):
        log_files.read(path)


def test_what_is_no_text_and_an_endless_line_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("t,I,V,T in °C\n".encode("latin-1"))
    with pytest.raises(log.LogError, match=r"no text in UTF-8; got 'byte 11'"):
        log_files.read(tmp_path / "a.csv")
    for name in ("zero.csv", "zero.npz"):
        (tmp_path / name).symlink_to("/dev/zero")
        with pytest.raises(log.LogError, match="cannot be read"):
            log_files.read(tmp_path / name)


class Harm:
    """What a pickle could do to whoever reads it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"V": np.array([Harm()] * N, dtype=object)}, "column V cannot be read.*Object arrays"),
        ({"V": np.full(N, 3.3 + 1j)}, "column V is not of numbers; got 'complex128'"),
        ({"t": np.arange(N).astype("datetime64[ms]")}, "column t is not of numbers"),
        ({"V": np.array(["3.3"] * N)}, "column V is not of numbers"),
        ({"t": np.array(3.0)}, "column t is no row of numbers"),
        ({"V": np.full((N, 1), 3.3)}, r"column V does not fit t; got \(400, 1\)"),
        ({"V_cells_mV": np.full(N, 3300.0)}, "column V_cells_mV does not fit t.*400 x cells"),
        ({"V_cells_mV": np.full((N, 2, 2), 3300.0)}, "column V_cells_mV does not fit t.*400 x cells"),
        ({"V_cells_mV": np.full((N, 600), 3300.0)}, "V_cells_mV is of no pack; got '600 cells'"),
        ({"V_cells_mV": np.empty((N, 0))}, "V_cells_mV is of no pack; got '0 cells'"),
    ],
)
def test_an_npz_of_other_things_is_refused_and_does_nothing(
    change: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", **(columns() | change))
    with pytest.raises(log.LogError, match=says):
        log_files.read(Path("a.npz"))
    assert not (tmp_path / "harmed").exists()


def test_an_npz_that_is_none_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **columns())
    whole = path.read_bytes()
    np.save(tmp_path / "b.npy", np.zeros(3))
    single = (tmp_path / "b.npy").read_bytes()
    for data in (b"", single, whole[: len(whole) // 2], whole[:70] + b"\xff" * 40 + whole[110:]):
        path.write_bytes(data)
        with pytest.raises(log.LogError, match="cannot be read"):
            log_files.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.npy", b"no array")
        archive.writestr("I.npy", single)
        archive.writestr("V.npy", single)
    with pytest.raises(log.LogError, match="column t"):
        log_files.read(path)
    path.write_bytes(whole)
    monkeypatch.setattr(log_files, "MOST_BYTES", 1000)
    with pytest.raises(log.LogError, match="column t is too large; got 3328; accepted: 1000"):
        log_files.read(path)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 2000), data=st.binary(min_size=1, max_size=12), kind=st.sampled_from([".npz", ".csv"]))
def test_no_damage_is_more_than_a_refusal(
    at: int, data: bytes, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{kind}"
    if kind == ".npz":
        np.savez_compressed(path, **{name: values[:60] for name, values in columns().items()})
    else:
        path.write_text(text_of(columns()), encoding="utf-8")
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    with contextlib.suppress(log.LogError):
        plausible.check(log_files.read(path), TYPE, "a")
