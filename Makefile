# densepred: dense prediction in C. `make help` lists what can be asked for.

.DEFAULT_GOAL := all
BUILD  ?= release
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
LIBDIR ?= $(PREFIX)/lib
O      := build/$(BUILD)$(if $(MPI),-mpi)

VERSION := 0.1.0
SONAME  := 0

# ---- flags -----------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion \
        -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wcast-qual \
        -Wwrite-strings -Wformat=2 $(if $(WERROR),-Werror)

OPT_release := -O3 -g -DNDEBUG
OPT_debug   := -O0 -g3
OPT_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -DDP_ARENA_MALLOC
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_cov     := -O0 -g --coverage
OPT_lint-gcc := -O2

# How much longer than a release build a test may take.
SLOWNESS := $(if $(filter release,$(BUILD)),2,30)

PKGS     := cairo libpng libjpeg libcjson zlib
TESTPKGS := check

# Libraries that it works without: 1 where pkg-config finds one, else 0.
found     = $(if $(shell pkg-config --exists $(1) 2>/dev/null && echo yes),1,0)
WITH_GIF  := $(call found,'libgif')
WITH_TIFF := $(call found,'libtiff-4 >= 4.5')
WITH_WEBP := $(call found,'libwebp libwebpdemux')
PKGS      += $(if $(filter 1,$(WITH_GIF)),libgif) $(if $(filter 1,$(WITH_TIFF)),libtiff-4) \
             $(if $(filter 1,$(WITH_WEBP)),libwebp libwebpdemux)

# Asked lazily: the dependency step may install pkg-config itself.
PKG_CFLAGS  = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS    = $(shell pkg-config --libs $(PKGS))
TEST_CFLAGS = $(shell pkg-config --cflags $(TESTPKGS))
TEST_LIBS   = $(shell pkg-config --libs $(TESTPKGS))

# Never -ffast-math, and no contraction: an FMA is written where it is wanted.
ALL_CFLAGS = -std=c11 -pthread $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off \
             -fno-math-errno -I. -Iinclude $(PKG_CFLAGS) $(OPT_$(BUILD)) \
             -DDP_WITH_GIF=$(WITH_GIF) -DDP_WITH_TIFF=$(WITH_TIFF) -DDP_WITH_WEBP=$(WITH_WEBP) \
             -DDP_VERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS)
LINK       = $(CC) -pthread $(OPT_$(BUILD)) $(CFLAGS) $(LDFLAGS)
LIBS       = $(PKG_LIBS) $(if $(MPI),$(shell pkg-config --libs ompi-c)) -ldl -lm
# Cairo's shared library needs X11. Its archive does not, but is no code for shared
# libraries: the program has it, libdensepred.so has the shared one.
CAIRO_A    = $(wildcard $(shell pkg-config --variable=libdir cairo)/libcairo.a)
PROGRAM_LIBS = -Wl,--as-needed $(if $(CAIRO_A),$(patsubst -lcairo,$(CAIRO_A),$(LIBS)) \
               $(shell pkg-config --libs pixman-1 fontconfig freetype2) -lpng -lz -lm,$(LIBS))

# V=1 shows the commands; otherwise a line names what is made, and -s not even that.
Q   := $(if $(V),,@)
say  = $(if $(V)$(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),@:,@printf '%-4s %s\n')

# Sub-makes run in parallel, unless the caller said how many at once.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
SUBMAKE  = $(MAKE) --no-print-directory $(PARALLEL)

# Files of an instruction set, by suffix; nothing else gets these flags.
$O/%_avx2.o:   ISA := -mavx2 -mfma
$O/%_avx512.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma \
                      -mprefer-vector-width=512
$O/%_avx512bf16.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mavx2 \
                      -mfma -mprefer-vector-width=512

# ---- sources ---------------------------------------------------------------

LIB_DIRS := base core ops/kernels ops io/checkpoint io/image io/data backbone necks postprocess \
            heads model eval report runner train api
# These alone know MPI; where it is not there, their likes with _one.
MPI_SRC  := runner/processes_mpi.c train/ranks_mpi.c
NOT_LIB  := $(if $(MPI),$(MPI_SRC:_mpi.c=_one.c),$(MPI_SRC))
# Readers whose library is not there.
NOT_LIB  += $(if $(filter 0,$(WITH_GIF)),io/image/gif.c) $(if $(filter 0,$(WITH_TIFF)),io/image/tiff.c) \
            $(if $(filter 0,$(WITH_WEBP)),io/image/webp.c)
LIB_SRC  := $(filter-out $(NOT_LIB),$(foreach d,$(LIB_DIRS),$(sort $(wildcard $d/*.c))))
LIB_OBJ  := $(LIB_SRC:%.c=$O/%.o)
CLI_SRC  := $(sort $(wildcard cli/*.c))
CLI_OBJ  := $(CLI_SRC:%.c=$O/%.o)

# tests/<folder>/test_<subject>.c is a program of its own, on tests/support and on what
# else its folder holds.
TEST_SRC := $(sort $(wildcard tests/*/test_*.c tests/*/*/test_*.c))
TESTS    := $(TEST_SRC:%.c=$O/%)
TEST_LIB := $(patsubst %.c,$O/%.o,$(sort $(wildcard tests/support/*.c)))
TEST_PARTS := $(patsubst %.c,$O/%.o,$(filter-out $(TEST_SRC) tests/support/% tests/tools/%,\
                $(sort $(wildcard tests/*/*.c tests/*/*/*.c))))
# tests/tools/<name>.c, tools/<name>.c and bench/<name>.c are programs too.
TOOLS    := $(patsubst %.c,$O/%,$(filter-out tools/demo_page.c tools/toytown.c,\
              $(sort $(wildcard tests/tools/*.c tools/*.c))))
DEMO     := $O/tools/demo_page
# tools/toytown.c stands on tools/town.
TOYTOWN  := $O/tools/toytown
TOWN     := $(patsubst %.c,$O/%.o,$(sort $(wildcard tools/town/*.c)))
BENCHES  := $(patsubst %.c,$O/%,$(sort $(wildcard bench/*.c)))

LIB_A   := $O/libdensepred.a
LIB_SO  := $O/libdensepred.so.$(VERSION)
PROGRAM := $O/densepred

# ---- targets ---------------------------------------------------------------

.PHONY: all deps lib check test-programs asan asan-fast ubsan tsan cov lint format bench \
        check-report check-demo demo train train-demo install uninstall deb check-deb dist golden clean help FORCE
.SECONDARY:

all: deps ## build the library and the program (installs missing packages first)
	@$(SUBMAKE) lib $(PROGRAM)

deps: ## install the packages that are missing (Debian, Ubuntu; elsewhere: list them)
	@tools/install-deps.sh build $(if $(MPI),mpi)

lib: $(LIB_A) $(LIB_SO) ## build the library only

$(LIB_A): $(LIB_OBJ)
	@rm -f $@
	$(say) AR $@
	$(Q)$(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ)
	$(say) LINK $@
	$(Q)$(LINK) -shared -Wl,-soname,libdensepred.so.$(SONAME) -o $@ $^ $(LIBS)
	@ln -sf $(@F) $O/libdensepred.so.$(SONAME)
	@ln -sf $(@F) $O/libdensepred.so

$(PROGRAM): $(CLI_OBJ) $(LIB_A)
	$(say) LINK $@
	$(Q)$(LINK) -o $@ $^ $(PROGRAM_LIBS)

$O/tests/%.o: private ALL_CFLAGS += $(TEST_CFLAGS)
# The parts of a program's own folder, and for tests/cli the commands; a % of its own
# would become the stem.
ANY := %
CLI_PARTS := $(filter-out $O/cli/main.o,$(CLI_OBJ))
.SECONDEXPANSION:
$(TESTS): $O/%: $O/%.o $(TEST_LIB) $$(filter $$(@D)/$$(ANY),$$(TEST_PARTS)) \
          $$(if $$(filter $O/tests/cli/$$(ANY),$$@),$(CLI_PARTS)) $(LIB_A)
	$(say) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS) $(TEST_LIBS)
$(BENCHES): private LIBS += $(shell pkg-config --libs openblas)
$(TOOLS) $(BENCHES): $O/%: $O/%.o $(TEST_LIB) $(LIB_A)
	$(say) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS) $(TEST_LIBS)
$(DEMO): $(DEMO).o $(LIB_A)
	$(say) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS)
$(TOYTOWN): $(TOYTOWN).o $(TOWN) $(LIB_A)
	$(say) LINK $@
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(ISA) -MMD -MP -c -o $@ $<

$O/flags: FORCE # rebuild when the flags change
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

# Styles and scripts of pages, as zero-terminated arrays: report/page.css is page_css.
$O/report/page_files.h: report/page.css report/page.js
$O/report/train_page_files.h: report/train_page.js
$O/report/%_files.h:
	@mkdir -p $(@D)
	$(Q)for f in $(filter report/%,$^); do \
	    echo "static const char $$(basename $$f | tr . _)[] = {"; \
	    od -A n -v -t u1 $$f | sed 's/[0-9][0-9]*/&,/g'; \
	    echo '0};'; done > $@.new && mv $@.new $@
$O/report/page.o $O/report/train_page.o: private ALL_CFLAGS += -I$O
$O/report/page.o: $O/report/page_files.h
$O/report/train_page.o: $O/report/train_page_files.h

# Not our header: its warnings are not ours either.
$(MPI_SRC:%.c=$O/%.o): private ALL_CFLAGS += \
    $(patsubst -I%,-isystem %,$(shell pkg-config --cflags ompi-c))

# The one file that knows where the configs are installed.
$O/model/shipped.o: private ALL_CFLAGS += -DDP_DATADIR='"$(PREFIX)/share/densepred"'
$O/model/shipped.o: $O/prefix
$O/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' > $@

test-programs: $(TESTS) $(TOOLS) $(TOYTOWN) $(PROGRAM)

check: ## build and run the tests; QUICK=1 leaves out those tagged slow
	@tools/install-deps.sh build test
	@$(SUBMAKE) lib test-programs
	@$(if $(QUICK),CK_EXCLUDE_TAGS=slow) CK_TIMEOUT_MULTIPLIER=$(SLOWNESS) \
	    tools/run-tests.sh $O $(ONLY)

check-report: deps ## the evaluator's report page, in headless Chromium
	@tools/install-deps.sh report
	@$(SUBMAKE) $(PROGRAM)
	@tools/check-report.sh $O

check-demo: demo ## the demo's page, in headless Chromium; SHOTS=DIR keeps images of it
	@tools/install-deps.sh report
	@tools/in-chromium.sh tools/check-demo.js demo/index.html $(SHOTS)

bench: deps ## times of each part of the two main models; bench/kernels is built too
	@tools/install-deps.sh test
	@$(SUBMAKE) $(PROGRAM) $(BENCHES)
	@for m in coco/mask_rcnn_convnext_tiny ade20k/upernet_convnext_tiny_512; do \
	    echo; echo $$m; $(PROGRAM) bench $$m || exit 1; done

demo: deps ## build, and run two trained models on images that it draws; see demo/
	@$(SUBMAKE) $(PROGRAM) $(DEMO) $(TOYTOWN)
	@tools/demo.sh $O

train-demo: deps ## train a classifier from nothing on drawn crops, in a few minutes; see train-demo/
	@tools/install-deps.sh build
	@$(SUBMAKE) $(PROGRAM) $(TOYTOWN)
	@tools/train-demo.sh $O

asan: ## the tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=asan check
asan-fast: ## the same without the tests tagged slow
	@$(MAKE) --no-print-directory BUILD=asan QUICK=1 check
ubsan: asan ## the same as asan, which has both
tsan: ## the tests under the thread sanitizer
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tools/tsan-suppressions.txt \
	    $(MAKE) --no-print-directory BUILD=tsan check

cov: ## line coverage of the tests, a line a folder
	@find build/cov -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory BUILD=cov check
	@tools/coverage.sh build/cov

lint: ## the rules of the house: layers, headers, calls, lengths, warnings, format
	@tools/install-deps.sh build test lint
	@tools/lint.sh $(ONLY)

format: ## clang-format over every C file
	@find . -name build -prune -o -name '*.[ch]' -print | xargs clang-format -i

DATA    = $(DESTDIR)$(PREFIX)/share/densepred
# With the weights of the models that ship.
CONFIGS = $(shell find configs -name '*.json' -not -path 'configs/golden/*' \
            -o -name '*.safetensors')

MANUAL := $O/densepred.1
$(MANUAL): docs/densepred.1.in tools/man.sh $(PROGRAM) $O/prefix
	$(Q)tools/man.sh $(PROGRAM) $< $(VERSION) $(PREFIX)/share/densepred > $@

# Where each shell looks for completions.
COMPLETE_BASH = $(PREFIX)/share/bash-completion/completions
COMPLETE_ZSH  = $(PREFIX)/share/zsh/site-functions
COMPLETE_FISH = $(PREFIX)/share/fish/vendor_completions.d

install: lib $(PROGRAM) $(MANUAL) ## into PREFIX, below DESTDIR: program, library, header, configs
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include \
	    $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man1
	$(Q)install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/densepred
	$(Q)install -d $(DESTDIR)$(PREFIX)/include/densepred
	$(Q)install -m 644 include/densepred.h $(DESTDIR)$(PREFIX)/include/densepred.h
	$(Q)install -m 644 include/densepred/*.h $(DESTDIR)$(PREFIX)/include/densepred
	$(Q)install -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/libdensepred.a
	$(Q)install -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)/$(notdir $(LIB_SO))
	$(Q)ln -sf $(notdir $(LIB_SO)) $(DESTDIR)$(LIBDIR)/libdensepred.so.$(SONAME)
	$(Q)ln -sf libdensepred.so.$(SONAME) $(DESTDIR)$(LIBDIR)/libdensepred.so
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' \
	    'Name: densepred' 'Description: Dense prediction: objects and segments in images' \
	    'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -ldensepred' \
	    'Libs.private: $(LIBS) -pthread' > $(DESTDIR)$(LIBDIR)/pkgconfig/densepred.pc
	$(Q)install -m 644 $(MANUAL) $(DESTDIR)$(PREFIX)/share/man/man1/densepred.1
	$(Q)install -d $(DESTDIR)$(COMPLETE_BASH) $(DESTDIR)$(COMPLETE_ZSH) $(DESTDIR)$(COMPLETE_FISH)
	$(Q)$(PROGRAM) completion bash > $(DESTDIR)$(COMPLETE_BASH)/densepred
	$(Q)$(PROGRAM) completion zsh > $(DESTDIR)$(COMPLETE_ZSH)/_densepred
	$(Q)$(PROGRAM) completion fish > $(DESTDIR)$(COMPLETE_FISH)/densepred.fish
	$(Q)for f in $(CONFIGS); do install -D -m 644 $$f $(DATA)/$$f || exit 1; done

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/densepred $(DESTDIR)$(PREFIX)/include/densepred.h \
	    $(DESTDIR)$(LIBDIR)/libdensepred.a $(DESTDIR)$(LIBDIR)/libdensepred.so* \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/densepred.pc \
	    $(DESTDIR)$(PREFIX)/share/man/man1/densepred.1 \
	    $(DESTDIR)$(COMPLETE_BASH)/densepred $(DESTDIR)$(COMPLETE_ZSH)/_densepred \
	    $(DESTDIR)$(COMPLETE_FISH)/densepred.fish
	rm -rf $(DATA)/configs $(DESTDIR)$(PREFIX)/include/densepred
	-@rmdir $(DATA) 2>/dev/null || true

deb: deps ## the Debian packages densepred, libdensepred0, libdensepred-dev in build/deb
	@tools/install-deps.sh deb
	@MAKE='$(MAKE)' packaging/make-deb.sh $(VERSION) build/deb

check-deb: deb ## lintian, and the packages installed and run in a clean root
	@packaging/check-deb.sh build/deb

dist: ## the committed tree as build/densepred-$(VERSION).tar.gz
	@mkdir -p build
	@git archive --prefix=densepred-$(VERSION)/ HEAD | gzip -9 > build/densepred-$(VERSION).tar.gz
	@echo build/densepred-$(VERSION).tar.gz

golden: ## write tests/golden again from the reference in tools/golden (PyTorch)
	@tools/install-deps.sh golden
	$(PYTHON) -B tools/golden/make.py tests/golden

train: ## train the demo's two models again: about half an hour
	@tools/install-deps.sh build golden
	@$(SUBMAKE) $(TOYTOWN)
	$(TOYTOWN) $O/town --count 6000 --seed 1
	$(PYTHON) -B tools/train/train.py $O/town configs/toytown

clean: ## remove everything built
	rm -rf build demo train-demo

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo '  BUILD=release|debug|asan|tsan|cov  CC=gcc|clang  WERROR=1  V=1  QUICK=1  MPI=1'
	@echo '  ONLY=test or lint names  PREFIX=/usr/local  LIBDIR=PREFIX/lib  DESTDIR='

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(CLI_OBJ) $(TEST_LIB) $(TEST_PARTS)) $(TESTS:=.d) $(TOOLS:=.d) $(BENCHES:=.d) \
         $(TOYTOWN).d $(TOWN:.o=.d)
