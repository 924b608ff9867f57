# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the part `lint` of tests/run checks; each function prints what it does not like, and fails. They run in the
# root of the repository; $work is a folder for what they write.

readonly TOP_LEVEL='^(\.ci|\.clang-format|\.clang-tidy|\.dockerignore|\.editorconfig|\.gitignore|CMakeLists\.txt|Dockerfile|LICENSE|README\.md|config|include|proxy|tests)$'

sources() {
    find include proxy tests -name '*.c' -o -name '*.h'
}

format_is_kept() {
    sources | xargs clang-format --dry-run -Werror
}

scripts_are_sound() {
    grep -rlE '^#!/bin/(ba)?sh' .ci config tests --exclude-dir=node_modules |
        xargs shellcheck --external-sources --source-path=SCRIPTDIR
}

python_is_sound() {
    local scripts
    mapfile -t scripts < <(grep -rlE '^#!/usr/bin/python3' config tests --exclude-dir=node_modules)
    find tests -name '*.py' -not -path '*/node_modules/*' -print0 | xargs -0 pyflakes3 "${scripts[@]}"
}

# It parses as clang does, and reports what clang warns of. On standard error it only counts what it has suppressed.
tidy() { # BUILD FILES-PER-PROCESS ARGUMENT...; the files on standard input
    xargs -P2 "-n$2" clang-tidy --quiet -p "$1" "${@:3}" 2>"$work/tidy"
}

# The analyzer follows every path through a function, which takes ten times as long as the rest: it stops at
# a tenth of its usual number of states for each function. Of the unit tests the sanitizers know more. The fuzzers
# are not in this build.
readonly ANALYZER=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=20000)
nothing_to_tidy() {
    sources | grep '\.c$' | grep -Ev '^tests/(fuzz|unit)/' | tidy build/clang 16 "${ANALYZER[@]}" &&
        sources | grep '^tests/unit/.*\.c$' | tidy build/clang 40 --checks='-clang-analyzer-*'
}

layout_is_fixed() {
    local strange
    strange=$(git ls-files --cached --others --exclude-standard | cut -d/ -f1 | sort -u |
        grep -vE "$TOP_LEVEL" || [[ $? -eq 1 ]])
    [[ -z $strange ]] || { echo "not in the layout: $strange" && return 1; }
}

# clang warns while it parses, and Debug differs from the default by its assertions. One clang-tidy parses many files;
# to start clang for each takes longer. Without a check of its own clang-tidy does nothing.
debug_parses() {
    local tree=build/types/Debug-clang
    cmake -S . -B "$tree" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DINTAKE_WERROR=ON \
        -DINTAKE_TESTS=OFF &&
        find proxy -name '*.c' | tidy "$tree" 40 --checks='-*,clang-diagnostic-*,readability-duplicate-include'
}

all_is_tidy() {
    cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DINTAKE_WERROR=ON && nothing_to_tidy
}
