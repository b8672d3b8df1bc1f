# station-ctl: every target sets up what it needs. PYTHON picks the interpreter for a new environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

comma := ,
INPUTS := pyproject.toml setup.py constraints.txt $(wildcard Cython/*.pyx Cython/*.pxd)

.PHONY: help demo test test-system test-canhw soak planted every recover scenarios golden thermal day alarm-times check bench bench-soc held-out endurance documents fuzz fuzz-long proof mutation sanitize coverage clean

help:
	@echo "make demo       one swap on this machine, end to end   (ARGS='--speed 20 --json record.json')"
	@echo "make test       all tests that need no privileges"
	@echo "make test-system  the swap on a kernel with CAN devices: this one's, or a guest's (root; docs/testing-can.md)"
	@echo "make test-canhw   the same on emulated PCI CAN controllers (root; before a release)"
	@echo "make soak       a busy station with faults for 3 minutes, in virtual time; every invariant each cycle"
	@echo "make planted    defects planted into the controller: the soak has to find each"
	@echo "make every      a swap with a fault at each of its inputs and outputs, and killed at each journal write"
	@echo "make recover    killed in a swap, an evacuation, a charge: what is where?  (ARGS='--instants 24 --stride 3': short)"
	@echo "make scenarios  all scenarios on the virtual ground; report in build/report"
	@echo "make thermal    500 packs that run away, 1,000 station-days of packs that do not (5 minutes)"
	@echo "make day        days of 67 swaps under a grid limit, drawn in docs/pictures/day.png  (ARGS='--short', '--planted')"
	@echo "make golden     write the command streams of the standard scenarios anew"
	@echo "make fuzz       every byte path from outside under the fuzzer, about 80 s; fuzz-long: 10 minutes each"
	@echo "make proof      the compiled interlock against an oracle, every combination of its inputs (a minute)"
	@echo "make mutation   every small change of a kernel's source has to fail a test (10 minutes)"
	@echo "make sanitize   the kernels' tests under the address and undefined-behaviour sanitizers (2 minutes)"
	@echo "make coverage   the kernels' tests run every statement and every outcome of every condition (a minute)"
	@echo "make alarm-times  raise every alarm and write how long each takes to docs/alarm-times.md"
	@echo "make check      static checks: ruff, mypy, import-linter, generated documents"
	@echo "make bench      figures: kernels, cycle, load, stop latency, swap overhead (about 15 minutes)"
	@echo "make held-out   runs of a porous-electrode cell to judge the charge estimator on   (SEED=1; 6 minutes)"
	@echo "make bench-soc  the charge estimator beside an EKF and filterpy's UKF over them   (SEED=1)"
	@echo "make endurance  200 swaps over a faulty wire, motions counted by the PLC"
	@echo "make documents  write the generated documents"

demo: $(VENV)/.bench
	@$(BIN)/station-ctl demo $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

# Where this kernel has no CAN devices the tests run in a guest that has; with systemd as its PID 1 where there is one.
SYSTEM := $(BIN)/python -m pytest tests/system $(ARGS)
SYSTEMD := $(if $(wildcard /lib/systemd/systemd),--systemd)

test-system: $(VENV)/.test
	@if $(BIN)/python -m hil.guest.can_here; then STATION_CAN=vcan $(SYSTEM); \
	else STATION_CAN=vcan hil/guest/run-in-vm $(SYSTEMD) --timeout 420 -- $(SYSTEM); fi

test-canhw: $(VENV)/.test
	STATION_CAN=hw hil/guest/run-in-vm --hw --timeout 1200 -- $(SYSTEM) -s

soak: $(VENV)/.bench
	$(BIN)/station-hil soak --at-least 100 $(ARGS)

planted: $(VENV)/.test
	$(BIN)/python -m pytest -m planted -n 2 tests/simulation $(ARGS)

every: $(VENV)/.bench
	$(BIN)/station-hil every kill
	$(BIN)/station-hil every kill_after
	$(BIN)/station-hil every kill_anywhere --stride 10
	$(BIN)/station-hil every fail $(ARGS)

recover: $(VENV)/.bench
	$(BIN)/station-hil recover $(ARGS)

scenarios: $(VENV)/.bench
	$(BIN)/station-hil run all --quiet --report build/report $(ARGS)

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m fuzz --seconds 9 --jobs 2 --seed 1 $(ARGS)

fuzz-long: $(VENV)/.fuzz
	$(BIN)/python -m fuzz --seconds 610 --jobs 2 $(ARGS)

golden: $(VENV)/.bench
	$(BIN)/station-hil golden --write

thermal: $(VENV)/.bench
	$(BIN)/station-hil thermal $(ARGS)

# All days take a quarter of an hour on two cores; --short and --planted half a minute each.
day: $(VENV)/.bench
	$(BIN)/station-hil day $(or $(ARGS),--png docs/pictures/day.png --page docs/day.md)

proof: $(VENV)/.test
	$(BIN)/python -m proof.exhaustive

mutation: $(VENV)/.test
	$(BIN)/python -m proof.mutation --at-least 500 $(ARGS)

sanitize: $(VENV)/.test
	$(BIN)/python -m proof.sanitize $(ARGS)

coverage: $(VENV)/.test
	$(BIN)/python -m proof.coverage $(ARGS)

alarm-times: $(VENV)/.test
	ALARM_TIMES=docs/alarm-times.md $(BIN)/python -m pytest tests/simulation/test_alarm_response.py $(ARGS)

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/station-ctl documents --check .
	$(BIN)/python -m proof.requirements .

bench: $(VENV)/.test
	$(BIN)/station-hil bench $(ARGS)

# SOC_RUNS: held-out runs (.npz with .json); SOC_PULSES: the folder of pulse tests that identify the peers' circuit
SEED ?= 1
SOC_RUNS ?= build/held-out/$(SEED)
SOC_PULSES ?= build/held-out/pulses

held-out: $(VENV)/.held-out
	test -f $(SOC_PULSES)/sim_hppc_chg_40C.json || $(BIN)/python -m hil.soc.held_out $(SOC_PULSES) --pulses
	$(BIN)/python -m hil.soc.held_out $(SOC_RUNS) --seed $(SEED)

bench-soc: $(VENV)/.test
	@test -d "$(SOC_RUNS)" && test -d "$(SOC_PULSES)" || { echo "bench-soc: make held-out, or set SOC_RUNS and SOC_PULSES (docs/soc.md)"; exit 2; }
	$(BIN)/python -m hil.soc.bench $(SOC_RUNS) $(SOC_PULSES)
	$(BIN)/python -m hil.soc.plots $(SOC_RUNS) docs/pictures/soc-check.png

endurance: $(VENV)/.test
	$(BIN)/station-hil endurance $(ARGS)

documents: $(VENV)/.bench
	$(BIN)/station-ctl documents .
	$(BIN)/python -m proof.requirements --write .

# The environment: what runs and the bench; with .test also what the checks need. The kernels are compiled on the way.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "on Debian: apt install python3-venv python3-dev"; exit 1; }
	@echo "setting up $(VENV) with $(1) (once) ..."
	@$(BIN)/pip install -q -c constraints.txt -e '.[$(1)]'
endef

$(VENV)/.bench: $(INPUTS)
	$(call install,bench$(comma)soc)
	@touch $@

$(VENV)/.test: $(INPUTS)
	$(call install,bench$(comma)soc$(comma)test)
	@touch $(VENV)/.bench $@

$(VENV)/.held-out: $(INPUTS)
	$(call install,bench$(comma)soc$(comma)held-out)
	@touch $(VENV)/.bench $@

$(VENV)/.fuzz: $(INPUTS)
	$(call install,bench$(comma)fuzz)
	@touch $(VENV)/.bench $@

clean:
	rm -rf $(VENV) build *.egg-info Cython/*.c station_ctl/kernel/*.so
