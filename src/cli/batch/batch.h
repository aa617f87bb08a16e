/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A batch: many conversions under one crew, so many at a time. */
#ifndef VMF_CLI_BATCH_H
#define VMF_CLI_BATCH_H

#include <pthread.h>
#include <time.h>

#include "job_list.h"
#include "listener.h"
#include "verb.h"

/* A job of the list, read by the table of `convert`. */
struct vmf_parsed_job {
  struct vmf_command *command; /* struct vmf_convert_settings */
  struct vmf_words words;
  char **argv; /* the same words, in getopt's order and as operands, which names replace */
  char *wrong; /* why it cannot be done; or NULL; owned */
};

/* What `vmferry batch` is told. */
struct vmf_batch_settings {
  struct vmf_command command;
  const char *each, *to;    /* a pattern, and the names of its targets; or NULL: a list */
  const char *defaults;     /* options of all jobs; or NULL */
  const char *task;         /* "I/N": every Nth job from the Ith on, from 0; or NULL: all */
  const char *index;        /* "I": this job only, from 0; or NULL */
  const char *emit;         /* a scheduler, for which a script is printed; NULL: all is done here */
  const char *jobs;         /* so many at a time, a number or "auto"; NULL: auto */
  const char **reports;     /* files, NULL-terminated; owned; or NULL */
  uint64_t retries;         /* of a job that fails for a while */
  bool fail_fast;           /* nothing new begins behind a failure */
  bool dry_run;             /* each job only tells what it would write */
  bool resume;              /* what the record says is done, is not done again */
  const char *record;       /* a file; NULL: none is kept */
  char *record_beside;      /* the same, where nobody named it; owned */
  struct vmf_job_list list; /* owned */
  struct vmf_parsed_job *parsed; /* of each job of the list, until it is looked at; owned */
};

enum vmf_job_state {
  VMF_JOB_WAITING, /* and, at the end, not begun */
  VMF_JOB_RUNNING,
  VMF_JOB_DONE,
  VMF_JOB_SALVAGED, /* the target is there, without what could not be read */
  VMF_JOB_SKIPPED,  /* an earlier run has done it, and nothing has changed since */
  VMF_JOB_FAILED,
  VMF_JOB_STOPPED, /* by a signal */
  VMF_JOB_PLANNED  /* --dry-run: nothing was written */
};

/* The files that a job read and made, as the record has them. */
struct vmf_batch_files {
  struct vmf_words fields; /* owned */
  bool untold;             /* one of them is no file, or there was no memory for it */
};

/* What became of one job. Guarded by the lock of its batch. */
struct vmf_batch_job {
  const struct vmf_listed_job *listed;
  double
      weight; /* its share of the batch: bytes of its sources' files, and a little for every job */
  char *name; /* in all that is told: its id, or its target, in a folder with the source's name */
  bool recorded; /* an earlier run has done it, and all of its files are as they were */
  char *changed; /* what that had made, and somebody has changed since; owned; or NULL */
  enum vmf_job_state state;
  unsigned attempts;
  time_t begun;          /* when the first attempt began */
  uint64_t milliseconds; /* of all attempts */
  int status;            /* its exit status, had it been a command */
  bool temporary;        /* it failed by what may pass */
  char *error;           /* why; or NULL; owned */
  struct vmf_words said; /* warnings and losses of the last attempt, VMF_SAID_MOST at most */
  uint64_t unsaid;       /* how many more there were */
  struct vmf_words lint; /* what the platform would say of what was made, VMF_SAID_MOST at most */
  char *losses;          /* the report of a machine, as JSON; or NULL; owned */
  struct vmf_batch_files touched; /* of the last attempt */
  char *clash;                    /* what it has made, and another job, too; or NULL; owned */

  /* what it is doing */
  char phase[16];
  double percent;
  uint64_t done, total; /* bytes */
  double rate, left;

  /* what was made; NULL: not yet */
  char *path, *format;
  bool package, planned;                       /* planned: it is only what would be */
  uint64_t guest_size, data_bytes, zero_bytes; /* of a disk */
  uint64_t files;                              /* of a package or machine */
  uint64_t written;                            /* bytes */
  char *algorithm, checksum[2 * VMF_CHECKSUM_MAX + 1];
};

enum { VMF_SAID_MOST = 1000 };

struct vmf_batch {
  const struct vmf_batch_settings *settings;
  struct vmf_batch_job *jobs;
  size_t count;
  struct vmf_crew *crew;
  struct vmf_batch_record *record; /* or NULL: none is kept */
  unsigned at_once;
  uint64_t begun_milliseconds;
  time_t begun;

  /* Guards all below and the jobs; held while something is shown, not while a job works. */
  pthread_mutex_t lock;
  pthread_cond_t changed; /* steady */
  size_t next;            /* the first job that nobody has taken */
  size_t finished, failed;
  unsigned workers;               /* threads that have not ended */
  struct vmf_batch_job **running; /* of each worker, at_once; NULL: none; owned */
  double weight, weight_ended;    /* of all jobs, and of those that have ended */
  bool stop;                      /* nothing new begins */
  void *claims;                   /* batch_claims.h; owned */
};

/* A job for each of the list; at_once is set. vmf_batch_free_jobs also after a failure. */
VMF_MUST_CHECK enum vmf_code vmf_batch_add_jobs(struct vmf_batch *batch, struct vmf_error *error);
void vmf_batch_free_jobs(struct vmf_batch *batch);

/* What a job owns. */
void vmf_batch_free_job(struct vmf_batch_job *job);

/* Milliseconds since the batch began. */
uint64_t vmf_batch_elapsed(const struct vmf_batch *batch);

/* The share of the batch that is done, 0 to 1. With the lock held. */
double vmf_batch_share(const struct vmf_batch *batch);

/* ---- its parts ---- */

/* Drops what a job says by the way. */
extern const struct vmf_listener vmf_batch_deaf;

/* Fills the settings of `convert` for a job, whose warnings go to the listener, for one use of
 * them; vmf_batch_forget also after a failure. Any thread. VMF_USAGE names the job. */
VMF_MUST_CHECK enum vmf_code vmf_batch_parse(const struct vmf_batch_settings *settings,
                                             const struct vmf_listed_job *job,
                                             const struct vmf_listener *listener,
                                             struct vmf_parsed_job *parsed,
                                             struct vmf_error *error);
void vmf_batch_forget(struct vmf_parsed_job *parsed);

/* The same for all jobs of the list, into settings->parsed; of what is wrong the text is kept. */
VMF_MUST_CHECK enum vmf_code vmf_batch_parse_all(struct vmf_batch_settings *settings,
                                                 struct vmf_error *error);

/* Looks at all jobs before the first byte is written: their options, names, and where `files` are
 * here their places. What is wrong goes to standard error. VMF_USAGE: something is. */
VMF_MUST_CHECK enum vmf_code vmf_batch_check(struct vmf_batch *batch, bool files,
                                             struct vmf_error *error);

/* Does all jobs, and shows how far they are. */
VMF_MUST_CHECK enum vmf_code vmf_batch_run(struct vmf_batch *batch, struct vmf_error *error);

/* Does one job, on the thread that calls. */
void vmf_batch_do(struct vmf_batch *batch, struct vmf_batch_job *job);

#endif
