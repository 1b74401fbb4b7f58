# Each target is a line that calls the tool; without make: go run ./scripts VERB.
STEPS := go run ./scripts

.DEFAULT_GOAL := help
.PHONY: help learn steps bases beyond bench build test testall faults vulncheck clean sync

help: ## list what there is
	@echo "make step-N    run step N (1 to 6) and tell its story"
	@echo "make diff-N    show what step N's Dockerfile changes"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

step-%:
	@$(STEPS) run $*

diff-%:
	@$(STEPS) diff $*

learn: ## guess what each step does, see it happen, and why
	@$(STEPS) learn

steps: ## run all six steps
	@$(STEPS) run all

bases: ## run all six steps on every base
	@$(STEPS) run all --base all

beyond: ## run the lessons after the article
	@$(STEPS) run beyond

bench: ## measure the six steps by this tool and by hand, for docs/performance.md
	@$(STEPS) bench --record

build: ## build the tool, as bin/steps
	go build -o bin/steps ./scripts

test: ## all tests: the app's in each step, the tool's, the engine's
	go test -timeout 60m ./...

testall: ## the tests that take many minutes too: every base, the lessons after the article, BuildKit
	LONG_TESTS=1 go test -timeout 60m ./...

faults: ## attack the tool with everything that goes wrong, and show what held
	@FAULTS=all go test -json -timeout 60m -run '^TestFault' ./scripts/... | go run ./scripts/internal/enginetest/table

GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

vulncheck: ## known vulnerabilities: none that the tool can reach; of the app, old on purpose, those that are expected
	$(GOVULNCHECK) $(VULNDB) ./scripts/...
	@echo "The app, old on purpose; what is found here is expected:"
	cd steps/01-single-stage && { $(GOVULNCHECK) $(VULNDB) . || true; } | tee -a /dev/stderr | grep GO-2021-0052 >/dev/null # Gin's own

clean: ## remove every container, image and download that this tool made
	@$(STEPS) clean

sync: ## copy step 1's app to the others, and write the generated texts anew
	@$(STEPS) sync
