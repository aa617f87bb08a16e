#compdef vmferry
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
#
# Completion of vmferry's command lines in zsh: the program itself says what may stand there.

_vmferry() {
  local text description
  local -a texts shown open_texts open_shown
  while IFS=$'\t' read -r text description; do
    case $text in
    :files)
      compset -P '--*='
      _files
      ;;
    :folders)
      compset -P '--*='
      _files -/
      ;;
    *=)
      open_texts+=("$text")
      open_shown+=("${text}${description:+  -- $description}")
      ;;
    *)
      texts+=("$text")
      shown+=("${text}${description:+  -- $description}")
      ;;
    esac
  done < <("${~${(Q)words[1]}}" completion --words -- "${(Q@)words[2,CURRENT]}" 2>/dev/null)
  (($#texts)) && compadd -l -d shown -a texts
  (($#open_texts)) && compadd -l -S '' -d open_shown -a open_texts
  return 0
}

# Found in $fpath it is called; read by "source" it takes its place.
if [[ ${funcstack[1]} == _vmferry ]]; then
  _vmferry "$@"
else
  compdef _vmferry vmferry
fi
