/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "package_maker.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "models.h"

enum { WORDS = 3, PEM_MAX = 4096 };

static char key_text[PEM_MAX], cert_text[PEM_MAX], key_path[FUZZ_PATH], cert_path[FUZZ_PATH];

static void keep(BIO *bio, char text[PEM_MAX])
{
  int length = BIO_read(bio, text, PEM_MAX - 1);

  text[length > 0 ? length : 0] = '\0';
  BIO_free(bio);
}

void fuzz_package_begin(void)
{
  EVP_PKEY *key = EVP_EC_gen("P-256");
  BIO *key_bio = BIO_new(BIO_s_mem()), *cert_bio = BIO_new(BIO_s_mem());
  X509 *cert = X509_new();

  setenv("SSL_CERT_FILE", "/dev/null", 1); /* the system's certificates take most of the time */
  setenv("SSL_CERT_DIR", "/dev/null", 1);
  if (!key || !cert || !key_bio || !cert_bio)
    fuzz_fault("no key");
  X509_NAME *name = X509_get_subject_name(cert);
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 360000);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"fuzz", -1, -1, 0);
  X509_set_issuer_name(cert, name);
  X509_set_pubkey(cert, key);
  if (!X509_sign(cert, key, EVP_sha256()) || !PEM_write_bio_X509(cert_bio, cert) ||
      !PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL))
    fuzz_fault("no certificate");
  keep(key_bio, key_text);
  keep(cert_bio, cert_text);
  X509_free(cert);
  EVP_PKEY_free(key);
}

struct vmf_package_target fuzz_package_target(struct fuzz_choices *choices)
{
  static const char *const digests[] = {NULL, "sha256", "sha1", "sha512"};
  struct vmf_package_target target = {.size = sizeof target, .no_sync = true};
  struct vmf_disk_form_info form = {.size = sizeof form};

  target.digest = digests[fuzz_below(choices, 4)];
  target.threads = 1 + fuzz_below(choices, 3);
  if (vmf_disk_form_describe(fuzz_below(choices, 16), &form))
    target.disk_format = form.name;
  if (!fuzz_chance(choices, 3))
    return target;
  fuzz_scratch_write("key.pem", key_text, strlen(key_text));
  fuzz_scratch_write("cert.pem", cert_text, strlen(cert_text));
  fuzz_scratch_path("key.pem", key_path);
  fuzz_scratch_path("cert.pem", cert_path);
  target.key_path = key_path;
  target.cert_path = cert_path;
  target.cms = fuzz_chance(choices, 2);
  return target;
}

void fuzz_package_path(struct fuzz_choices *choices, const char *name, char path[FUZZ_PATH])
{
  char file[64];

  snprintf(file, sizeof file, "%s.ova", name);
  fuzz_scratch_path(file, path);
  if (!fuzz_chance(choices, 2))
    return;
  fuzz_scratch_path(name, path);
  if (mkdir(path, 0700) != 0)
    fuzz_fault("%s cannot be made", path);
  snprintf(file, sizeof file, "%s/%s.ovf", name, name);
  fuzz_scratch_path(file, path);
}

static const char *perhaps(struct fuzz_choices *choices, const char *const *words, unsigned count)
{
  unsigned chosen = fuzz_below(choices, count * 2);

  return chosen < count ? words[chosen] : NULL;
}

/* The lists are static: one package is made at a time. */
static struct vmf_machine_options choose_machine(struct fuzz_choices *choices)
{
  static const char *const systems[] = {"ubuntu-64", "windows2019srv-64", "94", "macos"};
  static const char *const firmwares[] = {"bios", "efi"}, *const versions[] = {"1.0", "1.1", "2.0"};
  static const char *const buses[] = {"lsilogic", "lsilogicsas", "pvscsi", "buslogic",
                                      "sata",     "nvme",        "ide"};
  static const char *const models[] = {"E1000", "VmxNet3", "virtio", "PCNet32"};
  static const char *const hardwares[] = {"vmx-13", "vmx-7", "vmx-21", "virtualbox-2.2"};
  static const char *eulas[WORDS], *controllers[WORDS];
  static struct vmf_nic_options nics[WORDS];
  static struct vmf_property_options properties[WORDS];
  struct vmf_machine_options machine = {.size = sizeof machine};

  machine.os = perhaps(choices, systems, 4);
  machine.firmware = perhaps(choices, firmwares, 2);
  machine.secure_boot = fuzz_chance(choices, 4);
  machine.hardware = perhaps(choices, hardwares, 4);
  machine.ovf_version = perhaps(choices, versions, 3);
  machine.cpus = fuzz_below(choices, 9);
  machine.memory = (uint64_t)fuzz_below(choices, 256) << 22;
  machine.platform = fuzz_platform(choices);
  for (unsigned i = 0; i < WORDS; i++) {
    controllers[i] = buses[fuzz_below(choices, 7)];
    nics[i] = (struct vmf_nic_options){.model = perhaps(choices, models, 4)};
    properties[i] =
        (struct vmf_property_options){.key = i ? "key" : "a.b", .value = fuzz_word(choices)};
    eulas[i] = fuzz_word(choices);
  }
  nics[0].network = fuzz_word(choices);
  nics[0].mac = fuzz_chance(choices, 2) ? "00:50:56:01:02:03" : NULL;
  machine.controllers = controllers;
  machine.controller_count = fuzz_below(choices, WORDS + 1);
  machine.nics = nics;
  machine.nic_count = fuzz_below(choices, WORDS + 1);
  machine.properties = properties;
  machine.property_count = fuzz_below(choices, WORDS);
  machine.eulas = eulas;
  machine.eula_count = fuzz_below(choices, WORDS + 1);
  if (fuzz_chance(choices, 2)) {
    machine.name = fuzz_word(choices);
    machine.product = fuzz_word(choices);
    machine.vendor = fuzz_word(choices);
    machine.annotation = fuzz_word(choices);
  }
  return machine;
}

bool fuzz_package_make(struct fuzz_choices *choices, struct fuzz_package *package)
{
  struct vmf_machine_options machine = choose_machine(choices);
  struct vmf_package_target target = fuzz_package_target(choices);
  struct vmf_image *images[FUZZ_DISKS];
  struct vmf_error error;

  *package = (struct fuzz_package){.count = 1 + fuzz_below(choices, FUZZ_DISKS)};
  fuzz_package_path(choices, "made", package->path);
  for (unsigned i = 0; i < package->count; i++) {
    package->disks[i] = fuzz_disk_make(choices);
    images[i] = fuzz_disk_image(&package->disks[i]);
  }
  enum vmf_code code =
      vmf_package_pack(images, package->count, fuzz_chance(choices, 8) ? NULL : &machine,
                       package->path, &target, &error);
  for (unsigned i = 0; i < package->count; i++)
    vmf_image_close(images[i]);
  if (code == VMF_OK)
    return true;
  if (code != VMF_USAGE && code != VMF_UNSUPPORTED && code != VMF_LIMIT)
    fuzz_fault("pack: %s", error.text);
  fuzz_package_free(package);
  return false;
}

void fuzz_package_free(struct fuzz_package *package)
{
  for (unsigned i = 0; i < package->count; i++)
    free(package->disks[i].bytes);
  package->count = 0;
}
