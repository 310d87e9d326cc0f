# Section 55: the commands of the house. `make` alone lists them.
# SECTION55_PORT_BASE (7100) moves every port, SECTION55_VAR (var) says where data lives, JOBS how much runs at once.

JOBS ?= $(shell nproc)
SUITE := deploy/local/suite
BUF := tests/tools/node_modules/.bin/buf
PROMTOOL := build/tools/promtool
# What another clone on this machine has compiled comes for free.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
CODE = $(shell git ls-files --cached --others --exclude-standard 'libs/*.cc' 'services/*.cc' 'deploy/*.cc' 'tests/*.cc')
HEADERS = $(shell git ls-files --cached --others --exclude-standard '*.h')
SCRIPTS := .ci/run $(SUITE) deploy/backup/section55 tests/fault/long $(wildcard deploy/*/*.sh tests/e2e/shims/*)

.DEFAULT_GOAL := help
.PHONY: help install test-packages build run up down status reset test check api asan tsan lint format fault bench clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

install: ## Install what is missing from Debian (apt)
	@deploy/local/install-packages.sh

build: install ## Build everything into build/release
	@[ -f build/release/build.ninja ] || cmake --preset release
	@cmake --build --preset release --parallel $(JOBS)

run: build ## Start the suite with its sample data, until Ctrl-C
	@$(SUITE) run

up: build ## The same in the background; returns when all are serving
	@$(SUITE) up

down: ## Stop it
	@$(SUITE) down

status: ## Which services are serving
	@$(SUITE) status

reset: ## Stop it and remove its data (var/)
	@$(SUITE) reset

test: check build $(BUF) $(PROMTOOL) ## Build and run everything that CI runs
	@$(BUF) lint
	@ctest --preset release --parallel $(JOBS)

test-packages: install
	@deploy/local/install-packages.sh tests

asan: ## The tests with AddressSanitizer and UndefinedBehaviorSanitizer
tsan: ## The tests with ThreadSanitizer
asan tsan: test-packages $(BUF) $(PROMTOOL)
	@[ -f build/$@/build.ninja ] || cmake --preset $@
	@cmake --build --preset $@ --parallel $(JOBS)
	@ctest --preset $@ --parallel $(JOBS)

# Out of Debian's package of Prometheus, whose server nobody needs to have running here.
$(PROMTOOL):
	@mkdir -p $(@D) && cd $(@D) && apt-get -qq download prometheus && \
	  dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool && rm prometheus_*.deb

# buf comes from npm. Its install script only replaces a launcher by what it launches, so scripts are not run.
$(BUF): tests/tools/package-lock.json | test-packages
	@cd tests/tools && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# Connector/C++ swallows the errors of the three methods (control transactions by SQL text), and nothing here sleeps: it waits
# for the thing that changes. An exception says why behind NOLINT.
BANNED := (->|\.) *(commit|rollback|setAutoCommit) *\(|SleepFor|sleep_for|sleep_until|\b(u|nano)?sleep *\(
# A wait that nothing can end but its time is a sleep under another name.
BANNED := $(BANNED)|Notification *(\(\)|\{\}) *\. *WaitFor|\bnever\.WaitFor|\bpoll *\( *(nullptr|NULL) *,|\+\[\]\([^)]*\) *\{ *return false; *\}
TIDY := -*,clang-analyzer-*,bugprone-*,performance-*,-bugprone-easily-swappable-parameters,-bugprone-exception-escape
# clang-tidy takes half a minute a file, so it reads what ships; `make lint TIDY_CODE=libs/db/mysql.cc` reads less.
# What includes qpdf is left out: clang does not read its headers beside Debian's C++ library.
TIDY_CODE = $(filter-out tests/% libs/document/pdf/file.cc libs/document/pdf/embed.cc,$(CODE))

check: test-packages ## What can be said without building, in seconds: shellcheck, our own bans, clang-format
	@shellcheck $(SCRIPTS)
	@! grep -rnE --include='*.cc' --include='*.h' '$(BANNED)' libs services tests deploy | grep -v NOLINT || \
	  { echo "check: these are banned; the Makefile says why."; exit 1; }
	@clang-format --dry-run -Werror $(CODE) $(HEADERS)

api: build ## Write the page of the API anew: proto/API.md
	@SECTION55_WRITE_API_PAGE=1 build/release/bin/api_page_test --gtest_brief=1

lint: check build $(BUF) ## The same, buf and clang-tidy
	@deploy/local/install-packages.sh lint
	$(BUF) lint
	@echo "clang-tidy" && printf '%s\n' $(TIDY_CODE) | \
	  xargs -t -P $(JOBS) -n 1 clang-tidy -p build/release --quiet --warnings-as-errors='*' --checks='$(TIDY)'

format: ## Format the code
	@deploy/local/install-packages.sh tests
	@clang-format -i $(CODE) $(HEADERS)

fault: build ## An hour of faults, with seeds that repeat them; MINUTES=5 SEED=7 for less, and for the same again
	@MINUTES="$(MINUTES)" SEED="$(SEED)" tests/fault/long

bench: build ## Measure against the floors, about four minutes; BENCH=--only=reads measures less
	@build/release/bin/section55-bench --json=build/release/bench.json $(BENCH)
	@echo "The same as JSON: build/release/bench.json"

clean: ## Remove what was built
	@rm -rf build tests/tools/node_modules
