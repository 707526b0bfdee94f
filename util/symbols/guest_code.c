// SPDX-License-Identifier: GPL-2.0
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/symbols/boot_image.h"
#include "util/symbols/guest_code.h"

struct code_part {
	u64 from;
	size_t size;
	const u8 *bytes;	/* of elf */
};

struct guest_code {
	int fd;
	Elf *elf;
	char *unpacked;		/* what elf is of, or NULL */
	struct code_part *part;
	u32 nr, room;
};

/* What of a segment is in the file. */
static int add_segment(struct guest_code *c, const GElf_Phdr *head)
{
	Elf_Data *data = elf_getdata_rawchunk(c->elf, head->p_offset, head->p_filesz, ELF_T_BYTE);

	if (!data || !data->d_size || head->p_vaddr + data->d_size < head->p_vaddr)
		return 0;
	if (array__reserve(c->part, c->nr, c->room, NULL))
		return -1;
	c->part[c->nr++] = (struct code_part) { head->p_vaddr, data->d_size, data->d_buf };
	return 0;
}

static int add_segments(struct guest_code *c, const char *path)
{
	size_t nr;

	if (!c->elf || elf_kind(c->elf) != ELF_K_ELF || elf_getphdrnum(c->elf, &nr))
		return error("--guest-vmlinux %s: not an ELF file, nor an image of Linux", path);
	for (size_t i = 0; i < nr; i++) {
		GElf_Phdr head;

		if (gelf_getphdr(c->elf, i, &head) && head.p_type == PT_LOAD &&
		    (head.p_flags & PF_X) && add_segment(c, &head))
			return -1;
	}
	return 0;
}

/* An image compressed by lz4, which libdw does not know, or else whatever it knows. */
static Elf *open_elf(struct guest_code *c)
{
	size_t size;

	c->unpacked = boot_image__unpack_lz4(c->fd, &size);
	return c->unpacked ? elf_memory(c->unpacked, size) : dwelf_elf_begin(c->fd);
}

struct guest_code *guest_code__read(const char *path)
{
	struct guest_code *c = mem__calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	elf_version(EV_CURRENT);
	c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0) {
		error("--guest-vmlinux %s: %s", path, strerror(errno));
	} else {
		c->elf = open_elf(c);
		if (!add_segments(c, path))
			return c;
	}
	guest_code__free(c);
	return NULL;
}

void guest_code__free(struct guest_code *c)
{
	if (!c)
		return;
	array__free(c->part, c->room, NULL);
	elf_end(c->elf);
	free(c->unpacked);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

size_t guest_code__at(const struct guest_code *c, u64 address, u8 *buf, size_t size)
{
	for (u32 i = 0; i < c->nr; i++) {
		const struct code_part *part = &c->part[i];
		u64 at = address - part->from;

		if (address < part->from || at >= part->size)
			continue;
		if (size > part->size - at)
			size = part->size - at;
		memcpy(buf, part->bytes + at, size);
		return size;
	}
	return 0;
}

bool guest_code__of_kernel(const struct guest_code *c)
{
	for (u32 i = 0; i < c->nr; i++)
		if (c->part[i].from >> 63)
			return true;
	return false;
}
