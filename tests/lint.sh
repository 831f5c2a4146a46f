#!/bin/bash
# clang-tidy (.clang-tidy says what it looks for, and why not for the rest) and cppcheck over all of src: clean.
# Usage: tests/lint.sh SOURCE-FOLDER BUILD-FOLDER, the latter with compile_commands.json; exits 77 (skipped) where either
# tool is missing.
set -u
cd "${1:?}" || exit 2
build=${2:?}
for tool in clang-tidy cppcheck; do
    command -v $tool >/dev/null || { echo "skipped: no $tool (Debian and Ubuntu: $tool)"; exit 77; }
done
[ -f "$build/compile_commands.json" ] || { echo "there is no $build/compile_commands.json" >&2; exit 2; }
status=0

find src -name '*.c' -print0 | xargs -0 -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" 2>/dev/null || status=1

# What it can't know: that snprintf(NULL, 0) counts (nullPointer, ctunullpointer), that an out parameter is written by
# who gets it (ctuuninitvar), that a length is a constant by which a branch is left out (pointerOutOfBoundsCond).
cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 -j "$(nproc)" -I include \
    -D__linux__ -D__x86_64__ -D__GNUC__=12 --suppress=nullPointer:src/site/reply_render.c --suppress=ctunullpointer \
    --suppress=ctuuninitvar --suppress=pointerOutOfBoundsCond src || status=1
[ $status = 0 ] && echo 'lint: clean'
exit $status
