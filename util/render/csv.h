/* SPDX-License-Identifier: GPL-2.0 */
/* Objects of JSON as lines of CSV. */
#ifndef KVMW_RENDER_CSV_H
#define KVMW_RENDER_CSV_H

#include <json-c/json.h>

#include "util/render/outbuf.h"

/* Consumes obj, whose members are the columns. names: a line of their names. */
void csv__line(struct out *out, struct json_object *obj, bool names);

#endif
