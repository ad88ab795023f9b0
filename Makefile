# Everything a new machine needs: `make demo` and `make test`.
PREFIX ?= /usr/local
PACKAGES = liblua5.4-dev libopenblas0 libedit-dev libsqlite3-dev gnuplot-nox lua-check lua-unit \
  lua5.4 pkg-config
SWIFT ?= swift
MNEMO = .build/release/mnemo
LIBRARY = .build/release/libMnemoLibrary.so
SWIFT_SOURCES = Package.swift Sources Tests
LUA_SOURCES = lua examples bench tools Tests/Lua Tests/StockLua Tests/Fuzz

.PHONY: all deps build library demo test test-lua test-stock test-checked test-sanitized test-arm \
  test-backend bench bench-scaling transcript pages lint docs docs-check format \
  install install-files dist

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

# What stock lua5.4 loads with `require "mnemo"`.
library: deps
	$(SWIFT) build -c release --product MnemoLibrary

# The first experiment: less than a minute of training, a figure in runs/induction_head.
demo: build
	$(MNEMO) examples/induction_head.lua

# The command is built first because some tests run it.
test: build
	$(SWIFT) test -c release --disable-testable-imports
	$(MAKE) test-lua test-stock

# The tests written in Lua, by themselves; every file is run, and the end names those that failed.
test-lua: build
	@failed=; for file in Tests/Lua/*_test.lua; do \
	  echo "$$file"; $(MNEMO) $$file || failed="$$failed $$file"; \
	done; if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

# Debian's lua5.4 with what `make install` gives it, found as README says; then a
# few programs that open and close states of their own, fork, and are interrupted.
test-stock: PREFIX := $(CURDIR)/.build/installed
test-stock: export LUA_PATH = $(PREFIX)/share/lua/5.4/?.lua;;
test-stock: export LUA_CPATH = $(PREFIX)/lib/lua/5.4/?.so;;
test-stock: install
	lua5.4 Tests/StockLua/library_test.lua
	for program in two_states fork interrupt; do \
	  $(CC) -o .build/$$program Tests/StockLua/$$program.c \
	    $$(pkg-config --cflags --libs lua5.4) -pthread && .build/$$program || exit 1; \
	done

# Everything but the command's tests once more in another configuration: every guard of the kernels
# kept, and the kernels of an older processor.
OLDER = $(shell grep -qw avx512vl /proc/cpuinfo && echo avx2 || echo portable)
test-checked: deps
	MNEMO_CHECKED=1 MNEMO_KERNELS=$(OLDER) OPENBLAS_CORETYPE=Haswell $(SWIFT) test -c release \
	  --disable-testable-imports --scratch-path .build/checked --skip CommandTests

# The same under AddressSanitizer, which sees what is read and written outside of a block or after
# its end. What lives until the process ends, as Swift's types do, is no leak.
test-sanitized: deps
	MNEMO_CHECKED=1 ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test -c release --sanitize=address \
	  --disable-testable-imports --scratch-path .build/sanitized --skip CommandTests

# The kernels as compiled for 64-bit ARM, under emulation: they have to give the bits of this
# processor's. Packages that nothing else needs: qemu-user, gcc-aarch64-linux-gnu.
KERNEL_BITS = -O2 -ISources/VectorKernels/include Tests/KernelBits/kernel_bits.c \
  $(addprefix Sources/VectorKernels/,choose.c portable.c avx2.c avx512.c)
CLANG = $(dir $(shell readlink -f "$$(command -v $(SWIFT))"))clang
test-arm: PACKAGES += qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
test-arm: deps
	mkdir -p .build/bits
	$(CLANG) $(KERNEL_BITS) -lm -o .build/bits/host
	$(CLANG) --target=aarch64-linux-gnu --gcc-toolchain=/usr --sysroot=/usr/aarch64-linux-gnu \
	  -isystem /usr/aarch64-linux-gnu/include -fuse-ld=bfd -static $(KERNEL_BITS) -lm \
	  -o .build/bits/arm
	.build/bits/host | tee .build/bits/expected
	qemu-aarch64 .build/bits/arm | diff .build/bits/expected - && echo "the same on ARM"

# The tests of the engine with a library in the processor's place, each primitive held against the
# reference first; two minutes if it is the reference itself. The tests of updates hold to the
# processor's bits.
BACKEND ?= $(CURDIR)/.build/release/libReferenceBackend.so
test-backend: deps
	$(SWIFT) build -c release --build-tests
	MNEMO_BACKEND=$(BACKEND) $(SWIFT) test -c release --disable-testable-imports --skip-build \
	  --filter 'KernelsTests.BackendTests|TensorsTests|TransformersTests|TrainingTests' \
	  --skip UpdateTests

# How fast this machine and mnemo are, one line of JSON for each number; bench/README.md explains.
bench: build
	@$(MNEMO) bench/peak.lua
	@$(MNEMO) bench/operands.lua
	@$(MNEMO) bench/steps.lua
	@$(MNEMO) bench/many.lua
	@$(MNEMO) bench/memory.lua
	@$(MNEMO) bench/data.lua
	@$(MNEMO) bench/recall.lua
	@$(MNEMO) bench/overheads.lua
	@$(MNEMO) bench/prompt.lua --only start

# How the time of a step grows with its sizes, and what evaluation costs; minutes.
bench-scaling: build
	@$(MNEMO) bench/scaling.lua

# The tour in docs/repl.md, recorded by running it.
transcript: build
	$(MNEMO) tools/transcript.lua

# Runs the commands of docs/experiments and fails where they print other numbers than the pages
# show; an hour or so. PAGE=induction_head runs those of one.
pages: build
	$(MNEMO) tools/pages.lua $(if $(PAGE),--only $(PAGE))

lint: deps
	$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)
	@! LC_ALL=C.UTF-8 grep -rnP --include='*.swift' --include='*.[ch]' '^(?=.{101}) *//' \
	  Sources Tests || { echo "comments longer than 100 columns, which swift format passes"; exit 1; }
	luacheck --quiet $(LUA_SOURCES)

# The manual, docs/api.md, and the editor's stubs, lua/meta/mnemo.lua, from the declarations;
# docs/pytorch.md from its list.
docs: build
	$(MNEMO) tools/docs.lua
	$(MNEMO) tools/pytorch.lua

# Fails if they are not what the declarations say, or if a declaration lacks text or example.
docs-check: build
	@folder=.build/docs; mkdir -p $$folder/docs $$folder/lua/meta && \
	$(MNEMO) tools/docs.lua $$folder && $(MNEMO) tools/pytorch.lua $$folder && \
	for file in docs/api.md lua/meta/mnemo.lua docs/pytorch.md; do \
	  diff -u $$file $$folder/$$file || { echo "$$file is stale: run make docs"; exit 1; }; \
	done

format:
	$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

# The command; the library and the Lua files where LUA_CPATH and LUA_PATH point to them, and
# where both find them by themselves; what a backend of one's own is compiled with; in share/mnemo
# what there is to try.
install: build library install-files

install-files:
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(MNEMO) "$(DESTDIR)$(PREFIX)/bin/mnemo"
	install -d "$(DESTDIR)$(PREFIX)/lib/lua/5.4"
	install -m 755 $(LIBRARY) "$(DESTDIR)$(PREFIX)/lib/lua/5.4/mnemo.so"
	install -d "$(DESTDIR)$(PREFIX)/share/mnemo/examples"
	for file in lua/mnemo/*.lua lua/mnemo/*/*.lua; do \
	  install -D -m 644 $$file "$(DESTDIR)$(PREFIX)/share/lua/5.4/$${file#lua/}" || exit 1; \
	done
	install -m 644 examples/*.lua "$(DESTDIR)$(PREFIX)/share/mnemo/examples"
	install -d "$(DESTDIR)$(PREFIX)/share/mnemo/examples/cluster"
	install -m 755 examples/cluster/* "$(DESTDIR)$(PREFIX)/share/mnemo/examples/cluster"
	install -d "$(DESTDIR)$(PREFIX)/include"
	install -m 644 Sources/BackendInterface/include/mnemo_backend.h "$(DESTDIR)$(PREFIX)/include"
	install -d "$(DESTDIR)$(PREFIX)/share/mnemo/meta"
	install -m 644 lua/meta/mnemo.lua "$(DESTDIR)$(PREFIX)/share/mnemo/meta"

# A tarball for machines without Swift, whose runtime is linked in; Lua, OpenBLAS, libedit, SQLite,
# gnuplot come from the distribution. SwiftPM links the runtime into a command only, so the library
# is linked once more by the compiler.
VERSION = $(shell sed -n 's/.*static let version = "\(.*\)"/\1/p' Sources/MnemoModule/Module.swift)
DIST = mnemo-$(VERSION)-linux-$(shell uname -m)
STATIC = $(shell dirname "$$(readlink -f "$$(command -v $(SWIFT))")")/../lib/swift_static/linux
DIST_BUILD = $(CURDIR)/.build/dist
dist: deps
	for product in mnemo MnemoLibrary; do \
	  $(SWIFT) build -c release --static-swift-stdlib --scratch-path $(DIST_BUILD) \
	    -Xlinker -L$(STATIC) --product $$product || exit 1; \
	done
	rm -rf $(DIST_BUILD)/$(DIST) && mkdir -p $(DIST_BUILD)/$(DIST)
	strip -o $(DIST_BUILD)/mnemo $(DIST_BUILD)/release/mnemo
	$(SWIFT)c -static-stdlib -emit-library -module-name MnemoLibrary -Xlinker --gc-sections \
	  -Xlinker --strip-all -o $(DIST_BUILD)/mnemo.so \
	  @$(DIST_BUILD)/release/MnemoLibrary.product/Objects.LinkFileList -llua5.4 -lsqlite3 -ldl
	$(MAKE) install-files MNEMO=$(DIST_BUILD)/mnemo LIBRARY=$(DIST_BUILD)/mnemo.so \
	  DESTDIR=$(DIST_BUILD)/$(DIST) PREFIX=
	install -m 644 README.md CHANGELOG.md LICENSE $(DIST_BUILD)/$(DIST)
	cp -r docs $(DIST_BUILD)/$(DIST)
	tar -C $(DIST_BUILD) -czf $(DIST_BUILD)/$(DIST).tar.gz $(DIST)
	@echo $(DIST_BUILD)/$(DIST).tar.gz
