/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Instructions that another CPU interrupts, at every point where they hold no lock. The linker
 * sends each port_lock() and port_unlock() of the library through here (--wrap): before the n-th
 * lock that is taken while none is held, the function is disabled and enabled again. So there is
 * one thread, and each interleaving is tried exactly once. Points within the registration's gate,
 * where the other CPU would wait, are in test_threads.c.
 *
 * At each point the instruction is answered as if it came before the disabling, or after it, when
 * its handle is stale; and it has no effect on the function that was enabled again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "double.h"
#include "guest/zpci/ioat.h"
#include "rig.h"

#define PBA  RIG_SDMA
#define PAL  (RIG_SDMA + 0xfffff)
#define IOTA UINT64_C(0x12340804)

void __real_port_lock(struct port_lock *lock);
void __real_port_unlock(struct port_lock *lock);
void __wrap_port_lock(struct port_lock *lock);
void __wrap_port_unlock(struct port_lock *lock);

static struct rig *rig_to_disturb; /* NULL: no other CPU */
static unsigned int points_to_go;
static unsigned int held;

static bool is_in_gate(void)
{
	const struct zpci_ioat *ioat = rig_to_disturb->function->ioat;
	unsigned int i;

	for (i = 0; ioat && i < GUEST_LANES; i++)
		if (ioat->gate.lane[i].users)
			return true;
	return false;
}

static void disturb(void)
{
	struct rig *rig = rig_to_disturb;
	uint32_t fh;

	rig_to_disturb = NULL;
	assert_int_equal(viommu_zpci_disable(rig->function, &fh), 0);
	assert_int_equal(viommu_zpci_enable(rig->function, &fh), 0);
}

void __wrap_port_lock(struct port_lock *lock)
{
	if (rig_to_disturb && !held && !is_in_gate() && !points_to_go--)
		disturb();
	__real_port_lock(lock);
	held++;
}

void __wrap_port_unlock(struct port_lock *lock)
{
	held--;
	__real_port_unlock(lock);
}

struct instruction {
	bool registered;   /* before it */
	bool error;	   /* is the state before it */
	uint8_t operation; /* of MPCIFC; 0: RPCIT; 1: STPCIFC */
	int refresh;
	uint64_t start;
	uint32_t answer; /* undisturbed: condition code * 100 + status */
};

static const struct instruction instructions[] = {
	{ true, false, 0, 0, PBA, 0 },	       { true, false, 0, -ENOSPC, PBA, 116 },
	{ true, false, 0, -EFAULT, PBA, 108 }, { true, false, 0, -EIO, PBA, 108 },
	{ true, false, 0, 0, PAL + 1, 108 },   { false, false, 0, 0, PBA, 108 },
	{ true, true, 0, 0, PBA, 140 },	       { false, false, 4, 0, 0, 0 },
	{ false, true, 4, 0, 0, 0 },	       { true, false, 5, 0, 0, 0 },
	{ true, false, 6, 0, 0, 0 },	       { true, true, 7, 0, 0, 0 },
	{ true, false, 7, 0, 0, 124 },	       { true, true, 9, 0, 0, 0 },
	{ true, false, 1, 0, 0, 0 },
};

static uint32_t carry_out(struct rig *rig, const struct instruction *insn)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_fib fib = { .pba = PBA, .pal = PAL, .iota = IOTA };
	uint64_t r1 = (uint64_t)RIG_FH << 32;

	if (insn->operation == 0)
		viommu_zpci_rpcit(rig->zpci, r1, insn->start, 0x1000, &answer);
	else if (insn->operation == 1)
		viommu_zpci_stpcifc(rig->zpci, &r1, &fib, &answer);
	else
		viommu_zpci_mpcifc(rig->zpci, r1 | insn->operation, &fib, &answer);
	assert_int_equal(answer.exception, 0);
	return answer.cc * 100u + answer.status;
}

/* True if another CPU was in between. */
static bool try_point(const struct instruction *insn, unsigned int point)
{
	struct viommu_fault fault = { .reason = VIOMMU_FAULT_PROTECTION };
	struct rig rig;
	uint32_t answer;
	bool disturbed;

	double_reset();
	rig_up(&rig, double_vm(), rig_function_config(double_host()), 0);
	if (insn->registered)
		assert_cc(rig_mpcifc(&rig, RIG_FH, VIOMMU_ZPCI_OC_REG_IOAT, PBA, PAL, IOTA), 0);
	if (insn->error)
		viommu_zpci_dma_fault(rig.function, &fault);
	rig.events = 0;
	double_core.refresh = insn->refresh;
	double_core.fault_reason = VIOMMU_FAULT_ENTRY_TYPE;

	points_to_go = point;
	rig_to_disturb = &rig;
	answer = carry_out(&rig, insn);
	disturbed = !rig_to_disturb;
	rig_to_disturb = NULL;

	/* STPCIFC uses only the index, and finds the function enabled again. */
	if (disturbed) {
		assert_true(answer == insn->answer || answer == 300);
		assert_int_equal(rig.events, answer == 108);
		assert_int_not_equal(rig_info(&rig).fh, RIG_FH);
		assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_ENABLED);
		assert_false(rig_info(&rig).registered);
		assert_int_equal(double_core.domains, 0);
		assert_int_equal(double_core.attached, 0);
	} else {
		assert_int_equal(answer, insn->answer);
	}
	rig_down(&rig);
	assert_int_equal(double_core.domains + double_core.devices + double_core.breaches, 0);
	return disturbed;
}

static void every_point(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		unsigned int point = 0;

		while (try_point(&instructions[i], point))
			point++;
		/* At least: before the lookup, before the function's lock. */
		assert_true(point >= 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_point) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
