/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "iommus.h"

#include <endian.h>
#include <string.h>

#include <viommu/amdvi.h>
#include <viommu/virtio.h>
#include <viommu/vtd.h>

#define QUEUE	   UINT64_C(0x10000) /* 256 commands of 16 bytes */
#define DEVICES	   UINT64_C(0x20000) /* root table, or device table */
#define CONTEXTS   UINT64_C(0x21000)
#define DONE	   UINT64_C(0x30000) /* where a wait stores */
#define TABLES	   UINT64_C(0x100000)
#define LEVELS	   3u
#define DEVICE(u)  (8u * ((u) + 1)) /* bus 0, device u + 1 */
#define DOMAIN(u)  (5u + (u))
#define QUEUE_MASK 0xfffu

static void put(struct iommu *iommu, uint64_t gpa, uint64_t value)
{
	__atomic_store_n((uint64_t *)(void *)guest_hva(iommu->guest, gpa), htole64(value), __ATOMIC_RELEASE);
}

static uint64_t get(const struct iommu *iommu, uint64_t gpa)
{
	return le64toh(*(const uint64_t *)(const void *)guest_hva(iommu->guest, gpa));
}

static uint64_t new_table(struct iommu *iommu)
{
	uint64_t table = iommu->table_next;

	iommu->table_next += PAGE;
	/* Tables of before are not used any more when there are so many. */
	if (iommu->table_next == IOMMU_STRUCTURES)
		iommu->table_next = TABLES;
	memset(guest_hva(iommu->guest, table), 0, (size_t)PAGE);
	return table;
}

/* The entry of an IOVA in the lowest table; `upper` makes entries that name tables. */
static uint64_t entry_of(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t (*upper)(unsigned int level))
{
	uint64_t table = iommu->root[unit];

	for (unsigned int level = LEVELS - 1;; level--) {
		uint64_t entry = table + (iova >> (12 + 9 * level) & 511) * 8;

		if (!level)
			return entry;
		if (!get(iommu, entry))
			put(iommu, entry, new_table(iommu) | upper(level));
		table = get(iommu, entry) & UINT64_C(0x000ffffffffff000);
	}
}

static void queue(struct iommu *iommu, uint64_t dw0, uint64_t dw1)
{
	put(iommu, QUEUE + iommu->tail, dw0);
	put(iommu, QUEUE + iommu->tail + 8, dw1);
	iommu->tail = (iommu->tail + 16) & QUEUE_MASK;
}

/* Pages in the sizes that both architectures invalidate: aligned powers of two. */
static uint64_t piece(uint64_t iova, uint64_t pages)
{
	uint64_t size = 1;

	while (size * 2 <= pages && !(iova / PAGE % (size * 2)))
		size *= 2;
	return size;
}

/*
 * VT-d (D51397): legacy mode, second stage with 3 levels, queued invalidation.
 */

#define R_GCMD	 0x18u
#define R_GSTS	 0x1cu
#define R_RTADDR 0x20u
#define R_FSTS	 0x34u
#define R_IQH	 0x80u
#define R_IQT	 0x88u
#define R_IQA	 0x90u
#define TE	 (1u << 31)
#define SRTP	 (1u << 30)
#define QIE	 (1u << 26)
#define IQE	 0x10u

static int vtd_up(struct iommu *iommu)
{
	struct viommu_vtd_config config = VIOMMU_VTD_CONFIG_INIT;
	struct viommu_vtd *made;
	int error;

	config.address_bits = 39;
	error = viommu_vtd_create(iommu->guest->vm, &config, &made);
	if (error)
		return error;
	iommu->made = made;
	put(iommu, DEVICES, CONTEXTS | 1);
	viommu_vtd_write(made, R_RTADDR, 8, DEVICES);
	viommu_vtd_write(made, R_GCMD, 4, SRTP);
	viommu_vtd_write(made, R_IQA, 8, QUEUE);
	viommu_vtd_write(made, R_GCMD, 4, QIE);
	viommu_vtd_write(made, R_GCMD, 4, QIE | TE);
	return 0;
}

static int vtd_add(struct iommu *iommu, unsigned int unit, const void *device, struct viommu_device **out)
{
	struct viommu_vtd_device_config config = VIOMMU_VTD_DEVICE_CONFIG_INIT;
	struct viommu_vtd_device *made;
	int error;

	config.source_id = DEVICE(unit);
	config.host = iommu->host;
	config.device = device;
	error = viommu_vtd_device_add(iommu->made, &config, &made);
	if (!error)
		*out = viommu_vtd_device_device(made);
	return error;
}

static void vtd_down(struct iommu *iommu)
{
	viommu_vtd_destroy(iommu->made);
}

/* A wait behind what was queued: it stores its number, and the queue is empty then. */
static bool vtd_sync(struct iommu *iommu)
{
	uint64_t head = 0, status = 0;

	put(iommu, DONE, 0);
	queue(iommu, UINT64_C(0x25) | UINT64_C(77) << 32, DONE);
	viommu_vtd_write(iommu->made, R_IQT, 4, iommu->tail);
	viommu_vtd_read(iommu->made, R_IQH, 4, &head);
	viommu_vtd_read(iommu->made, R_FSTS, 4, &status);
	return head == iommu->tail && !(status & IQE) && (get(iommu, DONE) & UINT32_MAX) == 77;
}

static bool vtd_renew(struct iommu *iommu, unsigned int unit)
{
	uint64_t entry = CONTEXTS + 16 * DEVICE(unit);

	iommu->root[unit] = new_table(iommu);
	put(iommu, entry + 8, 1 | (uint64_t)DOMAIN(unit) << 8);
	put(iommu, entry, iommu->root[unit] | 1);
	queue(iommu, UINT64_C(0x31) | (uint64_t)DOMAIN(unit) << 16 | (uint64_t)DEVICE(unit) << 32, 0);
	queue(iommu, UINT64_C(0xe2) | (uint64_t)DOMAIN(unit) << 16, 0);
	return vtd_sync(iommu);
}

static uint64_t vtd_upper(unsigned int level)
{
	(void)level;
	return 3;
}

static bool vtd_invalidate(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages)
{
	while (pages) {
		uint64_t size = piece(iova, pages);

		queue(iommu, UINT64_C(0xf2) | (uint64_t)DOMAIN(unit) << 16, iova | (uint64_t)__builtin_ctzll(size));
		iova += size * PAGE;
		pages -= size;
	}
	return vtd_sync(iommu);
}

static bool vtd_map(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot)
{
	for (uint64_t i = 0; i < pages; i++)
		put(iommu, entry_of(iommu, unit, iova + i * PAGE, vtd_upper), (gpa + i * PAGE) | (prot & VIOMMU_READ ? 1 : 0) | (prot & VIOMMU_WRITE ? 2 : 0));
	return vtd_invalidate(iommu, unit, iova, pages);
}

static bool vtd_unmap(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		put(iommu, entry_of(iommu, unit, iova + i * PAGE, vtd_upper), 0);
	return vtd_invalidate(iommu, unit, iova, pages);
}

static bool vtd_look_again(struct iommu *iommu)
{
	queue(iommu, UINT64_C(0xd2), 0);
	return vtd_sync(iommu);
}

const struct iommu_kind vtd = { "VT-d", vtd_up, vtd_add, vtd_down, vtd_renew, vtd_map, vtd_unmap, vtd_look_again };

/*
 * AMD's IOMMU (48882): host page tables with 3 levels, command buffer.
 */

#define R_DEV_TAB  0x0000u
#define R_CMD_BASE 0x0008u
#define R_CONTROL  0x0018u
#define R_CMD_HEAD 0x2000u
#define R_CMD_TAIL 0x2008u
#define ENABLED	   (UINT64_C(0x1) | UINT64_C(0x1000)) /* the IOMMU, and its command buffer */
#define RIGHTS	   (UINT64_C(3) << 61)

static int amdvi_up(struct iommu *iommu)
{
	struct viommu_amdvi_config config = VIOMMU_AMDVI_CONFIG_INIT;
	struct viommu_amdvi *made;
	int error = viommu_amdvi_create(iommu->guest->vm, &config, &made);

	if (error)
		return error;
	iommu->made = made;
	/* V and TV without tables: blocked. */
	for (unsigned int unit = 0; unit < IOMMU_UNITS; unit++)
		put(iommu, DEVICES + 32 * DEVICE(unit), 1);
	viommu_amdvi_write(made, R_DEV_TAB, 8, DEVICES);
	viommu_amdvi_write(made, R_CMD_BASE, 8, QUEUE | UINT64_C(8) << 56);
	viommu_amdvi_write(made, R_CONTROL, 8, ENABLED);
	return 0;
}

static int amdvi_add(struct iommu *iommu, unsigned int unit, const void *device, struct viommu_device **out)
{
	struct viommu_amdvi_device_config config = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;
	struct viommu_amdvi_device *made;
	int error;

	config.device_id = DEVICE(unit);
	config.host = iommu->host;
	config.device = device;
	error = viommu_amdvi_device_add(iommu->made, &config, &made);
	if (!error)
		*out = viommu_amdvi_device_device(made);
	return error;
}

static void amdvi_down(struct iommu *iommu)
{
	viommu_amdvi_destroy(iommu->made);
}

static bool amdvi_sync(struct iommu *iommu)
{
	uint64_t head = 0;

	put(iommu, DONE, 0);
	queue(iommu, UINT64_C(1) << 60 | DONE | 1, 77);
	viommu_amdvi_write(iommu->made, R_CMD_TAIL, 4, iommu->tail);
	viommu_amdvi_read(iommu->made, R_CMD_HEAD, 4, &head);
	return head == iommu->tail && get(iommu, DONE) == 77;
}

static bool amdvi_renew(struct iommu *iommu, unsigned int unit)
{
	uint64_t entry = DEVICES + 32 * DEVICE(unit);

	iommu->root[unit] = new_table(iommu);
	put(iommu, entry + 8, DOMAIN(unit));
	put(iommu, entry, iommu->root[unit] | RIGHTS | LEVELS << 9 | 3);
	queue(iommu, UINT64_C(2) << 60 | DEVICE(unit), 0);
	queue(iommu, UINT64_C(3) << 60 | (uint64_t)DOMAIN(unit) << 32, UINT64_C(0x7ffffffffffff003));
	return amdvi_sync(iommu);
}

static uint64_t amdvi_upper(unsigned int level)
{
	return RIGHTS | (uint64_t)level << 9 | 1;
}

static bool amdvi_invalidate(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages)
{
	while (pages) {
		uint64_t size = piece(iova, pages);

		/* The lowest zero bit of the address says the size. */
		queue(iommu, UINT64_C(3) << 60 | (uint64_t)DOMAIN(unit) << 32, iova | (size / 2 ? (size / 2 - 1) * PAGE : 0) | (size > 1 ? 1 : 0));
		iova += size * PAGE;
		pages -= size;
	}
	return amdvi_sync(iommu);
}

static bool amdvi_map(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot)
{
	for (uint64_t i = 0; i < pages; i++)
		put(iommu, entry_of(iommu, unit, iova + i * PAGE, amdvi_upper),
		    (gpa + i * PAGE) | (prot & VIOMMU_READ ? UINT64_C(1) << 61 : 0) | (prot & VIOMMU_WRITE ? UINT64_C(1) << 62 : 0) | 1);
	return amdvi_invalidate(iommu, unit, iova, pages);
}

static bool amdvi_unmap(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		put(iommu, entry_of(iommu, unit, iova + i * PAGE, amdvi_upper), 0);
	return amdvi_invalidate(iommu, unit, iova, pages);
}

static bool amdvi_look_again(struct iommu *iommu)
{
	queue(iommu, UINT64_C(8) << 60, 0);
	return amdvi_sync(iommu);
}

const struct iommu_kind amdvi = { "AMD-Vi", amdvi_up, amdvi_add, amdvi_down, amdvi_renew, amdvi_map, amdvi_unmap, amdvi_look_again };

/*
 * virtio-iommu (virtio 1.3, 5.13).
 */

enum { ATTACH = 1, DETACH, MAP, UNMAP };

static void set(uint8_t *bytes, unsigned int number, uint64_t value)
{
	for (unsigned int i = 0; i < number; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static bool request(struct iommu *iommu, const uint8_t *bytes, size_t number)
{
	uint8_t tail[4] = { 0xee };

	return viommu_virtio_request(iommu->made, bytes, number, tail, sizeof(tail)) == sizeof(tail) && !tail[0];
}

static int virtio_up(struct iommu *iommu)
{
	struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	struct viommu_virtio *made;
	int error;

	config.last = (UINT64_C(1) << 39) - 1;
	error = viommu_virtio_create(iommu->guest->vm, &config, &made);
	if (error)
		return error;
	iommu->made = made;
	return viommu_virtio_set_features(made, viommu_virtio_features(made));
}

static int virtio_add(struct iommu *iommu, unsigned int unit, const void *device, struct viommu_device **out)
{
	struct viommu_virtio_endpoint_config config = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	struct viommu_virtio_endpoint *made;
	int error;

	config.endpoint = DEVICE(unit);
	config.host = iommu->host;
	config.device = device;
	error = viommu_virtio_endpoint_add(iommu->made, &config, &made);
	if (!error)
		*out = viommu_virtio_endpoint_device(made);
	return error;
}

static void virtio_down(struct iommu *iommu)
{
	viommu_virtio_destroy(iommu->made);
}

/* Domains are numbered upwards. The one that is left goes with its last endpoint. */
static bool virtio_renew(struct iommu *iommu, unsigned int unit)
{
	uint8_t bytes[20] = { ATTACH };

	iommu->root[unit] = iommu->root[unit] ? iommu->root[unit] + IOMMU_UNITS : 1 + unit;
	set(bytes + 4, 4, iommu->root[unit]);
	set(bytes + 8, 4, DEVICE(unit));
	return request(iommu, bytes, sizeof(bytes));
}

static bool virtio_map(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot)
{
	uint8_t bytes[36] = { MAP };

	set(bytes + 4, 4, iommu->root[unit]);
	set(bytes + 8, 8, iova);
	set(bytes + 16, 8, iova + pages * PAGE - 1);
	set(bytes + 24, 8, gpa);
	set(bytes + 32, 4, prot);
	return request(iommu, bytes, sizeof(bytes));
}

static bool virtio_unmap(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages)
{
	uint8_t bytes[28] = { UNMAP };

	set(bytes + 4, 4, iommu->root[unit]);
	set(bytes + 8, 8, iova);
	set(bytes + 16, 8, iova + pages * PAGE - 1);
	return request(iommu, bytes, sizeof(bytes));
}

static bool virtio_look_again(struct iommu *iommu)
{
	(void)iommu;
	return true;
}

const struct iommu_kind virtio = { "virtio-iommu", virtio_up, virtio_add, virtio_down, virtio_renew, virtio_map, virtio_unmap, virtio_look_again };
