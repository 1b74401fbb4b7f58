# Each target is a line that calls the tool; without make: go run ./scripts VERB.
STEPS := go run ./scripts

.DEFAULT_GOAL := help
.PHONY: help learn steps bases beyond bench build test e2e faults looks vulncheck clean sync

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
	@$(STEPS) dev bench --record

build: ## build the tool, as bin/steps
	go build -o bin/steps ./scripts

test: ## all tests that need no engine, and the six steps once on the engine that is there
	go test ./...

e2e: ## the tests on every engine; one that is missing is a failure
	ENGINES=all go test -p 1 -timeout 180m ./test/... ./internal/...

faults: ## attack the tool with everything that goes wrong, and show what held
	@ENGINES=all FAULTS=all go test -json -p 1 -timeout 60m -run '^TestFault' ./test/... ./internal/... | go run ./test/faults/table

looks: ## start an image of every cause on every runtime, and write what is printed into docs/causes
	ENGINES=all go test -count=1 -timeout 60m -run TestLooks ./test/looks -update
	@$(STEPS) dev sync

GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

vulncheck: ## known vulnerabilities: none that the tool can reach; of the app, old on purpose, those that are expected
	$(GOVULNCHECK) $(VULNDB) ./scripts/... ./internal/...
	@echo "The app, old on purpose; what is found here is expected:"
	cd steps/01-single-stage && { $(GOVULNCHECK) $(VULNDB) . || true; } | tee -a /dev/stderr | grep GO-2021-0052 >/dev/null # Gin's own

clean: ## remove every container, image and download that this tool made
	@$(STEPS) clean

sync: ## copy step 1's app to the others, and write the generated texts anew
	@$(STEPS) dev sync
