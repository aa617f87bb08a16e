// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the vmferry authors
//
// checksum DISK: the SHA-256 of what a guest sees of a disk, read through libvmferry by cgo.
package main

// #cgo pkg-config: libvmferry
// #include <stdlib.h>
// #include <vmferry.h>
import "C"

import (
	"crypto/sha256"
	"fmt"
	"os"
	"unsafe"
)

func check(code uint32, err *C.struct_vmf_error) {
	if code != C.VMF_OK {
		fmt.Fprintln(os.Stderr, C.GoString(&err.text[0]))
		os.Exit(1)
	}
}

func main() {
	var err C.struct_vmf_error
	var image *C.struct_vmf_image
	name := C.CString(os.Args[1])
	defer C.free(unsafe.Pointer(name))
	check(C.vmf_disk_open(name, nil, &image, &err), &err)
	defer C.vmf_image_close(image)
	size, buffer, digest := uint64(C.vmf_image_size(image)), make([]byte, 1<<20), sha256.New()
	for offset := uint64(0); offset < size; offset += uint64(len(buffer)) {
		if left := size - offset; left < uint64(len(buffer)) {
			buffer = buffer[:left]
		}
		check(C.vmf_image_pread(image, unsafe.Pointer(&buffer[0]), C.size_t(len(buffer)), C.uint64_t(offset), &err), &err)
		digest.Write(buffer)
	}
	check(C.vmf_image_unchanged(image, &err), &err)
	fmt.Printf("%x\n", digest.Sum(nil))
}
