"""Statistics, documents, notifications to systemd."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.systemd import Notifier, watchdog_s
from station_ctl import config
from station_ctl.documents import pages, station_toml
from station_ctl.stats import STEP_MS, Distribution

ROOT = Path(__file__).parents[2]


@given(st.lists(st.floats(0, 0.19), min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.99, 1.0]))
def test_quantiles_are_right_to_one_step(durations_s: list[float], share: float) -> None:
    distribution = Distribution()
    for duration_s in durations_s:
        distribution.add(duration_s)
    ordered = sorted(durations_s)
    exact_ms = ordered[max(0, -(-int(share * len(ordered) * 1000) // 1000) - 1)] * 1000
    assert distribution.quantile_ms(share) >= exact_ms - STEP_MS
    assert distribution.quantile_ms(1.0) == pytest.approx(ordered[-1] * 1000, abs=STEP_MS)
    assert distribution.max_ms == pytest.approx(ordered[-1] * 1000)


def test_durations_beyond_the_range_keep_their_exact_maximum() -> None:
    distribution = Distribution()
    assert distribution.quantile_ms(0.99) == 0.0
    for duration_s in (-1.0, 0.001, 5.0):
        distribution.add(duration_s)
    assert distribution.max_ms == 5000.0
    assert distribution.total == 3


def test_generated_documents_are_current() -> None:
    assert pages.stale(ROOT) == []


def test_the_example_file_names_every_key_and_is_accepted(tmp_path: Path) -> None:
    text = station_toml.text()
    for name, section in config.Config.model_fields.items():
        inner = getattr(section.annotation, "__args__", (section.annotation,))[0]
        for key in inner.model_fields:  # type: ignore[union-attr]
            assert f"\n{key} = " in text or f"\n# {key} =" in text, f"{name}.{key}"
    path = tmp_path / "station.toml"
    path.write_text(text)
    defaults = config.load(path)
    uncommented = "\n".join(
        line[2:] if line.startswith("# ") and " = " in line and "(" not in line else line for line in text.split("\n")
    )
    path.write_text(uncommented)
    assert config.load(path) == defaults, "a commented key must show its default"


def test_a_stale_document_is_found_and_written(tmp_path: Path) -> None:
    assert set(pages.stale(tmp_path)) == set(pages.PAGES)
    pages.write(tmp_path)
    assert pages.stale(tmp_path) == []
    (tmp_path / "docs" / "state-machine.md").write_text("old")
    assert pages.stale(tmp_path) == ["docs/state-machine.md"]


@pytest.mark.parametrize("abstract", [False, True])
def test_notifications_arrive_in_one_datagram(tmp_path: Path, abstract: bool) -> None:
    address = f"@station-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + address[1:] if abstract else address)
        heard.settimeout(2.0)
        notifier = Notifier(address)
        notifier.send("READY=1", "STATUS=cycling")
        assert heard.recv(1024) == b"READY=1\nSTATUS=cycling"
        notifier.close()


def test_a_lost_systemd_is_logged_once_and_never_raised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier(str(tmp_path / "nobody"))
    notifier.send("WATCHDOG=1")
    notifier.send("WATCHDOG=1")
    assert len(caplog.records) == 1
    notifier.close()
    silent = Notifier("")
    silent.send("READY=1")
    silent.close()


def test_watchdog_time_is_ours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    assert watchdog_s() == 2.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_s() is None
    monkeypatch.setenv("WATCHDOG_USEC", "soon")
    assert watchdog_s() is None
