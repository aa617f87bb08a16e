/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The two files are INI: "[name]" in the credentials is "[profile name]" in the configuration, but
 * for "[default]". Values of both are the same words. */
#include "aws_credentials.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws_ask.h"
#include "memory.h"
#include "remote_settings.h"

enum { LINE_BYTES = 16 << 10, FILE_LINES = 100 * 1000, PROFILE_FILES = 2 };

/* What the section of a profile says. */
struct profile {
  const char *name;
  bool found;
  char *id, *secret, *token, *region, *endpoint; /* owned; NULL: not said */
  bool elsewhere; /* the keys come from a program, a role or a login */
};

/* ---- the files ---- */

static enum vmf_code file_path(const char *variable, const char *usual, char **path,
                               struct vmf_error *error)
{
  const char *named = getenv(variable), *home = getenv("HOME");

  *path = NULL;
  if (named && named[0])
    return vmf_copy_text(named, path, error);
  return home ? vmf_format(path, error, "%s/.aws/%s", home, usual) : VMF_OK;
}

/* The first two are read for profiles. */
enum vmf_code vmf_aws_files(char *paths[VMF_AWS_FILES], struct vmf_error *error)
{
  static const char *const tokens[] = {VMF_AWS_TOKEN_FILE, VMF_AWS_IDENTITY_FILE};

  for (size_t i = 0; i < VMF_AWS_FILES; i++)
    paths[i] = NULL;
  VMF_TRY(file_path("AWS_SHARED_CREDENTIALS_FILE", "credentials", &paths[0], error));
  VMF_TRY(file_path("AWS_CONFIG_FILE", "config", &paths[1], error));
  for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    const char *token = getenv(tokens[i]);
    if (token && token[0])
      VMF_TRY(vmf_copy_text(token, &paths[PROFILE_FILES + i], error));
  }
  return VMF_OK;
}

static char *trim(char *text)
{
  size_t length;

  text += strspn(text, " \t");
  length = strlen(text);
  while (length > 0 && strchr(" \t\r\n", text[length - 1]))
    text[--length] = '\0';
  return text;
}

/* "[profile NAME]", "[NAME]". */
static bool begins_profile(char *line, const char *name)
{
  char *end = strchr(line, ']');

  if (!end)
    return false;
  *end = '\0';
  line = trim(line + 1);
  if (strncmp(line, "profile", 7) == 0 && (line[7] == ' ' || line[7] == '\t'))
    line = trim(line + 7);
  size_t length = strlen(line);
  if (length >= 2 && (line[0] == '"' || line[0] == '\'') && line[length - 1] == line[0]) {
    line[length - 1] = '\0';
    line++;
  }
  return strcmp(line, name) == 0;
}

/* What has been said before, by the file that is read first, stays. */
static enum vmf_code take_value(struct profile *profile, const char *word, const char *value,
                                struct vmf_error *error)
{
  static const char *const others[] = {"credential_process", "role_arn", "sso_session",
                                       "sso_start_url", "login_session"};
  const struct {
    const char *word;
    char **place;
  } rows[] = {{"aws_access_key_id", &profile->id},
              {"aws_secret_access_key", &profile->secret},
              {"aws_session_token", &profile->token},
              {"region", &profile->region},
              {"endpoint_url", &profile->endpoint}};

  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    profile->elsewhere |= strcasecmp(word, others[i]) == 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcasecmp(word, rows[i].word) == 0 && !*rows[i].place && value[0])
      return vmf_copy_text(value, rows[i].place, error);
  return VMF_OK;
}

/* A line that starts with a blank belongs to a value of several. */
static enum vmf_code take_line(struct profile *profile, char *line, bool *inside,
                               struct vmf_error *error)
{
  char *equals = strchr(line, '=');

  if (line[0] == '[') {
    *inside = begins_profile(line, profile->name);
    profile->found |= *inside;
    return VMF_OK;
  }
  if (!*inside || !equals || strchr("#; \t", line[0]))
    return VMF_OK;
  *equals = '\0';
  return take_value(profile, trim(line), trim(equals + 1), error);
}

/* A file that is not there says nothing. Its lines are in no message. */
static enum vmf_code read_file(const char *path, struct profile *profile, struct vmf_error *error)
{
  FILE *file = path ? fopen(path, "re") : NULL;
  VMF_AUTO_FREE void *line = NULL;
  bool inside = false;

  if (!file)
    return VMF_OK;
  enum vmf_code code = vmf_alloc(LINE_BYTES, &line, error);
  for (unsigned number = 1; code == VMF_OK && fgets(line, LINE_BYTES, file); number++)
    code = number > FILE_LINES
               ? vmf_fail(error, VMF_LIMIT, "%s: more than %d lines", path, FILE_LINES)
           : strlen(line) == LINE_BYTES - 1
               ? vmf_fail(error, VMF_LIMIT, "%s: line %u has %d bytes or more", path, number,
                          LINE_BYTES - 1)
               : take_line(profile, line, &inside, error);
  if (line)
    explicit_bzero(line, LINE_BYTES);
  fclose(file);
  return code;
}

static enum vmf_code read_files(struct profile *profile, struct vmf_error *error)
{
  char *paths[VMF_AWS_FILES];
  enum vmf_code code = vmf_aws_files(paths, error);

  for (size_t i = 0; i < PROFILE_FILES && code == VMF_OK; i++)
    code = read_file(paths[i], profile, error);
  for (size_t i = 0; i < VMF_AWS_FILES; i++)
    vmf_free(paths[i]);
  return code;
}

/* ---- what holds ---- */

/* The first that is said; NULL: none. */
static const char *first_of(const char *a, const char *b, const char *c, const char *d)
{
  const char *const all[] = {a, b, c, d};

  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (all[i] && all[i][0])
      return all[i];
  return NULL;
}

static enum vmf_code copy_said(const char *text, char **copy, struct vmf_error *error)
{
  *copy = NULL;
  return text && text[0] ? vmf_copy_text(text, copy, error) : VMF_OK;
}

/* A line's end in a value of a header would begin another header. */
static enum vmf_code check_key(const char *text, const char *what, struct vmf_error *error)
{
  for (; text && *text; text++)
    if ((unsigned char)*text <= ' ' || *text == 0x7f)
      return vmf_fail(error, VMF_USAGE,
                      "the %s of who asks (AWS) has a blank or a line's end in it, expected none",
                      what);
  return VMF_OK;
}

static enum vmf_code take_keys(const char *id, const char *secret, const char *token,
                               struct vmf_aws_credentials *found, struct vmf_error *error)
{
  VMF_TRY(check_key(id, "access key id", error));
  VMF_TRY(check_key(secret, "secret access key", error));
  VMF_TRY(check_key(token, "session token", error));
  VMF_TRY(copy_said(id, &found->id, error));
  VMF_TRY(copy_said(secret, &found->secret, error));
  return copy_said(token, &found->token, error);
}

static enum vmf_code nobody(const char *name, const struct profile *profile,
                            struct vmf_error *error)
{
  if (profile->elsewhere)
    return vmf_fail(error, VMF_SYSTEM,
                    "%s: the keys of profile \"%s\" come from a login, a role or a program, which "
                    "the AWS tools ask: eval \"$(aws configure export-credentials --profile %s "
                    "--format env)\"",
                    name, profile->name, profile->name);
  if (!profile->found && strcmp(profile->name, "default") != 0)
    return vmf_fail(error, VMF_SYSTEM,
                    "%s: there is no profile \"%s\" in ~/.aws/credentials or ~/.aws/config", name,
                    profile->name);
  return vmf_fail(error, VMF_SYSTEM,
                  "%s: nobody says who asks: expected AWS_ACCESS_KEY_ID and "
                  "AWS_SECRET_ACCESS_KEY in the environment, or a profile in ~/.aws/credentials "
                  "(--profile); an instance's service is asked with "
                  "AWS_EC2_METADATA_DISABLED=false; --no-sign-request reads what is public",
                  name);
}

static void wipe(char *secret)
{
  if (secret)
    explicit_bzero(secret, strlen(secret));
  vmf_free(secret);
}

/* What is given to what runs on the machine. */
static enum vmf_code take_given(const char *name, const char *region,
                                struct vmf_aws_credentials *found, struct vmf_error *error)
{
  struct vmf_aws_keys keys = {0};
  enum vmf_code code = vmf_aws_ask(name, region, &keys, error);

  if (code == VMF_OK)
    code = take_keys(keys.id, keys.secret, keys.token, found, error);
  wipe(keys.secret);
  wipe(keys.token);
  vmf_free(keys.id);
  return code;
}

/* A profile that the caller names goes before the environment, as with the AWS tools. */
static enum vmf_code find_keys(const char *name, const char *region, const struct profile *profile,
                               struct vmf_aws_credentials *found, struct vmf_error *error)
{
  const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
  bool named = vmf_remote_settings()->profile != NULL;

  if (vmf_remote_settings()->unsigned_requests)
    return VMF_OK;
  if (!named && id && id[0] && secret && secret[0])
    return take_keys(id, secret, getenv("AWS_SESSION_TOKEN"), found, error);
  if (!named && vmf_aws_has_identity())
    return take_given(name, region, found, error);
  if ((!profile->id || !profile->secret) && !named && !profile->elsewhere && vmf_aws_may_ask())
    return take_given(name, region, found, error);
  if (!profile->id || !profile->secret)
    return nobody(name, profile, error);
  return take_keys(profile->id, profile->secret, profile->token, found, error);
}

static enum vmf_code find_all(const char *name, const struct profile *profile,
                              struct vmf_aws_credentials *found, struct vmf_error *error)
{
  const struct vmf_remote_settings *settings = vmf_remote_settings();
  const char *region = first_of(settings->region, getenv("AWS_REGION"),
                                getenv("AWS_DEFAULT_REGION"), profile->region);
  const char *endpoint = first_of(settings->endpoint, getenv("AWS_ENDPOINT_URL_S3"),
                                  getenv("AWS_ENDPOINT_URL"), profile->endpoint);

  VMF_TRY(vmf_copy_text(region ? region : "us-east-1", &found->region, error));
  VMF_TRY(find_keys(name, found->region, profile, found, error));
  VMF_TRY(copy_said(endpoint, &found->endpoint, error));
  for (size_t i = endpoint ? strlen(endpoint) : 0; i > 0 && found->endpoint[i - 1] == '/'; i--)
    found->endpoint[i - 1] = '\0';
  return VMF_OK;
}

enum vmf_code vmf_aws_credentials_find(const char *name, struct vmf_aws_credentials *found,
                                       struct vmf_error *error)
{
  const char *profile_name =
      first_of(vmf_remote_settings()->profile, getenv("AWS_PROFILE"), NULL, NULL);
  struct profile profile = {.name = profile_name ? profile_name : "default"};

  *found = (struct vmf_aws_credentials){0};
  enum vmf_code code = read_files(&profile, error);
  if (code == VMF_OK)
    code = find_all(name, &profile, found, error);
  if (code != VMF_OK)
    vmf_aws_credentials_clear(found);
  wipe(profile.secret);
  wipe(profile.token);
  vmf_free(profile.id);
  vmf_free(profile.region);
  vmf_free(profile.endpoint);
  return code;
}

void vmf_aws_credentials_clear(struct vmf_aws_credentials *credentials)
{
  wipe(credentials->secret);
  wipe(credentials->token);
  vmf_free(credentials->id);
  vmf_free(credentials->region);
  vmf_free(credentials->endpoint);
  *credentials = (struct vmf_aws_credentials){0};
}
