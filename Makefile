# Everything a new machine needs: `make demo` and `make test`.
PREFIX ?= /usr/local
PACKAGES = liblua5.4-dev libopenblas-dev gnuplot-nox lua-check pkg-config
SWIFT ?= swift
MNEMO = .build/release/mnemo

.PHONY: all deps build demo test lint format install

all: build

# Installs the Debian packages that are missing; asks for nothing when all are there.
deps:
	@missing=""; for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  sudo=""; [ "$$(id -u)" -eq 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

build: deps
	$(SWIFT) build -c release --product mnemo
