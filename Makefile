# Inlay. `make` alone prints this help; every target's line is the comment behind its name.
#
# Variables: FUZZTIME=30s (make fuzz), FUZZ=. (a pattern of targets), ARGS= (make demo, make bench),
# TESTFLAGS= and PKG=./... (make test), SEED= COMMANDS= SESSIONS= BACKEND= (make laws),
# N=500 SEED= (make crash).

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

GO ?= go
PKG ?= ./...
FUZZTIME ?= 30s
FUZZ ?= .
SEED ?= 0
COMMANDS ?= 20000
SESSIONS ?= 0
BACKEND ?= dovecot
N ?= 500
# The go command records tag and commit, and whether files were changed; without git it cannot.
BUILDVCS := $(shell git rev-parse --verify -q HEAD >/dev/null 2>&1 && echo true || echo false)
# -s -w: no symbol table, a third smaller; panics keep their file names and lines.
BUILDFLAGS := -trimpath -buildvcs=$(BUILDVCS) -ldflags '-s -w'

# The race detector needs cgo and a C compiler. A machine that has only Go still runs every
# test, and says what it did not look for.
CC := $(shell $(GO) env CC)
ifneq (,$(shell command -v $(CC) 2>/dev/null))
RACE := -race
test: export CGO_ENABLED = 1
else
test: export CGO_ENABLED = 0
endif

.PHONY: help demo build test laws crash caches check fmt fuzz bench clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: build ## a running campaign in real inboxes, in one process; says what to open (ARGS="--imap :1143 …")
	@exec bin/inlay demo $(ARGS)

build: ## bin/inlay, one static binary
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/inlay ./cmd/inlay

test: ## every test, shuffled, with the race detector where there is a C compiler
ifndef RACE
	@echo "no C compiler ($(CC)): testing without the race detector (Debian: apt-get install gcc libc6-dev)"
endif
	$(GO) test $(RACE) -shuffle=on $(TESTFLAGS) $(PKG)

laws: ## random dialogues on a real server: injected as delivered? (SEED=, COMMANDS=, SESSIONS=, BACKEND=cyrus)
	@$(GO) run ./test/laws/cmd -seed '$(SEED)' -commands '$(COMMANDS)' -sessions '$(SESSIONS)' -backend '$(BACKEND)'

crash: ## gateways killed at random moments and started again, N times: is what was acknowledged there? (N=500, SEED=)
	REQUIRE_PEERS=1 $(GO) test -run '^TestCrashes$$' -v -count=1 -timeout 60m ./test -crash.n '$(N)' -crash.seed '$(SEED)'

check: bin/tools/gofumpt bin/tools/staticcheck bin/tools/golangci-lint ## formatting, vet, staticcheck, golangci-lint
	@unformatted="$$(bin/tools/gofumpt -l cmd examples internal test 2>/dev/null)"; \
	  if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	bin/tools/staticcheck ./...
	bin/tools/golangci-lint config verify
	bin/tools/golangci-lint run ./...

fmt: bin/tools/gofumpt ## format the code
	bin/tools/gofumpt -w cmd examples internal test

fuzz: ## every fuzz target, one after the other (FUZZTIME=5m, FUZZ=pattern)
	@tools/fuzz.sh '$(FUZZTIME)' '$(FUZZ)'

bench: build ## micro benchmarks, then the gateway beside nginx and HAProxy (ARGS="-rounds 3 -sessions 50")
	$(GO) test -run '^$$' -bench . -benchmem ./internal/...
	REQUIRE_PEERS=1 $(GO) test -run '^$$' -bench Proxies -benchtime 1x -timeout 30m ./test/bench -args -inlay $(CURDIR)/bin/inlay $(ARGS)

caches: ## caching clients on two gateways and one Dovecot, cut off and coming back, for long (SEED=1 STEPS=100000)
	cd test && REQUIRE_PEERS=1 $(GO) test -count=1 -timeout 0 -run '^TestCaches$$' . -args -caches.seed $(or $(SEED),1) -caches.steps $(or $(STEPS),100000)

clean: ## remove what was built
	rm -rf bin dist

# Tools are built from a module of their own, so that their hundreds of dependencies are not
# ours; they are built again when that module changes.
bin/tools/gofumpt: TOOL = mvdan.cc/gofumpt
bin/tools/staticcheck: TOOL = honnef.co/go/tools/cmd/staticcheck
bin/tools/golangci-lint: TOOL = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
bin/tools/%: tools/go.mod tools/go.sum
	cd tools && CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o ../$@ $(TOOL)
