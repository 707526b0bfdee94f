// SPDX-License-Identifier: GPL-2.0
/*
 * Reads strictly forward through a sliding window, frame by frame.  A damaged payload
 * is skipped by the size in its header; after a damaged header, the next valid one is
 * searched for at every multiple of 8.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/data/format.h"
#include "util/error.h"
#include "util/array.h"
#include "util/memory.h"

#define WINDOW_MIN	(256u << 10)
#define MAX_DAMAGE	4096u	/* entries; the last one adds up all further damage */
#define FOLLOW_MS	50	/* between two checks of a growing file */

struct data_reader {
	int fd;
	char *path;
	u8 *buf;		/* window: buf[pos .. len) is at file offset .. */
	size_t pos, len, size;
	u64 offset;		/* of buf[pos] */
	u64 base;		/* where in the file the recording begins */
	u64 furthest;		/* offset read before seeking back */
	bool eof, ended, failed;
	bool no_memory;		/* for damage, which must not be forgotten */
	bool regular, follow;
	bool again;		/* what follows was read and checked before */
	u32 next_again;		/* the number that follows there */
	u64 end;		/* offset behind what was taken in, which is END if it was seen */
	struct data_decoder *dec;
	struct schema schema;
	bool has_schema;
	struct data_damage *damage;
	u32 nr_damage, max_damage;
	struct missing {		/* frames from..to - 1 are not there */
		u32 from, to;
	} *missing;
	/* at: the first that no INDEX frame has passed */
	u32 nr_missing, max_missing, missing_at;
	u32 next_seq;
	u64 first;		/* offset of the first frame, if none is missing */
	u32 indexed;		/* number of the frame behind those that INDEX has named so far */
	u64 missing_rows;
	u16 newer;		/* minor version, if newer than FILE_MINOR */
};

static size_t avail(const struct data_reader *r)
{
	return r->len - r->pos;
}

/* Reads until there are want bytes, or the file ends. 0; -1, DATA_NO_MEMORY, after error(). */
static int reader__fill(struct data_reader *r, size_t want)
{
	while (avail(r) < want && !r->eof) {
		ssize_t n;

		if (r->pos) {
			memmove(r->buf, r->buf + r->pos, avail(r));
			r->len -= r->pos;
			r->pos = 0;
		}
		/* Grow as data arrives: a large size may be a lie. */
		if (r->len == r->size) {
			size_t size = r->size ? 2 * r->size : WINDOW_MIN;
			u8 *buf = budget__realloc(NULL, r->buf, r->size, size);

			if (!buf)
				return DATA_NO_MEMORY;
			r->buf = buf;
			r->size = size;
		}
		n = read(r->fd, r->buf + r->len, r->size - r->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error("%s: cannot read at byte %llu: %s", r->path,
				     (unsigned long long)r->offset + avail(r), strerror(errno));
		if (!n && r->follow) {
			poll(NULL, 0, FOLLOW_MS);
			continue;
		}
		r->eof = !n;
		r->len += n;
	}
	return 0;
}

static void reader__consume(struct data_reader *r, size_t n)
{
	r->pos += n;
	r->offset += n;
}

static const u8 *at(const struct data_reader *r)
{
	return r->buf + r->pos;
}

static void note(struct data_reader *r, u64 offset, u64 bytes, const char *what)
{
	struct data_damage *last;

	if (r->again)
		return;
	if (r->nr_damage == MAX_DAMAGE) {
		last = &r->damage[MAX_DAMAGE - 1];
		last->bytes = offset + bytes - last->offset;
		snprintf(last->what, sizeof(last->what), "from here on, many damaged frames");
		return;
	}
	if (array__reserve(r->damage, r->nr_damage, r->max_damage, NULL)) {
		r->no_memory = true;
		return;
	}
	last = &r->damage[r->nr_damage++];
	last->offset = offset;
	last->bytes = bytes;
	snprintf(last->what, sizeof(last->what), "%s", what);
}

static bool sound_header(const u8 *h)
{
	return get32(h + FRAME_AT_MAGIC) == FRAME_MAGIC &&
	       get32(h + FRAME_AT_CRC) == data_crc(h, FRAME_AT_CRC) &&
	       get32(h + FRAME_AT_SIZE) <= DATA_MAX_PAYLOAD;
}

/* Searches for the next frame header, beginning at the window's start plus skip. */
static int search(struct data_reader *r, size_t skip, const char *what)
{
	u64 start = r->offset;

	for (size_t n = skip;; n += FRAME_ALIGN) {
		int ret = reader__fill(r, n + FRAME_HDR_SIZE);

		if (ret)
			return ret;
		if (avail(r) < n + FRAME_HDR_SIZE) {
			reader__consume(r, avail(r));
			break;
		}
		if (sound_header(at(r) + n)) {
			reader__consume(r, n);
			break;
		}
		if (n >= WINDOW_MIN / 2) {	/* do not keep what is skipped */
			reader__consume(r, n);
			n = 0;
		}
	}
	note(r, start, r->offset - start, what);
	return 0;
}

static int open_header(struct data_reader *r)
{
	u32 size;

	r->first = FILE_HDR_SIZE;
	if (reader__fill(r, FILE_HDR_SIZE + FRAME_HDR_SIZE))
		return -1;
	if (!avail(r))
		return error("%s is empty: nothing was recorded", r->path);
	if (avail(r) < FILE_HDR_SIZE || memcmp(at(r), FILE_MAGIC, FILE_AT_MAJOR)) {
		/* Perhaps only its first bytes are damaged. */
		if (avail(r) < FILE_HDR_SIZE + FRAME_HDR_SIZE ||
		    !sound_header(at(r) + FILE_HDR_SIZE))
			return error("%s is not a recording of kvmw", r->path);
		note(r, 0, FILE_HDR_SIZE, "file header damaged");
		reader__consume(r, FILE_HDR_SIZE);
		return 0;
	}
	if (get32(at(r) + FILE_AT_CRC) != data_crc(at(r), FILE_AT_CRC))
		return search(r, FILE_HDR_SIZE, "file header damaged");
	if (get16(at(r) + FILE_AT_MAJOR) != FILE_MAJOR)
		return error("%s has format version %u, this kvmw reads version %u: "
			     "use the kvmw that wrote it, or a newer one",
			     r->path, get16(at(r) + FILE_AT_MAJOR), FILE_MAJOR);
	size = get32(at(r) + FILE_AT_SIZE);
	if (size < FILE_HDR_SIZE || size > FILE_HDR_MAX || size % FRAME_ALIGN)
		return search(r, FILE_HDR_SIZE, "file header damaged");
	if (reader__fill(r, size))
		return -1;
	r->newer = get16(at(r) + FILE_AT_MINOR) > FILE_MINOR ? get16(at(r) + FILE_AT_MINOR) : 0;
	reader__consume(r, size < avail(r) ? size : avail(r));
	r->first = r->offset;
	return 0;
}

static void find_base(struct data_reader *r)
{
	struct stat st;
	off_t base = lseek(r->fd, 0, SEEK_CUR);

	r->regular = !fstat(r->fd, &st) && S_ISREG(st.st_mode) && base >= 0;
	r->base = r->regular ? base : 0;
}

struct data_reader *data_reader__open(const char *path)
{
	struct data_reader *r = calloc(1, sizeof(*r));
	bool stdin_too = !strcmp(path, "-");

	if (!r) {
		out_of_memory();
		return NULL;
	}
	r->dec = data_decoder__new();
	r->path = strdup(stdin_too ? "standard input" : path);
	r->fd = stdin_too ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (!r->dec) {
		/* It said so. */
	} else if (!r->path) {
		out_of_memory();
	} else if (r->fd < 0) {
		error("cannot open %s: %s", path, strerror(errno));
	} else {
		find_base(r);
		if (!open_header(r))
			return r;
	}
	data_reader__close(r);
	return NULL;
}

void data_reader__close(struct data_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	schema__free(&r->schema);
	data_decoder__free(r->dec);
	free(r->damage);
	free(r->missing);
	free(r->path);
	free(r->buf);
	free(r);
}

static struct data_frame *copy_frame(struct data_reader *r)
{
	const u8 *h = at(r);
	u32 size = get32(h + FRAME_AT_SIZE);
	struct data_frame *f = malloc(sizeof(*f) + size);

	if (!f) {
		out_of_memory();
		return NULL;
	}
	f->offset = r->offset;
	f->type = get16(h + FRAME_AT_TYPE);
	f->event = get32(h + FRAME_AT_EVENT);
	f->stream = get32(h + FRAME_AT_STREAM);
	f->rows = get32(h + FRAME_AT_ROWS);
	f->seq = get32(h + FRAME_AT_SEQ);
	f->first_ns = get64(h + FRAME_AT_FIRST);
	f->last_ns = get64(h + FRAME_AT_LAST);
	f->size = size;
	f->payload = memcpy(f + 1, h + FRAME_HDR_SIZE, size);
	return f;
}

/*
 * A sound frame has the number that follows. A greater one: frames are missing, which is new only
 * if no damage lies before. false: a smaller one; its rows may have been there already.
 */
static bool take_number(struct data_reader *r, u32 seq)
{
	const struct data_damage *last = r->nr_damage ? &r->damage[r->nr_damage - 1] : NULL;
	u32 nr = seq - r->next_seq;
	char what[sizeof(last->what)];

	if (r->again) {
		if (seq < r->next_again)
			return false;
		r->next_again = seq + 1;
		return true;
	}
	/* No number follows the last one. */
	if (seq < r->next_seq || seq == UINT32_MAX)
		return false;
	if (nr && array__reserve(r->missing, r->nr_missing, r->max_missing, NULL))
		r->no_memory = true;
	else if (nr)
		r->missing[r->nr_missing++] = (struct missing) { r->next_seq, seq };
	r->next_seq = seq + 1;
	if (!nr || (last && last->bytes && last->offset + last->bytes == r->offset))
		return true;
	snprintf(what, sizeof(what), "%u frame%s missing before this place", nr,
		 nr == 1 ? " is" : "s are");
	note(r, r->offset, 0, what);
	return true;
}

/* Of nr frames that begin with number first and have so many rows, the missing ones of EVENTS. */
static void add_missing_rows(struct data_reader *r, u32 first, u32 nr, const u64 *type,
			     const u64 *rows)
{
	while (r->missing_at < r->nr_missing && r->missing[r->missing_at].to <= first)
		r->missing_at++;
	for (u32 k = r->missing_at; k < r->nr_missing; k++) {
		const struct missing *m = &r->missing[k];

		if (m->from > first && m->from - first >= nr)
			return;
		for (u32 seq = m->from < first ? first : m->from; seq < m->to && seq - first < nr;
		     seq++)
			if (type[seq - first] == DATA_EVENTS)
				r->missing_rows += rows[seq - first] < DATA_MAX_ROWS ?
						   rows[seq - first] : DATA_MAX_ROWS;
	}
}

/*
 * The number of the first frame that an INDEX frame lists. If that is an INDEX frame, all between
 * the two are listed, whatever is missing; else it goes on where the one before ended, and has no
 * known number if that is missing. false: it is not known.
 */
static bool first_indexed(const struct data_reader *r, const struct data_frame *f, u64 *const *cols,
			  u32 *first)
{
	if (cols[1][0] != DATA_INDEX) {
		*first = r->indexed;
		return r->indexed || cols[0][0] == r->first;
	}
	*first = f->seq - f->rows;
	return f->seq >= f->rows && *first >= r->indexed;
}

/* Rows that the index lists of frames that are missing.  0, or -1 after error(). */
static int compare_index(struct data_reader *r, const struct data_frame *f)
{
	static const char *const names[] = { "offset", "type", "rows" };
	const struct data_event *event = data_reader__event(r, KVMW_EVENT_INDEX);
	u64 *cols[ARRAY_SIZE(names)] = { NULL };
	int fields[ARRAY_SIZE(names)];
	const char *why = "event without a schema";
	u32 first;
	int ret = 0;

	for (u32 i = 0; i < ARRAY_SIZE(names) && event && !ret; i++) {
		fields[i] = data_event__field(event, names[i]);
		cols[i] = mem__calloc(f->rows, sizeof(u64));
		ret = cols[i] ? 0 : -1;
	}
	if (!ret)
		ret = !event ? 1 :
		      data_decoder__columns(r->dec, event, f, fields, ARRAY_SIZE(names), cols,
					    &why);
	if (ret > 0)
		note(r, f->offset, 0, why);
	if (!ret && f->rows && first_indexed(r, f, cols, &first)) {
		add_missing_rows(r, first, f->rows, cols[1], cols[2]);
		r->indexed = first + f->rows;
	}
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		free(cols[i]);
	return ret < 0 ? -1 : 0;
}

static int take_schema(struct data_reader *r, const struct data_frame *f)
{
	u32 bytes = data_frame__json_bytes(f);
	char *text = NULL;
	int ret;

	json_purse__earn(&r->schema.purse, r->offset);
	ret = bytes > JSON_TEXT_MAX ? JSON_TOO_MUCH : json_purse__pay_text(&r->schema.purse, bytes);
	ret = ret ?: data_decoder__json(r->dec, f, &text);
	ret = ret ?: schema__parse(&r->schema, text);
	free(text);
	if (ret > 0)
		note(r, f->offset, 0, "an event's description cannot be understood");
	r->has_schema |= !ret;
	return ret < 0 ? -1 : 0;
}

/* 0, or -1: out of memory. */
static int take_in(struct data_reader *r, const struct data_frame *f)
{
	int ret = 0;

	if (r->again)
		return 0;
	if (f->type == DATA_SCHEMA)
		ret = take_schema(r, f);
	/* SCHEMA damaged? Ids and fields never change: use this program's own. */
	if (!ret && !r->has_schema && f->event && !schema__find(&r->schema, f->event))
		ret = schema__builtin(&r->schema, f->event);
	if (!ret && f->type == DATA_INDEX)
		ret = compare_index(r, f);
	if (f->type == DATA_END)
		r->ended = true;
	r->end = r->offset;
	return ret;
}

/* Called at a valid header.  1 and the frame; 0: skipped; or as reader__fill(). */
static int get_frame(struct data_reader *r, struct data_frame **out)
{
	u32 size = get32(at(r) + FRAME_AT_SIZE);
	size_t whole = FRAME_HDR_SIZE + frame_padded(size);
	int ret = reader__fill(r, whole);
	const u8 *h;

	if (ret)
		return ret;
	h = at(r);
	if (avail(r) < whole)
		return search(r, FRAME_ALIGN, DATA_CUT_OFF);
	if (data_crc(h + FRAME_HDR_SIZE, size) != get32(h + FRAME_AT_DATA_CRC)) {
		ret = reader__fill(r, whole + FRAME_HDR_SIZE);
		if (ret)
			return ret;
		/* If bytes are missing, the next frame is not where it should be. */
		if (avail(r) != whole &&
		    (avail(r) < whole + FRAME_HDR_SIZE || !sound_header(at(r) + whole)))
			return search(r, FRAME_ALIGN, "frame damaged");
		note(r, r->offset, whole, "frame damaged");
		reader__consume(r, whole);
		return 0;
	}
	if (get32(h + FRAME_AT_ROWS) > DATA_MAX_ROWS) {
		note(r, r->offset, whole, "frame claims more rows than a frame can hold");
		reader__consume(r, whole);
		return 0;
	}
	if (!take_number(r, get32(h + FRAME_AT_SEQ))) {
		note(r, r->offset, whole, "frame is here twice, or moved");
		reader__consume(r, whole);
		return 0;
	}
	*out = copy_frame(r);
	if (!*out)
		return DATA_NO_MEMORY;
	reader__consume(r, whole);
	return 1;
}

static int pass_over_rest(struct data_reader *r)
{
	u64 start = r->offset;
	int ret;

	do {
		reader__consume(r, avail(r));
		ret = reader__fill(r, 1);
		if (ret)
			return ret;
	} while (avail(r));
	note(r, start, r->offset - start, "something follows the end of the recording");
	return 0;
}

int data_reader__next(struct data_reader *r, struct data_frame **f)
{
	int ret = 0;

	while (!ret && !r->failed && !r->no_memory) {
		if (r->follow && r->ended)
			return 0;
		ret = reader__fill(r, FRAME_HDR_SIZE);
		if (ret)
			break;
		if (!avail(r) || (r->again && r->ended && r->offset >= r->end))
			return 0;
		if (r->ended && !r->again)
			ret = pass_over_rest(r);
		else if (avail(r) < FRAME_HDR_SIZE)
			ret = search(r, FRAME_ALIGN, DATA_CUT_OFF);
		else if (!sound_header(at(r)))
			ret = search(r, FRAME_ALIGN, "frame header damaged");
		else
			ret = get_frame(r, f);
	}
	if (ret == 1) {
		if (!r->no_memory && !take_in(r, *f))
			return 1;
		data_frame__put(*f);
		ret = DATA_NO_MEMORY;
	}
	r->failed = true;
	return r->no_memory ? DATA_NO_MEMORY : ret ?: -1;
}

u32 data_reader__newer(const struct data_reader *r)
{
	return r->newer;
}

bool data_reader__seekable(const struct data_reader *r)
{
	return r->regular;
}

int data_reader__seek(struct data_reader *r, u64 offset)
{
	if (r->offset > r->furthest)
		r->furthest = r->offset;
	r->next_again = 0;
	if (offset >= r->offset && offset - r->offset <= avail(r)) {
		reader__consume(r, offset - r->offset);
	} else {
		if (lseek(r->fd, r->base + offset, SEEK_SET) < 0)
			return error("%s: cannot go to byte %llu: %s", r->path,
				     (unsigned long long)offset, strerror(errno));
		r->pos = r->len = 0;
		r->offset = offset;
	}
	r->again = true;
	r->eof = r->failed = false;
	return 0;
}

void data_reader__follow(struct data_reader *r)
{
	r->follow = true;
}

/* The window has enough to go on, or the file is larger than what was read. */
static bool more_is_there(const struct data_reader *r)
{
	struct stat st;

	if (avail(r) >= FRAME_HDR_SIZE &&
	    (!sound_header(at(r)) ||
	     avail(r) >= FRAME_HDR_SIZE + frame_padded(get32(at(r) + FRAME_AT_SIZE))))
		return true;
	return r->regular && (!r->follow || fstat(r->fd, &st) ||
			      (u64)st.st_size > r->base + r->offset + avail(r));
}

bool data_reader__ready(const struct data_reader *r, int ms)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };

	if (r->ended || r->eof || more_is_there(r))
		return true;
	if (!r->regular)
		return poll(&pfd, 1, ms) != 0;
	for (int waited = 0; ms < 0 || waited < ms; waited += FOLLOW_MS) {
		poll(NULL, 0, FOLLOW_MS);
		if (more_is_there(r))
			return true;
	}
	return false;
}

void data_frame__put(struct data_frame *f)
{
	free(f);
}

struct data_decoder *data_reader__decoder(const struct data_reader *r)
{
	return r->dec;
}

bool data_reader__finished(const struct data_reader *r)
{
	return r->ended;
}

u64 data_reader__bytes(const struct data_reader *r)
{
	return r->offset > r->furthest ? r->offset : r->furthest;
}

const struct data_damage *data_reader__damage(const struct data_reader *r, size_t *nr)
{
	*nr = r->nr_damage;
	return r->damage;
}

u64 data_reader__missing_rows(const struct data_reader *r)
{
	return r->missing_rows;
}

const struct data_event *data_reader__event(const struct data_reader *r, u32 id)
{
	return schema__find(&r->schema, id);
}
