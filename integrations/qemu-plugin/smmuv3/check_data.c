/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check_data.h"

#include <stdlib.h>

static int add_run(void *ctx, const struct viommu_run *run)
{
	struct pages *pages = ctx;
	uint64_t count = (run->last - run->first) / VIOMMU_PAGE_SIZE + 1, i;

	for (i = 0; i < count; i++) {
		if (!pages_add(pages, run->first + i * VIOMMU_PAGE_SIZE, run->gpa + i * VIOMMU_PAGE_SIZE, run->prot))
			break;
	}
	return 0;
}

void check_data_before(struct check_data *data, struct checked_stream *stream, const struct answers *answers)
{
	/* One disk is read, and so one stream is followed. */
	if (!stream->numbered.count || (data->stream && data->stream != stream))
		return;
	data->stream = stream;
	viommu_smmuv3_device_each_run(stream->device, answers->first, answers->last, add_run, &data->pages);
}

void check_data_after(struct check_data *data, const struct guest_ram *ram,
		      void (*fn)(void *ctx, struct checked_stream *stream, const struct page *page, uint64_t block, uint64_t expected), void *ctx)
{
	struct pages now = { 0 };
	uint64_t block, expected;
	size_t i;

	for (i = 0; i < data->pages.count; i++) {
		const struct page *page = &data->pages.list[i];

		now.count = 0;
		viommu_smmuv3_device_each_run(data->stream->device, page->iova, page->iova | (VIOMMU_PAGE_SIZE - 1), add_run, &now);
		if (now.count && now.list[0].gpa == page->gpa)
			continue;
		if (numbered_released(&data->stream->numbered, ram, page->gpa, &block, &expected))
			fn(ctx, data->stream, page, block, expected);
	}
	free(now.list);
	data->pages.count = 0;
	data->stream = NULL;
}
