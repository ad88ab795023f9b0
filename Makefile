# Everything a new machine needs: `make demo` and `make test`.
PREFIX ?= /usr/local
PACKAGES = liblua5.4-dev libopenblas-dev gnuplot-nox lua-check lua-unit pkg-config
SWIFT ?= swift
MNEMO = .build/release/mnemo
SWIFT_SOURCES = Package.swift Sources Tests
LUA_SOURCES = lua examples Tests/Lua

.PHONY: all deps build demo test test-lua lint format install

all: build

# Installs the Debian packages that are missing; asks for nothing when all are there.
deps:
	@missing=""; for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' \
	    || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  sudo=""; [ "$$(id -u)" -eq 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq </dev/null && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing </dev/null; \
	fi

build: deps
	$(SWIFT) build -c release --product mnemo

# The first experiment: minutes of training, a figure in runs/induction_head.
demo: build
	$(MNEMO) examples/induction_head.lua

# The command is built first because some tests run it.
test: build
	$(SWIFT) test -c release --disable-testable-imports
	$(MAKE) test-lua

# The tests written in Lua, by themselves; every file is run even if one fails.
test-lua: build
	@failed=0; for file in Tests/Lua/*_test.lua; do \
	  echo "$$file"; $(MNEMO) $$file || failed=1; \
	done; exit $$failed

lint: deps
	$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)
	luacheck --quiet $(LUA_SOURCES)

format:
	$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

# The command, and beside it in share/mnemo what it loads and what there is to try.
install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(MNEMO) $(DESTDIR)$(PREFIX)/bin/mnemo
	for folder in lua examples; do \
	  find $$folder -name '*.lua' -exec \
	    install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/mnemo/{} \; ; \
	done
