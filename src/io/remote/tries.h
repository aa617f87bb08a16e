/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether, and when, a request that failed is made again: up to 8 times, each behind a random delay
 * that may be twice as long as the one before, or as long as the server asks for. */
#ifndef VMF_IO_REMOTE_TRIES_H
#define VMF_IO_REMOTE_TRIES_H

#include "transport.h"

struct vmf_tries {
  unsigned count;   /* that were made */
  uint64_t started; /* milliseconds of the clock; 0: none was made yet */
};

/* A try failed as `attempt` and `error` say: waits and returns true where another one is to be
 * made. False: *error is final, VMF_TEMPORARY where one more might have gone well. ended: stops the
 * waiting; or NULL. */
bool vmf_tries_again(struct vmf_tries *tries, const struct vmf_attempt *attempt,
                     const atomic_bool *ended, struct vmf_error *error);

/* Milliseconds of a clock that only goes forward. */
uint64_t vmf_tries_now(void);

/* The longest delay before try `count` + 1, in milliseconds. */
uint64_t vmf_tries_delay(unsigned count);

#endif
