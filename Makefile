# Every task a person runs. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Which cluster: bundled (a real single-node Kubernetes, started here), kind (where Docker runs), current (of your kubeconfig).
export CLUSTER ?= bundled
# Where images are pushed and pulled for CLUSTER=current, and where that cluster is reached: REGISTRY=registry.example.com/shop ENTRY_URL=https://…
# Which products: sample (some 500), full (all 92,331).
export DATA ?= sample

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nSettings: CLUSTER=bundled|kind|current  DATA=sample|full\n          REGISTRY=… ENTRY_URL=… (for CLUSTER=current: where its images come from, where it is reached)\n'

##@ Start here
.PHONY: demo demo-down test
demo: ## From nothing to a shop on a cluster, with its address at the end
	@dev/demo
demo-down: ## Remove the demo and its cluster
	@dev/demo-down
test: ## Everything that guards the code, on real databases and a real API server
	@dev/test

##@ While working
.PHONY: local local-down fuzz tools build fmt lint generate check
local: ## The whole shop as processes of this machine, without a cluster
	@cargo build --workspace --bins && dev/local up
local-down: ## End them; the data stays
	@dev/local down
fuzz: ## Made-up requests against every service: nothing may be answered but as its OpenAPI says (EXAMPLES=)
	@dev/fuzz
tools: ## Install every tool the tasks below need, under ~/.cache/amazoff
	@dev/tools/install
build: ## Build the services and the operator as they are shipped
	@dev/build
fmt: ## Format the code
	cargo fmt --all
lint: ## Formats, lints, licences, scripts, chart
	@dev/lint
generate: ## Write again what is generated: CRD, OpenAPI, chart README
	@dev/generate
check: ## The quickest look: does it compile, are the invariants kept
	cargo check --workspace --all-targets
	cargo nextest run -p amazoff-tidy

##@ On a live cluster
.PHONY: cluster-up cluster-down cluster-status e2e chaos screenshots render
cluster-up: ## Start the cluster alone
	@dev/cluster/cluster up
cluster-down: ## Stop it and leave nothing behind
	@dev/cluster/cluster down
cluster-status: ## What runs on it
	@dev/cluster/cluster status
e2e: ## Journeys in a real browser, failures and rolling restarts, against the demo
	@dev/e2e
chaos: ## Kill processes of the demo at random for five minutes while people buy, then check the books (FOR= RATE= EVERY= SEED=)
	@dev/chaos
screenshots: ## Photograph the demo's pages into docs/screenshots
	@E2E_SCREENSHOTS=$(CURDIR)/docs/screenshots dev/e2e pages_can_be_photographed
render: ## Print every object the operator makes of dev/demo-store.yaml
	@cargo run -q --release -p amazoff-operator -- render -f dev/demo-store.yaml

##@ Figures
.PHONY: bench bench-orders bench-logins replay bench-gateway bench-catalog
bench: ## Latency of the demo's pages at 200 requests a second
	@dev/bench
bench-orders: ## Complete purchases at 30 and at 60 a second, then the ledger (RATE= FOR=)
	@dev/bench-orders
bench-logins: ## What 50 logins a second do to those who browse (RATE= PAGES= FOR=)
	@dev/bench-logins
replay: ## Buy a year of real baskets as fast as the demo sells; needs DATA=full (BASKETS= AT_ONCE=)
	@dev/replay
bench-gateway: ## The gateway against nginx, one core each
	@dev/tools/install bench
	@services/gateway/bench/run
bench-catalog: ## Index build and search with all 92,331 products
	@dev/bench-catalog
