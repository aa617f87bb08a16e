/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the processor time of all threads goes into, for ./dev bench: with VMFERRY_EFFORT in the
 * environment it is told on standard error when the program ends; without, a change of the effort
 * is one comparison. */
#ifndef VMF_BASE_EFFORT_H
#define VMF_BASE_EFFORT_H

/* Whose time it is. Any thread may call what is below, and no call fails. */
enum vmf_role {
  VMF_ROLE_START,  /* before there is a pipeline */
  VMF_ROLE_CALLER, /* the caller's thread, which plans and retires */
  VMF_ROLE_CREW,   /* the crew's, between the parts of jobs */
  VMF_ROLE_WORK,   /* the parts of jobs, see copy/pipeline.h, on either */
  VMF_ROLE_TURN,
  VMF_ROLE_STORE,
  VMF_ROLES
};

/* What it goes into. */
enum vmf_effort {
  VMF_EFFORT_OTHER,
  VMF_EFFORT_READ,
  VMF_EFFORT_UNPACK,
  VMF_EFFORT_HASH,
  VMF_EFFORT_PACK,
  VMF_EFFORT_PLACE,
  VMF_EFFORT_WRITE,
  VMF_EFFORTS
};

/* From now on, in this thread. Returns the one before, which goes on by vmf_effort_end. */
enum vmf_effort vmf_effort_begin(enum vmf_effort effort);
void vmf_effort_end(enum vmf_effort before);

/* One part of a job, likewise. */
enum vmf_role vmf_role_begin(enum vmf_role role);
void vmf_role_end(enum vmf_role before);

/* Looks at the environment, once; before threads are started. */
void vmf_effort_start(void);

/* The calling thread has a pipeline, with so many threads and jobs; the most of all are told. */
void vmf_effort_calls(unsigned threads, unsigned jobs);

#endif
