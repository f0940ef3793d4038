#!/bin/sh
# Checks the tree against the rules of the house. usage: lint.sh [CHECK...]
# Checks: text words code headers scripts format warnings cppcheck (all by default).
# Needs the packages of `tools/install-deps.sh build test lint`.
set -u
cd "$(dirname "$0")/.." || exit 1
jobs=$(nproc)
failed=

# Every file of the tree that is not made.
all_files() {
    find . -type f -not -path './.git/*' -not -path './build/*' -not -path './demo/*' -not -path './train-demo/*' \
        -not -path './node_modules/*' |
        sed 's|^\./||' | sort
}

c_files() {
    all_files | grep '\.[ch]$'
}

# Prints its input, if any, and fails then.
none() {
    found=$(cat)
    [ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

check_text() {
    text=$(all_files | xargs grep -Il '')
    {
        echo "$text" | grep -v '^Makefile$' | xargs grep -nP '\t' |
            sed 's|$| <- found a tab|'
        echo "$text" | xargs grep -nE '[[:space:]]+$' | sed 's|$| <- found a trailing blank|'
        echo "$text" | xargs grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' |
            sed 's|$| <- found an unfinished word|'
        echo "$text" | while read -r f; do
            [ -z "$(tail -c 1 "$f")" ] || echo "$f: found no newline at the end"
        done
    } | none
}

# Files that a page names in backquotes and that are not there.
missing_files() {
    for page in docs/architecture.md tests/README.md; do
        # shellcheck disable=SC2016 # backquotes of Markdown
        grep -o '`[a-z_]*/[a-z0-9_/]*\.\(c\|h\|def\|md\|json\)`' "$page" | tr -d '`' | sort -u |
            while read -r file; do
                [ -e "$file" ] || [ -e "include/$file" ] || echo "$page: there is no $file"
            done
    done
}

# No word of tools/words.txt but in tests and names of classes; no sentence of more than
# 25 words.
check_words() {
    text=$(all_files | grep -vE '^(tools/words\.txt|LICENSE|bench/results/.*|configs/datasets/.*|tests/.*)$' | xargs grep -Il '')
    {
        grep -v '^#' tools/words.txt | while IFS= read -r row; do
            echo "$text" | xargs grep -nP -- "${row% => *}" | cut -c1-120 |
                sed "s|\$| <- write: ${row#* => }|"
        done
        all_files | grep -E '\.(c|h|inc|md)$' | xargs awk -f tools/sentences.awk
        missing_files
    } | none
}

check_code() {
    c_files | xargs awk -f tools/lint.awk | none
}

# Each header on its own; the public one as C++ too.
check_headers() {
    flags="-I. -Iinclude -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags cairo libcjson check)"
    c_files | grep '\.h$' | xargs -P "$jobs" -I{} sh -c "
        case {} in
        *_avx2.h) isa='-mavx2 -mfma' ;;
        *_avx512.h) isa='-mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl' ;;
        *) isa= ;;
        esac
        printf '#include \"{}\"\\nextern int alone;\\n' | gcc -std=c11 $flags \$isa -fsyntax-only -x c - 2>&1 |
            grep -q . && echo '{}: does not compile alone'; true" | none || return 1
    for compiler in 'gcc -std=c11 -x c' 'g++ -std=c++11 -x c++' 'clang -std=c11 -x c' \
        'clang++ -std=c++11 -x c++'; do
        # shellcheck disable=SC2086 # a command and its options
        echo '#include "densepred.h"' |
            $compiler -Iinclude -Wall -Wextra -Wpedantic -Werror -fsyntax-only - || return 1
    done
}

check_scripts() {
    all_files | grep -E '\.sh$|^\.ci/' | xargs shellcheck
}

check_format() {
    c_files | xargs -P "$jobs" -n 16 clang-format --dry-run -Werror
}

# gcc 12 drops a prefetch in a function that is not always inlined, without a word.
lost_prefetches() {
    for object in build/lint-gcc/ops/kernels/*_avx*.o; do
        source=${object#build/lint-gcc/}
        source=${source%.o}.c
        # shellcheck disable=SC2046 # a list of files
        grep -q '^ *prefetch[a-z_]*(' "$source" \
            $(sed -n 's/^#include "\(.*\.inc\)"/\1/p' "$source") || continue
        objdump -d "$object" | grep -q prefetch ||
            echo "$source: its prefetches are not in the program"
    done
}

check_warnings() {
    make -s -j "$jobs" BUILD=lint CC=clang WERROR=1 lib test-programs &&
        make -s -j "$jobs" BUILD=lint-gcc CC=gcc WERROR=1 lib test-programs &&
        lost_prefetches | none
}

check_cppcheck() {
    c_files | grep -E '^(base|core|ops|io|backbone|necks|postprocess|heads|model|eval|report|runner|train|api|cli)/.*\.c$' |
        cppcheck --quiet --std=c11 --enable=warning,performance,portability \
            --inline-suppr --suppress=missingIncludeSystem --error-exitcode=1 \
            -DDP_VERSION='""' -DDP_DATADIR='""' -DDP_WITH_GIF=1 -DDP_WITH_TIFF=1 -DDP_WITH_WEBP=1 -D__x86_64__ -I. -Iinclude -j "$jobs" \
            --file-list=-
}

[ $# -gt 0 ] || set -- text words code headers scripts format warnings cppcheck
for check; do
    case $check in
    text | words | code | headers | scripts | format | warnings | cppcheck) ;;
    *)
        echo "lint.sh: no check '$check'" >&2
        exit 2
        ;;
    esac
    if "check_$check"; then
        echo "lint: $check ok"
    else
        echo "lint: $check FAILED"
        failed="$failed $check"
    fi
done
[ -z "$failed" ] || {
    echo "lint failed:$failed"
    exit 1
}
