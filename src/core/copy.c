/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copying from and to IOVAs. What a reader cannot translate goes to the device's guest IOMMU,
 * outside of the reader's sections, since the guest IOMMU may have to wait for readers.
 */
#include "core/device.h"

#define PIECES 8u

struct copy {
	uint32_t access;	  /* VIOMMU_READ or VIOMMU_WRITE */
	unsigned char *in;	  /* of a load */
	const unsigned char *out; /* of a store */
	size_t bytes;
	size_t done;
};

static void copy_piece(struct copy *copy, const struct viommu_piece *piece)
{
	if (copy->access == VIOMMU_READ)
		__builtin_memcpy(copy->in + copy->done, piece->hva, (size_t)piece->bytes);
	else
		__builtin_memcpy(piece->hva, copy->out + copy->done, (size_t)piece->bytes);
	copy->done += (size_t)piece->bytes;
}

/* As far as there are translations. 0 or -EFAULT. */
static int copy_some(struct copy *copy, struct viommu_reader *reader, uint64_t iova, struct viommu_fault *fault)
{
	struct viommu_piece pieces[PIECES];
	uint64_t translated;
	int ret;

	viommu_reader_enter(reader);
	ret = viommu_translate(reader, iova, copy->bytes - copy->done, copy->access, pieces, PIECES, &translated, fault);
	for (unsigned int i = 0; translated; i++) {
		copy_piece(copy, &pieces[i]);
		translated -= pieces[i].bytes;
	}
	viommu_reader_leave(reader);
	return ret < 0 ? ret : 0;
}

/* The guest IOMMU ended the access without an error: to the end of the page. */
static void skip_page(struct copy *copy, uint64_t iova)
{
	size_t rest = (size_t)(VIOMMU_PAGE_SIZE - iova % VIOMMU_PAGE_SIZE);

	if (rest > copy->bytes - copy->done)
		rest = copy->bytes - copy->done;
	if (copy->access == VIOMMU_READ)
		__builtin_memset(copy->in + copy->done, 0, rest);
	copy->done += rest;
}

/* 0: there may be a translation now. */
static int ask(const struct attachment *attachment, const struct viommu_fault *fault)
{
	const struct viommu_device *device = attachment->device;

	if (!device->fault || attachment->pasid != VIOMMU_NO_PASID)
		return -PORT_EFAULT;
	return device->fault(device->fault_ctx, fault);
}

static int copy(struct copy *copy, struct viommu_reader *reader, uint64_t iova, size_t *done, struct viommu_fault *fault)
{
	struct viommu_fault found = { .reason = VIOMMU_FAULT_NONE };
	unsigned int misses = 0;
	int error = 0;

	if (done)
		*done = 0;
	if (copy->bytes && iova + (copy->bytes - 1) < iova)
		return -PORT_EINVAL;
	while (!error && copy->done < copy->bytes) {
		size_t before = copy->done;

		error = copy_some(copy, reader, iova + copy->done, &found);
		if (copy->done > before)
			misses = 0;
		if (!error)
			continue;
		error = misses++ < VIOMMU_COPY_MISSES ? ask(reader->attachment, &found) : -PORT_EFAULT;
		if (error == DEVICE_FAULT_IGNORED) {
			skip_page(copy, iova + copy->done);
			misses = 0;
			error = 0;
		}
	}
	if (done)
		*done = copy->done;
	if (!error)
		return 0;
	if (fault)
		*fault = found;
	return -PORT_EFAULT;
}

int viommu_read(struct viommu_reader *reader, uint64_t iova, void *buffer, size_t bytes, size_t *done, struct viommu_fault *fault)
{
	struct copy request = { .access = VIOMMU_READ, .in = buffer, .bytes = bytes };

	return copy(&request, reader, iova, done, fault);
}

int viommu_write(struct viommu_reader *reader, uint64_t iova, const void *buffer, size_t bytes, size_t *done, struct viommu_fault *fault)
{
	struct copy request = { .access = VIOMMU_WRITE, .out = buffer, .bytes = bytes };

	return copy(&request, reader, iova, done, fault);
}
