/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Intercepts on a vCPU of the test: the registers and bytes that an instruction reads and writes,
 * and the order of exceptions. The core is the double.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "double.h"
#include "rig.h"

#define PBA  RIG_SDMA
#define PAL  (RIG_SDMA + 0xfffff)
#define IOTA UINT64_C(0x12340804)
#define FH   ((uint64_t)RIG_FH << 32)

#define MODE64	UINT64_C(0x0000000180000000)
#define MODE31	UINT64_C(0x0000000080000000)
#define PROBLEM UINT64_C(0x0001000000000000)

#define NOT_SET 0xff

struct cpu {
	struct viommu_zpci_vcpu calls;
	uint64_t gr[16];
	uint64_t psw_mask;
	unsigned int cc;
	uint32_t exception;
	/* logical addresses 0x10000 and up, in every access register's space */
	uint8_t memory[4096];
	unsigned int ar; /* of the last access */
	unsigned int accesses;
	int access_result;
};

static uint64_t get_gr(void *ctx, unsigned int n)
{
	return ((struct cpu *)ctx)->gr[n];
}

static void set_gr(void *ctx, unsigned int n, uint64_t value)
{
	((struct cpu *)ctx)->gr[n] = value;
}

static uint64_t get_psw_mask(void *ctx)
{
	return ((struct cpu *)ctx)->psw_mask;
}

static void set_cc(void *ctx, unsigned int cc)
{
	((struct cpu *)ctx)->cc = cc;
}

static int check_access(struct cpu *cpu, uint64_t logical, unsigned int ar, size_t bytes)
{
	cpu->ar = ar;
	cpu->accesses++;
	if (cpu->access_result)
		return cpu->access_result;
	assert_int_equal(bytes, 80);
	assert_in_range(logical, 0x10000, 0x10000 + sizeof(cpu->memory) - bytes);
	return 0;
}

static int read_memory(void *ctx, uint64_t logical, unsigned int ar, void *buffer, size_t bytes)
{
	struct cpu *cpu = ctx;
	int ret = check_access(cpu, logical, ar, bytes);

	if (!ret)
		memcpy(buffer, &cpu->memory[logical - 0x10000], bytes);
	return ret;
}

static int write_memory(void *ctx, uint64_t logical, unsigned int ar, const void *buffer, size_t bytes)
{
	struct cpu *cpu = ctx;
	int ret = check_access(cpu, logical, ar, bytes);

	if (!ret)
		memcpy(&cpu->memory[logical - 0x10000], buffer, bytes);
	return ret;
}

static void program_interrupt(void *ctx, uint32_t code)
{
	((struct cpu *)ctx)->exception = code;
}

static void fill_fib(void *ctx, uint32_t fh, uint8_t fib[VIOMMU_ZPCI_FIB_BYTES])
{
	(void)ctx;
	assert_int_equal(fh, RIG_FH);
	memset(fib, 0x5a, VIOMMU_ZPCI_FIB_BYTES);
	fib[8] = 0x08;
}

static void cpu_reset(struct cpu *cpu)
{
	unsigned int i;

	memset(cpu, 0, sizeof(*cpu));
	cpu->calls = (struct viommu_zpci_vcpu){
		.size = sizeof(cpu->calls),
		.ctx = cpu,
		.get_gr = get_gr,
		.set_gr = set_gr,
		.get_psw_mask = get_psw_mask,
		.set_cc = set_cc,
		.read = read_memory,
		.write = write_memory,
		.program_interrupt = program_interrupt,
	};
	for (i = 0; i < 16; i++)
		cpu->gr[i] = UINT64_C(0xdead000000000000) + i;
	cpu->psw_mask = MODE64;
	cpu->cc = NOT_SET;
}

static void put_be64(uint8_t *at, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void put_fib(struct cpu *cpu, unsigned int at, uint64_t pba, uint64_t pal, uint64_t iota)
{
	memset(&cpu->memory[at], 0, 80);
	put_be64(&cpu->memory[at + 0x10], pba);
	put_be64(&cpu->memory[at + 0x18], pal);
	put_be64(&cpu->memory[at + 0x20], iota);
}

/* rpcit %r2,%r6; mpcifc %r5,0x100(%r4); stpcifc %r5,0x100(%r4) */
#define RPCIT	0xb9d3, 0x00260000
#define MPCIFC	0xe350, 0x410000d0
#define STPCIFC 0xe350, 0x410000d4

struct fixture {
	struct rig rig;
	struct cpu cpu;
};

static struct fixture the_fixture;

static int setup(void **state)
{
	double_reset();
	rig_up(&the_fixture.rig, double_vm(), rig_function_config(double_host()), 0);
	cpu_reset(&the_fixture.cpu);
	*state = &the_fixture;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_down(&the_fixture.rig);
	return double_core.domains || double_core.devices || double_core.breaches;
}

static int intercept(struct fixture *f, uint16_t ipa, uint32_t ipb)
{
	f->cpu.cc = NOT_SET;
	f->cpu.exception = 0;
	f->cpu.accesses = 0;
	return viommu_zpci_intercept(f->rig.zpci, &f->cpu.calls, ipa, ipb);
}

static void expect(struct fixture *f, uint32_t exception, unsigned int cc)
{
	assert_int_equal(f->cpu.exception, exception);
	assert_int_equal(f->cpu.cc, exception ? NOT_SET : cc);
}

static void prepare_mpcifc(struct fixture *f, uint8_t operation)
{
	put_fib(&f->cpu, 0x100, PBA, PAL, IOTA);
	f->cpu.gr[4] = 0x10000;
	f->cpu.gr[5] = FH | operation;
}

static void mpcifc(void **state)
{
	struct fixture *f = *state;
	struct cpu before;

	prepare_mpcifc(f, VIOMMU_ZPCI_OC_REG_IOAT);
	before = f->cpu;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, 0, 0);
	assert_int_equal(f->cpu.ar, 4);
	assert_int_equal(double_core.ioat.pba, PBA);
	assert_int_equal(double_core.ioat.pal, PAL);
	assert_int_equal(double_core.ioat.iota, IOTA);
	assert_memory_equal(f->cpu.gr, before.gr, sizeof(before.gr));
	/* A status is stored in bits 32-39 of R1, and nowhere else. */
	f->cpu.gr[5] |= 0x77000000;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, 0, 1);
	assert_int_equal(f->cpu.gr[5], FH | 24 << 24 | VIOMMU_ZPCI_OC_REG_IOAT);
	assert_memory_equal(f->cpu.memory, before.memory, sizeof(before.memory));
}

static void mpcifc_exceptions(void **state)
{
	struct fixture *f = *state;
	uint64_t r1;

	prepare_mpcifc(f, VIOMMU_ZPCI_OC_REG_IOAT);
	r1 = f->cpu.gr[5];
	/* The VMM's operations are recognised before everything else, problem state included. */
	f->cpu.gr[5] = FH | 2;
	f->cpu.psw_mask = MODE64 | PROBLEM;
	assert_int_equal(intercept(f, MPCIFC), -EOPNOTSUPP);
	expect(f, 0, NOT_SET);
	assert_int_equal(f->cpu.accesses, 0);
	/* Privileged operation, specification, handle, access, format. */
	f->cpu.gr[5] = r1 ^ UINT64_C(1) << 40;
	f->cpu.gr[4] = 0x10004;
	f->cpu.access_result = 0x10;
	f->cpu.memory[0x100] = 1;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_PRIVILEGED, 0);
	f->cpu.psw_mask = MODE64;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_SPECIFICATION, 0);
	f->cpu.gr[4] = 0x10000;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, 0, 3);
	assert_int_equal(f->cpu.accesses, 0);
	f->cpu.gr[5] = r1;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, 0x10, 0);
	f->cpu.access_result = -EIO;
	assert_int_equal(intercept(f, MPCIFC), -EIO);
	expect(f, 0, NOT_SET);
	f->cpu.access_result = 0;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_OPERAND, 0);
	f->cpu.memory[0x100] = 0;
	f->cpu.gr[5] = FH | 0xff;
	assert_int_equal(intercept(f, MPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_OPERAND, 0);
	assert_int_equal(f->cpu.gr[5], FH | 0xff);
	assert_false(rig_info(&f->rig).registered);
}

static void operand_addresses(void **state)
{
	struct fixture *f = *state;

	/* mpcifc %r5,-8(%r4,%r0): the base field is 0, the index takes part */
	prepare_mpcifc(f, VIOMMU_ZPCI_OC_REG_IOAT);
	f->cpu.gr[4] = 0x10108;
	f->cpu.gr[0] = UINT64_MAX;
	assert_int_equal(intercept(f, 0xe354, 0x0ff8ffd0), 0);
	expect(f, 0, 0);
	assert_int_equal(f->cpu.ar, 0);
	assert_true(rig_info(&f->rig).registered);
	/* mpcifc %r5,0x10100: neither takes part; 0x10 in the high part of the displacement */
	f->cpu.gr[5] = FH | VIOMMU_ZPCI_OC_REREG_IOAT;
	assert_int_equal(intercept(f, 0xe350, 0x010010d0), 0);
	expect(f, 0, 0);
	/* Index and base; the sum wraps in 31-bit mode. */
	f->cpu.psw_mask = MODE31;
	f->cpu.gr[4] = UINT64_C(0xff7fff0000);
	f->cpu.gr[7] = 0x20100;
	assert_int_equal(intercept(f, 0xe357, 0x400000d0), 0);
	expect(f, 0, 0);
	assert_int_equal(double_core.creates, 3);
}

static void rpcit(void **state)
{
	struct fixture *f = *state;
	struct cpu before;

	assert_cc(rig_mpcifc(&f->rig, RIG_FH, VIOMMU_ZPCI_OC_REG_IOAT, PBA, PAL, IOTA), 0);
	f->cpu.gr[2] = FH | 0x12345678;
	f->cpu.gr[6] = PBA + 0x3000;
	f->cpu.gr[7] = 0x2000;
	before = f->cpu;
	assert_int_equal(intercept(f, RPCIT), 0);
	expect(f, 0, 0);
	assert_int_equal(double_core.refresh_first, PBA + 0x3000);
	assert_int_equal(double_core.refresh_last, PBA + 0x4fff);
	assert_memory_equal(f->cpu.gr, before.gr, sizeof(before.gr));

	double_core.refresh = -ENOSPC;
	assert_int_equal(intercept(f, RPCIT), 0);
	expect(f, 0, 1);
	assert_int_equal(f->cpu.gr[2], FH | 0x10345678);
	assert_int_equal(f->cpu.gr[6], PBA + 0x3000);
	f->cpu.gr[2] = (FH + (UINT64_C(1) << 32)) | 0x12345678;
	assert_int_equal(intercept(f, RPCIT), 0);
	expect(f, 0, 3);
	assert_int_equal(f->cpu.gr[2], (FH + (UINT64_C(1) << 32)) | 0x12345678);

	/*
	 * Privileged operation comes before specification (R2 is odd), and that before the handle.
	 */
	f->cpu.psw_mask |= PROBLEM;
	assert_int_equal(intercept(f, 0xb9d3, 0x00270000), 0);
	expect(f, VIOMMU_ZPCI_PGM_PRIVILEGED, 0);
	f->cpu.psw_mask = MODE64;
	assert_int_equal(intercept(f, 0xb9d3, 0x00270000), 0);
	expect(f, VIOMMU_ZPCI_PGM_SPECIFICATION, 0);
	assert_int_equal(double_core.refreshes, 2);
	/* R2 = 14 is the last pair. */
	f->cpu.gr[2] = FH;
	f->cpu.gr[14] = PBA;
	f->cpu.gr[15] = 1;
	double_core.refresh = 0;
	assert_int_equal(intercept(f, 0xb9d3, 0x002e0000), 0);
	expect(f, 0, 0);
	assert_int_equal(double_core.refresh_last, PBA + 0xfff);
}

static void stpcifc(void **state)
{
	struct fixture *f = *state;
	uint8_t expected[96];

	f->cpu.gr[4] = 0x10000;
	f->cpu.gr[5] = FH & ~(UINT64_C(1) << 63);
	memset(f->cpu.memory, 0xcc, sizeof(f->cpu.memory));
	memset(expected, 0xcc, sizeof(expected));
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, 0, 0);
	assert_int_equal(f->cpu.ar, 4);
	assert_int_equal(f->cpu.gr[5], FH);
	memset(expected, 0, 80);
	expected[8] = 0x80;
	assert_memory_equal(&f->cpu.memory[0x100], expected, sizeof(expected));

	/*
	 * The VMM's own fields come from a callback, and the library's are stored over them; of the
	 * function's controls, both have some.
	 */
	f->cpu.calls.fill_fib = fill_fib;
	assert_cc(rig_mpcifc(&f->rig, RIG_FH, VIOMMU_ZPCI_OC_REG_IOAT, PBA, PAL, IOTA), 0);
	f->cpu.gr[5] &= ~(UINT64_C(1) << 63);
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, 0, 0);
	memset(expected, 0x5a, 80);
	expected[0] = 0;
	expected[8] = 0x98;
	put_be64(&expected[0x10], PBA);
	put_be64(&expected[0x18], PAL);
	put_be64(&expected[0x20], IOTA);
	assert_memory_equal(&f->cpu.memory[0x100], expected, sizeof(expected));
	/* A VMM without that callback. */
	f->cpu.calls.fill_fib = NULL;
	assert_int_equal(intercept(f, STPCIFC), 0);
	assert_int_equal(f->cpu.memory[0x128], 0);
	f->cpu.calls.size = VIOMMU_ZPCI_VCPU_SIZE_V0 - 1;
	assert_int_equal(intercept(f, STPCIFC), -EINVAL);
}

static void stpcifc_exceptions(void **state)
{
	struct fixture *f = *state;
	const uint64_t r1 = FH & ~(UINT64_C(1) << 63);

	/* Privileged operation; the DMA address space; specification; the handle; access. */
	f->cpu.gr[4] = 0x10001;
	f->cpu.gr[5] = r1 | 0x10000;
	f->cpu.psw_mask |= PROBLEM;
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_PRIVILEGED, 0);
	f->cpu.psw_mask = MODE64;
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, 0, 1);
	assert_int_equal(f->cpu.gr[5], r1 | 0x10000 | 28 << 24);
	f->cpu.gr[5] = r1 + (UINT64_C(1) << 32);
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_SPECIFICATION, 0);
	f->cpu.gr[4] = 0x10000;
	f->cpu.access_result = 0x05;
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, 0, 3);
	assert_int_equal(f->cpu.accesses, 0);
	f->cpu.gr[5] = r1;
	assert_int_equal(intercept(f, STPCIFC), 0);
	expect(f, VIOMMU_ZPCI_PGM_ADDRESSING, 0);
	assert_int_equal(f->cpu.gr[5], r1);
	f->cpu.access_result = -EFAULT;
	assert_int_equal(intercept(f, STPCIFC), -EFAULT);
	expect(f, 0, NOT_SET);
}

static void not_ours(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(intercept(f, 0xb9d2, 0), -EOPNOTSUPP);
	assert_int_equal(intercept(f, 0xe350, 0x410000d2), -EOPNOTSUPP);
	assert_int_equal(intercept(f, 0x8300, 0x05000000), -EOPNOTSUPP);
	expect(f, 0, NOT_SET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mpcifc, setup, teardown),
		cmocka_unit_test_setup_teardown(mpcifc_exceptions, setup, teardown),
		cmocka_unit_test_setup_teardown(operand_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(rpcit, setup, teardown),
		cmocka_unit_test_setup_teardown(stpcifc, setup, teardown),
		cmocka_unit_test_setup_teardown(stpcifc_exceptions, setup, teardown),
		cmocka_unit_test_setup_teardown(not_ours, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
