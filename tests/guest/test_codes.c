/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The answers of the instructions, check by check and in the order of the checks, on a core that
 * fails on request (double.h). The codes are QEMU's (hw/s390x/s390-pci-inst.c), as Linux interprets
 * them (arch/s390/pci), except where docs/zpci.md states a difference.
 */
#include <viommu/zpci.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "double.h"
#include "rig.h"

#define REG	    VIOMMU_ZPCI_OC_REG_IOAT
#define DEREG	    VIOMMU_ZPCI_OC_DEREG_IOAT
#define REREG	    VIOMMU_ZPCI_OC_REREG_IOAT
#define RESET_ERROR VIOMMU_ZPCI_OC_RESET_ERROR
#define RESET_BLOCK VIOMMU_ZPCI_OC_RESET_BLOCK

#define PBA	RIG_SDMA
#define PAL	(RIG_SDMA + 0xfffffff)
#define IOTA	UINT64_C(0x12340804) /* T = 1, a region third table at 0x12340000 */
#define OPERAND VIOMMU_ZPCI_PGM_OPERAND

static void begin_as(struct rig *rig, struct viommu_zpci_function_config config, uint32_t flags)
{
	double_reset();
	rig_up(rig, double_vm(), config, flags);
}

static void begin(struct rig *rig, uint32_t flags)
{
	begin_as(rig, rig_function_config(double_host()), flags);
}

static void begin_relaxed(struct rig *rig, uint32_t flags)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());

	config.relaxed = true;
	begin_as(rig, config, flags);
}

/* Nothing is left behind, and the core was used as its headers require. */
static void end(struct rig *rig)
{
	rig_down(rig);
	assert_int_equal(double_core.domains, 0);
	assert_int_equal(double_core.directs, 0);
	assert_int_equal(double_core.devices, 0);
	assert_int_equal(double_core.attached, 0);
	assert_int_equal(double_core.breaches, 0);
}

static struct viommu_zpci_answer reg(struct rig *rig)
{
	return rig_mpcifc(rig, RIG_FH, REG, PBA, PAL, IOTA);
}

/* An RPCIT that finds a malformed table. */
static void fall_into_error(struct rig *rig)
{
	double_core.refresh = -EFAULT;
	double_core.fault_reason = VIOMMU_FAULT_ENTRY_TYPE;
	double_core.fault_iova = PBA + 0x5123;
	assert_status(rig_rpcit(rig, RIG_FH, PBA, 0x10000), 8);
	assert_event(rig, 0x09, PBA + 0x5000);
	double_core.refresh = 0;
	assert_int_equal(rig_state(rig), VIOMMU_ZPCI_ERROR);
}

static void registration(void **state)
{
	struct rig rig;
	struct viommu_zpci_function_info info;

	(void)state;
	begin(&rig, 0);
	assert_status(rig_operation(&rig, RIG_FH, DEREG), 24);
	assert_status(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), 24);
	/* PBA and PAL are widened to whole pages. */
	assert_cc(rig_mpcifc(&rig, RIG_FH, REG, PBA + 0xfff, PAL - 0xfff, IOTA), 0);
	assert_int_equal(double_core.ioat.pba, PBA);
	assert_int_equal(double_core.ioat.pal, PAL);
	assert_int_equal(double_core.ioat.iota, IOTA);
	assert_int_equal(double_core.ioat.flags, 0);
	assert_int_equal(double_core.attached, 1);
	info = rig_info(&rig);
	assert_true(info.registered && !info.direct);
	assert_true(info.pba == PBA && info.pal == PAL && info.iota == IOTA);
	assert_status(reg(&rig), 24);
	assert_cc(rig_operation(&rig, RIG_FH, DEREG), 0);
	assert_int_equal(double_core.domains, 0);
	assert_int_equal(double_core.attached, 0);
	assert_false(rig_info(&rig).registered);
	assert_status(rig_operation(&rig, RIG_FH, DEREG), 24);
	assert_no_event(&rig);
	end(&rig);
}

static void mpcifc_order_of_checks(void **state)
{
	static const uint8_t foreign[] = { 2, 3, 10, 16, 17 };
	static const uint8_t unknown[] = { 0, 1, 8, 11, 15, 18, 255 };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_fib fib = { .fmt = 1, .pba = PBA, .pal = PAL, .iota = IOTA };
	const uint64_t fh = (uint64_t)RIG_FH << 32;
	struct rig rig;
	unsigned int i;

	(void)state;
	begin(&rig, 0);
	/* The VMM's operations are recognised before anything else is checked. */
	for (i = 0; i < sizeof(foreign); i++)
		assert_int_equal(viommu_zpci_mpcifc(rig.zpci, foreign[i], &fib, &answer), -EOPNOTSUPP);
	/* Order: an unknown handle, a format, an operation, an address space. */
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, (fh ^ UINT64_C(1) << 56) | REG, &fib, &answer), 0);
	assert_cc(answer, 3);
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, fh | 0x10000 | REG, &fib, &answer), 0);
	assert_exception(answer, OPERAND);
	fib.fmt = 0;
	for (i = 0; i < sizeof(unknown); i++) {
		assert_int_equal(viommu_zpci_mpcifc(rig.zpci, fh | 0x10000 | unknown[i], &fib, &answer), 0);
		assert_exception(answer, OPERAND);
	}
	/* Order: an address space, the sequence, the parameters. */
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, fh | 0x10000 | DEREG, &fib, &answer), 0);
	assert_status(answer, 28);
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, fh | 0xff0000 | REG, &fib, &answer), 0);
	assert_status(answer, 28);
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, fh | 0x10000 | REREG, &fib, &answer), 0);
	assert_status(answer, 28);
	assert_cc(reg(&rig), 0);
	assert_status(rig_mpcifc(&rig, RIG_FH, REG, PAL, PBA, 0), 24);
	assert_cc(rig_operation(&rig, RIG_FH, DEREG), 0);
	assert_status(rig_mpcifc(&rig, RIG_FH, REREG, PAL, PBA, 0), 24);
	/* A reset ignores the address space. */
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, fh | 0x10000 | RESET_ERROR, &fib, &answer), 0);
	assert_status(answer, 24);
	end(&rig);
}

/*
 * An answer that is too small is refused before anything is done; the answer of a caller built
 * against an older header is filled up to its size.
 */
static void answer_sizes(void **state)
{
	struct viommu_zpci_answer answer = { .size = 4 };
	struct viommu_zpci_fib fib = { .pba = PBA, .pal = PAL, .iota = IOTA };
	uint64_t r1 = (uint64_t)RIG_FH << 32;
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	assert_int_equal(viommu_zpci_mpcifc(rig.zpci, r1 | REG, &fib, &answer), -EINVAL);
	assert_int_equal(viommu_zpci_rpcit(rig.zpci, r1, PBA, 1, &answer), -EINVAL);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), -EINVAL);
	assert_false(rig_info(&rig).registered);
	answer.size = VIOMMU_ZPCI_ANSWER_SIZE_V0 - 1;
	assert_int_equal(viommu_zpci_rpcit(rig.zpci, r1, PBA, 1, &answer), -EINVAL);
	end(&rig);
}

static void parameters(void **state)
{
	static const struct {
		uint64_t pba, pal, iota;
		uint8_t pft;
		bool relaxed;
		uint32_t arch, qemu; /* exceptions */
	} cases[] = {
		{ PBA, PAL, IOTA, 0, false, 0, 0 },
		{ PBA, PBA, IOTA, 0, false, 0, 0 },
		{ PAL, PBA, IOTA, 0, false, OPERAND, OPERAND },
		{ PBA - 1, PAL, IOTA, 0, false, OPERAND, OPERAND },
		{ PBA, RIG_EDMA, IOTA, 0, false, 0, 0 },
		{ PBA, RIG_EDMA + 1, IOTA, 0, false, OPERAND, OPERAND },
		/* ISM: one page more, and not two. */
		{ PBA, RIG_EDMA + 1, IOTA, 5, false, 0, 0 },
		{ PBA, RIG_EDMA + 0x1001, IOTA, 5, false, OPERAND, OPERAND },
		/*
		 * Designations: one that tables cannot have is an operand exception; QEMU accepts
		 * only one.
		 */
		{ PBA, PAL, IOTA - 4, 0, false, 0, OPERAND },
		{ PBA, PAL, IOTA + 4, 0, false, 0, OPERAND },
		{ PBA, PAL, IOTA + 8, 0, false, 0, OPERAND },
		{ PBA, PAL, IOTA + 16, 0, false, OPERAND, OPERAND },
		{ PBA, PAL, IOTA + 20, 0, false, OPERAND, OPERAND },
		{ PBA, PAL, IOTA + 24, 0, false, OPERAND, OPERAND },
		/*
		 * No translation, where it is not offered and where it is; QEMU ignores the other
		 * bits then.
		 */
		{ PBA, PAL, 0, 0, false, OPERAND, OPERAND },
		{ PBA, PAL, 0, 0, true, 0, 0 },
		{ PBA, PAL, 0x200, 0, true, OPERAND, 0 },
	};
	unsigned int i;
	uint32_t qemu;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (qemu = 0; qemu <= VIOMMU_ZPCI_QEMU_WAYS; qemu++) {
			struct viommu_zpci_function_config config = rig_function_config(double_host());
			struct rig rig;

			config.pft = cases[i].pft;
			config.relaxed = cases[i].relaxed;
			config.dtsm = 0xf0;
			begin_as(&rig, config, qemu);
			assert_exception(rig_mpcifc(&rig, RIG_FH, REG, cases[i].pba, cases[i].pal, cases[i].iota), qemu ? cases[i].qemu : cases[i].arch);
			assert_int_equal(rig_info(&rig).registered, !(qemu ? cases[i].qemu : cases[i].arch));
			assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ENABLED);
			if (cases[i].iota & 0x800 && rig_info(&rig).registered)
				assert_int_equal(double_core.ioat.flags, qemu ? VIOMMU_ZPCI_IOAT_QEMU : 0);
			assert_no_event(&rig);
			end(&rig);
		}
	}
}

/*
 * A function's device is created with the function's data, which may be freed afterwards; a failure
 * to attach for lack of room is insufficient resources.
 */
static void devices_of_a_host(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct rig rig;
	int data;

	(void)state;
	double_reset();
	double_core.device_data = config.device = &data;
	rig_up(&rig, double_vm(), config, 0);
	double_core.attach = -ENOSPC;
	assert_status(reg(&rig), 16);
	assert_false(rig_info(&rig).registered);
	assert_int_equal(double_core.domains, 0);
	assert_no_event(&rig);
	double_core.attach = 0;
	assert_cc(reg(&rig), 0);
	assert_int_equal(double_core.attached, 1);
	end(&rig);
}

/* A designation type is accepted only if the guest was offered it. */
static void announced_designations(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct rig rig;

	(void)state;
	config.dtsm = 0x40;
	begin_as(&rig, config, 0);
	assert_exception(rig_mpcifc(&rig, RIG_FH, REG, PBA, PAL, IOTA + 4), OPERAND);
	assert_exception(rig_mpcifc(&rig, RIG_FH, REG, PBA, PAL, IOTA - 4), OPERAND);
	assert_cc(reg(&rig), 0);
	end(&rig);
	/*
	 * The default announces a designation of frames, which Linux requires; the core refuses it.
	 */
	begin(&rig, 0);
	double_core.domain_create = -EINVAL;
	assert_exception(rig_mpcifc(&rig, RIG_FH, REG, PBA, PAL, IOTA + 12), OPERAND);
	assert_int_equal(double_core.creates, 1);
	assert_no_event(&rig);
	end(&rig);
}

static void msi_page(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct rig rig;

	(void)state;
	config.msia = RIG_SDMA + 0x10000;
	begin_as(&rig, config, 0);
	assert_exception(rig_mpcifc(&rig, RIG_FH, REG, PBA, PBA + 0x10000, IOTA), OPERAND);
	assert_exception(rig_mpcifc(&rig, RIG_FH, REG, PBA + 0x10000, PAL, IOTA), OPERAND);
	assert_exception(rig_mpcifc(&rig, RIG_FH, REG, PBA, PAL, IOTA), OPERAND);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REG, PBA, PBA + 0xffff, IOTA), 0);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA + 0x11000, PAL, IOTA), 0);
	end(&rig);
}

/* Results of a registration in the core, and the guest's answers. */
static void registration_failures(void **state)
{
	static const int want[] = { -ENOSPC, -ENOMEM, -ERANGE };
	struct rig rig;
	unsigned int i;

	(void)state;
	begin_relaxed(&rig, 0);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		double_core.domain_create = want[i];
		assert_status(reg(&rig), 16);
		assert_false(rig_info(&rig).registered);
	}
	double_core.domain_create = 0;
	double_core.direct_create = -EDQUOT;
	assert_status(rig_mpcifc(&rig, RIG_FH, REG, PBA, PAL, 0), 16);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ENABLED);
	assert_no_event(&rig);

	double_core.domain_create = -EIO;
	assert_status(reg(&rig), 8);
	assert_event(&rig, 0x0b, 0);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ERROR);
	/* In ERROR already: the same answer, and no second event. */
	assert_status(reg(&rig), 8);
	assert_no_event(&rig);
	assert_false(rig_info(&rig).registered);
	assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);

	/* The domain is made, but the host refuses to attach the device. */
	double_core.domain_create = 0;
	double_core.attach = -EIO;
	assert_status(reg(&rig), 8);
	assert_event(&rig, 0x0b, 0);
	assert_false(rig_info(&rig).registered);
	assert_int_equal(double_core.domains, 0);
	end(&rig);
}

static void reregistration(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	assert_cc(reg(&rig), 0);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA + 0x4000), 0);
	assert_int_equal(double_core.domains, 1);
	assert_int_equal(double_core.attached, 1);
	assert_int_equal(rig_info(&rig).iota, IOTA + 0x4000);

	/* Illegal parameters leave the old registration as it was. */
	assert_exception(rig_mpcifc(&rig, RIG_FH, REREG, PAL, PBA, IOTA), OPERAND);
	double_core.domain_create = -EINVAL;
	assert_exception(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), OPERAND);
	double_core.domain_create = -ERANGE;
	assert_status(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), 16);
	assert_int_equal(rig_info(&rig).iota, IOTA + 0x4000);
	assert_int_equal(double_core.attached, 1);

	/* No room for two: the old one is released, and the new one is tried again. */
	double_core.domain_create = -ENOSPC;
	double_core.domain_create_count = 1;
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), 0);
	assert_int_equal(rig_info(&rig).iota, IOTA);
	assert_int_equal(double_core.domains, 1);
	assert_int_equal(double_core.attached, 1);
	double_core.domain_create = -ENOSPC;
	assert_status(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), 16);
	assert_false(rig_info(&rig).registered);
	assert_int_equal(double_core.domains, 0);
	end(&rig);

	/* QEMU releases the old one first. */
	begin(&rig, VIOMMU_ZPCI_QEMU_WAYS);
	assert_cc(reg(&rig), 0);
	assert_exception(rig_mpcifc(&rig, RIG_FH, REREG, PAL, PBA, IOTA), OPERAND);
	assert_false(rig_info(&rig).registered);
	assert_int_equal(double_core.domains, 0);
	end(&rig);

	/* From tables to none and back. */
	begin_relaxed(&rig, 0);
	assert_cc(reg(&rig), 0);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, 0), 0);
	assert_true(rig_info(&rig).direct);
	assert_int_equal(double_core.domains, 0);
	assert_int_equal(double_core.directs, 1);
	assert_int_equal(double_core.attached, 1);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), 0);
	assert_int_equal(double_core.directs, 0);
	assert_int_equal(double_core.attached, 1);
	end(&rig);
}

static void direct(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct rig rig;

	(void)state;
	config.relaxed = true;
	config.sdma = RIG_SDMA + 0x800;
	begin_as(&rig, config, 0);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REG, PBA + 0x1000, PAL, 0), 0);
	assert_int_equal(double_core.offset, RIG_SDMA + 0x1000);
	assert_int_equal(double_core.first, PBA + 0x1000);
	assert_int_equal(double_core.last, PAL);
	assert_int_equal(double_core.attached, 1);
	assert_true(rig_info(&rig).direct);
	/* There are no tables, so there is nothing to refresh. */
	assert_cc(rig_rpcit(&rig, RIG_FH, PBA + 0x1000, 0x1000), 0);
	assert_cc(rig_rpcit(&rig, RIG_FH, 0, 0x1000), 0);
	assert_no_event(&rig);
	end(&rig);

	/* For QEMU, nothing is registered. */
	begin_relaxed(&rig, VIOMMU_ZPCI_QEMU_WAYS);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REG, PBA, PAL, 0), 0);
	assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 8);
	assert_event(&rig, 0x01, PBA);
	assert_int_equal(double_core.attached, 0);
	end(&rig);
}

static void refresh_ranges(void **state)
{
	static const struct {
		uint64_t start, bytes;
		bool outside, nothing;
		uint64_t first, last;
	} cases[] = {
		{ PBA, 0x1000, false, false, PBA, PBA + 0xfff },
		{ PBA, PAL - PBA + 1, false, false, PBA, PAL },
		/* outwards to whole pages */
		{ PBA + 0x1fff, 1, false, false, PBA + 0x1000, PBA + 0x1fff },
		{ PBA + 0x1fff, 2, false, false, PBA + 0x1000, PBA + 0x2fff },
		{ PBA + 0x1001, 0xfff, false, false, PBA + 0x1000, PBA + 0x1fff },
		/* clipped */
		{ PBA - 0x5000, 0x6000, false, false, PBA, PBA + 0xfff },
		{ PAL - 0xfff, 0x10000, false, false, PAL - 0xfff, PAL },
		{ PAL, 1, false, false, PAL - 0xfff, PAL },
		{ 0, UINT64_MAX, false, false, PBA, PAL },
		{ 1, UINT64_MAX, false, false, PBA, PAL },
		/* nothing */
		{ PBA, 0, false, true, 0, 0 },
		{ 0, 0, false, true, 0, 0 },
		{ UINT64_MAX, 0, false, true, 0, 0 },
		/* outside; the byte after the end is outside, even on the same page */
		{ PBA - 0x1000, 0x1000, true, false, 0, 0 },
		{ PAL + 1, 0x1000, true, false, 0, 0 },
		{ 0, 0x1000, true, false, 0, 0 },
		{ UINT64_MAX, 1, true, false, 0, 0 },
		/* past the end of the address space */
		{ UINT64_MAX, 2, true, false, 0, 0 },
		{ PBA, UINT64_MAX, true, false, 0, 0 },
		{ 2, UINT64_MAX, true, false, 0, 0 },
		{ PBA + 0x3000, UINT64_MAX, true, false, 0, 0 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct viommu_zpci_answer answer;
		struct rig rig;

		begin(&rig, 0);
		assert_cc(reg(&rig), 0);
		answer = rig_rpcit(&rig, RIG_FH, cases[i].start, cases[i].bytes);
		if (cases[i].outside) {
			assert_status(answer, 8);
			assert_event(&rig, 0x02, cases[i].start & ~UINT64_C(0xfff));
			assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ERROR);
			assert_int_equal(double_core.attached, 0);
		} else {
			assert_cc(answer, 0);
			assert_no_event(&rig);
		}
		assert_int_equal(double_core.refreshes, !cases[i].outside && !cases[i].nothing);
		assert_int_equal(double_core.refresh_first, cases[i].first);
		assert_int_equal(double_core.refresh_last, cases[i].last);
		end(&rig);
	}
}

static void refresh_without_registration(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	assert_cc(rig_rpcit(&rig, RIG_FH, PBA, 0), 0);
	assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 8);
	assert_event(&rig, 0x01, PBA);
	assert_int_equal(rig.event.fh, RIG_FH);
	assert_int_equal(rig.event.access, 0);
	assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 40);
	assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0), 40);
	assert_no_event(&rig);
	end(&rig);
}

static void refresh_failures(void **state)
{
	static const struct {
		uint32_t reason, pec;
	} reasons[] = {
		{ VIOMMU_FAULT_ENTRY_TYPE, 0x09 }, { VIOMMU_FAULT_ENTRY_LENGTH, 0x08 },	  { VIOMMU_FAULT_ENTRY_FORMAT, 0x03 },
		{ VIOMMU_FAULT_ENTRY_ZERO, 0x07 }, { VIOMMU_FAULT_TABLE_UNBACKED, 0x07 },
	};
	struct rig rig;
	unsigned int i;

	(void)state;
	begin(&rig, 0);
	assert_cc(reg(&rig), 0);
	double_core.refresh = -ENOSPC;
	assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 16);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ENABLED);
	assert_int_equal(double_core.attached, 1);
	assert_no_event(&rig);

	double_core.refresh = -EIO;
	assert_status(rig_rpcit(&rig, RIG_FH, PBA + 0x10, 0x1000), 8);
	assert_event(&rig, 0x0b, PBA);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ERROR);
	assert_int_equal(double_core.attached, 0);
	assert_int_equal(double_core.domains, 1);

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
		assert_int_equal(double_core.attached, 1);
		double_core.refresh = -EFAULT;
		double_core.fault_reason = reasons[i].reason;
		double_core.fault_iova = PBA + 0x2fff;
		assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0x10000), 8);
		assert_event(&rig, reasons[i].pec, PBA + 0x2000);
		assert_int_equal(rig.event.fault.reason, reasons[i].reason);
		assert_int_equal(rig.event.fault.iova, PBA + 0x2fff);
		assert_int_equal(double_core.attached, 0);
	}
	end(&rig);
}

/* ERROR and BLOCKED, and the guest's way out. */
static void recovery(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	assert_cc(reg(&rig), 0);
	assert_status(rig_operation(&rig, RIG_FH, RESET_ERROR), 24);
	assert_status(rig_operation(&rig, RIG_FH, RESET_BLOCK), 24);
	fall_into_error(&rig);
	assert_int_equal(double_core.attached, 0);
	assert_int_equal(double_core.domains, 1);
	assert_true(rig_info(&rig).registered);
	assert_status(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 40);

	assert_cc(rig_operation(&rig, RIG_FH, RESET_BLOCK), 0);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_BLOCKED);
	assert_int_equal(double_core.attached, 0);
	assert_status(rig_operation(&rig, RIG_FH, RESET_BLOCK), 24);
	/* The tables may be refreshed, and an error there is an error again. */
	assert_cc(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 0);
	fall_into_error(&rig);

	/* A device that cannot be attached stays in error. */
	double_core.attach = -EIO;
	assert_status(rig_operation(&rig, RIG_FH, RESET_ERROR), 40);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ERROR);
	assert_cc(rig_operation(&rig, RIG_FH, RESET_BLOCK), 0);
	assert_status(rig_operation(&rig, RIG_FH, RESET_ERROR), 40);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_BLOCKED);
	double_core.attach = 0;
	assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ENABLED);
	assert_int_equal(double_core.attached, 1);

	/* All operations are allowed in ERROR, but nothing is attached. */
	fall_into_error(&rig);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, IOTA), 0);
	assert_cc(rig_operation(&rig, RIG_FH, DEREG), 0);
	assert_cc(reg(&rig), 0);
	assert_int_equal(double_core.domains, 1);
	assert_int_equal(double_core.attached, 0);
	assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
	assert_int_equal(double_core.attached, 1);
	assert_no_event(&rig);
	end(&rig);
}

/* If the host fails to detach the device, its domain is destroyed to stop DMA. */
static void host_fails_to_detach(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	assert_cc(reg(&rig), 0);
	double_core.detach = -EIO;
	fall_into_error(&rig);
	assert_int_equal(double_core.attached, 0);
	assert_int_equal(double_core.domains, 0);
	assert_true(rig_info(&rig).registered);
	double_core.domain_create = -ENOSPC;
	assert_status(rig_operation(&rig, RIG_FH, RESET_ERROR), 40);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ERROR);
	/* Meanwhile there is nothing to refresh. */
	assert_cc(rig_operation(&rig, RIG_FH, RESET_BLOCK), 0);
	assert_cc(rig_rpcit(&rig, RIG_FH, PBA, 0x1000), 0);
	assert_int_equal(double_core.refreshes, 1);
	double_core.domain_create = 0;
	assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
	assert_int_equal(double_core.domains, 1);
	assert_int_equal(double_core.attached, 1);
	end(&rig);
}

static void store_controls(void **state)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_fib fib;
	const uint64_t fh = (uint64_t)RIG_FH << 32;
	uint64_t r1 = fh | 0x10000;
	uint32_t new_fh;
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_status(answer, 28);
	r1 = fh + (UINT64_C(1) << 32);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_cc(answer, 3);

	/* The index is sufficient, and bit 0 shows that the function is enabled. */
	r1 = fh & ~(UINT64_C(1) << 63);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_cc(answer, 0);
	assert_int_equal(r1, fh);
	assert_int_equal(fib.fc, 0x80);
	assert_true(!fib.pba && !fib.pal && !fib.iota);

	assert_cc(reg(&rig), 0);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_int_equal(fib.fc, 0x90);
	assert_true(fib.pba == PBA && fib.pal == PAL && fib.iota == IOTA);
	fall_into_error(&rig);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_int_equal(fib.fc, 0xf0);
	assert_cc(rig_operation(&rig, RIG_FH, RESET_BLOCK), 0);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_int_equal(fib.fc, 0xd0);
	assert_int_equal(r1, fh);

	assert_int_equal(viommu_zpci_disable(rig.function, &new_fh), 0);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_cc(answer, 3);
	r1 = (uint64_t)new_fh << 32;
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_cc(answer, 0);
	assert_int_equal(fib.fc, 0);
	assert_int_equal(r1, (uint64_t)new_fh << 32);
	assert_int_equal(viommu_zpci_deconfigure(rig.function), 0);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_cc(answer, 3);
	viommu_zpci_device_failed(rig.function);
	assert_int_equal(viommu_zpci_stpcifc(rig.zpci, &r1, &fib, &answer), 0);
	assert_status(answer, 8);
	end(&rig);
}

static void dma_faults(void **state)
{
	static const struct {
		uint32_t reason, pec;
	} reasons[] = {
		{ VIOMMU_FAULT_BLOCKED, 0x01 },
		{ VIOMMU_FAULT_APERTURE, 0x02 },
		{ VIOMMU_FAULT_NOT_PRESENT, 0x04 },
		{ VIOMMU_FAULT_PROTECTION, 0x04 },
		{ VIOMMU_FAULT_LEAF_UNBACKED, 0x04 },
		{ VIOMMU_FAULT_ENTRY_TYPE, 0x09 },
		{ VIOMMU_FAULT_ENTRY_LENGTH, 0x08 },
		{ VIOMMU_FAULT_ENTRY_FORMAT, 0x03 },
		{ VIOMMU_FAULT_TABLE_UNBACKED, 0x07 },
		{ VIOMMU_FAULT_ENTRY_ZERO, 0x07 },
		{ 1000, 0x0b },
	};
	struct viommu_fault fault = { .iova = PBA + 0x1234, .access = VIOMMU_WRITE };
	struct rig rig;
	unsigned int i;

	(void)state;
	begin(&rig, 0);
	assert_cc(reg(&rig), 0);
	/* no reason: no fault */
	assert_int_equal(viommu_zpci_dma_fault(rig.function, &fault), -EINVAL);
	assert_int_equal(viommu_zpci_dma_fault(rig.function, NULL), -EINVAL);
	assert_no_event(&rig);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		fault.reason = reasons[i].reason;
		assert_int_equal(viommu_zpci_dma_fault(rig.function, &fault), 0);
		assert_event(&rig, reasons[i].pec, PBA + 0x1000);
		assert_int_equal(rig.event.access, VIOMMU_WRITE);
		assert_int_equal(rig.event.fault.iova, PBA + 0x1234);
		assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ERROR);
		assert_int_equal(double_core.attached, 0);
		/* Already stopped. */
		viommu_zpci_dma_fault(rig.function, &fault);
		assert_cc(rig_operation(&rig, RIG_FH, RESET_BLOCK), 0);
		viommu_zpci_dma_fault(rig.function, &fault);
		assert_no_event(&rig);
		assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_BLOCKED);
		assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
	}
	/* Where nothing is established, and nowhere else, a walk says why. */
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		double_core.walk_reason = reasons[i].reason;
		fault.reason = VIOMMU_FAULT_NOT_PRESENT;
		assert_int_equal(viommu_zpci_dma_fault(rig.function, &fault), 0);
		assert_event(&rig, reasons[i].pec, PBA + 0x1000);
		assert_int_equal(rig.event.access, VIOMMU_WRITE);
		assert_int_equal(rig.event.fault.access, VIOMMU_WRITE);
		assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
		fault.reason = VIOMMU_FAULT_PROTECTION;
		assert_int_equal(viommu_zpci_dma_fault(rig.function, &fault), 0);
		assert_event(&rig, 0x04, PBA + 0x1000);
		assert_cc(rig_operation(&rig, RIG_FH, RESET_ERROR), 0);
	}
	end(&rig);
}

/* A handle is valid for one enabling. */
static void handles(void **state)
{
	uint32_t fh = RIG_FH;
	uint32_t new_fh;
	struct rig rig;
	unsigned int i;

	(void)state;
	begin(&rig, 0);
	for (i = 0; i < 300; i++) {
		assert_cc(rig_mpcifc(&rig, fh, REG, PBA, PAL, IOTA), 0);
		assert_int_equal(viommu_zpci_disable(rig.function, &new_fh), 0);
		assert_int_equal(new_fh & VIOMMU_ZPCI_FH_ENABLED, 0);
		assert_int_equal(double_core.domains, 0);
		assert_cc(rig_rpcit(&rig, fh, PBA, 0x1000), 3);
		assert_cc(rig_rpcit(&rig, new_fh, PBA, 0x1000), 3);
		assert_int_equal(viommu_zpci_enable(rig.function, &new_fh), 0);
		assert_int_not_equal(new_fh, fh);
		assert_int_equal(new_fh & ~VIOMMU_ZPCI_FH_INSTANCE, RIG_FH);
		assert_cc(rig_rpcit(&rig, fh, PBA, 0x1000), 3);
		assert_cc(rig_mpcifc(&rig, fh, REG, PBA, PAL, IOTA), 3);
		assert_ptr_equal(viommu_zpci_find(rig.zpci, new_fh), rig.function);
		assert_null(viommu_zpci_find(rig.zpci, fh));
		fh = new_fh;
	}
	assert_no_event(&rig);
	end(&rig);
}

static void handles_given(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct viommu_zpci_function *other, *third;
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	config.fid = 0x20;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &other), -EEXIST);
	config.fh = 0x8000ffff;
	config.fid = RIG_FID;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &other), -EEXIST);
	config.fid = RIG_FID + 256;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &other), 0);

	assert_int_equal(viommu_zpci_enable_as(rig.function, 0x80000001), -EINVAL); /* is enabled */
	assert_int_equal(viommu_zpci_disable_as(rig.function, 0x80000002), -EINVAL);
	assert_int_equal(viommu_zpci_disable_as(rig.function, 0x0000ffff), -EEXIST);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ENABLED);
	assert_int_equal(viommu_zpci_disable_as(rig.function, 0x05010002), 0);
	assert_int_equal(rig_info(&rig).fh, 0x05010002);
	assert_int_equal(viommu_zpci_enable_as(rig.function, 0x00010002), -EINVAL);
	assert_int_equal(viommu_zpci_enable_as(rig.function, 0x8000ffff), -EEXIST);
	assert_int_equal(viommu_zpci_enable_as(rig.function, 0x85010300), 0);
	assert_ptr_equal(viommu_zpci_find(rig.zpci, 0x85010300), rig.function);
	assert_null(viommu_zpci_find(rig.zpci, 0x85000300)); /* the whole handle is compared */
	assert_null(viommu_zpci_find(rig.zpci, 0x05010002));
	assert_cc(rig_mpcifc(&rig, 0x85010300, REG, PBA, PAL, IOTA), 0);

	/* Its former index is free, and so is one whose function is gone. */
	config.fh = 0x80000001;
	config.fid = 3;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &third), 0);
	viommu_zpci_function_remove(third);
	viommu_zpci_function_remove(rig.function);
	assert_int_equal(double_core.domains, 0);
	assert_null(viommu_zpci_find(rig.zpci, 0x85010300));
	config.fh = 0x80000300;
	config.fid = RIG_FID;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &rig.function), 0);
	viommu_zpci_function_remove(other);
	end(&rig);
}

static void bad_configs(void **state)
{
	struct viommu_zpci_config zpci_config = { .size = 4 };
	struct viommu_zpci_function_config config;
	struct viommu_zpci_function *function;
	struct viommu_zpci *zpci;
	struct rig rig;

	(void)state;
	begin(&rig, 0);
	viommu_zpci_function_remove(rig.function);
	assert_int_equal(viommu_zpci_create(double_vm(), &zpci_config, &zpci), -EINVAL);
	zpci_config.size = sizeof(zpci_config);
	zpci_config.flags = 0x80;
	assert_int_equal(viommu_zpci_create(double_vm(), &zpci_config, &zpci), -EINVAL);

	config = rig_function_config(NULL);
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function), -EINVAL);
	config = rig_function_config(double_host());
	config.fh &= ~VIOMMU_ZPCI_FH_ENABLED;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function), -EINVAL);
	config = rig_function_config(double_host());
	config.state = VIOMMU_ZPCI_STANDBY;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function), -EINVAL);
	config = rig_function_config(double_host());
	config.state = VIOMMU_ZPCI_ERROR;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function), -EINVAL);
	config = rig_function_config(double_host());
	config.sdma = config.edma = 0;
	config.edma = 0x1000; /* below the default of SDMA */
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function), -EINVAL);
	config = rig_function_config(double_host());
	config.size = 8;
	assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function), -EINVAL);
	viommu_zpci_destroy(NULL);
	end(&rig);
}

/* Ten thousand functions, each found only by its own handle. */
static void many_functions(void **state)
{
	enum { COUNT = 10000 };
	struct viommu_zpci_function **functions = calloc(COUNT, sizeof(*functions));
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct rig rig;
	uint32_t i;

	(void)state;
	assert_non_null(functions);
	begin(&rig, 0);
	for (i = 0; i < COUNT; i++) {
		config.fh = 0x80000000 | ((i + 2) * 5 & 0xffff);
		config.fid = i + 1000;
		assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &functions[i]), 0);
	}
	for (i = 0; i < COUNT; i += 2)
		viommu_zpci_function_remove(functions[i]);
	for (i = 0; i < COUNT; i++) {
		config.fh = 0x80000000 | ((i + 2) * 5 & 0xffff);
		assert_ptr_equal(viommu_zpci_find(rig.zpci, config.fh), i % 2 ? functions[i] : NULL);
	}
	assert_int_equal(double_core.devices, COUNT / 2 + 1);
	end(&rig);
	free(functions);
}

/*
 * The answers of CLP, which leave the VMM's own bytes alone. Offsets as in Linux,
 * arch/s390/include/asm/pci_clp.h.
 */
static void clp(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	uint8_t response[96];
	uint8_t expected[96];
	struct rig rig;

	(void)state;
	config.fid = 0x01020304;
	config.pft = 5;
	config.pfgid = 0x77;
	config.sdma = UINT64_C(0x0000000123456000);
	config.edma = UINT64_C(0x0123456789abcfff);
	begin_as(&rig, config, 0);
	memset(response, 0xaa, sizeof(response));
	memset(expected, 0xaa, sizeof(expected));
	memcpy(&expected[19], "\x77\x01\x02\x03\x04", 5);
	memcpy(&expected[63], "\x05\x00\x00\x00\x01\x23\x45\x60\x00\x01\x23\x45\x67\x89\xab\xcf\xff", 17);
	assert_int_equal(viommu_zpci_clp_query_function(rig.function, response, 79), -EINVAL);
	assert_int_equal(viommu_zpci_clp_query_function(rig.function, response, sizeof(response)), 0);
	assert_memory_equal(response, expected, sizeof(response));

	memset(response, 0xaa, sizeof(response));
	memset(expected, 0xaa, sizeof(expected));
	expected[19] = 0x89; /* refresh; not relaxed, no frames */
	expected[24] = 0xf8;
	memset(&expected[32], 0, 16);
	expected[40] = 0xfe;
	assert_int_equal(viommu_zpci_clp_query_group(rig.function, response, 47), -EINVAL);
	assert_int_equal(viommu_zpci_clp_query_group(rig.function, response, sizeof(response)), 0);
	assert_memory_equal(response, expected, sizeof(response));
	/* By the number that the guest names. */
	memset(response, 0xaa, sizeof(response));
	assert_int_equal(viommu_zpci_clp_query_group_id(rig.zpci, 0x77, response, 47), -EINVAL);
	assert_int_equal(viommu_zpci_clp_query_group_id(rig.zpci, 0x76, response, sizeof(response)), -ENOENT);
	assert_int_equal(viommu_zpci_clp_query_group_id(rig.zpci, 0x77, response, sizeof(response)), 0);
	assert_memory_equal(response, expected, sizeof(response));
	end(&rig);

	config.relaxed = true;
	config.no_refresh = true;
	begin_as(&rig, config, VIOMMU_ZPCI_QEMU_WAYS);
	assert_int_equal(viommu_zpci_clp_query_group(rig.function, response, sizeof(response)), 0);
	assert_int_equal(response[19], 0xa8);
	assert_int_equal(response[24], 0x40);
	end(&rig);
}

/* Several functions: each has the caller's pointer, and one reset is for all. */
static void several_functions(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	struct viommu_fault fault = { .reason = VIOMMU_FAULT_PROTECTION, .iova = PBA, .access = VIOMMU_WRITE };
	struct viommu_zpci_function *function[3];
	uint8_t response[80];
	struct rig rig;

	(void)state;
	config.ctx = &function[0];
	begin_as(&rig, config, 0);
	function[0] = rig.function;
	for (uint32_t i = 1; i < 3; i++) {
		struct viommu_zpci_function_info info = { .size = sizeof(info) };

		config.ctx = &function[i];
		config.fid += 0x100;
		config.fh += 1;
		config.pfgid = (uint8_t)i;
		assert_int_equal(viommu_zpci_function_add(rig.zpci, &config, &function[i]), 0);
		assert_int_equal(viommu_zpci_function_info(function[i], &info), 0);
		assert_int_equal(info.state, VIOMMU_ZPCI_ENABLED);
		assert_int_equal(viommu_zpci_clp_query_group_id(rig.zpci, (uint8_t)i, response, sizeof(response)), 0);
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_ptr_equal(viommu_zpci_function_ctx(function[i]), &function[i]);
	assert_int_equal(viommu_zpci_dma_fault(function[2], &fault), 0);
	assert_ptr_equal(rig.event.ctx, &function[2]);
	rig.events = 0;
	viommu_zpci_reset(rig.zpci);
	for (unsigned int i = 0; i < 3; i++) {
		struct viommu_zpci_function_info info = { .size = sizeof(info) };

		assert_int_equal(viommu_zpci_function_info(function[i], &info), 0);
		assert_int_equal(info.state, VIOMMU_ZPCI_DISABLED);
		assert_false(info.fh & VIOMMU_ZPCI_FH_ENABLED);
		assert_ptr_equal(viommu_zpci_find(rig.zpci, info.fh), function[i]);
	}
	end(&rig);
}

static int count_run(void *ctx, const struct viommu_run *run)
{
	*(uint64_t *)ctx += run->last - run->first + 1;
	return 7;
}

static void queries_of_a_function(void **state)
{
	struct viommu_domain_stats stats;
	uint64_t bytes = 0;
	struct rig rig;

	(void)state;
	begin_relaxed(&rig, 0);
	memset(&stats, 0xee, sizeof(stats));
	stats.size = sizeof(stats);
	viommu_zpci_function_stats(rig.function, &stats);
	assert_int_equal(stats.refreshes, 0);
	assert_int_equal(stats.shadow_bytes, 0);
	assert_int_equal(viommu_zpci_function_each_run(rig.function, 0, 9, count_run, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_cc(reg(&rig), 0);
	assert_cc(rig_rpcit(&rig, RIG_FH, PBA, 1), 0);
	viommu_zpci_function_stats(rig.function, &stats);
	assert_int_equal(stats.refreshes, 1);
	assert_int_equal(viommu_zpci_function_each_run(rig.function, 0, 9, count_run, &bytes), 7);
	assert_int_equal(bytes, 10);
	assert_cc(rig_mpcifc(&rig, RIG_FH, REREG, PBA, PAL, 0), 0);
	viommu_zpci_function_stats(rig.function, &stats);
	assert_int_equal(stats.refreshes, 0);
	assert_int_equal(viommu_zpci_function_each_run(rig.function, 0, 9, count_run, &bytes), 7);
	assert_non_null(viommu_zpci_function_device(rig.function));
	end(&rig);
}

static void recurse(void *ctx, const struct viommu_zpci_event *event)
{
	struct viommu_zpci **zpci = ctx;
	struct viommu_zpci_function *function = viommu_zpci_find(*zpci, event->fh);
	uint32_t fh;

	/*
	 * An event may be handled within the callback: no lock is held, and the function may even
	 * be removed.
	 */
	assert_non_null(function);
	assert_int_equal(viommu_zpci_disable(function, &fh), 0);
	viommu_zpci_function_remove(function);
}

static void event_without_locks(void **state)
{
	struct viommu_zpci_config config = { .size = sizeof(config), .event = recurse };
	struct viommu_zpci_function_config function_config = rig_function_config(double_host());
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_function *function;
	struct viommu_zpci *zpci;
	struct rig rig = { .events = 0 };

	(void)state;
	double_reset();
	config.ctx = &zpci;
	assert_int_equal(viommu_zpci_create(double_vm(), &config, &zpci), 0);
	assert_int_equal(viommu_zpci_function_add(zpci, &function_config, &function), 0);
	assert_int_equal(viommu_zpci_rpcit(zpci, (uint64_t)RIG_FH << 32, PBA, 1, &answer), 0);
	assert_status(answer, 8);
	assert_null(viommu_zpci_find(zpci, RIG_FH));
	rig.zpci = zpci;
	end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registration),
		cmocka_unit_test(mpcifc_order_of_checks),
		cmocka_unit_test(answer_sizes),
		cmocka_unit_test(parameters),
		cmocka_unit_test(devices_of_a_host),
		cmocka_unit_test(announced_designations),
		cmocka_unit_test(msi_page),
		cmocka_unit_test(registration_failures),
		cmocka_unit_test(reregistration),
		cmocka_unit_test(direct),
		cmocka_unit_test(refresh_ranges),
		cmocka_unit_test(refresh_without_registration),
		cmocka_unit_test(refresh_failures),
		cmocka_unit_test(recovery),
		cmocka_unit_test(host_fails_to_detach),
		cmocka_unit_test(store_controls),
		cmocka_unit_test(dma_faults),
		cmocka_unit_test(handles),
		cmocka_unit_test(handles_given),
		cmocka_unit_test(bad_configs),
		cmocka_unit_test(many_functions),
		cmocka_unit_test(clp),
		cmocka_unit_test(several_functions),
		cmocka_unit_test(queries_of_a_function),
		cmocka_unit_test(event_without_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
