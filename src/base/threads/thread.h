/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How the threads of the library begin, and wait for what they also look at themselves. */
#ifndef VMF_BASE_THREAD_H
#define VMF_BASE_THREAD_H

#include <pthread.h>

/* Signals go to the threads that are there already, whose system calls they are meant to interrupt.
 * What pthread_create returns. */
int vmf_thread_start(pthread_t *thread, void *(*run)(void *data), void *data);

/* A condition whose waiting goes by a clock that only goes forward. pthread_cond_destroy ends it.
 */
void vmf_steady_condition(pthread_cond_t *condition);

/* Until such a condition is signalled, or so many milliseconds, fewer than 1000, have passed. The
 * lock is held. */
void vmf_wait_a_while(pthread_cond_t *condition, pthread_mutex_t *lock, unsigned milliseconds);

#endif
