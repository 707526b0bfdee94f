// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "util/error.h"
#include "util/render/screen.h"
#include "util/sandbox.h"
#include "util/text.h"

static u32 find_width(u32 width)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!width && columns)
		width = strtoul(columns, NULL, 10);
	if (!width && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		width = size.ws_col;
	if (!width)
		return SCREEN_USUAL;
	if (width < SCREEN_MIN)
		return SCREEN_MIN;
	return width > SCREEN_MAX ? SCREEN_MAX : width;
}

static const char *find_pager(void)
{
	const char *pager = getenv("KVMW_PAGER");

	if (!pager)
		pager = getenv("PAGER");
	if (!pager)
		pager = "if command -v less >/dev/null; then exec less; else exec cat; fi";
	return !*pager || !strcmp(pager, "cat") ? NULL : pager;
}

/* In the child. While nothing has been printed, the terminal is not the pager's. */
static void __attribute__((noreturn)) run_pager(const char *pager, int fd)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };

	dup2(fd, STDIN_FILENO);
	/* Not least the other end. */
	sandbox__close_files(STDERR_FILENO + 1);
	while (poll(&pfd, 1, -1) < 0 && errno == EINTR)
		;
	if (!(pfd.revents & POLLIN))
		_exit(0);
	/* As perf and git: no pager for one screen, colours, no clearing. */
	setenv("LESS", "FRSX", 0);
	execl("/bin/sh", "sh", "-c", pager, NULL);
	_exit(127);
}

/* The pager is a child whose standard input becomes our output. */
static void start_pager(struct screen *s, const char *pager)
{
	int fds[2];

	if (pipe(fds))
		return;
	fflush(NULL);
	s->pager = fork();
	if (!s->pager)
		run_pager(pager, fds[0]);
	close(fds[0]);
	if (s->pager > 0)
		s->out = fdopen(fds[1], "w");
	if (s->pager < 0 || !s->out) {
		close(fds[1]);
		s->pager = 0;
		s->out = stdout;
		return;
	}
	/* Leaving the pager early is not an error. */
	signal(SIGPIPE, SIG_IGN);
}

void screen__open(struct screen *s, u32 width, bool pager)
{
	bool terminal = isatty(STDOUT_FILENO);
	const char *command = pager && terminal ? find_pager() : NULL;

	setlocale(LC_CTYPE, "");
	*s = (struct screen) {
		.out = stdout,
		.width = find_width(width),
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
	};
	if (command)
		start_pager(s, command);
	/* Which it might not find out behind a wall. */
	if (terminal && !s->pager)
		setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

void screen__use_color(struct screen *s, enum color_when when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	s->color = when == COLOR_ALWAYS ||
		   (when == COLOR_AUTO && isatty(STDOUT_FILENO) && !(no && *no) &&
		    !(term && !strcmp(term, "dumb")));
}

void screen__color(const struct screen *s, enum color color)
{
	if (s->color)
		fprintf(s->out, "\033[%dm", color);
}

void screen__plain(const struct screen *s)
{
	if (s->color)
		fputs("\033[0m", s->out);
}

int screen__close(struct screen *s)
{
	FILE *out = s->out;
	bool failed = out && (fflush(out) || ferror(out));
	int err = errno, status = 0;

	s->out = NULL;
	if (!out)
		return 0;
	/* Whoever read had enough, as head. */
	if (!s->pager)
		return failed && err != EPIPE ? error("standard output: %s", strerror(err)) : 0;
	fclose(out);
	while (waitpid(s->pager, &status, 0) < 0 && errno == EINTR)
		;
	/* The shell's words for: not found, cannot be run. */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == 126))
		return error("cannot run the pager; use --no-pager or set KVMW_PAGER or PAGER");
	return 0;
}

/* The next character of safe text: what to print for it, how long, how wide. */
static size_t next(const struct screen *s, const char *text, const char **print, size_t *bytes,
		   u32 *width)
{
	u32 code;
	size_t len = text__utf8(text, &code);
	int w = len ? wcwidth(code) : -1;

	*print = text;
	*bytes = len;
	*width = 1;
	if (!len || (code >= 0x80 && (!s->utf8 || w < 0))) {
		*print = "?";
		*bytes = 1;
	} else if (code >= 0x80) {
		*width = w;
	}
	return len ?: 1;
}

u32 screen__width(const struct screen *s, const char *text)
{
	const char *print;
	u32 width, total = 0;
	size_t bytes;

	while (*text) {
		text += next(s, text, &print, &bytes, &width);
		total += width;
	}
	return total;
}

static u32 print_upto(const struct screen *s, const char *text, u32 room)
{
	const char *print;
	u32 width, used = 0;
	size_t bytes;

	while (*text) {
		text += next(s, text, &print, &bytes, &width);
		if (used + width > room)
			break;
		fwrite(print, 1, bytes, s->out);
		used += width;
	}
	return used;
}

void screen__text(const struct screen *s, const char *text)
{
	print_upto(s, text, UINT32_MAX);
}

const char *screen__block(const struct screen *s, u64 value, u64 most)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };
	u32 level = value ? 1 + (u32)(7.0 * value / most) : 0;

	return s->utf8 ? blocks[level] : ascii[level];
}

const char *screen__shade(const struct screen *s, u32 shade)
{
	static const char *const shades[] = { " ", "·", "░", "▒", "▓", "█" };
	static const char *const ascii[] = { " ", ".", ":", "+", "*", "#" };

	return s->utf8 ? shades[shade] : ascii[shade];
}

void screen__field(const struct screen *s, const char *text, u32 width, bool left)
{
	u32 need = screen__width(s, text), used;

	if (need <= width) {
		fprintf(s->out, "%*s", left ? 0 : (int)(width - need), "");
		print_upto(s, text, need);
		fprintf(s->out, "%*s", left ? (int)(width - need) : 0, "");
		return;
	}
	used = print_upto(s, text, width - 1);
	fputs(s->utf8 ? "…" : "~", s->out);
	fprintf(s->out, "%*s", (int)(width - 1 - used), "");
}

static void new_line(const struct screen *s, const char *rest, u32 *column)
{
	fputc('\n', s->out);
	screen__text(s, rest);
	*column = screen__width(s, rest);
}

/* A word that no line can hold is broken wherever a line ends. */
static void print_word(const struct screen *s, const char *rest, const char *word, size_t len,
		       u32 *column)
{
	const char *end = word + len, *print;
	size_t bytes;
	u32 width;

	while (word < end) {
		word += next(s, word, &print, &bytes, &width);
		if (*column + width > s->width)
			new_line(s, rest, column);
		fwrite(print, 1, bytes, s->out);
		*column += width;
	}
}

static u32 word_width(const struct screen *s, const char *word, size_t len)
{
	const char *end = word + len, *print;
	u32 width, total = 0;
	size_t bytes;

	while (word < end) {
		word += next(s, word, &print, &bytes, &width);
		total += width;
	}
	return total;
}

void screen__wrap(const struct screen *s, const char *first, const char *rest, const char *words)
{
	u32 column = screen__width(s, first);
	bool begin = true;

	screen__text(s, first);
	for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
		size_t len = strcspn(words, " ");

		if (!begin && column + 1 + word_width(s, words, len) > s->width) {
			new_line(s, rest, &column);
		} else if (!begin) {
			fputc(' ', s->out);
			column++;
		}
		print_word(s, rest, words, len, &column);
		begin = false;
		words += len;
	}
	fputc('\n', s->out);
}

void screen__say(const struct screen *s, const char *first, const char *rest, const char *format,
		 ...)
{
	char words[4096];
	va_list ap;

	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	screen__wrap(s, first, rest, words);
}
