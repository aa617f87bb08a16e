/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What servers of this process share: a TCP socket of the machine itself, each of whose connections
 * has a thread, and what such a thread reads and writes. A server belongs to one input: its end
 * breaks off all that is connected. */
#ifndef VMF_TESTS_FUZZ_LOOPBACK_H
#define VMF_TESTS_FUZZ_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_HEARD = 16 << 10, FUZZ_PLAN = 64 };

/* One end of a connection. What came is read ahead. */
struct fuzz_line {
  int socket;
  size_t start, end;
  char heard[FUZZ_HEARD];
};

/* Speaks until the connection is to end. */
typedef void fuzz_speak(struct fuzz_line *line);

/* Returns the port, which stays. */
unsigned fuzz_listen(fuzz_speak *speak);

/* Breaks all connections off, and waits for their threads. */
void fuzz_disconnect(void);

/* False: the other end has gone. */
bool fuzz_hear(struct fuzz_line *line, void *bytes, size_t length);
bool fuzz_say(const struct fuzz_line *line, const void *bytes, size_t length);

/* Without its end (CR LF); false also where it is too long. */
bool fuzz_hear_text(struct fuzz_line *line, char *text, size_t size);

/* ---- what a server does wrong ---- */

/* By what an answer is about, and how often that was asked for: the threads that ask come in any
 * order. */
struct fuzz_plan {
  uint8_t faults[FUZZ_PLAN];
  uint8_t asked[FUZZ_PLAN];
  bool good; /* it does nothing wrong */
};

struct fuzz_choices;
void fuzz_plan_choose(struct fuzz_choices *choices, struct fuzz_plan *plan);

/* 0: nothing is wrong, else below `faults`. */
unsigned fuzz_plan_next(struct fuzz_plan *plan, uint64_t about, unsigned faults);

#endif
