/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtio-iommu-pci, which handles requests when its main loop comes to it: here, when the plugin
 * says so, or later. A failing access would be an event, so that none may fail.
 */
#include "guest_x86.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AVAIL	 UINT64_C(0x31000)
#define USED	 UINT64_C(0x32000)
#define REQUESTS UINT64_C(0x40000) /* 64 bytes each, for each pair of descriptors */
#define COMMON	 0u
#define NOTIFY	 0x3000u

static uint64_t mapped[3][X86_PAGES]; /* frame, with its rights in the low bits */
static bool attached[3];
static uint16_t available, used;

static unsigned char *bytes_at(uint64_t gpa)
{
	return machine.ram + gpa;
}

static void put(uint64_t gpa, unsigned int bytes, uint64_t value)
{
	memcpy(bytes_at(gpa), &value, bytes);
}

static uint64_t get(uint64_t gpa, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, bytes_at(gpa), bytes);
	return value;
}

static struct iotlb_entry translate(unsigned int device, uint64_t iova, bool is_write)
{
	struct iotlb_entry entry = { .iova = iova, .addr_mask = PAGE - 1, .perm = 3, .translated_addr = iova };
	uint64_t page;

	if (!attached[device])
		return entry;
	page = iova >= X86_FIRST && iova < X86_FIRST + X86_PAGES * PAGE ? mapped[device][(iova - X86_FIRST) / PAGE] : 0;
	if (!(page & (is_write ? 2u : 1u))) {
		fprintf(stderr, "watch-machine: the guest sees a fault report of 0x%llx\n", (unsigned long long)iova);
		exit(70);
	}
	entry.translated_addr = page & ~UINT64_C(0xfff);
	return entry;
}

/* Carries out one request. The domain of a device has its number. */
static void carry_out(uint64_t request)
{
	unsigned int device = (unsigned int)get(request + 4, 4);
	uint64_t iova = get(request + 8, 8), last = get(request + 16, 8), gpa = get(request + 24, 8);

	switch (get(request, 1)) {
	case 1:
		attached[device] = true;
		break;
	case 2:
		attached[device] = false;
		break;
	case 3:
		for (; iova < last; iova += PAGE, gpa += PAGE)
			mapped[device][(iova - X86_FIRST) / PAGE] = gpa | get(request + 32, 4);
		break;
	case 4:
		for (; iova < last; iova += PAGE)
			mapped[device][(iova - X86_FIRST) / PAGE] = 0;
		break;
	}
	put(request + 48, 1, 0);
}

static void settle(void)
{
	for (; used != available; used++)
		carry_out(REQUESTS + used % 128u * UINT64_C(64));
	put(USED + 2, 2, used);
}

/* A request of 20 to 36 bytes, and the tail for its answer. */
static uint64_t request(unsigned int type, unsigned int device, unsigned int bytes)
{
	unsigned int slot = available % 128u;
	uint64_t at = REQUESTS + slot * UINT64_C(64), descriptor = X86_QUEUE + slot * UINT64_C(32);

	memset(bytes_at(at), 0, 64);
	put(at, 4, type);
	put(at + 4, 4, device);
	put(at + 48, 1, 0xee);
	machine_put(descriptor, at);
	machine_put(descriptor + 8, (bytes - 4) | UINT64_C(1) << 32 | (uint64_t)(2 * slot + 1) << 48);
	machine_put(descriptor + 16, at + 48);
	machine_put(descriptor + 24, 4 | UINT64_C(2) << 32);
	put(AVAIL + 4 + available % X86_ENTRIES * UINT64_C(2), 2, 2 * slot);
	available++;

	return at;
}

static void submit(void)
{
	put(AVAIL + 2, 2, available);
	/* Now and then the main loop is faster than the plugin. */
	if (machine_draw(4) == 0)
		settle();

	x86_write(NOTIFY, 4, 0);
}

static uint64_t frames[X86_PAGES];
static unsigned int rights_of[X86_PAGES];

static void set_page(unsigned int device, uint64_t iova, uint64_t gpa, unsigned int rights)
{
	unsigned int page = (unsigned int)((iova - X86_FIRST) / PAGE);

	(void)device;
	frames[page] = gpa;
	rights_of[page] = rights;
}

/* Pages are mapped one by one, and unmapped together. */
static void announce(unsigned int device, uint64_t iova, unsigned int pages)
{
	unsigned int page = (unsigned int)((iova - X86_FIRST) / PAGE), i;
	uint64_t at;

	if (!rights_of[page]) {
		at = request(4, device, 28 + 4);
		put(at + 8, 8, iova);
		put(at + 16, 8, iova + pages * (uint64_t)PAGE - 1);
		return;
	}
	for (i = 0; i < pages; i++) {
		at = request(3, device, 36 + 4);
		put(at + 8, 8, iova + i * (uint64_t)PAGE);
		put(at + 16, 8, iova + i * (uint64_t)PAGE + (PAGE - 1));
		put(at + 24, 8, frames[page + i]);
		put(at + 32, 4, rights_of[page + i]);
	}
}

static void attach(unsigned int device)
{
	put(request(1, device, 20 + 4) + 8, 4, device);
	submit();
}

static void detach(unsigned int device)
{
	memset(mapped[device], 0, sizeof(mapped[device]));
	put(request(2, device, 20 + 4) + 8, 4, device);
	submit();
}

static void begin(void)
{
	x86_write(COMMON + 0x14, 4, 0);
	x86_write(COMMON + 0x08, 4, 0);
	x86_write(COMMON + 0x0c, 4, 0x57);
	x86_write(COMMON + 0x14, 4, 11);
	x86_write(COMMON + 0x14, 4, 15);
}

/* The reset takes all domains. */
static void adopt(void)
{
	memset(mapped, 0, sizeof(mapped));
	memset(attached, 0, sizeof(attached));
	available = used = 0;
	begin();
	attach(1);
	attach(2);
}

static const struct x86_iommu virtio = { begin, attach, detach, adopt, set_page, announce, submit };

static void run(void)
{
	x86_run(&virtio);
}

struct machine machine_virtio = {
	.target = "x86_64",
	.iommu = "virtio-iommu-pci",
	.rings = { X86_QUEUE, AVAIL, USED, X86_ENTRIES },
	.translate = translate,
	.load = x86_load,
	.store = x86_store,
	.settle = settle,
	.run = run,
};
