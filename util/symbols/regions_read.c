// SPDX-License-Identifier: GPL-2.0
/*
 * Reads --regions FILE.  A monitor on standard input and output has a banner, prompts, and \r at
 * the ends of lines.  In QEMU's text (mtree_print_flatview(), softmmu/memory.c of 7.2)
 *
 *	FlatView #1
 *	 AS "I/O", root: io
 *	 Root memory region: io
 *	  00000000000003f8-00000000000003ff (prio 0, i/o): serial @0000000000000000 KVM
 *
 * a view may be of several address spaces, the offset in the region may be missing, KVM marks
 * what has a memory slot, and what has the root's name is not a device but the lack of one.
 * Before 2.11 there was a line "address-space (flat view): I/O" instead of the first three.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/symbols/regions.h"
#include "util/text.h"

#define LINE_MAX_BYTES	4096
#define NO_SPACE	NR_REGION_SPACES	/* of an address space that exits do not refer to */
#define SHOWN		40			/* characters of a wrong line in a message */

struct region_file {
	const char *path;
	FILE *fp;
	u32 line;
	struct regions *regions;
	u32 space;
	bool tree;		/* in an "address-space:", where regions may be nested */
	size_t indent;		/* of the first region there; 0: none yet */
	char root[LINE_MAX_BYTES];
};

static int wrong(const struct region_file *f, const char *what)
{
	return error("%s:%u: %s", f->path, f->line, what);
}

static int not_understood(const struct region_file *f, const char *text)
{
	char *shown = text__clean(text, SHOWN);

	if (shown)
		error("%s:%u: '%s' is neither FROM-TO NAME, in hexadecimal, nor a line of QEMU's info "
		      "mtree -f", f->path, f->line, shown);
	else
		out_of_memory();
	free(shown);
	return -1;
}

static int not_flat(const struct region_file *f)
{
	return wrong(f,
		     "regions within others are the text of info mtree; use that of info mtree -f");
}

static bool follows(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len))
		return false;
	*text += len;
	return true;
}

static bool parse_hex(const char **text, u64 *value)
{
	const char *from;

	if ((*text)[0] == '0' && ((*text)[1] | 0x20) == 'x')
		*text += 2;
	for (from = *text, *value = 0; isxdigit((unsigned char)**text); (*text)++) {
		u8 c = **text | 0x20;

		if (*value >> 60)
			return false;
		*value = *value << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return *text != from;
}

static void begin_space(struct region_file *f, const char *name, size_t len)
{
	if (len == strlen("memory") && !memcmp(name, "memory", len))
		f->space = REGION_MEMORY;
	else if (len == strlen("I/O") && !memcmp(name, "I/O", len))
		f->space = REGION_PORTS;
}

static void begin_section(struct region_file *f, bool tree)
{
	f->space = NO_SPACE;
	f->tree = tree;
	f->indent = 0;
	f->root[0] = '\0';
}

/* A heading in QEMU's text, or what else is no region. */
static bool is_heading(struct region_file *f, const char *text)
{
	if (follows(&text, "FlatView #")) {
		begin_section(f, false);
	} else if (follows(&text, "AS \"")) {
		begin_space(f, text, strcspn(text, "\""));
	} else if (follows(&text, "Root memory region: ")) {
		strcpy(f->root, text);
	} else if (follows(&text, "address-space (flat view): ")) {
		begin_section(f, false);
		begin_space(f, text, strlen(text));
	} else if (follows(&text, "address-space: ")) {
		begin_section(f, true);
		begin_space(f, text, strlen(text));
	} else {
		return !*text || *text == '#' || follows(&text, "No rendered FlatView") ||
		       follows(&text, "(qemu)") || follows(&text, "QEMU ");
	}
	return true;
}

static void cut_end(char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	while (len >= tail && !strcmp(text + len - tail, end)) {
		len -= tail;
		text[len] = '\0';
	}
}

static void cut_at(char *text, const char *what)
{
	char *at = strstr(text, what);

	if (at)
		*at = '\0';
}

/* Leaves only the name of a region in what QEMU prints behind "(prio 0, i/o): ". */
static void cut_name(char *text)
{
	char *offset;

	cut_end(text, " KVM");
	cut_at(text, " owner:{");
	cut_at(text, " parent:{");
	offset = strrchr(text, '@');
	if (offset && offset > text && offset[-1] == ' ' &&
	    strspn(offset + 1, "0123456789abcdef") == strlen(offset + 1))
		offset[-1] = '\0';
}

/* What follows FROM-TO: a name, or what QEMU says of the region. 1: not a region by itself. */
static int take_name(struct region_file *f, char **text, bool *of_qemu)
{
	const char *p = *text;
	char *end;

	*of_qemu = follows(&p, "(prio ");
	if (!*of_qemu)
		return 0;
	end = strstr(*text, "): ");
	if (!end)
		return not_understood(f, *text);
	*text = end + 3;
	p = *text;
	if (follows(&p, "alias ") || strstr(p, " [disabled]"))
		return not_flat(f);
	cut_name(*text);
	return f->root[0] && !strcmp(*text, f->root) ? 1 : 0;
}

static int take_region(struct region_file *f, char *text, size_t indent)
{
	const char *p = text;
	bool of_qemu;
	u64 from, to;
	int ret;

	if (!parse_hex(&p, &from) || *p++ != '-' || !parse_hex(&p, &to) ||
	    (*p && *p != ' ' && *p != '\t'))
		return not_understood(f, text);
	text += p - text;
	text += strspn(text, " \t");
	if (!*text)
		return wrong(f, "FROM-TO without a NAME");
	if (from > to)
		return wrong(f, "FROM is greater than TO");
	ret = take_name(f, &text, &of_qemu);
	if (ret)
		return ret < 0 ? -1 : 0;
	if (f->tree && of_qemu && f->space != NO_SPACE) {
		if (f->indent && indent != f->indent)
			return not_flat(f);
		f->indent = indent;
	}
	if (f->space == NO_SPACE)
		return 0;
	if (regions__number(f->regions) == REGIONS_MAX)
		return error("%s:%u: more than %u regions", f->path, f->line, REGIONS_MAX);
	return regions__add(f->regions, f->space, from, to, text, of_qemu);
}

static int take_line(struct region_file *f, char *line)
{
	size_t len = strlen(line), indent;

	if ((!len || line[len - 1] != '\n') && !feof(f->fp))
		return wrong(f, "not a line of text, or one of more than 4094 bytes");
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	indent = strspn(line, " \t");
	return is_heading(f, line + indent) ? 0 : take_region(f, line + indent, indent);
}

static int read_lines(struct region_file *f)
{
	char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), f->fp)) {
		f->line++;
		if (take_line(f, line))
			return -1;
	}
	if (ferror(f->fp))
		return error("%s: %s", f->path, strerror(errno));
	if (!regions__number(f->regions))
		return error("%s: names no memory and no ports; it takes lines FROM-TO NAME, or the "
			     "text of QEMU's info mtree -f", f->path);
	return regions__prepare(f->regions);
}

struct regions *regions__read(const char *path)
{
	struct region_file f = { .path = path, .space = REGION_MEMORY, .fp = fopen(path, "re") };
	int ret;

	if (!f.fp) {
		error("--regions %s: %s", path, strerror(errno));
		return NULL;
	}
	f.regions = regions__new();
	ret = f.regions ? read_lines(&f) : -1;
	fclose(f.fp);
	if (!ret)
		return f.regions;
	regions__free(f.regions);
	return NULL;
}
