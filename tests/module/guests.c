/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guests.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

/* GPAs. Tables of three levels, which have 512 entries; the last ones translate 2 MiB. */
#define QUEUE	UINT64_C(0x60000)
#define ROOT	UINT64_C(0x81000) /* root, device or stream table */
#define MIDDLE	UINT64_C(0x84000)
#define OWN	UINT64_C(0x85000) /* has the rig's own page */
#define LEAVES	UINT64_C(0x86000) /* has the window */
#define LOG	UINT64_C(0x88000) /* AMD-Vi and SMMUv3: events */
#define ENTRIES 512u
#define DOMAIN	UINT64_C(7)

static int error_of(int result)
{
	return result < 0 ? -errno : 0;
}

static uint64_t *word_at(struct guest *guest, uint64_t gpa)
{
	return (uint64_t *)(void *)(guest->rig.memory + gpa);
}

static void put(struct guest *guest, uint64_t gpa, uint64_t word)
{
	__atomic_store_n(word_at(guest, gpa), word, __ATOMIC_RELEASE);
}

/* Without a vCPU, as a monitor that emulates one. The guest IOMMU may have been destroyed. */
static void store(struct guest *guest, uint32_t offset, uint32_t value)
{
	uint64_t word = value;

	if (guest->vcpu.run)
		vcpu_store(&guest->vcpu, guest->kind->registers + offset, value, GUEST_STATUS);
	else
		(void)guest_access(guest, offset, true, 4, &word);
}

static void store64(struct guest *guest, uint32_t offset, uint64_t value)
{
	store(guest, offset, (uint32_t)value);
	store(guest, offset + 4, (uint32_t)(value >> 32));
}

static uint32_t load(struct guest *guest, uint32_t offset)
{
	uint64_t word = 0;

	if (guest->vcpu.run)
		return vcpu_load(&guest->vcpu, guest->kind->registers + offset);
	(void)guest_access(guest, offset, false, 4, &word);
	return (uint32_t)word;
}

/*
 * Intel VT-d (D51397): legacy mode, second stage, queued invalidation.
 */

#define GCMD   0x18u
#define RTADDR 0x20u
#define FSTS   0x34u
#define FECTL  0x38u
#define FEDATA 0x3cu
#define FEADDR 0x40u
#define IQT    0x88u
#define IQA    0x90u
#define ICS    0x9cu
#define IECTL  0xa0u
#define IEDATA 0xa4u
#define IEADDR 0xa8u
#define FRCD   0x220u
#define TE     (1u << 31)
#define SRTP   (1u << 30)
#define QIE    (1u << 26)
#define FSTS_F (1u << 1)
#define IQE    (1u << 4)
#define FRCD_F (1u << 31)

static void vtd_enable(struct guest *guest, unsigned int pages)
{
	put(guest, ROOT, GUEST_CONTEXTS | 1);
	put(guest, GUEST_CONTEXTS + GUEST_SOURCE * UINT64_C(16), GUEST_TOP | 1);
	/* 3 levels. */
	put(guest, GUEST_CONTEXTS + GUEST_SOURCE * UINT64_C(16) + 8, 1 | DOMAIN << 8);
	store(guest, FEDATA, 0x42);
	store(guest, FEADDR, 0xfee00000);
	store(guest, FECTL, 0);
	store(guest, IEDATA, 0x41);
	store(guest, IEADDR, 0xfee00000);
	store(guest, IECTL, 0);
	store64(guest, RTADDR, ROOT);
	store(guest, GCMD, SRTP);
	store64(guest, IQA, QUEUE | (uint64_t)__builtin_ctz(pages));
	store(guest, GCMD, QIE);
	store(guest, GCMD, QIE | TE);
}

static void vtd_forget(struct guest *guest, uint64_t iova, bool everything)
{
	if (everything)
		guest_queue(guest, 2 | 1 << 4, 0);
	else
		guest_queue(guest, 2 | 3 << 4 | DOMAIN << 16, iova);
}

static void vtd_await(struct guest *guest, uint32_t status, bool interrupt)
{
	if (interrupt)
		store(guest, ICS, 1);
	guest_queue(guest, 5 | (interrupt ? 1 << 4 : 0) | 1 << 5 | (uint64_t)status << 32, GUEST_STATUS);
}

static void vtd_illegal(struct guest *guest)
{
	guest_queue(guest, 0xf, 0);
}

/* The queue begins anew, without the illegal command. */
static bool vtd_has_stopped(struct guest *guest)
{
	bool stopped = load(guest, FSTS) & IQE;

	store(guest, GCMD, TE);
	guest->tail = 0;
	store(guest, IQT, 0);
	store(guest, FSTS, IQE);
	store(guest, GCMD, QIE | TE);
	return stopped;
}

static bool vtd_has_faulted(struct guest *guest, uint64_t iova)
{
	bool faulted = load(guest, FSTS) & FSTS_F && load(guest, FRCD) == (uint32_t)iova && load(guest, FRCD + 8) == GUEST_SOURCE;

	store(guest, FRCD + 12, FRCD_F);
	return faulted;
}

const struct guest_kind guest_vtd = {
	.type = VFIO_VIOMMU_IOMMU_VTD,
	.address_bits = 39,
	.registers = UINT64_C(0xfed90000),
	.tail = IQT,
	.step = 16,
	.table = 3,
	.leaf = 1,
	.written = 2,
	.wait = 1,
	.status = GUEST_STATUS,
	.enable = vtd_enable,
	.forget = vtd_forget,
	.await = vtd_await,
	.illegal = vtd_illegal,
	.has_stopped = vtd_has_stopped,
	.has_faulted = vtd_has_faulted,
};

/*
 * AMD-Vi (48882): host page tables with three levels.
 */

#define DEV_TAB_BASE 0x0u
#define CMD_BASE     0x8u
#define EVENT_BASE   0x10u
#define CONTROL	     0x18u
#define CMD_HEAD     0x2000u
#define CMD_TAIL     0x2008u
#define EVENT_HEAD   0x2010u
#define EVENT_TAIL   0x2018u
#define STATUS	     0x2020u
#define CONTROL_RUN  0x1du /* IOMMU, event log, its interrupt, and that of waits */
#define COMMANDS     (1u << 12)
#define RUNS	     (1u << 4)
#define LATCHED	     0x7u
#define READS	     (UINT64_C(1) << 61)
#define WRITES	     (UINT64_C(1) << 62)
#define LEVEL(n)     ((uint64_t)(n) << 9)

static void amdvi_enable(struct guest *guest, unsigned int pages)
{
	put(guest, ROOT + GUEST_SOURCE * UINT64_C(32), GUEST_TOP | LEVEL(3) | READS | WRITES | 3);
	put(guest, ROOT + GUEST_SOURCE * UINT64_C(32) + 8, DOMAIN);
	store64(guest, DEV_TAB_BASE, ROOT);
	store64(guest, CMD_BASE, QUEUE | UINT64_C(8) << 56 | (uint64_t)__builtin_ctz(pages) << 56);
	store64(guest, EVENT_BASE, LOG | UINT64_C(8) << 56);
	store64(guest, CONTROL, CONTROL_RUN | COMMANDS);
}

static void amdvi_forget(struct guest *guest, uint64_t iova, bool everything)
{
	guest_queue(guest, UINT64_C(3) << 60 | DOMAIN << 32, everything ? UINT64_C(0x7ffffffffffff000) | 3 : iova);
}

static void amdvi_await(struct guest *guest, uint32_t status, bool interrupt)
{
	if (interrupt)
		store(guest, STATUS, LATCHED);
	guest_queue(guest, UINT64_C(1) << 60 | GUEST_STATUS | 1 | (interrupt ? 2 : 0), status);
}

static void amdvi_illegal(struct guest *guest)
{
	guest_queue(guest, UINT64_C(0xe) << 60, 0);
}

/* The last event of the log, and its second word. */
static unsigned int amdvi_event(struct guest *guest, uint64_t *address)
{
	uint32_t tail = load(guest, EVENT_TAIL), last = (tail - 16) & 0xfff;
	unsigned int code = 0;

	if (tail != load(guest, EVENT_HEAD))
		code = (unsigned int)(*word_at(guest, LOG + last) >> 60);
	*address = *word_at(guest, LOG + last + 8);
	store(guest, EVENT_HEAD, tail);
	store(guest, STATUS, LATCHED);
	return code;
}

static bool amdvi_has_stopped(struct guest *guest)
{
	uint64_t address;
	bool stopped = !(load(guest, STATUS) & RUNS) && amdvi_event(guest, &address) == 5;

	store64(guest, CONTROL, CONTROL_RUN);
	store(guest, CMD_HEAD, 0);
	store(guest, CMD_TAIL, 0);
	guest->tail = 0;
	store64(guest, CONTROL, CONTROL_RUN | COMMANDS);
	return stopped;
}

static bool amdvi_has_faulted(struct guest *guest, uint64_t iova)
{
	uint64_t address;

	return amdvi_event(guest, &address) == 2 && address == iova;
}

const struct guest_kind guest_amdvi = {
	.type = VFIO_VIOMMU_IOMMU_AMDVI,
	.registers = UINT64_C(0xfeb80000),
	.tail = CMD_TAIL,
	.step = 16,
	.status = GUEST_STATUS,
	.table = READS | WRITES | 1,
	.leaf = READS | 1,
	.written = WRITES,
	.enable = amdvi_enable,
	.forget = amdvi_forget,
	.await = amdvi_await,
	.illegal = amdvi_illegal,
	.has_stopped = amdvi_has_stopped,
	.has_faulted = amdvi_has_faulted,
};

/*
 * SMMUv3 (IHI 0070): stage 1 with three levels of tables of 4096 bytes, a linear stream table.
 */

#define CR0	   0x20u
#define IRQ_CTRL   0x50u
#define GERROR	   0x60u
#define GERRORN	   0x64u
#define STRTAB	   0x80u
#define STRTAB_CFG 0x88u
#define CMDQ_BASE  0x90u
#define CMDQ_PROD  0x98u
#define CMDQ_CONS  0x9cu
#define EVTQ_BASE  0xa0u
#define EVTQ_PROD  0x100a8u
#define EVTQ_CONS  0x100acu
#define SMMUEN	   1u
#define EVENTQEN   4u
#define CMDQEN	   8u
/* V, EPD1, 3 levels of 4096 bytes, 44 bits of output, AArch64, R and A. */
#define CD0 (UINT64_C(25) | UINT64_C(3) << 30 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | DOMAIN << 48)

static void smmuv3_enable(struct guest *guest, unsigned int pages)
{
	put(guest, ROOT + GUEST_SOURCE * UINT64_C(64), GUEST_CONTEXTS | 5 << 1 | 1);
	put(guest, GUEST_CONTEXTS, CD0);
	put(guest, GUEST_CONTEXTS + 8, GUEST_TOP);
	store64(guest, STRTAB, ROOT);
	store(guest, STRTAB_CFG, 6); /* 64 entries */
	store64(guest, CMDQ_BASE, QUEUE | 8 | (uint64_t)__builtin_ctz(pages));
	store64(guest, EVTQ_BASE, LOG | 7);
	store(guest, IRQ_CTRL, 5);
	store(guest, CR0, EVENTQEN | CMDQEN);
	store(guest, CR0, EVENTQEN | CMDQEN | SMMUEN);
}

static void smmuv3_forget(struct guest *guest, uint64_t iova, bool everything)
{
	if (everything)
		guest_queue(guest, 0x10, 0);
	else
		guest_queue(guest, 0x12 | DOMAIN << 48, iova | 1);
}

static void smmuv3_await(struct guest *guest, uint32_t number, bool interrupt)
{
	(void)number;
	guest_queue(guest, 0x46 | (interrupt ? 1 << 12 : 0), 0);
}

static void smmuv3_illegal(struct guest *guest)
{
	guest_queue(guest, 0xff, 0);
}

static bool smmuv3_has_stopped(struct guest *guest)
{
	bool stopped = load(guest, GERROR) == 1 && load(guest, CMDQ_CONS) >> 24 == 1;

	store(guest, CR0, EVENTQEN | SMMUEN);
	store(guest, CMDQ_PROD, 0);
	store(guest, CMDQ_CONS, 0);
	store(guest, GERRORN, 1);
	guest->tail = 0;
	store(guest, CR0, EVENTQEN | CMDQEN | SMMUEN);
	return stopped;
}

/* Of a translation. */
static bool smmuv3_has_faulted(struct guest *guest, uint64_t iova)
{
	uint32_t tail = load(guest, EVTQ_PROD);
	uint64_t last = LOG + (tail - 1) % 128 * 32;
	bool faulted = tail != load(guest, EVTQ_CONS) && (uint8_t)*word_at(guest, last) == 0x10 && *word_at(guest, last) >> 32 == GUEST_SOURCE &&
		       *word_at(guest, last + 16) == iova;

	store(guest, EVTQ_CONS, tail);
	return faulted;
}

#define SMMUV3_REGISTERS UINT64_C(0xfe000000)

const struct guest_kind guest_smmuv3 = {
	.type = VFIO_VIOMMU_IOMMU_SMMUV3,
	.registers = SMMUV3_REGISTERS,
	.tail = CMDQ_PROD,
	.step = 1,
	.wraps = true,
	.table = 3,
	.leaf = 0x443, /* AF, unprivileged */
	.protected = 0x80,
	.stopped = 2,
	.wait = 1,
	.status = SMMUV3_REGISTERS + CMDQ_CONS,
	.enable = smmuv3_enable,
	.forget = smmuv3_forget,
	.await = smmuv3_await,
	.illegal = smmuv3_illegal,
	.has_stopped = smmuv3_has_stopped,
	.has_faulted = smmuv3_has_faulted,
};

/* AMD-Vi's entries say the level of the table that they name. */
static uint64_t table_entry(const struct guest *guest, uint64_t table, unsigned int level)
{
	return table | guest->kind->table | (guest->kind == &guest_amdvi ? LEVEL(level) : 0);
}

static uint64_t leaf_at(uint64_t iova)
{
	return (iova >= GUEST_WINDOW ? LEAVES : OWN) + iova / PAGE % ENTRIES * 8;
}

void guest_tables(struct guest *guest)
{
	memset(guest->rig.memory + ROOT, 0, (size_t)(LEAVES + PAGE - ROOT));
	put(guest, GUEST_TOP, table_entry(guest, MIDDLE, 2));
	put(guest, MIDDLE + RIG_EXCHANGE / (2 * MIB) * 8, table_entry(guest, OWN, 1));
	put(guest, MIDDLE + GUEST_WINDOW / (2 * MIB) * 8, table_entry(guest, LEAVES, 1));
	guest_map(guest, RIG_EXCHANGE, RIG_EXCHANGE, true);
}

void guest_map(struct guest *guest, uint64_t iova, uint64_t gpa, bool written)
{
	put(guest, leaf_at(iova), gpa == GUEST_NOTHING ? 0 : gpa | guest->kind->leaf | (written ? guest->kind->written : guest->kind->protected));
}

uint64_t guest_put_above(struct guest *guest, uint64_t iova, uint64_t entry)
{
	uint64_t gpa = MIDDLE + iova / (2 * MIB) % ENTRIES * 8;

	put(guest, gpa, entry);
	return gpa;
}

/* A leaf with an address beyond the guest's memory is examined, and maps nothing. */
void guest_entangle(struct guest *guest)
{
	for (uint64_t i = 0; i < ENTRIES; i++) {
		put(guest, GUEST_TOP + i * 8, table_entry(guest, MIDDLE, 2));
		put(guest, MIDDLE + i * 8, table_entry(guest, LEAVES, 1));
		put(guest, LEAVES + i * 8, i % 2 ? (GIB + i * 2 * PAGE) | guest->kind->leaf : 0);
	}
}

/*
 * The ioctls.
 */

int guest_create(struct guest *guest)
{
	struct vfio_viommu_iommu_create create = {
		.argsz = sizeof(create), .type = guest->kind->type, .address_bits = guest->kind->address_bits, .eventfds = { -1, -1, -1, -1 }
	};
	int error;

	for (unsigned int i = 0; i < GUEST_EVENTS; i++)
		create.eventfds[i] = guest->event[i];
	error = error_of(ioctl(guest->rig.container, VFIO_VIOMMU_IOMMU_CREATE, &create));
	guest->iommu = create.out_iommu;
	return error;
}

int guest_destroy(struct guest *guest)
{
	struct vfio_viommu_iommu_destroy destroy = { .argsz = sizeof(destroy), .iommu = guest->iommu };

	return error_of(ioctl(guest->rig.container, VFIO_VIOMMU_IOMMU_DESTROY, &destroy));
}

int guest_device(struct guest *guest, uint32_t flags)
{
	struct vfio_viommu_iommu_device device = { .argsz = sizeof(device),
						   .flags = flags,
						   .iommu = guest->iommu,
						   .group = guest->rig.group,
						   .source_id = flags & VFIO_VIOMMU_IOMMU_DEVICE_REMOVE ? 0 : GUEST_SOURCE };

	return error_of(ioctl(guest->rig.container, VFIO_VIOMMU_IOMMU_DEVICE, &device));
}

int guest_doorbell(struct guest *guest, int vm)
{
	struct vfio_viommu_iommu_kvm kvm = { .argsz = sizeof(kvm), .iommu = guest->iommu, .vm = vm, .gpa = vm < 0 ? 0 : guest->kind->registers };

	return error_of(ioctl(guest->rig.container, VFIO_VIOMMU_IOMMU_KVM, &kvm));
}

int guest_access(struct guest *guest, uint64_t offset, bool stores, unsigned int bytes, uint64_t *value)
{
	struct vfio_viommu_iommu_access access = { .argsz = sizeof(access),
						   .flags = stores ? VFIO_VIOMMU_IOMMU_ACCESS_STORE : 0,
						   .iommu = guest->iommu,
						   .bytes = bytes,
						   .offset = offset,
						   .value = *value };
	int error = error_of(ioctl(guest->rig.container, VFIO_VIOMMU_IOMMU_ACCESS, &access));

	*value = access.value;
	return error;
}

int guest_fault(struct guest *guest, uint64_t iova, uint32_t access, uint32_t *recorded)
{
	struct vfio_viommu_iommu_fault fault = { .argsz = sizeof(fault), .group = guest->rig.group, .access = access, .iova = iova };
	int error = error_of(ioctl(guest->rig.container, VFIO_VIOMMU_IOMMU_FAULT, &fault));

	*recorded = fault.out_recorded;
	return error;
}

/* Emulates an exit by the ioctl, as a monitor does. The guest IOMMU may have been destroyed. */
static void handle(void *ctx, uint64_t gpa, bool stores, unsigned int bytes, uint64_t *value)
{
	struct guest *guest = ctx;

	(void)guest_access(guest, gpa - guest->kind->registers, stores, bytes, value);
}

void guest_open(struct guest *guest, const struct guest_kind *kind, uint32_t type)
{
	*guest = (struct guest){ .kind = kind };
	guest_set_queue(guest, 1);
	assert_int_equal(rig_begin(&guest->rig, type), 0);
	guest->rig.exchange = RIG_EXCHANGE;
	assert_int_equal(rig_map(&guest->rig, 0, RIG_BYTES, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	for (unsigned int i = 0; i < GUEST_EVENTS; i++)
		guest->event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_int_equal(guest_create(guest), 0);
	assert_int_equal(guest_device(guest, VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES), 0);
	assert_true(vcpu_open(&guest->vcpu, guest->rig.memory, RIG_BYTES, guest->rig.group_fd));
	guest->vcpu.access = handle;
	guest->vcpu.ctx = guest;
	guest_tables(guest);
	rig_open_device(&guest->rig);
}

/* The group's file is KVM's, too. */
void guest_close(struct guest *guest)
{
	for (unsigned int i = 0; i < GUEST_EVENTS; i++)
		close(guest->event[i]);
	vcpu_close(&guest->vcpu);
	rig_close(&guest->rig);
}

void guest_set_queue(struct guest *guest, unsigned int pages)
{
	guest->commands = pages * 256;
	guest->mask = (guest->commands << guest->kind->wraps) * guest->kind->step - 1;
}

void guest_queue(struct guest *guest, uint64_t word0, uint64_t word1)
{
	uint64_t command = QUEUE + guest->tail / guest->kind->step % guest->commands * 16;

	put(guest, command, word0);
	put(guest, command + 8, word1);
	guest->tail = (guest->tail + guest->kind->step) & guest->mask;
}

unsigned int guest_ring(struct guest *guest, bool interrupt)
{
	const struct guest_kind *kind = guest->kind;
	unsigned int before;
	uint32_t done;

	kind->await(guest, ++guest->waits, interrupt);
	before = guest->vcpu.exits;
	done = vcpu_store(&guest->vcpu, kind->registers + kind->tail, guest->tail, kind->status);
	assert_int_equal(done, kind->status == GUEST_STATUS ? guest->waits : guest->tail);
	return guest->vcpu.exits - before;
}

void guest_follow(struct guest *guest, uint64_t iova)
{
	guest->kind->forget(guest, iova, false);
	assert_int_equal(guest_ring(guest, false), guest_exits);
}

unsigned int guest_exits;

void guest_ring_in_kernel(struct guest *guest)
{
	assert_int_equal(guest_doorbell(guest, guest->vcpu.vm), guest_exits ? -EOPNOTSUPP : 0);
}
