/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How the platforms' own programs are called, by their manuals. */
#include <string.h>

#include "upload.h"

static const char *const nothing[] = {NULL};
static const char *const azure[] = {
    "The generation must fit the disk: V2 starts by UEFI, V1 by BIOS.",
    "The guest needs the drivers hv_vmbus, hv_storvsc and hv_netvsc to start.", NULL};
static const char *const aws[] = {"The guest gets one network card, by DHCP.", NULL};
static const char *const gce[] = {
    "The guest needs the drivers virtio-scsi (or nvme) and virtio-net (or gvnic) to start.", NULL};
static const char *const by_hand[] = {
    "The manager of this platform uploads images by its own pages or its own API.", NULL};

/* The options of az, aws, gcloud, openstack and virtctl are from memory and were not tried on a
 * platform, which is why the script is for a person to read first. */
static const struct upload_calls all[] = {
    {.platform = "azure",
     .needs = "ACCOUNT CONTAINER GROUP",
     .say = azure,
     .each = "az storage blob upload --account-name \"$ACCOUNT\" --container-name \"$CONTAINER\" "
             "--type page --file {file} --name {label}.vhd\n",
     .first = "az image create --resource-group \"$GROUP\" --name {label} --os-type {system} "
              "--hyper-v-generation {generation} --source "
              "\"https://$ACCOUNT.blob.core.windows.net/$CONTAINER/\"{label}.vhd\n",
     .further = "az disk create --resource-group \"$GROUP\" --name {label} --source "
                "\"https://$ACCOUNT.blob.core.windows.net/$CONTAINER/\"{label}.vhd\n"},
    {.platform = "aws",
     .needs = "BUCKET",
     .say = aws,
     .each = "aws s3 cp {file} \"s3://$BUCKET/\"{label}.vmdk\n",
     .first = "aws ec2 import-image --description={name} --boot-mode {boot} --disk-containers "
              "\"Format=VMDK,UserBucket={S3Bucket=$BUCKET,S3Key=\"{label}\".vmdk}\"\n",
     .further = "aws ec2 import-snapshot --description {label} --disk-container "
                "\"Format=VMDK,UserBucket={S3Bucket=$BUCKET,S3Key=\"{label}\".vmdk}\"\n"},
    {.platform = "gce",
     .needs = "BUCKET",
     .say = gce,
     .each = "gcloud storage cp {file} \"gs://$BUCKET/\"{label}.tar.gz\n"
             "gcloud compute images create {label} --source-uri "
             "\"gs://$BUCKET/\"{label}.tar.gz --guest-os-features={features}\n"},
    {.platform = "openstack",
     .needs = "",
     .say = nothing,
     .each = "openstack image create --file {file} --disk-format qcow2 --container-format bare "
             "--min-disk {gib} --min-ram {memory} {kind}--property hw_firmware_type={firmware} "
             "--property hw_disk_bus={bus} --property hw_vif_model={nic} {label}\n"},
    {.platform = "kubevirt",
     .needs = "",
     .say = nothing,
     .each = "virtctl image-upload dv {label} --size={gib}Gi --image-path={file}\n"},
    {.platform = "nutanix", .needs = "", .say = by_hand, .each = "echo {file}\n"},
    {.platform = "ovirt", .needs = "", .say = by_hand, .each = "echo {file}\n"},
};

const struct upload_calls *upload_calls_of(const char *platform)
{
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (strcmp(all[i].platform, platform) == 0)
      return &all[i];
  return NULL;
}
