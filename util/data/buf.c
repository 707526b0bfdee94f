// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/data/format.h"
#include "util/memory.h"

int data_buf__reserve(struct data_buf *buf, size_t more)
{
	size_t size = buf->size ? buf->size : 4096;
	u8 *data;

	if (more <= buf->size - buf->len)
		return 0;
	while (size - buf->len < more)
		size *= 2;
	data = budget__realloc(NULL, buf->data, buf->size, size);
	if (!data)
		return -1;
	buf->data = data;
	buf->size = size;
	return 0;
}
