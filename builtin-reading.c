// SPDX-License-Identifier: GPL-2.0
#include "builtin-reading.h"
#include "util/analysis/report/aggregate_rows.h"
#include "util/error.h"

static int read_all(struct reading *in, struct data_reader *reader,
		    const struct report_options *opt, bool sums)
{
	struct scan_consumer of_model, of_places = exit_places__scan,
				       of_families = family_sums__scan, of_sparks = sparks__scan;
	const struct scan_consumer *consumers[6];
	struct report_scan rs, details;
	void *results[6] = { NULL };
	u32 nr = 0, model = 0, places = 0, sparks = 0;

	in->rec->wants_memslots = opt->event == KVMW_EVENT_FAULT || opt->event == KVMW_EVENT_MMU;
	report_scan__init(&rs, opt, sums);
	consumers[nr++] = &rs.consumer;
	if (opt->details) {
		report__details_options(opt, &in->by_detail);
		report_scan__init(&details, &in->by_detail, true);
		consumers[nr++] = &details.consumer;
	}
	if (report_options__wants_findings(opt)) {
		places = nr;
		of_places.arg = of_families.arg = (void *)opt;
		consumers[nr++] = &of_places;
		consumers[nr++] = &of_families;
	}
	if (opt->sparks) {
		sparks = nr;
		of_sparks.arg = (void *)opt;
		consumers[nr++] = &of_sparks;
	}
	/* Only exits have details, and they have no model. */
	if (in->model) {
		of_model = in->model->scan;
		of_model.arg = (void *)opt;
		model = nr;
		consumers[nr++] = &of_model;
	}
	if (scan__read(reader, in->rec, 0, consumers, nr, results))
		return -1;
	report_scan__take_result(results[0], &in->aggs);
	if (opt->details)
		report_scan__take_result(results[1], &in->fine);
	if (places)
		in->input = (struct findings_input) { results[places], results[places + 1] };
	in->sparks = sparks ? results[sparks] : NULL;
	in->state = model ? results[model] : NULL;
	return 0;
}

/* Whether what was asked for can be said of the guest's functions. */
static int check_symbols(const struct common_args *common, struct report_options *opt,
			 const struct recording *rec)
{
	u32 event = opt->event ?: report__only_family(rec);

	/* Stacks are the host's. */
	if (common->symbols || rec->has_symbols || event == KVMW_EVENT_STACK)
		return 0;
	opt->symbols = NULL;
	if (report_options__sorts_by(opt, KEY_SYM))
		return error("--sort sym: the guest's functions are unknown; give a copy of its /proc/kallsyms "
			     "(--guest-kallsyms FILE), here or to kvmw record, or sort by rip");
	return common_args__check_symbols(common, rec);
}

int reading__read(struct reading *in, struct common_args *common, struct report_options *opt,
		  struct data_reader *reader, bool sums)
{
	in->rec = common_args__recording(common, reader);
	if (!in->rec)
		return -1;
	opt->start_ns = &in->rec->meta.start_ns;
	opt->symbols = common->symbols ?: in->rec->symbols;
	return read_all(in, reader, opt, sums) ?: check_symbols(common, opt, in->rec);
}

int reading__add_details(struct reading *in, struct report *rep)
{
	const struct report_options *opt = rep->opt;
	struct report fine = { .nr_rows = 0 };
	int ret;

	if (rep->event != KVMW_EVENT_EXIT || !opt->details)
		return 0;
	if (in->sparks && report__add_sparks(rep, in->sparks))
		return -1;
	rep->details_over_limit = in->fine.over_limit;
	ret = report__make(&fine, in->rec, &in->fine, &in->by_detail) ||
	      report__make_details(rep, &fine) ||
	      (in->input.places &&
	       report__name_deadlines(rep, deadlines__median(&in->input.places->deadlines, rep))) ||
	      (report_options__wants_findings(opt) &&
	       findings__make(rep, &fine, &in->input, &in->findings));
	report__free(&fine);
	return ret ? -1 : 0;
}

void reading__free(struct reading *in)
{
	if (in->state)
		in->model->scan.free(in->state);
	if (in->sparks)
		sparks__scan.free(in->sparks);
	findings_input__free(&in->input);
	agg_table__free(&in->aggs);
	agg_table__free(&in->fine);
	recording__free(in->rec);
	in->state = NULL;
	in->sparks = NULL;
	in->rec = NULL;
	in->kept = (struct kept_rows) { 0 };
}
