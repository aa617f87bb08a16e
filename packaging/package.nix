# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
#
# nix-build -E 'with import <nixpkgs> {}; callPackage ./packaging/package.nix {}'
{ lib, stdenv, meson, ninja, pkg-config, python3, zlib, openssl, zstd, lz4, xxHash, xz, libxml2, libdeflate, isa-l, bzip2, jansson, libargon2, libseccomp, curl, libnbd }:

stdenv.mkDerivation {
  pname = "vmferry";
  version = "0.2.0";
  src = lib.cleanSource ../.;

  nativeBuildInputs = [ meson ninja pkg-config python3 ];
  buildInputs = [ zlib openssl zstd lz4 xxHash xz libxml2 libdeflate isa-l bzip2 jansson libargon2 libseccomp curl libnbd ];
  mesonFlags = [ "-Dtests=false" "-Dnbdkit=disabled" ];
  outputs = [ "out" "dev" "man" ];

  doInstallCheck = true;
  installCheckPhase = ''
    $out/bin/vmferry convert --verify ${../test-images/good-vmdk-stream.vmdk} disk.qcow2
  '';

  meta = {
    description = "Converts virtual-machine disk images, packages and machines between vendors";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
    mainProgram = "vmferry";
  };
}
