# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
#
# Completion of vmferry's command lines in bash: the program itself says what may stand there.

_vmferry() {
  local rest=${COMP_LINE:0:COMP_POINT} words=() index word cut text
  COMPREPLY=()
  # "=" and ":" end a word for bash but not for vmferry: what stands together is one.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    if [[ $index -eq 0 || $rest == [[:space:]]* ]]; then
      rest=${rest#"${rest%%[![:space:]]*}"}
      words+=('')
    fi
    [[ $index -eq $COMP_CWORD ]] && word=$rest
    words[-1]+=$word
    rest=${rest#"$word"}
  done
  cut=${words[-1]%"$2"}
  while IFS=$'\t' read -r text _; do
    case $text in
    :files) compopt -o default ;;
    :folders) compopt -o dirnames ;;
    *) COMPREPLY+=("${text#"$cut"}") ;;
    esac
  done < <("${1/#\~/$HOME}" completion --words -- "${words[@]:1}" 2>/dev/null)
  [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
  return 0
}

complete -F _vmferry vmferry
