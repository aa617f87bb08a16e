/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A clock of its own: what is shown goes on while the main thread waits for the disk. */
#ifndef VMF_CLI_TICKER_H
#define VMF_CLI_TICKER_H

/* Calls tick(data) in another thread every so many milliseconds until vmf_ticker_stop, which waits
 * for the last call. There is one ticker; where it cannot be made, nothing ticks. */
void vmf_ticker_start(unsigned milliseconds, void (*tick)(void *data), void *data);
void vmf_ticker_stop(void);

#endif
