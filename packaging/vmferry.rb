# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
#
# Homebrew on Linux. vmferry is not built for macOS.
class Vmferry < Formula
  desc "Converts virtual-machine disk images, packages and machines between vendors"
  homepage "https://example.org/vmferry"
  url "https://example.org/vmferry/vmferry-0.2.0.tar.xz"
  sha256 "SHA256"
  license "MIT"

  depends_on "meson" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "python@3.12" => :build
  depends_on "argon2"
  depends_on "bzip2"
  depends_on "curl"
  depends_on "jansson"
  depends_on "libdeflate"
  depends_on "libnbd"
  depends_on "libseccomp"
  depends_on "libxml2"
  depends_on :linux
  depends_on "lz4"
  depends_on "openssl@3"
  depends_on "xxhash"
  depends_on "xz"
  depends_on "zlib"
  depends_on "zstd"

  def install
    system "meson", "setup", "made", "-Dtests=false", "-Dnbdkit=disabled", *std_meson_args
    system "meson", "compile", "-C", "made"
    system "meson", "install", "-C", "made"
    pkgshare.install "test-images/good-vmdk-stream.vmdk"
  end

  test do
    system bin/"vmferry", "convert", "--verify", pkgshare/"good-vmdk-stream.vmdk", "disk.qcow2"
    system bin/"vmferry", "compare", pkgshare/"good-vmdk-stream.vmdk", "disk.qcow2"
  end
end
