/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "dma_probe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "dma/dma.h"
#include "host_fixture.h"

/* On s390 a stopped access puts the whole function into an error state, which a reset ends. */
#ifdef __s390x__
#define FAULTS_STOP_DEVICES true
#else
#define FAULTS_STOP_DEVICES false
#endif

#define NUMBERED UINT64_C(0x6e756d6265720000) /* the page's number, at the start of each page */
#define NOTHING	 UINT64_C(0x6e6f7468696e6721)
#define MARKED	 UINT64_C(0x6d61726b65642121)

/* Blocks of the device: the source of its writes, and the target of its reads. */
enum { WRITTEN, READ_INTO };

static struct dma_device *driver;
static struct host_device *driven;

/* Pages behind the arena: the driver's, and one that exchanges data with the device. */
static unsigned char *ours(void)
{
	return arena_memory() + arena_bytes();
}

/*
 * Their IOVAs during a probe: in the first GiB of the space, or above 8 GiB. The suite maps nothing
 * there.
 */
static uint64_t ours_iova(const struct host_space *space)
{
	return ((space->host->caps.first + 8 * GIB) & ~(GIB - 1)) + GIB / 2;
}

static uint64_t exchange_iova(const struct host_space *space)
{
	return ours_iova(space) + DMA_PAGES * PAGE;
}

static uint64_t *exchange(void)
{
	return (uint64_t *)(void *)(ours() + DMA_PAGES * PAGE);
}

static uint64_t *page(uint64_t number)
{
	return (uint64_t *)(void *)(arena_memory() + number * PAGE);
}

void dma_probe_begin(void)
{
	for (uint64_t i = 0; i < arena_bytes() / PAGE; i++)
		*page(i) = NUMBERED + i;
}

void dma_probe_forget(struct host_device *device)
{
	if (driven != device)
		return;
	dma_close(driver);
	driver = NULL;
	driven = NULL;
}

static void show_ours(struct host_space *space)
{
	struct host_mapping mapping = {
		.first = ours_iova(space),
		.last = ours_iova(space) + SPARE_BYTES - 1,
		.gpa = ARENA_GPA + arena_bytes(),
		.hva = ours(),
		.prot = VIOMMU_RW,
		.fd = -1,
	};

	assert_int_equal(space->host->ops->map(space, &mapping), 0);
}

static void hide_ours(struct host_space *space)
{
	assert_int_equal(space->host->ops->unmap(space, ours_iova(space), ours_iova(space) + SPARE_BYTES - 1), 0);
	assert_int_equal(space->host->ops->flush(space), 0);
}

static void start(struct host_space *space, struct host_device *device)
{
	struct dma_page pages[DMA_PAGES];
	char why[256] = "";

	for (unsigned int i = 0; i < DMA_PAGES; i++)
		pages[i] = (struct dma_page){ .iova = ours_iova(space) + i * PAGE, .memory = ours() + i * PAGE };
	if (dma_open(space->host->ops->device_fd(device), pages, &driver, why, sizeof(why)))
		fail_msg("the device's driver: %s", why);
	driven = device;
}

/* Opens the function alone. Its driver would start DMA at once. */
static void reset_function(int fd)
{
	for (unsigned int attempt = 0; ioctl(fd, VFIO_DEVICE_RESET) && errno == EAGAIN && attempt < 5000; attempt++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/*
 * Called after an access that may have been stopped. If the kernel's own recovery has disabled and
 * enabled the function, QEMU has lost its translations. QEMU reads them again when they are mapped,
 * which attaching does. A function in its error state cannot be attached (-EIO).
 */
static void recover(struct host_space *space, struct host_device *device)
{
	int error = FAULTS_STOP_DEVICES ? dma_reset(driver) : 0;
	bool attached = true;

	for (unsigned int attempt = 0; error && attempt < 10; attempt++) {
		if (attached)
			assert_int_equal(space->host->ops->detach(space, device, VIOMMU_NO_PASID), 0);
		reset_function(space->host->ops->device_fd(device));
		error = space->host->ops->attach(space, device, VIOMMU_NO_PASID);
		attached = !error;
		if (!error)
			error = dma_reset(driver);
	}
	if (error)
		fail_msg("the device does not come back after an access that was stopped: %s", dma_why(driver));
}

/* Transfers that must succeed. */
static void put(struct host_space *space, uint64_t block, uint64_t word)
{
	*exchange() = word;
	if (dma_read_from(driver, exchange_iova(space), block))
		fail_msg("the device cannot read a page that is mapped for it: %s", dma_why(driver));
}

static uint64_t get(struct host_space *space, uint64_t block)
{
	*exchange() = 0;
	if (dma_write_to(driver, exchange_iova(space), block))
		fail_msg("the device cannot write a page that is mapped for it: %s", dma_why(driver));
	return *exchange();
}

/* Only one page may have changed. */
static void assert_untouched(uint64_t but)
{
	for (uint64_t i = 0; i < arena_bytes() / PAGE; i++)
		if (i != but && *page(i) != NUMBERED + i)
			fail_msg("page %llu of the memory was written, but the IOVA does not map it", (unsigned long long)i);
}

static int ask(struct host_space *space, struct host_device *device, uint64_t iova, uint64_t *number, uint32_t *prot)
{
	uint64_t word;

	put(space, READ_INTO, NOTHING);
	if (dma_read_from(driver, iova, READ_INTO))
		recover(space, device);
	word = get(space, READ_INTO);
	if (word < NUMBERED || word >= NUMBERED + arena_bytes() / PAGE) {
		recover(space, device);
		*number = UINT64_MAX;
		/* A second stopped access proves little more, and is slow if it needs a reset. */
		if (FAULTS_STOP_DEVICES)
			return -ENOENT;
	} else {
		*number = word - NUMBERED;
	}
	put(space, WRITTEN, MARKED);
	dma_write_to(driver, iova, WRITTEN);
	*prot = VIOMMU_READ;
	if (*number != UINT64_MAX && *page(*number) == MARKED) {
		*prot = VIOMMU_RW;
		*page(*number) = NUMBERED + *number;
	} else {
		recover(space, device);
	}
	assert_untouched(UINT64_MAX);
	return *number == UINT64_MAX ? -ENOENT : 0;
}

int dma_probe(struct host_space *space, struct host_device *device, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	uint64_t number;
	int error;

	show_ours(space);
	if (driven != device)
		start(space, device);
	error = ask(space, device, iova & ~(PAGE - 1), &number, prot);
	hide_ours(space);
	if (!error)
		*hva = (unsigned char *)page(number) + iova % PAGE;
	return error;
}
