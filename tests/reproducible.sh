#!/bin/bash
# Two builds of one source, in folders that have nothing in common, are the same file.
# Usage: tests/reproducible.sh SOURCE-FOLDER COMPILER
set -u
source=${1:?} compiler=${2:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/one" "$work/another/folder"
cp -r "$source"/{CMakeLists.txt,README.md,LICENSE,include,src,html} "$work/one"
cp -r "$work/one" "$work/another/folder/copy"

build() { # SOURCE BUILD: with debugging information, where paths would be
    CC=$compiler cmake -S "$1" -B "$2" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo >"$work/log" 2>&1 &&
        cmake --build "$2" -j "$(nproc)" --target httpd >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
build "$work/one" "$work/one/build"
build "$work/another/folder/copy" "$work/elsewhere"
if ! cmp "$work/one/build/httpd" "$work/elsewhere/httpd"; then
    strings -a "$work/one/build/httpd" | grep -F "$work" | sort -u | head
    exit 1
fi
echo 'reproducible: the same'
