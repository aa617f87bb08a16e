/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The only threads, and the memory that their work may take. A crew can serve several passes at
 * once, whose callers are different threads; each pass takes a share of it. See struct vmf_crew in
 * vmferry.h. */
#ifndef VMF_COPY_CREW_H
#define VMF_COPY_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "allowance.h"
#include "error.h"

/* How many threads serve: as many as asked for, or (0) as the allowance leaves, but never more than
 * 256. Those that the system does not give are missing, and the caller's thread does the work when
 * all are. */
unsigned vmf_crew_size(unsigned asked, const struct vmf_allowance *allowance);

/* The crew that was given, or (NULL) a new one, which vmf_crew_leave_off frees. */
VMF_MUST_CHECK enum vmf_code vmf_crew_take_on(struct vmf_crew *given, unsigned threads,
                                              struct vmf_crew **crew, struct vmf_error *error);
void vmf_crew_leave_off(const struct vmf_crew *given, struct vmf_crew *crew);

/* ---- shares ---- */

/* What one pass gets. */
struct vmf_share {
  unsigned threads; /* that may work for it at once; 0: the caller's thread does the work */
  unsigned jobs;    /* that exist at once */
  size_t memory;    /* bytes, of the crew's promise: 64 MiB and 4 MiB for each thread in all */
  size_t stated;    /* bytes that come on top of it */
};

/* What one thread and one job take at most, bytes. */
struct vmf_demand {
  size_t thread, job;
  size_t stated; /* by a thread, on top: known to the person by the packing that was chosen. Of all
                  * threads never more than half of the memory that the process may use */
};

/* A share of what is left, at least two jobs. Any thread. */
struct vmf_share vmf_crew_take(struct vmf_crew *crew, const struct vmf_demand *demand);
void vmf_crew_give_back(struct vmf_crew *crew, const struct vmf_share *share);

/* ---- for those who have work to be done ---- */

/* Has work for the threads; the first member of what has. Its members belong to the crew. */
struct vmf_crew_client {
  /* Does one piece of work, or returns false when there is none now. Called with the crew's lock
   * held, and returns so; gives it up while it works, or looks for some. */
  bool (*serve)(struct vmf_crew_client *client);
  struct vmf_crew_client *next;
  unsigned serving; /* threads that are in serve */
};

void vmf_crew_join(struct vmf_crew *crew, struct vmf_crew_client *client);

/* Waits for the threads that are in serve, which begin nothing new. */
void vmf_crew_leave(struct vmf_crew *crew, struct vmf_crew_client *client);

/* Guards the state of all clients. */
pthread_mutex_t *vmf_crew_lock(struct vmf_crew *crew);

/* There is more work, for one thread. With the lock held. */
void vmf_crew_wake(struct vmf_crew *crew);

unsigned vmf_crew_threads(const struct vmf_crew *crew); /* that were started */

#endif
