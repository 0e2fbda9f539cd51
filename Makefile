# Everything a person types here. `make demo` and `make test` work on a fresh Debian 12 or Ubuntu with Swift 6.
SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
BUILD_FLAGS ?=

# `make bench` knobs; see Benchmarks/bench.py --help.
N ?= 20000
ROUNDS ?= 5
CONNS ?= 20
OUT ?=
HISTORIES ?= 2000
# `make bench-more`: some of its parts, as slow resume growth kill start caps size; all but size without it.
PARTS ?=

# A toolchain without the static form of Swift's libraries builds a release that loads them.
ifeq ($(wildcard $(dir $(realpath $(shell command -v $(SWIFT))))../lib/swift_static/linux/libFoundation.a),)
export OUTPOST_SHARED ?= 1
endif

SOURCES := $(wildcard Sources Tests Package.swift)

.PHONY: help demo test histories tsan asan build debug lint format bench bench-more bench-console install uninstall clean resources locale

help:
	@echo 'make demo      build, then run the whole job against a post office on this machine; nothing leaves it'
	@echo 'make test      build and run every test, the built binary included'
	@echo 'make histories HISTORIES=2000: random crashes of the queue against its model'
	@echo 'make tsan, make asan  the tests of queue and sender under ThreadSanitizer, AddressSanitizer; HISTORIES=40'
	@echo 'make build     a release build: .build/release/outpost'
	@echo 'make install   PREFIX=/usr/local [DESTDIR=…]: program, man page, translations'
	@echo 'make lint      swift format lint --strict'
	@echo 'make bench     N=20000 ROUNDS=5 CONNS=20 [OUT=Benchmarks/RESULTS.md]: beside Postfix, in one run'
	@echo 'make bench-more  [PARTS="slow resume growth kill start caps size"] [OUT=…]: a million in the queue, slow servers, kills'
	@echo 'make bench-console  the console: key to frame, idle CPU, sending with it open and closed'
	@echo 'make clean     remove what was built'

demo: build
	@.build/release/outpost demo $(ARGS)

test:
	@scripts/bootstrap.sh build test
	@$(MAKE) --no-print-directory locale
	@SWIFT="$(SWIFT)" scripts/test.sh $(BUILD_FLAGS) $(ARGS)

# Not part of the checks before a change lands: each builds everything once more.
tsan asan: HISTORIES = 40
tsan:
	@scripts/bootstrap.sh build test
	@SWIFT="$(SWIFT)" HISTORIES=$(HISTORIES) Tests/Sanitizers/run.sh thread $(ARGS)

asan:
	@scripts/bootstrap.sh build test
	@SWIFT="$(SWIFT)" HISTORIES=$(HISTORIES) Tests/Sanitizers/run.sh address $(ARGS)

# Histories of crashes drawn anew; the seed is printed.
histories:
	@scripts/bootstrap.sh build
	OUTPOST_HISTORIES=$(HISTORIES) OUTPOST_SEED=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ') $(SWIFT) test $(BUILD_FLAGS) --filter CrashTests

build:
	@scripts/bootstrap.sh build
	@$(MAKE) --no-print-directory locale
	$(SWIFT) build -c release $(BUILD_FLAGS) --product outpost

debug:
	@scripts/bootstrap.sh build
	$(SWIFT) build $(BUILD_FLAGS)

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)

format:
	$(SWIFT) format --in-place --recursive $(SOURCES)

bench: build
	@scripts/bootstrap.sh bench
	@N=$(N) ROUNDS=$(ROUNDS) CONNS=$(CONNS) OUT=$(OUT) Benchmarks/run.sh

bench-more: build
	@scripts/bootstrap.sh bench
	@OUT=$(OUT) timeout -k 20 900 python3 -u Benchmarks/more.py $(PARTS)

# The console's keys, idle cost and what watching costs sending, over a pseudo-terminal; see Benchmarks/console.py.
bench-console: build
	@timeout -k 20 240 python3 -u Benchmarks/console.py

# Compiles po/*.po for a run from this folder; `install` compiles them into PREFIX.
locale:
	@sh po/compile.sh

# Writes config/ into Sources/App/Setup/BuiltinResources.generated.swift; run it after changing a file there.
resources:
	@sh config/embed.sh

install: build
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -s -m 755 .build/release/outpost '$(DESTDIR)$(PREFIX)/bin/outpost'
	install -m 644 man/outpost.1 '$(DESTDIR)$(PREFIX)/share/man/man1/outpost.1'
	@for mo in .build/locale/*/LC_MESSAGES/outpost.mo; do \
	  [ -e "$$mo" ] || continue; \
	  to="$(DESTDIR)$(PREFIX)/share/locale/$$(basename "$$(dirname "$$(dirname "$$mo")")")/LC_MESSAGES"; \
	  install -d "$$to" && install -m 644 "$$mo" "$$to/outpost.mo"; \
	done

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/outpost' '$(DESTDIR)$(PREFIX)/share/man/man1/outpost.1' \
	  '$(DESTDIR)$(PREFIX)'/share/locale/*/LC_MESSAGES/outpost.mo

clean:
	rm -rf .build .build-*
