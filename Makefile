# densepred: dense prediction in C. `make help` lists what can be asked for.

.DEFAULT_GOAL := all
BUILD  ?= release
PREFIX ?= /usr/local
O      := build/$(BUILD)

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

PKGS     := cairo libpng libjpeg libcjson zlib openblas
TESTPKGS := check

# Asked lazily: the dependency step may install pkg-config itself.
PKG_CFLAGS  = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS    = $(shell pkg-config --libs $(PKGS))
TEST_CFLAGS = $(shell pkg-config --cflags $(TESTPKGS))
TEST_LIBS   = $(shell pkg-config --libs $(TESTPKGS))

# Never -ffast-math, and no contraction: an FMA is written where it is wanted.
ALL_CFLAGS = -std=c11 -pthread $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off \
             -fno-math-errno -I. -Iinclude $(PKG_CFLAGS) $(OPT_$(BUILD)) \
             -DDP_VERSION='"$(VERSION)"' -DDP_DATADIR='"$(PREFIX)/share/densepred"' \
             $(CPPFLAGS) $(CFLAGS)
LINK       = $(CC) -pthread $(OPT_$(BUILD)) $(CFLAGS) $(LDFLAGS)
LIBS       = $(PKG_LIBS) -lm

# Files of an instruction set, by suffix; nothing else gets these flags.
$O/%_avx2.o:   ISA := -mavx2 -mfma
$O/%_avx512.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma \
                      -mprefer-vector-width=512

# ---- sources ---------------------------------------------------------------

LIB_DIRS := core ops/kernels ops io backbone necks postprocess heads eval model
LIB_SRC  := $(foreach d,$(LIB_DIRS),$(sort $(wildcard $d/*.c)))
LIB_OBJ  := $(LIB_SRC:%.c=$O/%.o)
CLI_SRC  := $(sort $(wildcard cli/*.c))
CLI_OBJ  := $(CLI_SRC:%.c=$O/%.o)

# tests/<folder>/test_<subject>.c is a program of its own, on tests/support and on what
# else its folder holds.
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TESTS    := $(TEST_SRC:%.c=$O/%)
TEST_LIB := $(patsubst %.c,$O/%.o,$(sort $(wildcard tests/support/*.c)))
TEST_PARTS := $(patsubst %.c,$O/%.o,$(filter-out $(TEST_SRC) tests/support/% tests/tools/%,\
                $(sort $(wildcard tests/*/*.c))))
# tests/tools/<name>.c, tools/<name>.c and bench/<name>.c are programs too, the last on
# bench/peak.c.
TOOLS    := $(patsubst %.c,$O/%,$(sort $(wildcard tests/tools/*.c tools/*.c)))
BENCHES  := $(patsubst %.c,$O/%,$(filter-out bench/peak.c,$(sort $(wildcard bench/*.c))))

LIB_A   := $O/libdensepred.a
LIB_SO  := $O/libdensepred.so.$(VERSION)
PROGRAM := $O/densepred

# ---- targets ---------------------------------------------------------------

.PHONY: all deps lib check test-programs asan tsan ubsan cov lint format bench demo \
        install uninstall dist clean help FORCE
.SECONDARY:

all: deps ## build the library and the program (installs missing packages first)
	@$(MAKE) --no-print-directory lib $(PROGRAM)

deps: ## install the packages that are missing (Debian, Ubuntu; elsewhere: list them)
	@tools/install-deps.sh build

lib: $(LIB_A) $(LIB_SO)

$(LIB_A): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ)
	$(LINK) -shared -Wl,-soname,libdensepred.so.$(SONAME) -o $@ $^ $(LIBS)
	@ln -sf $(@F) $O/libdensepred.so.$(SONAME)
	@ln -sf $(@F) $O/libdensepred.so

$(PROGRAM): $(CLI_OBJ) $(LIB_A)
	$(LINK) -o $@ $^ $(LIBS)

$O/tests/%.o: ALL_CFLAGS += $(TEST_CFLAGS)
# The parts of a program's own folder; a % of its own would become the stem.
ANY := %
.SECONDEXPANSION:
$(TESTS): $O/%: $O/%.o $(TEST_LIB) $$(filter $$(@D)/$$(ANY),$$(TEST_PARTS)) $(LIB_A)
	$(LINK) -o $@ $^ $(LIBS) $(TEST_LIBS)
$(TOOLS): $O/%: $O/%.o $(TEST_LIB) $(LIB_A)
	$(LINK) -o $@ $^ $(LIBS) $(TEST_LIBS)
$(BENCHES): $O/%: $O/%.o $O/bench/peak.o $(TEST_LIB) $(LIB_A)
	$(LINK) -o $@ $^ $(LIBS) $(TEST_LIBS)

$O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ISA) -MMD -MP -c -o $@ $<

$O/flags: FORCE # rebuild when the flags change
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

test-programs: $(TESTS) $(TOOLS) $(PROGRAM)

check: ## build and run the tests (installs missing packages first)
	@tools/install-deps.sh build test
	@$(MAKE) --no-print-directory lib test-programs
	@tools/run-tests.sh $O

asan: ## the tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=asan check
tsan: ## the tests under the thread sanitizer
	@$(MAKE) --no-print-directory BUILD=tsan check

clean: ## remove everything built
	rm -rf build demo

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  BUILD=release|debug|asan|tsan|cov  CC=gcc|clang  WERROR=1  PREFIX=/usr/local  DESTDIR='

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(CLI_OBJ) $(TEST_LIB) $(TEST_PARTS)) $(TESTS:=.d) $(TOOLS:=.d) $(BENCHES:=.d)
