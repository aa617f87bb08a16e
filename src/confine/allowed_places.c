/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "allowed_places.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws_credentials.h"
#include "json_name.h"
#include "link.h"
#include "memory.h"
#include "path.h"
#include "remote_settings.h"
#include "stream.h"
#include "text.h"
#include "url.h"
#include "vmferry.h"

enum { LINKS_MOST = 40 }; /* as the kernel's MAXSYMLINKS */

/* What glibc, OpenSSL and libxml2 open when it is needed first: encodings (gconv), providers,
 * configuration, time zones; what the number of threads and the memory are taken from (cgroups);
 * and what a block device is told to be. */
static const char *const system_places[] = {"/usr",           "/lib",
                                            "/lib64",         "/nix/store",
                                            "/gnu/store",     "/etc/ssl",
                                            "/etc/pki",       "/etc/crypto-policies",
                                            "/etc/localtime", "/etc/ld.so.cache",
                                            "/proc/self",     "/proc/meminfo",
                                            "/proc/sys/vm",   "/sys/fs/cgroup",
                                            "/sys/devices",   "/sys/dev/block",
                                            "/dev/null",      "/dev/urandom"};

/* Where else the environment says that these are, with ':' between them. */
static const char *const system_variables[] = {"OPENSSL_CONF", "OPENSSL_MODULES", "GCONV_PATH",
                                               "LOCPATH", "LD_LIBRARY_PATH"};

/* The path without slashes at its end, which would make its own folder of it. */
static enum vmf_code copy_folder(const char *path, char **folder, struct vmf_error *error)
{
  VMF_AUTO_FREE char *plain = NULL;
  size_t length = strlen(path);

  while (length > 1 && path[length - 1] == '/')
    length--;
  VMF_TRY(vmf_copy_bytes(path, length, &plain, error));
  return vmf_path_copy_folder(plain, folder, error);
}

/* A folder itself; a file that is there or not: the folder that it is in, since it may name others
 * beside it; anything else (a device, a pipe), and a file that has no name any more: by itself. A
 * rule keeps the room of a file that is replaced, so that one for it alone would cost that. */
static enum vmf_code allow_path(const struct vmf_landlock *landlock, const char *path,
                                enum vmf_access access, struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;
  struct stat status;
  bool there = stat(path, &status) == 0;

  if (there && (!S_ISREG(status.st_mode) || status.st_nlink == 0))
    VMF_TRY(vmf_landlock_allow(landlock, path, access, error));
  if (there && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
    return VMF_OK;
  VMF_TRY(copy_folder(path, &folder, error));
  /* A folder that is written is replaced as a whole by one that is made beside it. */
  if (there && S_ISDIR(status.st_mode) && access == VMF_ACCESS_READ)
    return VMF_OK;
  return vmf_landlock_allow(landlock, folder, access, error);
}

/* A file that is standard output is opened once more, to be written anywhere in it. */
static enum vmf_code allow_standard_output(const struct vmf_landlock *landlock,
                                           struct vmf_error *error)
{
  struct stat status;

  return fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode)
             ? vmf_landlock_allow(landlock, "/proc/self/fd/1", VMF_ACCESS_WRITE, error)
             : VMF_OK;
}

/* What a target's symlinks lead to is made there where it does not exist yet. */
static enum vmf_code allow_end_of_links(const struct vmf_landlock *landlock, const char *path,
                                        struct vmf_error *error)
{
  VMF_AUTO_FREE char *end = NULL;
  struct stat status;

  VMF_TRY(vmf_copy_text(path, &end, error));
  for (int i = 0; i < LINKS_MOST && lstat(end, &status) == 0 && S_ISLNK(status.st_mode); i++)
    VMF_TRY(vmf_link_follow(&end, error));
  return allow_path(landlock, end, VMF_ACCESS_WRITE, error);
}

/* As it is written, and where its symlinks lead to: what an image names is looked for in both. */
static enum vmf_code allow_both(const struct vmf_landlock *landlock, const char *path,
                                enum vmf_access access, struct vmf_error *error)
{
  char *real = realpath(path, NULL);
  enum vmf_code code = allow_path(landlock, path, access, error);
  if (code == VMF_OK && real)
    code = allow_path(landlock, real, access, error);
  else if (code == VMF_OK && access == VMF_ACCESS_WRITE)
    code = allow_end_of_links(landlock, path, error);
  free(real);
  return code;
}

/* "PACKAGE::DISK": a "::" may stand in the package's name, too. */
static enum vmf_code allow_packages(const struct vmf_landlock *landlock, const char *name,
                                    struct vmf_error *error)
{
  for (const char *colons = strstr(name, "::"); colons; colons = strstr(colons + 1, "::")) {
    VMF_AUTO_FREE char *package = NULL;
    VMF_TRY(vmf_copy_bytes(name, (size_t)(colons - name), &package, error));
    if (access(package, F_OK) == 0)
      VMF_TRY(allow_both(landlock, package, VMF_ACCESS_READ, error));
  }
  return VMF_OK;
}

/* Where the AWS tools have keys and settings. They are read again when keys expire, and who gives
 * new ones puts other files in their place. */
static enum vmf_code allow_aws(const struct vmf_landlock *landlock, struct vmf_error *error)
{
  char *paths[VMF_AWS_FILES];
  enum vmf_code code = vmf_aws_files(paths, error);

  for (size_t i = 0; i < VMF_AWS_FILES; i++) {
    if (code == VMF_OK && paths[i])
      code = allow_both(landlock, paths[i], VMF_ACCESS_READ, error);
    vmf_free(paths[i]);
  }
  return code;
}

/* A file of keys, or a folder with libnbd's names in it, which may be links to elsewhere. */
static enum vmf_code allow_keys(const struct vmf_landlock *landlock, const char *path,
                                struct vmf_error *error)
{
  static const char *const names[] = {"ca-cert.pem", "ca-crl.pem", "client-cert.pem",
                                      "client-key.pem"};

  VMF_TRY(vmf_landlock_allow(landlock, path, VMF_ACCESS_READ, error));
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    VMF_AUTO_FREE char *inside = NULL;
    VMF_TRY(vmf_format(&inside, error, "%s/%s", path, names[i]));
    VMF_TRY(vmf_landlock_allow(landlock, inside, VMF_ACCESS_READ, error));
  }
  return VMF_OK;
}

/* Where libnbd looks for keys where a URL names none. */
static enum vmf_code allow_usual_keys(const struct vmf_landlock *landlock, struct vmf_error *error)
{
  static const char *const folders[] = {".pki/libnbd", ".config/pki/libnbd"};
  const char *home = getenv("HOME");

  for (size_t i = 0; home && i < sizeof folders / sizeof folders[0]; i++) {
    VMF_AUTO_FREE char *path = NULL;
    VMF_TRY(vmf_format(&path, error, "%s/%s", home, folders[i]));
    VMF_TRY(allow_keys(landlock, path, error));
  }
  return allow_keys(landlock, "/etc/pki/libnbd", error);
}

/* Resolves %-escapes in place. */
static void unescape(char *text)
{
  char *out = text;

  for (; *text; text++) {
    int high = *text == '%' ? vmf_hex_digit(text[1]) : -1;
    int low = high >= 0 ? vmf_hex_digit(text[2]) : -1;

    *out++ = low < 0 ? *text : (char)(high << 4 | low);
    text += low < 0 ? 0 : 2;
  }
  *out = '\0';
}

/* What an NBD URL names here: keys and certificates. Sockets are reached all the same. */
static enum vmf_code allow_url(const struct vmf_landlock *landlock, const char *url,
                               struct vmf_error *error)
{
  static const char *const keys[] = {"tls-psk-file=", "tls-certificates="};

  if (vmf_url_is_s3(url))
    return allow_aws(landlock, error);
  for (size_t i = 0; vmf_url_is_nbd(url) && i < sizeof keys / sizeof keys[0]; i++) {
    VMF_AUTO_FREE char *path = NULL;
    const char *key = strstr(url, keys[i]);
    if (!key)
      continue;
    key += strlen(keys[i]);
    VMF_TRY(vmf_copy_bytes(key, strcspn(key, "&;"), &path, error));
    unescape(path);
    VMF_TRY(allow_keys(landlock, path, error));
  }
  return vmf_url_is_nbd(url) ? allow_usual_keys(landlock, error) : VMF_OK;
}

/* A name that is wrong allows nothing: the function that is to open it says so. */
static enum vmf_code allow_json(const struct vmf_landlock *landlock, const char *name,
                                enum vmf_access access, struct vmf_error *error)
{
  struct vmf_json_name read;
  struct vmf_error wrong = {0};
  enum vmf_code code = VMF_OK;
  if (vmf_json_name_read(name, &read, &wrong) == VMF_OK)
    code = vmf_url_is(read.path) ? allow_url(landlock, read.path, error)
                                 : allow_both(landlock, read.path, access, error);
  vmf_json_name_free(&read);
  return code;
}

static enum vmf_code allow_name(const struct vmf_landlock *landlock, const char *name,
                                enum vmf_access access, struct vmf_error *error)
{
  struct vmf_error wrong = {0};
  char *path = NULL;

  if (vmf_url_is(name))
    return allow_url(landlock, name, error);
  if (vmf_json_name_is(name))
    return allow_json(landlock, name, access, error);
  if (vmf_location_resolve(name, access == VMF_ACCESS_READ, &path, &wrong) != VMF_OK)
    return VMF_OK;
  enum vmf_code code = VMF_OK;
  if (strcmp(path, "-") != 0)
    code = allow_both(landlock, path, access, error);
  else if (access == VMF_ACCESS_WRITE)
    code = allow_standard_output(landlock, error);
  if (code == VMF_OK && access == VMF_ACCESS_READ)
    code = allow_packages(landlock, path, error);
  free(path);
  return code;
}

enum vmf_code vmf_allow_names(const struct vmf_landlock *landlock, const char *const *names,
                              enum vmf_access access, struct vmf_error *error)
{
  for (; names && *names; names++)
    VMF_TRY(allow_name(landlock, *names, access, error));
  return VMF_OK;
}

static enum vmf_code allow_list(const struct vmf_landlock *landlock, const char *list,
                                struct vmf_error *error)
{
  while (list && *list) {
    VMF_AUTO_FREE char *place = NULL;
    size_t length = strcspn(list, ":");
    VMF_TRY(vmf_copy_bytes(list, length, &place, error));
    VMF_TRY(vmf_landlock_allow(landlock, place, VMF_ACCESS_READ, error));
    list += length + (list[length] == ':');
  }
  return VMF_OK;
}

/* ---- the network ---- */

static bool names_url_in_json(const char *name)
{
  struct vmf_json_name read;
  struct vmf_error wrong = {0};
  bool found = vmf_json_name_read(name, &read, &wrong) == VMF_OK && vmf_url_is(read.path);

  vmf_json_name_free(&read);
  return found;
}

bool vmf_names_network(const char *const *names)
{
  for (; names && *names; names++)
    if (vmf_url_is(*names) || (vmf_json_name_is(*names) && names_url_in_json(*names)))
      return true;
  return false;
}

/* Which machine has which address, and what certificates are trusted: of the C library, systemd's
 * and nscd's resolvers, OpenSSL and GnuTLS. */
static const char *const network_places[] = {
    "/etc/resolv.conf",     "/etc/hosts",          "/etc/nsswitch.conf",      "/etc/host.conf",
    "/etc/gai.conf",        "/etc/services",       "/etc/protocols",          "/etc/gnutls",
    "/etc/ca-certificates", "/etc/passwd",         "/run/systemd/resolve",    "/run/nscd",
    "/var/run/nscd",        "/run/NetworkManager", "/var/lib/ca-certificates"};

static const char *const network_variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"};

enum vmf_code vmf_allow_network(const struct vmf_landlock *landlock, struct vmf_error *error)
{
  const char *home = getenv("HOME"), *named = getenv("NETRC");
  VMF_AUTO_FREE char *netrc = NULL;

  for (size_t i = 0; i < sizeof network_places / sizeof network_places[0]; i++)
    VMF_TRY(vmf_landlock_allow(landlock, network_places[i], VMF_ACCESS_READ, error));
  for (size_t i = 0; i < sizeof network_variables / sizeof network_variables[0]; i++)
    VMF_TRY(allow_list(landlock, getenv(network_variables[i]), error));
  if (!vmf_remote_settings()->netrc)
    return VMF_OK;
  if (named)
    VMF_TRY(vmf_landlock_allow(landlock, named, VMF_ACCESS_READ, error));
  VMF_TRY(vmf_format(&netrc, error, "%s/.netrc", home ? home : ""));
  return vmf_landlock_allow(landlock, netrc, VMF_ACCESS_READ, error);
}

enum vmf_code vmf_allow_system(const struct vmf_landlock *landlock, struct vmf_error *error)
{
  for (size_t i = 0; i < sizeof system_places / sizeof system_places[0]; i++)
    VMF_TRY(vmf_landlock_allow(landlock, system_places[i], VMF_ACCESS_READ, error));
  for (size_t i = 0; i < sizeof system_variables / sizeof system_variables[0]; i++)
    VMF_TRY(allow_list(landlock, getenv(system_variables[i]), error));
  return vmf_landlock_allow(landlock, vmf_spool_folder(NULL), VMF_ACCESS_WRITE, error);
}
