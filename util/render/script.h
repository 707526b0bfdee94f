/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvmw script: events one by one, as text, JSON or CSV.  Which fields an event has and
 * how they are written comes from the recording's own description of it.
 */
#ifndef KVMW_SCRIPT_H
#define KVMW_SCRIPT_H

#include "util/recording/slice.h"
#include "util/analysis/tracepoint.h"
#include "util/render/field.h"
#include "util/render/outbuf.h"

enum script_form { SCRIPT_TEXT, SCRIPT_JSON, SCRIPT_CSV };

struct script_options {
	enum script_form form;
	const char *events;		/* NULL: all */
	const char *fields;		/* NULL: those that the form has of itself */
	struct number_list vcpus, pids;	/* empty: all */
	u64 max_events;			/* 0: all */
};

/* What comes before an event's own fields. */
enum script_head { HEAD_COMM, HEAD_TID, HEAD_PID, HEAD_CPU, HEAD_TIME, HEAD_EVENT, HEAD_KIND,
		   HEAD_VCPU, HEAD_VCPU_ID, NR_HEADS };

/* A field as it is shown. */
struct field_view {
	u32 field;
	enum field_form form;
	const struct data_field *desc;
	char label[32];		/* in text: total of total_ns */
	int detail_of;		/* text: the field that says what this one is, or -1 */
};

/* An event of the recording, as it is shown. */
struct event_view {
	const struct data_event *event;	/* NULL: not met yet */
	bool wanted, all_kinds;
	u32 *kinds;			/* wanted ones, where not all are */
	u32 nr_kinds;
	int vcpu, tid, cpu, kind, isa;	/* fields, -1: there is none */
	struct field_view *field;
	u32 nr_fields;
};

/* A column of CSV: one field's, of whichever event has it. */
struct csv_column {
	const char *name;
	enum field_form form;
	int field[KVMW_MAX_EVENTS];	/* -1: not in this event */
};

/* Who a row is about; asked anew when IDENT frames have come. */
struct script_who {
	bool valid, wanted;
	u32 id;
	u64 as_of;			/* IDENT frames then */
	const struct rec_vcpu *entry;	/* NULL: unknown */
	const struct rec_vm *vm;
};

#define SCRIPT_NAMES 64		/* names of reasons kept, by hash */

struct script {
	const struct recording *rec;
	const struct script_options *opt;
	struct out *out;
	struct event_view view[KVMW_MAX_EVENTS];
	bool head[NR_HEADS];
	struct script_who who;
	struct tracepoints *tps;
	struct script_name { u64 isa, reason; char text[FIELD_NAME_MAX]; } name[SCRIPT_NAMES];
	struct csv_column *column;
	u32 nr_columns;
	u64 whole;			/* items of -F that are the whole name of a field */
	u64 printed;
	bool stream;			/* it is not known which events will come */
	bool resolved, csv_begun, usage;
	bool first;			/* member of a JSON object */
};

/* A row, with what is known about it. */
struct script_row {
	const struct event_view *view;
	const struct slice *slice;
	u32 i;
	u64 time_ns, tid, cpu, kind;	/* all ones: not told */
	const struct script_who *who;
	const char *comm;		/* NULL: unknown */
	const char *kind_name;		/* NULL: none, or without a name */
	const struct tracepoint *tp;	/* of event raw; NULL: unknown */
	u32 raw_size;
	u8 raw[TRACEPOINT_BYTES];	/* of event raw: the record */
};

/* To be set before: rec, opt, out, stream; the rest all zero. */
void script__free(struct script *sc);
/* Of CSV: the line with the names, where no row has brought it. 0, -1: no memory. */
int script__finish(struct script *sc);

/* For struct timeline.  sc->usage: what -e or -F names does not exist. */
int script__wants(void *script, const struct data_reader *r, const struct data_frame *f);
int script__rows(void *script, const struct slice *s, u32 from, u32 to);
int script__pause(void *script);

/* script_text.c, script_json.c, script_csv.c */
void script_text__row(struct script *sc, const struct script_row *row);
void script_json__row(struct script *sc, const struct script_row *row);
/* After all events are resolved. 0, or -1 out of memory. */
int script_csv__begin(struct script *sc);
void script_csv__row(struct script *sc, const struct script_row *row);

/* ---- within kvmw script ------------------------------------------------- */

static inline u64 script_row__get(const struct script_row *row, u32 field)
{
	return slice__get(row->slice, field, row->i);
}

/* The name of a field's value, or NULL; buf holds FIELD_NAME_MAX bytes. */
const char *script__name(struct script *sc, const struct script_row *row, enum field_form form,
			 u64 value, char *buf);
/* Whether -F leaves the field in; shown: whether it is without -F. */
bool script__selects(const struct script *sc, const char *name, bool shown);
/* "kernel" or "user" of event stack: the stack, or NULL. */
const struct rec_stack *script__stack(const struct script *sc, const struct script_row *row,
				      const struct field_view *field);
bool script__is_stack(const struct event_view *view, const struct field_view *field);
const char *script_head__name(enum script_head head);

/* script_view.c: 0, or -1: no memory (said so), or sc->usage. */
int script__resolve(struct script *sc, const struct data_reader *r);
struct event_view *script__view(struct script *sc, const struct data_event *event);

#endif
