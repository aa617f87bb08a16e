#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
#
# nightly_conversion.sh FROM TO: every disk image in the folder FROM becomes a packed QCOW2 disk in TO, unless it is there and newer. For cron: says
# nothing unless something failed, leaves a report a night, and ends with the status of the worst.
set -eu
from=$1 to=$2
report=$to/$(date +%Y-%m-%d).html
list=$(mktemp)
trap 'rm -f "$list"' EXIT

for disk in "$from"/*.vmdk "$from"/*.vhd "$from"/*.vhdx "$from"/*.vdi "$from"/*.raw; do
  [ -f "$disk" ] || continue
  case $disk in *-flat.vmdk | *-delta.vmdk | *-s[0-9][0-9][0-9].vmdk) continue ;; esac # parts of others
  target=$to/$(basename "$disk").qcow2
  if [ -z "$(find "$target" -newer "$disk" 2>/dev/null)" ]; then
    printf '%s\t%s\n' "$disk" "$target" >>"$list"
  fi
done
[ -s "$list" ] || exit 0
vmferry batch -q --defaults '-O qcow2 -c' "$list" --report "$report"
