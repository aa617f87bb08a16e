/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of the script, and how a value is kept in its quotes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hyperv_script.h"
#include "list.h"
#include "utf8.h"

const char hyperv_preamble[] = HYPERV_SCRIPT_HEAD
    ". Its disks are the .vhdx beside this file, which\n"
    "# stay where they are. To be run by an administrator of the host:\n"
    "#   powershell -ExecutionPolicy Bypass -File THIS.ps1\n"
    "#Requires -Modules Hyper-V\n"
    "$ErrorActionPreference = 'Stop'\n"
    "$folder = $PSScriptRoot + '\\'\n"
    "function Join-Switch($card, $name) {\n"
    "  if (Get-VMSwitch | Where-Object { $_.Name -ceq $name }) {\n"
    "    Connect-VMNetworkAdapter -VMNetworkAdapter $card -SwitchName $name\n"
    "  } else {\n"
    "    Write-Warning ('There is no virtual switch ' + $name + ': the card is not connected')\n"
    "  }\n"
    "}\n"
    "function Start-Tpm($machine) {\n"
    "  Set-VMKeyProtector -VM $machine -NewLocalKeyProtector\n"
    "  Enable-VMTPM -VM $machine\n"
    "}\n" HYPERV_SCRIPT_START "\n";

static enum vmf_code put_bytes(struct hyperv_script *script, const char *bytes, size_t length,
                               struct vmf_error *error)
{
  for (size_t i = 0; i <= length; i++) { /* the NUL behind, too, which is not counted */
    VMF_TRY(VMF_LIST_ROOM(script->text, script->length, script->room, "a script", error));
    script->text[script->length] = i < length ? bytes[i] : '\0';
    script->length += i < length;
  }
  return VMF_OK;
}

enum vmf_code hyperv_put(struct hyperv_script *script, struct vmf_error *error, const char *format,
                         ...)
{
  char text[512];
  va_list values;

  va_start(values, format);
  int length = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  if (length < 0 || (size_t)length >= sizeof text)
    return vmf_fail(error, VMF_LIMIT, "%s: a line is too long", script->target->name);
  return put_bytes(script, text, (size_t)length, error);
}

/* "'+[char]0x2019+'": between two parts in quotes. */
static enum vmf_code put_character(struct hyperv_script *script, uint32_t character,
                                   struct vmf_error *error)
{
  if (character < 0x10000)
    return hyperv_put(script, error, "'+[char]0x%x+'", (unsigned)character);
  character -= 0x10000;
  return hyperv_put(script, error, "'+[char]0x%x+[char]0x%x+'",
                    (unsigned)(0xd800 + (character >> 10)),
                    (unsigned)(0xdc00 + (character & 0x3ff)));
}

enum vmf_code hyperv_put_text(struct hyperv_script *script, const char *text,
                              struct vmf_error *error)
{
  VMF_TRY(hyperv_put(script, error, "('"));
  for (size_t left = strlen(text), step; left > 0; text += step, left -= step) {
    uint32_t character;
    step = vmf_utf8_get(text, left, &character);
    if (step == 0) { /* no UTF-8 */
      step = 1;
      character = 0xfffd;
    }
    if (character == '\'')
      VMF_TRY(hyperv_put(script, error, "''"));
    else if (character >= 0x20 && character < 0x7f)
      VMF_TRY(put_bytes(script, text, 1, error));
    else
      VMF_TRY(put_character(script, character, error));
  }
  return hyperv_put(script, error, "')");
}
