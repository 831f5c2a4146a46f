#!/bin/bash
# The manual page and the completions: without mistakes, complete, and installed.
# Usage: tests/documents.sh path/to/httpd BUILD-FOLDER
set -u
httpd=${1:?usage: tests/documents.sh path/to/httpd BUILD-FOLDER}
build=${2:?}
. "$(dirname "$0")/support/checks.sh"
documents=$build/documents
have() { command -v "$1" >/dev/null || { echo "$1 is not installed: left out"; false; }; }

# All that --help lists is in each of them. In the page a hyphen is written so that it can be copied.
run --help
mapfile -t options < <(sed -nE 's/^ +(-., )?--([a-z-]+).*/\2/p' "$work/out")
check "--help lists options (${#options[@]})" test ${#options[@]} -gt 30
sed 's/\\-/-/g' "$documents/httpd.1" >"$work/page"
for option in "${options[@]}"; do
    check "--$option is in the page" has "$work/page" "^\.Fl --*$option( |$)"
    check "--$option completes in bash" has "$documents/httpd" "[ |']--$option[ =|']"
    check "--$option completes in zsh" has "$documents/_httpd" "['{,]--$option(=|'|})"
    check "--$option completes in fish" has "$documents/httpd.fish" " -l $option "
done
if have mandoc; then
    mandoc -T lint "$documents/httpd.1" >"$work/err" 2>&1
    check 'mandoc finds nothing to say of the page' empty "$work/err"
    mandoc -T ascii "$documents/httpd.1" | col -b >"$work/out"
    check 'the page shows options as they are written' has "$work/out" '^ +-r, --root DIR$'
    check 'and those whose value may be left out' has "$work/out" '^ +--spa\[=FILE\]$'
    check 'examples come before options' \
        is "$(grep -nE '^ +Examples|^OPTIONS' "$work/out" | sed 's/.*[: ]//' | tr '\n' ' ')" 'Examples OPTIONS '
fi

# bash: what is offered for words of which the last is unfinished
offer() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _httpd; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$documents/httpd" "$@" | tr '\n' ' '
}
run -m no-such-model
models=$(sed -n 's/^httpd: -m no-such-model: no such model (\(.*\))$/\1/p' "$work/err" | tr -d ,)
check 'bash reads it' bash -n "$documents/httpd"
check 'httpd -m <TAB> offers all models' is "$(offer httpd -m '')" "$models "
check 'of which some' is "$(offer httpd -q -m epoll-)" 'epoll-lt epoll-et '
check 'so behind --model' is "$(offer httpd --model epoll-)" 'epoll-lt epoll-et '
check 'and --model=' is "$(offer httpd --model = epoll-)" 'epoll-lt epoll-et '
check 'and --model= itself' is "$(offer httpd --model =)" "$models "
check 'choices' is "$(offer httpd --symlinks '')" 'inside all none '
check 'a word of a value' is "$(offer httpd -w '')" 'auto '
check 'nothing where nothing can be known' is "$(offer httpd -p '')" ' '
check 'options' is "$(offer httpd --max-)" '--max-connections --max-per-ip --max-header --max-requests '
check 'what may lack a value takes none of the next word' is "$(offer httpd --spa --dot)" '--dotfiles '
if have zsh; then
    check 'zsh reads it' zsh -n "$documents/_httpd"
fi
if have fish; then
    check 'fish reads it' fish --no-config -n "$documents/httpd.fish"
    fish_offer() { HOME=$work fish --no-config -c "source $documents/httpd.fish; complete -C '$1'" | cut -f1 | tr '\n' ' '; }
    check 'fish offers models' is "$(fish_offer 'httpd -m epoll-')" 'epoll-et epoll-lt '
    check 'and options' is "$(fish_offer 'httpd --max-h')" '--max-header '
fi

cmake --install "$build" --prefix "$work/usr" >"$work/out" 2>&1
check 'nothing is installed elsewhere' is "$(sed -n 's/^-- [IU][a-z-]*: //p' "$work/out" | grep -v "^$work/usr/")" ''
for file in bin/httpd share/man/man1/httpd.1 share/bash-completion/completions/httpd \
    share/zsh/site-functions/_httpd share/fish/vendor_completions.d/httpd.fish etc/httpd/httpd.conf; do
    check "$file is installed" test -s "$work/usr/$file"
done

finish
