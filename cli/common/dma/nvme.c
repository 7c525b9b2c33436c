/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of an NVMe driver that reads and writes 4096 bytes (NVM Express Base Specification 2.0,
 * NVM Command Set Specification 1.0): the admin queues, one pair of I/O queues, one command at a
 * time, polled completions. Names of registers and fields are the specification's.
 *
 * Each queue is one of the caller's pages. A fifth page takes the data of Identify. Their contents
 * are little-endian.
 */
#include "dma/driver.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Controller registers. */
#define NVME_CAP_LOW  0x00u /* MQES in bits 0-15, TO in bits 24-31 in units of 500 ms */
#define NVME_CAP_HIGH 0x04u /* DSTRD in bits 32-35, MPSMIN in bits 48-51 of the whole */
#define NVME_CC	      0x14u
#define NVME_CSTS     0x1cu
#define NVME_AQA      0x24u
#define NVME_ASQ      0x28u
#define NVME_ACQ      0x30u
#define NVME_DOORBELL 0x1000u

#define NVME_CC_EN     0x1u
#define NVME_CC_IOSQES (6u << 16) /* entries of 2^6 bytes */
#define NVME_CC_IOCQES (4u << 20) /* entries of 2^4 bytes */
#define NVME_CSTS_RDY  0x1u
#define NVME_CSTS_CFS  0x2u

/* Commands. */
#define NVME_ADMIN_CREATE_SQ	0x01u
#define NVME_ADMIN_CREATE_CQ	0x05u
#define NVME_ADMIN_IDENTIFY	0x06u
#define NVME_ADMIN_SET_FEATURES 0x09u
#define NVME_IO_WRITE		0x01u /* from memory to the namespace */
#define NVME_IO_READ		0x02u

#define NVME_FEATURE_QUEUES 0x07u
#define NVME_CONTIGUOUS	    0x1u
#define NVME_NAMESPACE	    1u

#define QUEUE_ENTRIES 8u
#define COMMAND_MS    30000u
#define LOOK_MS	      20u /* interval of checks that the controller still works, during a wait */

struct nvme_command {
	uint32_t opcode; /* and the command's identifier in bits 16-31 */
	uint32_t nsid;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t prp[2];
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "a submission queue entry has 64 bytes");

struct nvme_completion {
	uint32_t dw0, dw1, dw2;
	uint32_t status; /* command identifier, phase in bit 16, status above */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "a completion queue entry has 16 bytes");

enum { ADMIN_SQ, ADMIN_CQ, IO_SQ, IO_CQ, DATA, PAGES_USED };
_Static_assert(PAGES_USED <= DMA_PAGES, "the caller gives as many pages as are used");

static int status(struct dma_device *device, uint32_t *csts)
{
	int error = dma_load32(device, NVME_CSTS, csts);

	if (error)
		return error;
	if (*csts == UINT32_MAX)
		return dma_failed(device, -ENXIO, "its registers read as ones: it is gone, or in an error state");
	return 0;
}

static int wait_ready(struct dma_device *device, bool ready)
{
	uint64_t until = dma_now_ms() + device->nvme.ready_ms;
	uint32_t csts;
	int error;

	do {
		error = status(device, &csts);
		if (error)
			return error;
		if (ready && csts & NVME_CSTS_CFS)
			return dma_failed(device, -EIO, "the controller has failed (CSTS.CFS)");
		if (!(csts & NVME_CSTS_RDY) == !ready)
			return 0;
		dma_pause();
	} while (dma_now_ms() < until);
	return dma_failed(device, -ETIMEDOUT, "the controller did not become %s in %u ms", ready ? "ready" : "idle", device->nvme.ready_ms);
}

static void queue_init(struct dma_device *device, struct nvme_queue *queue, uint32_t id)
{
	*queue = (struct nvme_queue){
		.id = id, .phase = 1, .submissions = &device->pages[id ? IO_SQ : ADMIN_SQ], .completions = &device->pages[id ? IO_CQ : ADMIN_CQ]
	};
	memset(queue->submissions->memory, 0, DMA_BYTES);
	memset(queue->completions->memory, 0, DMA_BYTES);
}

/* A submission queue's doorbell, or its completion queue's. */
static uint64_t doorbell(const struct dma_device *device, const struct nvme_queue *queue, bool completions)
{
	return NVME_DOORBELL + (2 * (uint64_t)queue->id + (completions ? 1 : 0)) * device->nvme.stride;
}

static int wait_completion(struct dma_device *device, struct nvme_queue *queue, const struct nvme_command *command)
{
	struct nvme_completion *completion = (struct nvme_completion *)queue->completions->memory + queue->head;
	uint64_t now = dma_now_ms();
	uint64_t until = now + COMMAND_MS;
	uint64_t look = now + LOOK_MS;
	uint32_t word, csts;
	int error;

	for (;;) {
		word = le32toh(__atomic_load_n(&completion->status, __ATOMIC_ACQUIRE));
		if ((word >> 16 & 1) == queue->phase)
			break;
		now = dma_now_ms();
		if (now >= look) {
			look = now + LOOK_MS;
			error = status(device, &csts);
			if (error)
				return error;
			if (csts & NVME_CSTS_CFS)
				return dma_failed(device, -EIO, "the controller has failed (CSTS.CFS)");
		}
		if (now >= until)
			return dma_failed(device, -ETIMEDOUT, "command 0x%02x of queue %u did not end in %u ms", command->opcode & 0xff, queue->id, COMMAND_MS);
		dma_pause();
	}

	queue->head = (queue->head + 1) % QUEUE_ENTRIES;
	if (!queue->head)
		queue->phase ^= 1;
	error = dma_store32(device, doorbell(device, queue, true), queue->head);
	if (error)
		return error;
	if (word >> 17)
		return dma_failed(device, -EIO, "command 0x%02x of queue %u ended with status 0x%04x", command->opcode & 0xff, queue->id, word >> 17);
	return 0;
}

static int execute(struct dma_device *device, struct nvme_queue *queue, const struct nvme_command *command)
{
	struct nvme_command *slot = (struct nvme_command *)queue->submissions->memory + queue->tail;
	int error;

	*slot = (struct nvme_command){
		.opcode = htole32(command->opcode | queue->tail << 16),
		.nsid = htole32(command->nsid),
		.prp = { htole64(command->prp[0]) },
		.cdw10 = htole32(command->cdw10),
		.cdw11 = htole32(command->cdw11),
		.cdw12 = htole32(command->cdw12),
	};
	queue->tail = (queue->tail + 1) % QUEUE_ENTRIES;
	/* The entry must be visible before the doorbell. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	error = dma_store32(device, doorbell(device, queue, false), queue->tail);
	return error ? error : wait_completion(device, queue, command);
}

static int admin(struct dma_device *device, const struct nvme_command *command)
{
	return execute(device, &device->nvme.admin, command);
}

static int store_address(struct dma_device *device, uint64_t offset, uint64_t value)
{
	int error = dma_store32(device, offset, (uint32_t)value);

	return error ? error : dma_store32(device, offset + 4, (uint32_t)(value >> 32));
}

static int disable(struct dma_device *device)
{
	int error = dma_store32(device, NVME_CC, 0);

	return error ? error : wait_ready(device, false);
}

static int enable(struct dma_device *device)
{
	int error;

	queue_init(device, &device->nvme.admin, 0);
	queue_init(device, &device->nvme.io, 1);
	error = dma_store32(device, NVME_AQA, (QUEUE_ENTRIES - 1) << 16 | (QUEUE_ENTRIES - 1));
	if (!error)
		error = store_address(device, NVME_ASQ, device->pages[ADMIN_SQ].iova);
	if (!error)
		error = store_address(device, NVME_ACQ, device->pages[ADMIN_CQ].iova);
	if (!error)
		error = dma_store32(device, NVME_CC, NVME_CC_EN | NVME_CC_IOSQES | NVME_CC_IOCQES);
	return error ? error : wait_ready(device, true);
}

/* Reads the size of the namespace and of its sectors. */
static int identify(struct dma_device *device)
{
	const struct nvme_command command = { .opcode = NVME_ADMIN_IDENTIFY, .nsid = NVME_NAMESPACE, .prp = { device->pages[DATA].iova } };
	const unsigned char *data = device->pages[DATA].memory;
	uint32_t format;
	uint64_t size;
	int error;

	memset(device->pages[DATA].memory, 0, DMA_BYTES);
	error = admin(device, &command);
	if (error)
		return error;
	/*
	 * NSZE is in bytes 0-7; byte 26 selects one of the formats from byte 128 on; LBADS is in
	 * bits 16-23 of that.
	 */
	memcpy(&size, data, sizeof(size));
	size = le64toh(size);
	memcpy(&format, data + 128 + 4 * (data[26] & 0xf), sizeof(format));
	format = le32toh(format) >> 16 & 0xff;
	if (!size)
		return dma_failed(device, -ENODEV, "it has no namespace 1, or what it writes to its pages does not arrive");
	if (format < 9 || format > 12)
		return dma_failed(device, -ENODEV, "its sectors have 2^%u bytes, where up to 4096 are known", format);
	device->nvme.sectors = DMA_BYTES >> format;
	device->blocks = size / device->nvme.sectors;
	return 0;
}

static int create_queues(struct dma_device *device)
{
	const struct nvme_queue *io = &device->nvme.io;
	const struct nvme_command number = { .opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES };
	const struct nvme_command completions = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.prp = { io->completions->iova },
		.cdw10 = (QUEUE_ENTRIES - 1) << 16 | io->id,
		.cdw11 = NVME_CONTIGUOUS,
	};
	const struct nvme_command submissions = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.prp = { io->submissions->iova },
		.cdw10 = (QUEUE_ENTRIES - 1) << 16 | io->id,
		.cdw11 = io->id << 16 | NVME_CONTIGUOUS,
	};
	int error = admin(device, &number);

	if (!error)
		error = admin(device, &completions);
	return error ? error : admin(device, &submissions);
}

static int nvme_start(struct dma_device *device)
{
	uint32_t low, high;
	int error = dma_load32(device, NVME_CAP_LOW, &low);

	if (!error)
		error = dma_load32(device, NVME_CAP_HIGH, &high);
	if (error)
		return error;
	if (low == UINT32_MAX)
		return dma_failed(device, -ENXIO, "its registers read as ones: it is gone, or in an error state");
	if ((low & 0xffff) + 1 < QUEUE_ENTRIES)
		return dma_failed(device, -ENODEV, "its queues have %u entries, fewer than %u", (low & 0xffff) + 1, QUEUE_ENTRIES);
	if (high >> 16 & 0xf)
		return dma_failed(device, -ENODEV, "it knows no pages of 4096 bytes");
	device->nvme.ready_ms = ((low >> 24) + 1) * 500;
	if (device->nvme.ready_ms < COMMAND_MS)
		device->nvme.ready_ms = COMMAND_MS;
	device->nvme.stride = 4u << (high & 0xf);

	error = disable(device);
	if (!error)
		error = enable(device);
	if (!error)
		error = identify(device);
	return error ? error : create_queues(device);
}

static void nvme_stop(struct dma_device *device)
{
	disable(device);
}

static int nvme_transfer(struct dma_device *device, uint64_t iova, uint64_t block, bool write)
{
	const uint64_t sector = block * device->nvme.sectors;
	const struct nvme_command command = {
		.opcode = write ? NVME_IO_READ : NVME_IO_WRITE,
		.nsid = NVME_NAMESPACE,
		.prp = { iova },
		.cdw10 = (uint32_t)sector,
		.cdw11 = (uint32_t)(sector >> 32),
		.cdw12 = (uint32_t)device->nvme.sectors - 1,
	};

	return execute(device, &device->nvme.io, &command);
}

const struct dma_driver dma_nvme = { .name = "nvme", .start = nvme_start, .stop = nvme_stop, .transfer = nvme_transfer };
