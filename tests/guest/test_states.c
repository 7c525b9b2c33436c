/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random sequences of all operations that change a function's state, against a model that consists
 * of tables: for each operation and state, the next state and the answer, as in QEMU
 * (hw/s390x/s390-pci-inst.c, s390-pci-bus.c, sclp.c), and as in docs/zpci.md where QEMU defines
 * none. The core is the double, so that translations fail at random. After each step the core must
 * agree with the model: a domain where something is registered, and an attached device where the
 * state is also ENABLED.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "double.h"
#include "rig.h"

#define PBA  RIG_SDMA
#define PAL  (RIG_SDMA + 0xfffff)
#define IOTA UINT64_C(0x12340804)

#define STEPS 200000u

/* In the order of enum viommu_zpci_state. */
enum { RES, STB, DIS, ENA, BLK, ERR, PRM, STATES };

enum operation {
	REG,
	DEREG,
	REREG,
	RESET_ERROR,
	RESET_BLOCK,
	RPCIT,
	RPCIT_MALFORMED,
	RPCIT_NO_ROOM,
	RPCIT_HOST_FAILS,
	RPCIT_OUTSIDE,
	DMA_FAULT,
	CONFIGURE,
	DECONFIGURE,
	ENABLE,
	DISABLE,
	DEVICE_FAILED,
	RESET,
	RESET_ALL,
	OPERATIONS,
};

/*
 * An outcome: the condition code in the hundreds, the status below; or 0 and -EINVAL for operations
 * that are no instructions. An operation that depends on a registration has two.
 */
#define CC3   300
#define ST(n) (100 + (n))
#define INVAL (-EINVAL)

struct row {
	int answer[STATES];
	int state[STATES];
};

#define SAME                                      \
	{                                         \
		RES, STB, DIS, ENA, BLK, ERR, PRM \
	}

static const struct row unregistered[OPERATIONS] = {
	[REG] = { { CC3, CC3, CC3, 0, 0, 0, CC3 }, SAME },
	[DEREG] = { { CC3, CC3, CC3, ST(24), ST(24), ST(24), CC3 }, SAME },
	[REREG] = { { CC3, CC3, CC3, ST(24), ST(24), ST(24), CC3 }, SAME },
	[RESET_ERROR] = { { CC3, CC3, CC3, ST(24), 0, 0, CC3 }, { RES, STB, DIS, ENA, ENA, ENA, PRM } },
	[RESET_BLOCK] = { { CC3, CC3, CC3, ST(24), ST(24), 0, CC3 }, { RES, STB, DIS, ENA, BLK, BLK, PRM } },
	[RPCIT] = { { CC3, CC3, CC3, ST(8), ST(8), ST(40), CC3 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[RPCIT_MALFORMED] = { { CC3, CC3, CC3, ST(8), ST(8), ST(40), CC3 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[RPCIT_NO_ROOM] = { { CC3, CC3, CC3, ST(8), ST(8), ST(40), CC3 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[RPCIT_HOST_FAILS] = { { CC3, CC3, CC3, ST(8), ST(8), ST(40), CC3 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[RPCIT_OUTSIDE] = { { CC3, CC3, CC3, ST(8), ST(8), ST(40), CC3 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[DMA_FAULT] = { { 0 }, { RES, STB, DIS, ERR, BLK, ERR, PRM } },
	[CONFIGURE] = { { 0, 0, INVAL, INVAL, INVAL, INVAL, INVAL }, { DIS, DIS, DIS, ENA, BLK, ERR, PRM } },
	[DECONFIGURE] = { { 0 }, { STB, STB, STB, STB, STB, STB, STB } },
	[ENABLE] = { { INVAL, INVAL, 0, INVAL, INVAL, INVAL, INVAL }, { RES, STB, ENA, ENA, BLK, ERR, PRM } },
	[DISABLE] = { { INVAL, INVAL, INVAL, 0, 0, 0, INVAL }, { RES, STB, DIS, DIS, DIS, DIS, PRM } },
	[DEVICE_FAILED] = { { 0 }, { PRM, PRM, PRM, PRM, PRM, PRM, PRM } },
	[RESET] = { { 0 }, { RES, STB, DIS, DIS, DIS, DIS, PRM } },
	[RESET_ALL] = { { 0 }, { RES, STB, DIS, DIS, DIS, DIS, PRM } },
};

/* With a registration: only ENABLED, BLOCKED and ERROR occur. */
static const struct row registered[OPERATIONS] = {
	[REG] = { { 0, 0, 0, ST(24), ST(24), ST(24), 0 }, SAME },
	[DEREG] = { { 0, 0, 0, 0, 0, 0, 0 }, SAME },
	[REREG] = { { 0, 0, 0, 0, 0, 0, 0 }, SAME },
	[RESET_ERROR] = { { 0, 0, 0, ST(24), 0, 0, 0 }, { RES, STB, DIS, ENA, ENA, ENA, PRM } },
	[RESET_BLOCK] = { { 0, 0, 0, ST(24), ST(24), 0, 0 }, { RES, STB, DIS, ENA, BLK, BLK, PRM } },
	[RPCIT] = { { 0, 0, 0, 0, 0, ST(40), 0 }, SAME },
	[RPCIT_MALFORMED] = { { 0, 0, 0, ST(8), ST(8), ST(40), 0 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[RPCIT_NO_ROOM] = { { 0, 0, 0, ST(16), ST(16), ST(40), 0 }, SAME },
	[RPCIT_HOST_FAILS] = { { 0, 0, 0, ST(8), ST(8), ST(40), 0 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[RPCIT_OUTSIDE] = { { 0, 0, 0, ST(8), ST(8), ST(40), 0 }, { RES, STB, DIS, ERR, ERR, ERR, PRM } },
	[DMA_FAULT] = { { 0 }, { RES, STB, DIS, ERR, BLK, ERR, PRM } },
	[CONFIGURE] = { { 0, 0, 0, INVAL, INVAL, INVAL, 0 }, SAME },
	[DECONFIGURE] = { { 0 }, { STB, STB, STB, STB, STB, STB, STB } },
	[ENABLE] = { { 0, 0, 0, INVAL, INVAL, INVAL, 0 }, SAME },
	[DISABLE] = { { 0, 0, 0, 0, 0, 0, 0 }, { RES, STB, DIS, DIS, DIS, DIS, PRM } },
	[DEVICE_FAILED] = { { 0 }, { PRM, PRM, PRM, PRM, PRM, PRM, PRM } },
	[RESET] = { { 0 }, { RES, STB, DIS, DIS, DIS, DIS, PRM } },
	[RESET_ALL] = { { 0 }, { RES, STB, DIS, DIS, DIS, DIS, PRM } },
};

/*
 * The registration afterwards: REG registers, these deregister, and only the three states in the
 * middle can have one.
 */
static bool registered_after(bool before, enum operation operation, int answer, int state)
{
	if (state != ENA && state != BLK && state != ERR)
		return false;
	if (operation == REG && !answer)
		return true;
	return before && operation != DEREG;
}

static uint32_t dice(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static int flatten(struct viommu_zpci_answer answer)
{
	assert_int_equal(answer.exception, 0);
	return answer.cc * 100 + (answer.cc == 1 ? answer.status : 0);
}

static int refresh(struct rig *rig, uint32_t fh, int core, uint64_t start)
{
	struct viommu_zpci_answer answer;

	double_core.refresh = core;
	double_core.fault_reason = VIOMMU_FAULT_ENTRY_TYPE;
	answer = rig_rpcit(rig, fh, start, 0x1000);
	double_core.refresh = 0;
	return flatten(answer);
}

static int carry_out(struct rig *rig, uint32_t *fh, enum operation operation)
{
	struct viommu_fault fault = { .reason = VIOMMU_FAULT_PROTECTION, .iova = PBA, .access = VIOMMU_WRITE };

	switch (operation) {
	case REG:
		return flatten(rig_mpcifc(rig, *fh, 4, PBA, PAL, IOTA));
	case DEREG:
		return flatten(rig_mpcifc(rig, *fh, 5, 0, 0, 0));
	case REREG:
		return flatten(rig_mpcifc(rig, *fh, 6, PBA, PAL, IOTA));
	case RESET_ERROR:
		return flatten(rig_mpcifc(rig, *fh, 7, 0, 0, 0));
	case RESET_BLOCK:
		return flatten(rig_mpcifc(rig, *fh, 9, 0, 0, 0));
	case RPCIT:
		return refresh(rig, *fh, 0, PBA);
	case RPCIT_MALFORMED:
		return refresh(rig, *fh, -EFAULT, PBA);
	case RPCIT_NO_ROOM:
		return refresh(rig, *fh, -ENOSPC, PBA);
	case RPCIT_HOST_FAILS:
		return refresh(rig, *fh, -EIO, PBA);
	case RPCIT_OUTSIDE:
		return refresh(rig, *fh, 0, PAL + 1);
	case DMA_FAULT:
		viommu_zpci_dma_fault(rig->function, &fault);
		return 0;
	case CONFIGURE:
		return viommu_zpci_configure(rig->function);
	case DECONFIGURE:
		return viommu_zpci_deconfigure(rig->function);
	case ENABLE:
		return viommu_zpci_enable(rig->function, fh);
	case DISABLE:
		return viommu_zpci_disable(rig->function, fh);
	case DEVICE_FAILED:
		viommu_zpci_device_failed(rig->function);
		return 0;
	case RESET:
		viommu_zpci_function_reset(rig->function);
		return 0;
	case RESET_ALL:
		viommu_zpci_reset(rig->zpci);
		return 0;
	default:
		return 0;
	}
}

/* Weighted, so that a walk stays long enough in the states with the most operations. */
static enum operation choose(uint64_t *seed)
{
	uint32_t n = dice(seed) % 66;

	if (n < 32)
		return (enum operation)(n % CONFIGURE);
	if (n < 40)
		return REG;
	if (n < 46)
		return CONFIGURE;
	if (n < 54)
		return ENABLE;
	if (n < 59)
		return RESET_ERROR;
	if (n < 61)
		return DISABLE;
	if (n < 63)
		return DECONFIGURE;
	return (enum operation)(DEVICE_FAILED + (n - 63));
}

static void random_sequences(uint32_t flags)
{
	struct rig rig;
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	unsigned int visits[OPERATIONS][STATES][2] = { 0 };
	unsigned int i, j, missing = 0;
	uint64_t seed = 1;
	uint32_t fh = 0x00000001;
	int state = RES;
	bool has_ioat = false;

	double_reset();
	config.fh = fh;
	config.state = VIOMMU_ZPCI_RESERVED;
	rig_up(&rig, double_vm(), config, flags);
	for (i = 0; i < STEPS; i++) {
		enum operation operation = choose(&seed);
		const struct row *row = has_ioat ? &registered[operation] : &unregistered[operation];
		/* sometimes another handle */
		uint32_t used = dice(&seed) % 16 ? fh : fh ^ (1u << dice(&seed) % 32);
		bool instruction = operation < DMA_FAULT;
		bool stale = instruction && used != fh;
		int expected = stale ? CC3 : row->answer[state];
		int next = stale ? state : row->state[state];
		bool error = next == ERR && state != ERR;
		int answer;

		visits[operation][state][has_ioat]++;
		answer = carry_out(&rig, instruction ? &used : &fh, operation);
		fh = rig_info(&rig).fh;
		if (answer != expected || rig_state(&rig) != (uint32_t)next)
			print_error("step %u: operation %d in state %d (%s): answer %d, expected %d; state %u, expected %d\n", i, (int)operation, state,
				    has_ioat ? "registered" : "not registered", answer, expected, rig_state(&rig), next);
		assert_int_equal(answer, expected);
		assert_int_equal(rig_state(&rig), next);
		if (!stale)
			has_ioat = registered_after(has_ioat, operation, expected, next);
		state = next;
		assert_int_equal(rig_info(&rig).registered, has_ioat);
		assert_int_equal(double_core.domains, has_ioat);
		assert_int_equal(double_core.attached, has_ioat && state == ENA);
		/* An event for each entry into ERROR, and no other. */
		assert_int_equal(rig.events, error);
		rig.events = 0;
		assert_int_equal(!(fh & VIOMMU_ZPCI_FH_ENABLED), state == RES || state == STB || state == DIS || (state == PRM && !(fh >> 31)));
	}
	rig_down(&rig);
	assert_int_equal(double_core.devices + double_core.domains + double_core.breaches, 0);

	/*
	 * Every operation occurred in every state, with and without a registration where there can
	 * be one.
	 */
	for (i = 0; i < OPERATIONS; i++)
		for (j = 0; j < STATES; j++)
			if ((j != RES && !visits[i][j][0]) || (j >= ENA && j <= ERR && !visits[i][j][1]))
				missing++;
	assert_int_equal(missing, 0);
}

static void sequences(void **state)
{
	(void)state;
	random_sequences(0);
}

static void sequences_as_qemu(void **state)
{
	(void)state;
	random_sequences(VIOMMU_ZPCI_QEMU_WAYS);
}

/* RESERVED is never entered again once it is left: each operation is tried on its own function. */
static void reserved(void **state)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());
	unsigned int operation;
	struct rig rig;

	(void)state;
	config.fh = 1;
	config.state = VIOMMU_ZPCI_RESERVED;
	for (operation = 0; operation < OPERATIONS; operation++) {
		uint32_t fh = 1;

		double_reset();
		rig_up(&rig, double_vm(), config, 0);
		assert_int_equal(carry_out(&rig, &fh, (enum operation)operation), unregistered[operation].answer[RES]);
		assert_int_equal(rig_state(&rig), unregistered[operation].state[RES]);
		assert_no_event(&rig);
		rig_down(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),
		cmocka_unit_test(sequences_as_qemu),
		cmocka_unit_test(reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
