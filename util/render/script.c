// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/arch/reason.h"
#include "util/array.h"
#include "util/render/script_print.h"

void script_name__find(struct script_name *name, u64 isa, u64 reason)
{
	name->isa = isa;
	name->reason = reason;
	name->len = strlen(reason_name(isa, reason, name->text, sizeof(name->text)));
}

const char *script_printer__name(struct script_printer *p, const struct script_row *row,
				 enum field_form form, u64 value, char *buf)
{
	const struct script_name *name;

	if (form != FORM_REASON && form != FORM_USER)
		return field__name(form, row->view->event, value, KVMW_NONE, buf);
	name = script_printer__reason(p, row, form, value);
	return name ? name->text : NULL;
}

static int script_printer__begin(void *ctx, const struct script_model *m)
{
	struct script_printer *p = ctx;

	p->model = m;
	return p->format->begin ? p->format->begin(p) : 0;
}

/* What it looks at remains the first one's. */
static void *script_printer__branch(void *ctx)
{
	const struct script_printer *p = ctx;
	struct script_printer *branch = mem__calloc(1, sizeof(*branch));

	if (!branch)
		return NULL;
	*branch = *p;
	branch->out = out__in_memory(p->out);
	if (branch->out)
		return branch;
	free(branch);
	return NULL;
}

static int script_printer__join(void *ctx, void *from)
{
	struct script_printer *p = ctx, *branch = from;

	if (out__move(p->out, branch->out))
		return -1;
	return p->out->err ? 1 : 0;
}

static void script_printer__free_branch(void *branch)
{
	struct script_printer *p = branch;

	out__free(p->out);
	free(p);
}

static int script_printer__row(void *ctx, const struct script_model *m,
			       const struct script_row *row)
{
	struct script_printer *p = ctx;

	p->format->row(p, row);
	return p->out->err ? 1 : 0;
}

static int script_printer__pause(void *ctx)
{
	struct script_printer *p = ctx;

	return out__flush(p->out) ? 1 : 0;
}

bool script_printer__hides_raw(const struct script_printer *p)
{
	return p->model->rec->meta.hidden[KVMW_SECRET_RAW];
}

struct script_printer *script_printer__new(const struct screen *s,
					   const struct script_format *format)
{
	struct script_printer *p = mem__calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->format = format;
	p->width = s->width;
	p->second.number = UINT64_MAX;
	p->out = out__new(s);
	if (p->out)
		return p;
	free(p);
	return NULL;
}

struct script_output script_printer__output(struct script_printer *p)
{
	return (struct script_output) {
		.ctx = p,
		.begin = script_printer__begin,
		.row = script_printer__row,
		.pause = script_printer__pause,
		.branch = script_printer__branch,
		.join = script_printer__join,
		.free_branch = script_printer__free_branch,
	};
}

int script_printer__free(struct script_printer *p)
{
	int ret = out__free(p->out);

	array__free(p->column, p->room_columns, NULL);
	free(p);
	return ret;
}
