# The two commands a newcomer needs: `make test` and `make demo`.

.PHONY: build test check fuzz attack lint format demo

# The runhook program, in bin/.
build:
	CGO_ENABLED=0 go build -o bin/ ./server/cmd/runhook

# Every test, after installing what they need. Narrow it down with ARGS, for
# example: make test ARGS="-run TestName ./server/internal/store/..."
test:
	scripts/test.sh $(ARGS)

# What continuous integration runs: the tests, then everything else that must hold.
check:
	.ci/run

# Every fuzz test for a minute each, or FUZZTIME. Run one with ARGS=FuzzName.
fuzz:
	scripts/fuzz.sh $(ARGS)

# Attacks a server that has 512 MiB of memory and 256 descriptors, on both engines, with
# everything that has ever harmed one. `make test` does it with less.
attack:
	go test -count=1 -v -timeout=60m -run SurvivesAttacks $(ARGS) ./server/internal/test/crash -full

# Everything but the tests.
lint:
	scripts/lint.sh

# Formats every Go file.
format:
	gofmt -w $$(git ls-files '*.go')

demo:
	go run ./server/cmd/runhook demo $(ARGS)
