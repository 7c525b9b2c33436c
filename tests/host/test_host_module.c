/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host kernel on a fake kernel that has the module: the public calls, with a guest's tables
 * that the fake walks, and each failure of the kernel by turns.
 */
#include "kernel_hosts.h"

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <linux/vfio_viommu.h>
#include <viommu/mapped.h>
#include <viommu/smmuv3.h>
#include <viommu/viommu.h>
#include <viommu/amdvi.h>
#include <viommu/vtd.h>
#include <viommu/zpci.h>

#include "host/host.h"

#define MEMORY (4 * MIB)
#define SPLIT  (3 * MIB) /* a second slot begins here */

/* GPAs of tables, and of pages that they name. */
#define REGION	 UINT64_C(0x10000)
#define SEGMENTS UINT64_C(0x20000)
#define LEAVES	 UINT64_C(0x40000)
#define DATA	 (2 * MIB)

#define PBA (4 * GIB)
#define PAL (PBA + 2 * MIB - 1)

static const struct kind kernel = { "kernel", viommu_host_kernel_create };
static const struct fake_options loaded = { .module = true };

/* One guest, in two slots, with a device of a host. */
struct guest {
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct viommu_device *device;
	unsigned char *memory;
	bool pinned;
};

static void store(struct guest *guest, uint64_t gpa, uint64_t entry)
{
	entry = htobe64(entry);
	memcpy(guest->memory + gpa, &entry, sizeof(entry));
}

static void name(struct guest *guest, uint64_t page, uint64_t gpa)
{
	store(guest, LEAVES + page * 8, gpa);
}

static void write_tables(struct guest *guest)
{
	for (uint64_t i = 0; i < 2048; i++) {
		store(guest, REGION + i * 8, VIOMMU_ZPCI_ENTRY_INVALID);
		store(guest, SEGMENTS + i * 8, VIOMMU_ZPCI_ENTRY_INVALID);
	}
	store(guest, REGION + PBA / (2 * GIB) * 8, SEGMENTS | VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD) | VIOMMU_ZPCI_ENTRY_TL(3));
	store(guest, SEGMENTS, LEAVES);
	for (uint64_t i = 0; i < 256; i++)
		name(guest, i, VIOMMU_ZPCI_PAGE_INVALID);
}

static struct viommu_zpci_ioat registration(void)
{
	return (struct viommu_zpci_ioat){
		.size = sizeof(struct viommu_zpci_ioat),
		.iota = REGION | VIOMMU_ZPCI_IOTA_T | VIOMMU_ZPCI_IOTA_DT(VIOMMU_ZPCI_TYPE_REGION_THIRD),
		.pba = PBA,
		.pal = PAL,
	};
}

static int add_slot(struct guest *guest, uint64_t first, uint64_t end, uint32_t prot)
{
	struct viommu_slot slot = VIOMMU_SLOT_INIT;

	slot.gpa = first;
	slot.bytes = end - first;
	slot.hva = guest->memory + first;
	slot.prot = prot;
	return viommu_slot_add(guest->vm, &slot);
}

static int make_vm(struct guest *guest, bool pinned, uint64_t budget)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	int error;

	guest->pinned = pinned;
	config.pin = pinned ? VIOMMU_PIN_GUEST : VIOMMU_PIN_ON_REFRESH;
	config.pin_budget = budget;
	guest->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(guest->memory != MAP_FAILED);
	write_tables(guest);
	error = viommu_vm_create(&config, &guest->vm);
	if (!error)
		error = add_slot(guest, 0, SPLIT, VIOMMU_RW);
	return error ? error : add_slot(guest, SPLIT, MEMORY, VIOMMU_READ);
}

/* As far as it goes: 0 or the first error. unmake() takes it away. */
static int try_make(struct guest *guest, bool pinned)
{
	int error;

	memset(guest, 0, sizeof(*guest));
	error = create_with(kernel.create, &one, &guest->host);
	if (!error)
		error = make_vm(guest, pinned, VIOMMU_NO_LIMIT);
	return error ? error : viommu_device_create(guest->vm, guest->host, &one, &guest->device);
}

static void make(struct guest *guest, bool pinned, const struct fake_options *with)
{
	fake_begin(with);
	assert_int_equal(try_make(guest, pinned), 0);
}

static void unmake_vm(struct guest *guest)
{
	viommu_vm_destroy(guest->vm);
	if (guest->memory)
		munmap(guest->memory, MEMORY);
}

static void unmake(struct guest *guest)
{
	unmake_vm(guest);
	viommu_host_destroy(guest->host);
	assert_true(fake_end());
}

static struct viommu_domain *make_domain(struct guest *guest)
{
	const struct viommu_zpci_ioat ioat = registration();
	struct viommu_domain *domain;

	assert_int_equal(viommu_domain_create(guest->vm, guest->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain), 0);
	assert_int_equal(viommu_domain_attach(domain, guest->device, VIOMMU_NO_PASID), 0);
	return domain;
}

static int refresh(struct viommu_domain *domain, uint64_t page, uint64_t pages, struct viommu_refresh_result *result)
{
	return viommu_domain_refresh(domain, PBA + page * PAGE, PBA + (page + pages) * PAGE - 1, result);
}

#define NOWHERE UINT64_MAX
static void check_page(struct guest *guest, struct viommu_device *device, uint64_t page, uint64_t gpa, uint32_t prot)
{
	unsigned char *hva = NULL;
	uint32_t found = 0;
	int error = fake_dma(viommu_device_vfio_fd(device), PBA + page * PAGE, &hva, &found);

	assert_int_equal(error, gpa == NOWHERE ? -ENOENT : 0);
	assert_ptr_equal(hva, gpa == NOWHERE ? NULL : guest->memory + gpa);
	assert_int_equal(found, gpa == NOWHERE ? 0 : prot);
}

static void check_pinned(struct guest *guest, uint64_t pages)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t bytes = guest->pinned ? MEMORY : pages * PAGE;

	assert_int_equal(viommu_vm_stats(guest->vm, &stats), 0);
	assert_int_equal(stats.pinned_bytes, bytes);
	assert_int_equal(fake_pinned(), bytes);
}

static void says_what_it_can(void **state)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_iova_range ranges[3];
	struct viommu_host *host;

	(void)state;
	fake_begin(&loaded);
	assert_int_equal(create_with(kernel.create, &short_one, &host), 0);
	assert_string_equal(why, "");
	viommu_host_caps(host, &caps);
	assert_string_equal(caps.name, "kernel");
	assert_false(caps.lookup || caps.dirty || caps.nests || caps.pasid_bits);
	assert_true(caps.first == 0x1000 && caps.last == (UINT64_C(1) << 48) - 1);
	assert_int_equal(viommu_host_ranges(host, ranges, 3), 2);
	assert_true(ranges[0].last == 0xfedfffff && ranges[1].first == 0xfef00000);
	/* It is held. */
	assert_int_equal(fake_open("/dev/vfio/7"), -1);
	viommu_host_destroy(host);
	assert_true(fake_end());
}

static void refused(const struct fake_options *with, const struct viommu_vfio_device *device, int error, const char *words)
{
	struct viommu_host *host;

	fake_begin(with);
	assert_int_equal(create_with(kernel.create, device, &host), error);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not speak of %s", why, words);
	assert_true(fake_end());
}

static void says_what_is_missing(void **state)
{
	const struct fake_options none = { 0 };
	struct viommu_vfio_device device = one;

	(void)state;
	refused(&none, &one, -EOPNOTSUPP, "modprobe viommu");
	refused(&(struct fake_options){ .no_vfio = true }, &one, -ENOENT, "load vfio and viommu");
	refused(&(struct fake_options){ .module = true, .unbound = true }, &one, -ENODEV, "driver_override");
	refused(&(struct fake_options){ .module = true, .no_page = true }, &one, -EOPNOTSUPP, "translates no page");
	refused(&loaded, NULL, -EINVAL, "no device");
	device.address = NULL;
	device.device_fd = device.group_fd = 1;
	refused(&loaded, &device, -EINVAL, "by its address alone");
}

static void expect_taken(const struct fake_options *with, const char *kind, const char *words)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_host *host;

	fake_begin(with);
	assert_int_equal(create_with(viommu_host_vfio_create, &one, &host), 0);
	viommu_host_caps(host, &caps);
	assert_string_equal(caps.name, kind);
	if (strncmp(why, kind, strlen(kind)) || !strstr(why, words))
		fail_msg("\"%s\" does not speak of %s: %s", why, kind, words);
	viommu_host_destroy(host);
	assert_true(fake_end());
}

static void takes_the_best(void **state)
{
	struct viommu_host *host;

	(void)state;
	expect_taken(&loaded, "kernel", "kernel");
	expect_taken(&(struct fake_options){ 0 }, "iommufd", "no kernel: this kernel has no module viommu");
	expect_taken(&(struct fake_options){ .no_iommu = true }, "type1", "; no iommufd: ");
	fake_begin(&(struct fake_options){ .no_iommu = true, .no_vfio = true });
	assert_int_equal(create_with(viommu_host_vfio_create, &one, &host), -ENOENT);
	assert_true(strstr(why, "no kernel: ") && strstr(why, "no type1: "));
	assert_true(fake_end());
}

static void follows_tables(struct guest *guest)
{
	struct viommu_refresh_result result;
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_domain *domain;
	struct viommu_fault fault;
	struct viommu_run run;

	name(guest, 3, DATA);
	domain = make_domain(guest);
	assert_int_equal(viommu_domain_kind(domain), VIOMMU_KIND_NESTED);
	check_page(guest, guest->device, 3, DATA, VIOMMU_RW);
	name(guest, 4, DATA);
	name(guest, 5, SPLIT);
	check_page(guest, guest->device, 4, NOWHERE, 0);
	assert_int_equal(refresh(domain, 4, 3, &result), 0);
	assert_int_equal(result.established, 2);
	assert_int_equal(result.steps, 1);
	check_page(guest, guest->device, 4, DATA, VIOMMU_RW);
	check_page(guest, guest->device, 5, SPLIT, VIOMMU_READ);
	check_pinned(guest, 2);
	assert_int_equal(viommu_domain_walk(domain, PBA + 5 * PAGE, &run, &fault), 0);
	assert_int_equal(run.gpa, SPLIT);
	assert_int_equal(viommu_domain_walk(domain, PBA + 6 * PAGE, &run, &fault), -EFAULT);
	assert_int_equal(fault.reason, VIOMMU_FAULT_NOT_PRESENT);
	name(guest, 3, VIOMMU_ZPCI_PAGE_INVALID);
	name(guest, 4, VIOMMU_ZPCI_PAGE_INVALID);
	assert_int_equal(refresh(domain, 0, 256, &result), 0);
	assert_int_equal(result.released, 2);
	check_page(guest, guest->device, 4, NOWHERE, 0);
	check_pinned(guest, 1);
	viommu_domain_stats(domain, &stats);
	assert_int_equal(stats.refreshes, 3);
	assert_int_equal(stats.established, 3);
	assert_int_equal(stats.released, 2);
	/* Outside, and inverted. */
	assert_int_equal(viommu_domain_refresh(domain, PAL + 1, PAL + PAGE, &result), -ERANGE);
	assert_int_equal(viommu_domain_refresh(domain, PBA + PAGE, PBA, &result), -ERANGE);
	/* Malformed: the rest of the range is true. */
	store(guest, SEGMENTS + 8, LEAVES | VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD));
	name(guest, 8, DATA);
	assert_int_equal(refresh(domain, 0, 512, &result), -EFAULT);
	assert_int_equal(result.fault.reason, VIOMMU_FAULT_ENTRY_TYPE);
	assert_true(result.fault.iova == PBA + MIB && result.fault.entry_gpa == SEGMENTS + 8 && result.fault.level == 1);
	assert_int_equal(result.fault.pasid, VIOMMU_NO_PASID);
	check_page(guest, guest->device, 8, DATA, VIOMMU_RW);
	name(guest, 7, MEMORY);
	assert_int_equal(refresh(domain, 7, 1, &result), 0);
	assert_int_equal(result.unbacked, 1);
	viommu_domain_stats(domain, &stats);
	assert_int_equal(stats.faults, 1);
	viommu_domain_destroy(domain);
	check_page(guest, guest->device, 8, NOWHERE, 0);
	check_pinned(guest, 0);
}

static void tables(void **state)
{
	struct guest guest;

	(void)state;
	for (unsigned int pinned = 0; pinned < 2; pinned++) {
		make(&guest, pinned, &loaded);
		follows_tables(&guest);
		unmake(&guest);
	}
}

/* RLIMIT_MEMLOCK: of refreshes, of domains, and of memory that is pinned whole. */
static void shortage(void **state)
{
	const struct viommu_zpci_ioat ioat = registration();
	struct viommu_refresh_result result;
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_domain *domain;
	struct guest guest;

	(void)state;
	make(&guest, false, &(struct fake_options){ .module = true, .lock_limit = 2 * PAGE });
	domain = make_domain(&guest);
	for (uint64_t i = 0; i < 3; i++)
		name(&guest, i, DATA + i * PAGE);
	assert_int_equal(refresh(domain, 0, 3, &result), -ENOSPC);
	assert_int_equal(result.established, 2);
	assert_int_equal(result.unestablished, 1);
	check_pinned(&guest, 2);
	viommu_domain_stats(domain, &stats);
	assert_int_equal(stats.insufficient, 1);
	viommu_domain_destroy(domain);
	assert_int_equal(viommu_domain_create(guest.vm, guest.host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain), -ENOSPC);
	check_pinned(&guest, 0);
	unmake(&guest);

	fake_begin(&(struct fake_options){ .module = true, .lock_limit = SPLIT });
	assert_int_equal(try_make(&guest, true), -ENOMEM);
	unmake(&guest);
	fake_begin(&(struct fake_options){ .module = true, .lock_limit = MEMORY });
	assert_int_equal(try_make(&guest, true), 0);
	assert_int_equal(viommu_slot_remove(guest.vm, SPLIT), 0);
	assert_int_equal(add_slot(&guest, SPLIT, MEMORY, VIOMMU_RW), 0);
	assert_int_equal(add_slot(&guest, MEMORY, MEMORY + PAGE, VIOMMU_RW), -ENOMEM);
	unmake(&guest);
}

static void slots(void **state)
{
	struct viommu_domain *domain;
	struct guest guest;

	(void)state;
	for (unsigned int pinned = 0; pinned < 2; pinned++) {
		make(&guest, pinned, &loaded);
		name(&guest, 9, SPLIT);
		domain = make_domain(&guest);
		check_page(&guest, guest.device, 9, SPLIT, VIOMMU_READ);
		assert_int_equal(viommu_slot_remove(guest.vm, SPLIT), 0);
		check_page(&guest, guest.device, 9, NOWHERE, 0);
		assert_int_equal(refresh(domain, 9, 1, NULL), 0);
		check_page(&guest, guest.device, 9, NOWHERE, 0);
		assert_int_equal(add_slot(&guest, SPLIT, MEMORY, VIOMMU_RW), 0);
		assert_int_equal(refresh(domain, 9, 1, NULL), 0);
		check_page(&guest, guest.device, 9, SPLIT, VIOMMU_RW);
		unmake(&guest);
	}
}

static int add_up(void *ctx, const struct viommu_run *run)
{
	*(uint64_t *)ctx += run->last - run->first + 1;
	return 0;
}

/*
 * Direct domains: slots that are there, that go, and that come; what is pinned; what is reported.
 */
static void direct(void **state)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_refresh_result result;
	struct viommu_domain *domain, *nested;
	uint64_t bytes;
	struct guest guest;

	(void)state;
	for (unsigned int pinned = 0; pinned < 2; pinned++) {
		make(&guest, pinned, &loaded);
		assert_int_equal(viommu_domain_create_direct(guest.vm, guest.host, PBA, PBA + PAGE, PBA + MEMORY + MIB - 1, &domain), 0);
		assert_int_equal(viommu_domain_kind(domain), VIOMMU_KIND_DIRECT);
		assert_int_equal(viommu_domain_attach(domain, guest.device, VIOMMU_NO_PASID), 0);
		check_page(&guest, guest.device, 0, NOWHERE, 0);
		check_page(&guest, guest.device, 1, PAGE, VIOMMU_RW);
		check_page(&guest, guest.device, SPLIT / PAGE, SPLIT, VIOMMU_READ);
		check_page(&guest, guest.device, MEMORY / PAGE, NOWHERE, 0);
		check_pinned(&guest, MEMORY / PAGE);
		assert_int_equal(viommu_domain_refresh(domain, PBA, PBA + MIB, &result), -EOPNOTSUPP);
		bytes = 0;
		assert_int_equal(viommu_domain_each_run(domain, 0, UINT64_MAX, add_up, &bytes), 0);
		assert_int_equal(bytes, MEMORY - PAGE);
		assert_int_equal(viommu_domain_stats(domain, &stats), 0);
		assert_int_equal(stats.refreshes, 0);
		assert_int_equal(viommu_slot_remove(guest.vm, SPLIT), 0);
		check_page(&guest, guest.device, SPLIT / PAGE, NOWHERE, 0);
		assert_int_equal(add_slot(&guest, SPLIT, MEMORY, VIOMMU_RW), 0);
		check_page(&guest, guest.device, SPLIT / PAGE, SPLIT, VIOMMU_RW);
		/* Another kind beside it. */
		name(&guest, 7, DATA);
		nested = make_domain(&guest);
		check_page(&guest, guest.device, 7, DATA, VIOMMU_RW);
		assert_int_equal(viommu_domain_attach(domain, guest.device, VIOMMU_NO_PASID), 0);
		check_page(&guest, guest.device, 7, 7 * PAGE, VIOMMU_RW);
		viommu_domain_destroy(domain);
		check_page(&guest, guest.device, 7, NOWHERE, 0);
		check_pinned(&guest, 1);
		viommu_domain_destroy(nested);
		check_pinned(&guest, 0);
		unmake(&guest);
	}
	make(&guest, false, &(struct fake_options){ .module = true, .lock_limit = MEMORY });
	assert_int_equal(viommu_domain_create_direct(guest.vm, guest.host, PBA, 0, PBA - 1, &domain), -ERANGE);
	assert_int_equal(viommu_domain_create_direct(guest.vm, guest.host, PBA + 1, PBA, PAL, &domain), -EINVAL);
	assert_int_equal(viommu_domain_create_direct(guest.vm, guest.host, PBA, PBA, PAL, &domain), 0);
	assert_int_equal(add_slot(&guest, MEMORY, MEMORY + PAGE, VIOMMU_RW), -ENOMEM);
	unmake(&guest);
	make(&guest, false, &(struct fake_options){ .module = true, .lock_limit = MEMORY - PAGE });
	assert_int_equal(viommu_domain_create_direct(guest.vm, guest.host, PBA, PBA, PAL, &domain), -ENOSPC);
	unmake(&guest);
}

/* Kinds that this host does not have are refused. Blocked domains work. */
static void limits(void **state)
{
	const struct viommu_zpci_ioat ioat = registration();
	struct viommu_zpci_ioat bad = ioat;
	struct viommu_domain *domain, *blocked;
	struct viommu_mapped *mapped;
	struct viommu_reader *reader;
	struct guest guest, other = { 0 };

	(void)state;
	make(&guest, false, &loaded);
	assert_int_equal(viommu_mapped_create(guest.vm, guest.host, 0x1000, PBA - 1, &mapped), -EOPNOTSUPP);
	assert_int_equal(viommu_reader_create(guest.device, VIOMMU_NO_PASID, &reader), -EOPNOTSUPP);
	bad.pba = 0;
	assert_int_equal(viommu_domain_create(guest.vm, guest.host, VIOMMU_DOMAIN_ZPCI, &bad, NULL, &domain), -ERANGE);
	bad = ioat;
	bad.iota = REGION | VIOMMU_ZPCI_IOTA_T | UINT64_C(0x40);
	assert_int_equal(viommu_domain_create(guest.vm, guest.host, VIOMMU_DOMAIN_ZPCI, &bad, NULL, &domain), -EINVAL);
	name(&guest, 0, DATA);
	domain = make_domain(&guest);
	check_page(&guest, guest.device, 0, DATA, VIOMMU_RW);
	assert_int_equal(viommu_domain_create_blocked(guest.vm, guest.host, &blocked), 0);
	assert_int_equal(viommu_domain_attach(blocked, guest.device, VIOMMU_NO_PASID), 0);
	check_page(&guest, guest.device, 0, NOWHERE, 0);
	assert_int_equal(viommu_domain_attach(domain, guest.device, VIOMMU_NO_PASID), 0);
	check_page(&guest, guest.device, 0, DATA, VIOMMU_RW);
	/* A budget would not be kept. With all memory pinned it is kept by the VM. */
	other.host = guest.host;
	assert_int_equal(make_vm(&other, false, MEMORY), 0);
	assert_int_equal(viommu_device_create(other.vm, other.host, &two, &other.device), -EOPNOTSUPP);
	assert_int_equal(viommu_domain_create(other.vm, other.host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain), -EOPNOTSUPP);
	unmake_vm(&other);
	assert_int_equal(make_vm(&other, true, MEMORY - PAGE), -EDQUOT);
	unmake_vm(&other);
	/* A domain takes a device. */
	assert_int_equal(make_vm(&other, true, MEMORY), 0);
	assert_int_equal(viommu_domain_create(other.vm, other.host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain), -ENODEV);
	unmake_vm(&other);
	unmake(&guest);
}

/* Two devices, of one VM and of two, in groups of their own and in one. */
static void devices(void **state)
{
	const struct viommu_zpci_ioat ioat = registration();
	struct viommu_domain *domain, *another;
	struct viommu_device *second;
	struct guest guest, other;

	(void)state;
	make(&guest, false, &loaded);
	name(&guest, 1, DATA);
	domain = make_domain(&guest);
	assert_int_equal(viommu_device_create(guest.vm, guest.host, &one, &second), -EEXIST);
	assert_int_equal(viommu_device_create(guest.vm, guest.host, &two, &second), 0);
	assert_int_equal(viommu_domain_attach(domain, second, VIOMMU_NO_PASID), 0);
	check_page(&guest, second, 1, DATA, VIOMMU_RW);
	/*
	 * The first one goes, and can be another VM's. The domain stays, also without any device.
	 */
	viommu_device_destroy(guest.device);
	other = (struct guest){ .host = guest.host };
	assert_int_equal(make_vm(&other, true, VIOMMU_NO_LIMIT), 0);
	assert_int_equal(viommu_device_create(other.vm, other.host, &one, &other.device), 0);
	name(&other, 1, DATA + PAGE);
	make_domain(&other);
	check_page(&other, other.device, 1, DATA + PAGE, VIOMMU_RW);
	viommu_device_destroy(second);
	name(&guest, 2, DATA);
	assert_int_equal(refresh(domain, 0, 3, NULL), 0);
	assert_int_equal(viommu_device_create(other.vm, other.host, &two, &second), -EBUSY);
	assert_int_equal(viommu_device_create(guest.vm, guest.host, &two, &second), 0);
	assert_int_equal(viommu_domain_attach(domain, second, VIOMMU_NO_PASID), 0);
	check_page(&guest, second, 2, DATA, VIOMMU_RW);
	viommu_device_destroy(second);
	/* When the domain goes, so does the group. */
	viommu_domain_destroy(domain);
	assert_int_equal(viommu_device_create(other.vm, other.host, &two, &second), 0);
	unmake_vm(&other);
	unmake(&guest);

	make(&guest, false, &(struct fake_options){ .module = true, .one_group = true });
	name(&guest, 1, DATA);
	domain = make_domain(&guest);
	assert_int_equal(viommu_device_create(guest.vm, guest.host, &two, &second), 0);
	assert_int_equal(viommu_domain_attach(domain, second, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_domain_create(guest.vm, guest.host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &another), 0);
	assert_int_equal(viommu_domain_attach(another, second, VIOMMU_NO_PASID), -EIO);
	check_page(&guest, guest.device, 1, DATA, VIOMMU_RW);
	assert_int_equal(viommu_domain_attach(domain, second, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_device_detach(guest.device, VIOMMU_NO_PASID), 0);
	check_page(&guest, second, 1, DATA, VIOMMU_RW);
	assert_int_equal(viommu_device_detach(second, VIOMMU_NO_PASID), 0);
	check_page(&guest, second, 1, NOWHERE, 0);
	unmake(&guest);

	make(&guest, false, &(struct fake_options){ .module = true, .narrow_two = true });
	assert_int_equal(viommu_device_create(guest.vm, guest.host, &two, &second), -ERANGE);
	unmake(&guest);
}

struct notes {
	unsigned int number;
	uint64_t first, last;
};

static void note(void *ctx, uint64_t first, uint64_t last)
{
	struct notes *notes = ctx;

	*notes = (struct notes){ notes->number + 1, first, last };
}

/* A user that keeps translations learns which are gone. */
static void notifies(void **state)
{
	struct notes notes = { 0 };
	struct viommu_domain *domain;
	struct guest guest;

	(void)state;
	make(&guest, false, &loaded);
	name(&guest, 1, DATA);
	domain = make_domain(&guest);
	assert_int_equal(viommu_device_set_notifier(guest.device, VIOMMU_NO_PASID, note, &notes), 0);
	name(&guest, 2, SPLIT);
	assert_int_equal(refresh(domain, 1, 2, NULL), 0);
	assert_int_equal(notes.number, 0);
	name(&guest, 1, VIOMMU_ZPCI_PAGE_INVALID);
	assert_int_equal(refresh(domain, 1, 1, NULL), 0);
	assert_int_equal(notes.number, 1);
	assert_true(notes.first <= PBA + PAGE && notes.last >= PBA + 2 * PAGE - 1);
	assert_int_equal(viommu_slot_remove(guest.vm, SPLIT), 0);
	assert_int_equal(notes.number, 2);
	assert_true(notes.first <= PBA + 2 * PAGE && notes.last >= PBA + 3 * PAGE - 1);
	unmake(&guest);
}

static struct viommu_zpci_answer rpcit(struct viommu_zpci *zpci, uint32_t fh, uint64_t page, uint64_t pages)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };

	assert_int_equal(viommu_zpci_rpcit(zpci, (uint64_t)fh << 32, PBA + page * PAGE, pages * PAGE, &answer), 0);
	return answer;
}

static void expect(struct viommu_zpci_answer answer, uint8_t cc, uint8_t status)
{
	assert_int_equal(answer.exception, 0);
	assert_int_equal(answer.cc, cc);
	assert_int_equal(answer.status, status);
}

/* The guest IOMMU on top: registration, RPCIT, shortage and making room, deregistration. */
static void guest_iommu(void **state)
{
	const uint32_t fh = 0x80000001u;
	const struct viommu_zpci_config config = VIOMMU_ZPCI_CONFIG_INIT;
	const struct viommu_zpci_ioat ioat = registration();
	const struct viommu_zpci_fib fib = { .pba = ioat.pba, .pal = ioat.pal, .iota = ioat.iota };
	struct viommu_zpci_function_config function = VIOMMU_ZPCI_FUNCTION_CONFIG_INIT;
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_function *added;
	struct viommu_device *device;
	struct viommu_zpci *zpci;
	struct guest guest = { 0 };

	(void)state;
	fake_begin(&(struct fake_options){ .module = true, .lock_limit = 2 * PAGE });
	assert_int_equal(create_with(kernel.create, &one, &guest.host), 0);
	assert_int_equal(make_vm(&guest, false, VIOMMU_NO_LIMIT), 0);
	assert_int_equal(viommu_zpci_create(guest.vm, &config, &zpci), 0);
	function.fid = 1;
	function.fh = fh;
	function.state = VIOMMU_ZPCI_ENABLED;
	function.host = guest.host;
	function.device = &one;
	assert_int_equal(viommu_zpci_function_add(zpci, &function, &added), 0);
	device = viommu_zpci_function_device(added);
	name(&guest, 0, DATA);
	assert_int_equal(viommu_zpci_mpcifc(zpci, VIOMMU_ZPCI_R1(fh, 0, VIOMMU_ZPCI_OC_REG_IOAT), &fib, &answer), 0);
	expect(answer, 0, 0);
	check_page(&guest, device, 0, DATA, VIOMMU_RW);
	name(&guest, 1, DATA + PAGE);
	expect(rpcit(zpci, fh, 1, 1), 0, 0);
	check_page(&guest, device, 1, DATA + PAGE, VIOMMU_RW);
	name(&guest, 2, DATA + 2 * PAGE);
	expect(rpcit(zpci, fh, 2, 1), 1, VIOMMU_ZPCI_ST_INSUF_RES);
	check_page(&guest, device, 2, NOWHERE, 0);
	name(&guest, 0, VIOMMU_ZPCI_PAGE_INVALID);
	expect(rpcit(zpci, fh, 0, 1), 0, 0);
	expect(rpcit(zpci, fh, 2, 1), 0, 0);
	check_page(&guest, device, 0, NOWHERE, 0);
	check_page(&guest, device, 2, DATA + 2 * PAGE, VIOMMU_RW);
	check_pinned(&guest, 2);
	assert_int_equal(viommu_zpci_mpcifc(zpci, VIOMMU_ZPCI_R1(fh, 0, VIOMMU_ZPCI_OC_DEREG_IOAT), &fib, &answer), 0);
	expect(answer, 0, 0);
	check_page(&guest, device, 2, NOWHERE, 0);
	check_pinned(&guest, 0);
	viommu_zpci_destroy(zpci);
	unmake(&guest);
}

/*
 * A VM's whole life, in which the calls numbered from..until of the kernel fail. Returns whether
 * all went well.
 */
static bool live(bool pinned, uint64_t from, uint64_t until, uint64_t allocation)
{
	const struct viommu_zpci_ioat ioat = registration();
	struct viommu_domain *domain = NULL;
	struct guest guest;
	bool well;

	fake_begin(&loaded);
	fake_fail(from, until, EIO);
	fake_fail_allocation(allocation);
	well = !try_make(&guest, pinned);
	if (well) {
		name(&guest, 1, DATA);
		name(&guest, 2, SPLIT);
		well = !viommu_domain_create(guest.vm, guest.host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain) &&
		       !viommu_domain_attach(domain, guest.device, VIOMMU_NO_PASID) && !refresh(domain, 0, 3, NULL) && !viommu_slot_remove(guest.vm, SPLIT) &&
		       !add_slot(&guest, SPLIT, MEMORY, VIOMMU_RW) && !viommu_device_detach(guest.device, VIOMMU_NO_PASID);
		fake_fail(0, 0, 0);
		viommu_domain_destroy(domain);
		viommu_device_destroy(guest.device);
	}
	fake_fail(0, 0, 0);
	viommu_vm_destroy(guest.vm);
	if (guest.memory)
		munmap(guest.memory, MEMORY);
	viommu_host_destroy(guest.host);
	return well;
}

/* Whatever fails, nothing stays behind. */
static void failures(void **state)
{
	uint64_t calls, allocations;

	(void)state;
	for (unsigned int pinned = 0; pinned < 2; pinned++) {
		assert_true(live(pinned, 0, 0, 0));
		calls = fake_calls();
		allocations = fake_allocations();
		assert_true(fake_end());
		assert_true(calls > 15 && allocations > 5);
		for (uint64_t call = 1; call <= calls; call++) {
			live(pinned, call, call, 0);
			if (!fake_end())
				fail_msg("call %llu: something was left behind", (unsigned long long)call);
			live(pinned, call, UINT64_MAX, 0);
			if (!fake_end())
				fail_msg("calls from %llu on: something was left behind", (unsigned long long)call);
		}
		for (uint64_t allocation = 1; allocation <= allocations; allocation++) {
			assert_false(live(pinned, 0, 0, allocation));
			if (!fake_end())
				fail_msg("allocation %llu: something was left behind", (unsigned long long)allocation);
		}
	}
}

/* Data that is passed through has the layout that the module takes. */
static void layouts(void **state)
{
	(void)state;
	assert_int_equal((int)VFIO_VIOMMU_DATA_ZPCI, (int)VIOMMU_DOMAIN_ZPCI);
	assert_int_equal((int)VFIO_VIOMMU_DATA_SMMUV3, (int)VIOMMU_DOMAIN_SMMUV3);
	assert_int_equal((int)VFIO_VIOMMU_DATA_VTD, (int)VIOMMU_DOMAIN_VTD);
	assert_int_equal((int)VFIO_VIOMMU_DATA_AMDVI, (int)VIOMMU_DOMAIN_AMDVI);
	assert_int_equal((int)VFIO_VIOMMU_DATA_DIRECT, (int)HOST_DIRECT);
	assert_int_equal(VFIO_VIOMMU_ZPCI_QEMU, VIOMMU_ZPCI_IOAT_QEMU);
	assert_int_equal(sizeof(struct vfio_viommu_zpci), sizeof(struct viommu_zpci_ioat));
	assert_int_equal(offsetof(struct vfio_viommu_zpci, iota), offsetof(struct viommu_zpci_ioat, iota));
	assert_int_equal(offsetof(struct vfio_viommu_zpci, pal), offsetof(struct viommu_zpci_ioat, pal));
	assert_int_equal(sizeof(struct vfio_viommu_smmuv3), sizeof(struct viommu_smmuv3_stage1));
	assert_int_equal(offsetof(struct vfio_viommu_smmuv3, output_bits), offsetof(struct viommu_smmuv3_stage1, output_bits));
	assert_int_equal(offsetof(struct vfio_viommu_smmuv3, cd), offsetof(struct viommu_smmuv3_stage1, cd));
	assert_int_equal(offsetof(struct vfio_viommu_smmuv3, ste), offsetof(struct viommu_smmuv3_stage1, ste));
	assert_int_equal(VFIO_VIOMMU_VTD_FIRST_STAGE, VIOMMU_VTD_TABLES_FIRST_STAGE);
	assert_int_equal(VFIO_VIOMMU_VTD_NXE, VIOMMU_VTD_TABLES_NXE);
	assert_int_equal(sizeof(struct vfio_viommu_vtd), sizeof(struct viommu_vtd_tables));
	assert_int_equal(offsetof(struct vfio_viommu_vtd, levels), offsetof(struct viommu_vtd_tables, levels));
	assert_int_equal(offsetof(struct vfio_viommu_vtd, root), offsetof(struct viommu_vtd_tables, root));
	assert_int_equal(sizeof(struct vfio_viommu_amdvi), sizeof(struct viommu_amdvi_tables));
	assert_int_equal(offsetof(struct vfio_viommu_amdvi, mode), offsetof(struct viommu_amdvi_tables, mode));
	assert_int_equal(offsetof(struct vfio_viommu_amdvi, root), offsetof(struct viommu_amdvi_tables, root));
	assert_int_equal(offsetof(struct vfio_viommu_amdvi, prot), offsetof(struct viommu_amdvi_tables, prot));
	assert_int_equal(offsetof(struct vfio_viommu_amdvi, excluded_bytes), offsetof(struct viommu_amdvi_tables, excluded_bytes));
	assert_int_equal(VFIO_VIOMMU_DIRECT_READ, VIOMMU_READ);
	assert_int_equal(VFIO_VIOMMU_DIRECT_WRITE, VIOMMU_WRITE);
	assert_int_equal(sizeof(struct vfio_viommu_direct), sizeof(struct host_direct));
	assert_int_equal(offsetof(struct vfio_viommu_direct, flags), offsetof(struct host_direct, prot));
	assert_int_equal(offsetof(struct vfio_viommu_direct, first), offsetof(struct host_direct, first));
	assert_int_equal(offsetof(struct vfio_viommu_direct, offset), offsetof(struct host_direct, offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_it_can), cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(takes_the_best),   cmocka_unit_test(tables),
		cmocka_unit_test(shortage),	    cmocka_unit_test(slots),
		cmocka_unit_test(direct),	    cmocka_unit_test(limits),
		cmocka_unit_test(devices),	    cmocka_unit_test(notifies),
		cmocka_unit_test(guest_iommu),	    cmocka_unit_test(failures),
		cmocka_unit_test(layouts),
	};

	return cmocka_run_group_tests_name("the host kernel", tests, NULL, NULL);
}
