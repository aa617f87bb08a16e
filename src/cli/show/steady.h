/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Waiting by a clock that only goes forward: by that of the day, nothing would be shown for as long
 * as it was set back. */
#ifndef VMF_CLI_STEADY_H
#define VMF_CLI_STEADY_H

#include <pthread.h>
#include <stdbool.h>

/* pthread_cond_destroy ends it. */
void vmf_steady_begin(pthread_cond_t *condition);

/* Until such a condition is signalled; false: so many milliseconds have passed. The lock is held.
 */
bool vmf_steady_wait(pthread_cond_t *condition, pthread_mutex_t *lock, unsigned milliseconds);

#endif
