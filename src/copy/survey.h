/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which units hold data once the data has been looked at, and not only the map: what a target on a
 * pipe must know before its first byte, if its bytes are to be those of a file. */
#ifndef VMF_COPY_SURVEY_H
#define VMF_COPY_SURVEY_H

#include "plan.h"

struct vmf_salvage;

/* salvage: of plan->image, or NULL: what cannot be read is an error. Reads all data of `plan` once
 * and makes *exact a plan of units of `unit` bytes without those that are zero; the caller frees
 * exact->data_units. VMF_UNSUPPORTED when the disk has more units than a survey keeps (2^29). */
VMF_MUST_CHECK enum vmf_code vmf_survey(const struct vmf_plan *plan, struct vmf_salvage *salvage,
                                        uint32_t unit, const struct vmf_job_options *options,
                                        struct vmf_plan *exact, struct vmf_error *error);

/* How much of the plan is not zero, in units of `unit` bytes: reads the data until it is more than
 * `enough`. */
VMF_MUST_CHECK enum vmf_code vmf_survey_amount(const struct vmf_plan *plan, uint32_t unit,
                                               uint64_t enough,
                                               const struct vmf_job_options *options,
                                               uint64_t *bytes, struct vmf_error *error);

#endif
