// SPDX-License-Identifier: GPL-2.0
/* Writes whole frames to a file (one write each) or a pipe, and an index of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/data/format.h"
#include "util/error.h"
#include "util/memory.h"

#define PIPE_CHUNK	65536	/* at least so often a pipe shows that somebody reads it */
/* of an INDEX frame: memory for more is not needed, however many frames there are */
#define INDEX_ROWS 4096

struct data_writer {
	int fd;
	char *path;
	u64 start;		/* where in the file the recording begins */
	u64 bytes;		/* written since then */
	u32 seq;
	bool regular;		/* a file: a partial frame can be cut off */
	bool pipe;		/* or some other thing that is no file */
	bool failed;		/* already reported */
	struct data_encoder *enc;
	struct data_buf buf;
	/* of the frames since the last INDEX frame, with it */
	struct kvmw_index index[INDEX_ROWS];
	u32 nr_index;
	struct data_progress *progress, unwatched;
};

static int failed(struct data_writer *w, int err)
{
	w->failed = true;
	if (w->regular && ftruncate(w->fd, w->start + w->bytes))
		warning("%s: cannot cut off the last, partial frame: %s", w->path, strerror(errno));
	/* Before its first rows nothing is worth keeping: the recorder removes it. */
	if (!__atomic_load_n(&w->progress->rows, __ATOMIC_RELAXED) || !w->regular)
		return error("%s: cannot write: %s", w->path, strerror(err));
	return error("%s: cannot write: %s; the %llu bytes before are a readable recording",
		     w->path, strerror(err), (unsigned long long)w->bytes);
}

static ssize_t write_some(struct data_writer *w, const u8 *data, size_t len)
{
	struct timespec now;
	ssize_t n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	__atomic_store_n(&w->progress->waits_ns, now.tv_sec * NSEC_PER_SEC + now.tv_nsec,
			 __ATOMIC_RELAXED);
	n = write(w->fd, data, w->pipe && len > PIPE_CHUNK ? PIPE_CHUNK : len);
	__atomic_store_n(&w->progress->waits_ns, 0, __ATOMIC_RELAXED);
	return n;
}

static int write_all(struct data_writer *w, const u8 *data, size_t len)
{
	size_t done = 0;

	if (w->failed)
		return -1;
	while (done < len) {
		ssize_t n = write_some(w, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(w, n ? errno : EIO);
		done += n;
	}
	w->bytes += len;
	__atomic_store_n(&w->progress->bytes, w->bytes, __ATOMIC_RELAXED);
	return 0;
}

static void add_index(struct data_writer *w, const u8 *h)
{
	w->index[w->nr_index++] = (struct kvmw_index) {
		.offset = w->bytes,
		.type = get16(h + FRAME_AT_TYPE),
		.event = get32(h + FRAME_AT_EVENT),
		.stream = get32(h + FRAME_AT_STREAM),
		.rows = get32(h + FRAME_AT_ROWS),
		.first_ns = get64(h + FRAME_AT_FIRST),
		.last_ns = get64(h + FRAME_AT_LAST),
	};
}

/* There is room in the index. */
static int write_frame(struct data_writer *w, struct data_buf *frame)
{
	u8 *h = frame->data;

	add_index(w, h);
	put32(h + FRAME_AT_SEQ, w->seq);
	put32(h + FRAME_AT_CRC, data_crc(h, FRAME_AT_CRC));
	if (write_all(w, h, frame->len))
		return -1;
	w->seq++;
	if (get16(h + FRAME_AT_TYPE) == DATA_EVENTS)
		__atomic_fetch_add(&w->progress->rows, get32(h + FRAME_AT_ROWS), __ATOMIC_RELAXED);
	return 0;
}

/* It is the first frame that the next one lists. The writer's others come first, or behind. */
static int write_index(struct data_writer *w)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_INDEX);

	if (data_encoder__rows(w->enc, DATA_INDEX, event, 0, w->index, w->nr_index, &w->buf))
		return -1;
	w->nr_index = 0;
	return write_frame(w, &w->buf);
}

int data_writer__append(struct data_writer *w, struct data_buf *frame)
{
	if (w->failed || (w->nr_index == INDEX_ROWS && write_index(w)))
		return -1;
	return write_frame(w, frame);
}

void data_writer__watch(struct data_writer *w, struct data_progress *p)
{
	*p = w->unwatched;
	w->progress = p;
}

u64 data_writer__bytes(const struct data_writer *w)
{
	return w->bytes;
}

static int write_header(struct data_writer *w)
{
	u8 h[FILE_HDR_SIZE] = { 0 };

	memcpy(h, FILE_MAGIC, FILE_AT_MAJOR);
	put16(h + FILE_AT_MAJOR, FILE_MAJOR);
	put16(h + FILE_AT_MINOR, FILE_MINOR);
	put32(h + FILE_AT_SIZE, sizeof(h));
	put32(h + FILE_AT_CRC, data_crc(h, FILE_AT_CRC));
	return write_all(w, h, sizeof(h));
}

static int write_schema(struct data_writer *w, u32 captured)
{
	char *text = schema__text(captured);
	int ret = -1;

	if (text && !data_encoder__json(w->enc, DATA_SCHEMA, text, &w->buf))
		ret = data_writer__append(w, &w->buf);
	free(text);
	return ret;
}

struct data_writer *data_writer__new(int fd, const char *path, u32 captured)
{
	struct data_writer *w = calloc(1, sizeof(*w));
	struct stat st;
	off_t at;

	if (!w) {
		close(fd);
		goto nomem;
	}
	w->fd = fd;
	w->progress = &w->unwatched;
	w->path = strdup(path);
	if (!w->path)
		goto nomem;
	w->enc = data_encoder__new();
	if (!w->enc)
		goto fail;
	/* With O_APPEND, others may write to the file too: cut nothing off. */
	w->pipe = !fstat(fd, &st) && !S_ISREG(st.st_mode);
	w->regular = !w->pipe && !(fcntl(fd, F_GETFL) & O_APPEND);
	at = lseek(fd, 0, SEEK_CUR);
	w->start = at > 0 ? at : 0;
	if (write_header(w) || write_schema(w, captured))
		goto fail;
	return w;
nomem:
	out_of_memory();
fail:
	if (w)
		w->failed = true;
	data_writer__close(w);
	return NULL;
}

static int write_end(struct data_writer *w, u64 index_offset)
{
	u8 *h;

	w->buf.len = 0;
	if (data_buf__reserve(&w->buf, FRAME_HDR_SIZE + END_SIZE))
		return -1;
	h = w->buf.data;
	memset(h, 0, FRAME_HDR_SIZE + END_SIZE);
	put64(h + FRAME_HDR_SIZE, index_offset);
	put64(h + FRAME_HDR_SIZE + 8, w->seq);
	put32(h + FRAME_AT_MAGIC, FRAME_MAGIC);
	put16(h + FRAME_AT_TYPE, DATA_END);
	put32(h + FRAME_AT_SIZE, END_SIZE);
	put32(h + FRAME_AT_DATA_CRC, data_crc(h + FRAME_HDR_SIZE, END_SIZE));
	w->buf.len = FRAME_HDR_SIZE + END_SIZE;
	return data_writer__append(w, &w->buf);
}

int data_writer__finish(struct data_writer *w)
{
	u64 offset = w->bytes;

	return w->failed || write_index(w) ? -1 : write_end(w, offset);
}

int data_writer__close(struct data_writer *w)
{
	int ret = 0;

	if (!w)
		return 0;
	if (close(w->fd) && !w->failed)
		ret = error("%s: %s", w->path, strerror(errno));
	if (w->failed)
		ret = -1;
	data_encoder__free(w->enc);
	free(w->buf.data);
	free(w->path);
	free(w);
	return ret;
}
