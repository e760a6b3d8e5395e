# Everything that is built, tested and checked here. `make help` lists it.
#
# Plain GNU make 4.3 on Debian 12 with Go and git is enough; what else a target
# needs, `make deps` installs.

SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help

# Go's own archive unpacks to /usr/local/go, which is not on everybody's PATH.
export PATH := $(PATH):/usr/local/go/bin

BINARY      := redis_fork_exporter
VERSION_PKG := github.com/prometheus/common/version

# A release has a file VERSION; every other build is named after its commit. All
# four can be given on the command line, which the Dockerfile does because it
# has no repository to ask.
VERSION    ?= $(shell cat VERSION 2>/dev/null || git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH     ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
# The commit's date, not today's: the same commit gives the same binary.
BUILD_DATE ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y%m%d-%H:%M:%S 2>/dev/null || echo unknown)

LDFLAGS := -s -w \
	-X $(VERSION_PKG).Version=$(VERSION) \
	-X $(VERSION_PKG).Revision=$(REVISION) \
	-X $(VERSION_PKG).Branch=$(BRANCH) \
	-X $(VERSION_PKG).BuildDate=$(BUILD_DATE)

# Debian packages. The race detector needs a C compiler, the tests a real
# server, and the dashboards' tests Prometheus' own parser (promtool).
TEST_PACKAGES := redis-server prometheus gcc libc6-dev
DEMO_PACKAGES := redis-server
# What bench-observer compares this exporter with.
OBSERVER_PACKAGES := redis-server prometheus-redis-exporter prometheus-process-exporter
STACK_PACKAGES := redis-server prometheus

TEST_FLAGS   ?=
TEST_TIMEOUT ?= 10m
ARGS         ?=
AGAINST      ?=
IMAGE        ?= redis_fork_exporter:$(VERSION)

# Tools are pinned in a module of their own, so that go.sum here stays small,
# and are built from source once per version of that module.
GOLANGCI := tools/bin/golangci-lint
VULN     := tools/bin/govulncheck

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the static binary ./redis_fork_exporter.
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) .

.PHONY: deps
deps: ## Install what tests and demo need and this machine lacks (Debian packages).
	@.ci/deps.sh $(TEST_PACKAGES)

.PHONY: test
test: deps ## Run every test, with the race detector and real servers.
	CGO_ENABLED=1 go test -race -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) ./...
	@# These change sysctls of the machine, so they run by themselves. Without the race
	@# detector: under overcommit mode 2 its shadow memory may not be had.
	CGO_ENABLED=0 go test -tags sysctl -run Sysctl -count=1 -timeout $(TEST_TIMEOUT) ./exporter

.PHONY: test-bench
test-bench: deps ## Build and vet the benches, a module of their own, and run their unit tests.
	go build -C bench ./...
	go vet -C bench ./...
	go test -C bench -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) ./...

.PHONY: test-short
test-short: ## Run the tests that need nothing but Go, in seconds.
	go test -short $(TEST_FLAGS) ./...

.PHONY: provoke
provoke: deps ## Provoke every alert for real, under a real Prometheus (root, 20 minutes, changes a sysctl).
	CGO_ENABLED=0 go test -tags provoke -run Provoke -count=1 -v -parallel 16 -timeout 60m ./dashboards

.PHONY: demo
demo: ## Show the exporter at work on a server of its own (ARGS="..." passes flags).
	@.ci/deps.sh $(DEMO_PACKAGES)
	@$(MAKE) --no-print-directory build
	go run ./internal/cmd/demo $(ARGS)

.PHONY: stack
stack: ## Bring up servers under load, the exporter and a Prometheus with the shipped rules (ARGS="..." passes flags).
	@.ci/deps.sh $(STACK_PACKAGES)
	go run ./internal/cmd/demo --prometheus=127.0.0.1:9090 --listen=127.0.0.1:10121 --keys=500000 --rate=5000 --pause=20s $(ARGS)

.PHONY: recorded
recorded: ## Make the recorded run of the dashboards' tests and the pictures of docs/img anew (root, six minutes).
	@.ci/deps.sh $(STACK_PACKAGES) chromium
	@.ci/recorded.sh

.PHONY: bench
bench: ## Run the benchmarks.
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-observer
bench-observer: ## Measure what being observed costs a server; root sees more (ARGS="..." passes flags).
	@.ci/deps.sh $(OBSERVER_PACKAGES)
	go run -C bench ./observer $(ARGS)

.PHONY: bench-against
bench-against: ## Compare what observing costs with commit AGAINST; 2 hours on a quiet machine (ARGS="..." passes flags).
	@test -n "$(AGAINST)" || { echo "compare with which commit? make bench-against AGAINST=COMMIT" >&2; exit 2; }
	@.ci/deps.sh $(DEMO_PACKAGES)
	go run -C bench ./observer -against="$(AGAINST)" $(ARGS)

.PHONY: bench-curves
bench-curves: ## Measure how true the curves are, in tables; needs root and 20 minutes (ARGS="..." passes flags).
	@.ci/deps.sh $(DEMO_PACKAGES)
	go run -C bench ./curves $(ARGS)

.PHONY: bench-series
bench-series: ## Record series of forks, for the forecast's tests; needs an hour (ARGS="..." passes flags).
	@.ci/deps.sh $(DEMO_PACKAGES) >&2
	@go run -C bench ./series $(ARGS)

.PHONY: fmt
fmt: $(GOLANGCI) ## Format the code.
	$(GOLANGCI) fmt

.PHONY: check-fmt
check-fmt: $(GOLANGCI) ## Fail if code is not formatted.
	$(GOLANGCI) fmt --diff

.PHONY: vet
vet: ## Run go vet.
	go vet ./...
	go vet -C bench ./...

.PHONY: lint
lint: $(GOLANGCI) ## Run the linters of .golangci.yml.
	$(GOLANGCI) run
	cd bench && ../$(GOLANGCI) run

.PHONY: check-tidy
check-tidy: ## Fail if go.mod or go.sum is not tidy.
	go mod tidy -diff
	go -C bench mod tidy -diff

.PHONY: generate
generate: ## Write the generated files (docs/metrics.md, dashboards/*.json) anew.
	go generate ./...

.PHONY: check-generated
check-generated: generate ## Fail if a generated file in docs/ or dashboards/ is stale.
	git diff --exit-code -- docs dashboards
	@new=$$(git ls-files --others --exclude-standard -- docs dashboards); \
	if [ -n "$$new" ]; then echo "not in the repository: $$new"; exit 1; fi

.PHONY: vuln
vuln: $(VULN) ## Look for known vulnerabilities (asks vuln.go.dev, so it is no part of .ci/run).
	$(VULN) ./...
	$(VULN) -C bench ./...

.PHONY: docker
docker: ## Build the container image (IMAGE=name:tag).
	docker build --tag '$(IMAGE)' \
		--build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' \
		--build-arg BRANCH='$(BRANCH)' --build-arg BUILD_DATE='$(BUILD_DATE)' .

.PHONY: check-image
check-image: ## Fail if the image's build lacks a file of the program (needs no Docker).
	@.ci/check-image.sh

.PHONY: docker-test
docker-test: ## Build the image and let it follow a fork in another container.
	@.ci/docker-test.sh

.PHONY: clean
clean: ## Remove what was built.
	rm -rf $(BINARY) tools/bin

$(GOLANGCI): tools/go.mod tools/go.sum
	cd tools && GOFLAGS=-mod=readonly go build -buildvcs=false -o bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(VULN): tools/go.mod tools/go.sum
	cd tools && GOFLAGS=-mod=readonly go build -buildvcs=false -o bin/ golang.org/x/vuln/cmd/govulncheck
