# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
#
# Completion of vmferry's command lines in fish: the program itself says what may stand there.

function __vmferry_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' "$current")
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    for line in ($before[1] completion --words -- $before[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                string replace -r -- '^' "$option" (__fish_complete_path "$value")
            case :folders
                string replace -r -- '^' "$option" (__fish_complete_directories "$value")
            case '*'
                echo $line
        end
    end
end

complete -c vmferry -f -a '(__vmferry_complete)'
