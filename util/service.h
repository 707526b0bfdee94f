/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to a service manager, sd_notify(3), and priorities for its journal, sd-daemon(3). */
#ifndef KVMW_SERVICE_H
#define KVMW_SERVICE_H

/* "READY=1" or the like; without a service manager nothing happens. */
void service__notify(const char *state);

enum service_level { SERVICE_ERROR = 3, SERVICE_WARNING, SERVICE_NOTICE, SERVICE_INFO };

/* The prefix of lines on standard error: "<3>" if the journal reads it, else "". */
const char *service__level(enum service_level level);

#endif
