/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU from many threads, on the double of the core, which locks nothing around a
 * refresh. Refreshes of one function run in parallel. An operation that revokes a registration, a
 * handle or a function drains the refreshes in progress. All operations together leak nothing. The
 * double counts uses of destroyed objects, and ThreadSanitizer and AddressSanitizer find the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "double.h"
#include "rig.h"

#define PBA  RIG_SDMA
#define PAL  (RIG_SDMA + 0xfffff)
#define IOTA UINT64_C(0x12340804)

/* Refreshes stop here until the test releases them. */
struct stop {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned int inside;
	bool open;
};

#define STOP_INIT                                                                       \
	{                                                                               \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
	}

static int wait_inside(void *ctx, uint64_t first, uint64_t last)
{
	struct stop *stop = ctx;

	(void)first;
	(void)last;
	pthread_mutex_lock(&stop->mutex);
	stop->inside++;
	pthread_cond_broadcast(&stop->changed);
	while (!stop->open)
		pthread_cond_wait(&stop->changed, &stop->mutex);
	pthread_mutex_unlock(&stop->mutex);
	return 0;
}

static void wait_for_inside(struct stop *stop, unsigned int inside)
{
	pthread_mutex_lock(&stop->mutex);
	while (stop->inside < inside)
		pthread_cond_wait(&stop->changed, &stop->mutex);
	pthread_mutex_unlock(&stop->mutex);
}

static void open_up(struct stop *stop)
{
	pthread_mutex_lock(&stop->mutex);
	stop->open = true;
	pthread_cond_broadcast(&stop->changed);
	pthread_mutex_unlock(&stop->mutex);
}

static void begin(struct rig *rig, struct stop *stop)
{
	double_reset();
	double_core.in_refresh = stop ? wait_inside : NULL;
	double_core.ctx = stop;
	rig_up(rig, double_vm(), rig_function_config(double_host()), 0);
	assert_cc(rig_mpcifc(rig, RIG_FH, VIOMMU_ZPCI_OC_REG_IOAT, PBA, PAL, IOTA), 0);
}

static void end(struct rig *rig)
{
	rig_down(rig);
	assert_int_equal(double_core.domains, 0);
	assert_int_equal(double_core.devices, 0);
	assert_int_equal(double_core.breaches, 0);
}

static void *refresher(void *ctx)
{
	struct rig *rig = ctx;

	assert_cc(rig_rpcit(rig, RIG_FH, PBA, 0x1000), 0);
	return NULL;
}

/* Neither of two refreshes continues before both are inside. */
static void side_by_side(void **state)
{
	struct stop stop = STOP_INIT;
	pthread_t threads[3];
	unsigned int i;
	struct rig rig;

	(void)state;
	begin(&rig, &stop);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, refresher, &rig), 0);
	wait_for_inside(&stop, 3);
	/* Meanwhile the function can be queried. */
	assert_true(rig_info(&rig).registered);
	open_up(&stop);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	end(&rig);
}

struct taker {
	struct rig *rig;
	void (*take)(struct rig *rig);
};

static void take_deregister(struct rig *rig)
{
	assert_cc(rig_mpcifc(rig, RIG_FH, VIOMMU_ZPCI_OC_DEREG_IOAT, 0, 0, 0), 0);
}

static void take_disable(struct rig *rig)
{
	uint32_t fh;

	assert_int_equal(viommu_zpci_disable(rig->function, &fh), 0);
}

static void take_reregister(struct rig *rig)
{
	assert_cc(rig_mpcifc(rig, RIG_FH, VIOMMU_ZPCI_OC_REREG_IOAT, PBA, PAL, IOTA + 0x4000), 0);
}

static void take_function(struct rig *rig)
{
	viommu_zpci_function_remove(rig->function);
}

static void *taker(void *ctx)
{
	struct taker *taker = ctx;

	taker->take(taker->rig);
	return NULL;
}

/* Whether the revoked object is unreachable for others. */
static bool is_taken(struct rig *rig)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_fib fib;
	uint64_t r1 = (uint64_t)RIG_FH << 32;

	assert_int_equal(viommu_zpci_stpcifc(rig->zpci, &r1, &fib, &answer), 0);
	return answer.cc || fib.iota != IOTA;
}

/* Revokes while a thread is in a refresh, which ends only after the object is unreachable. */
static void take_meanwhile(struct rig *rig, struct stop *stop, void (*take)(struct rig *rig), void *(*refresh)(void *ctx), void *ctx)
{
	struct taker how = { rig, take };
	pthread_t refreshing, taking;

	assert_int_equal(pthread_create(&refreshing, NULL, refresh, ctx), 0);
	wait_for_inside(stop, 1);
	assert_int_equal(pthread_create(&taking, NULL, taker, &how), 0);
	while (!is_taken(rig))
		sched_yield();
	open_up(stop);
	pthread_join(refreshing, NULL);
	pthread_join(taking, NULL);
}

/*
 * Case 29: with a refresh in flight, an operation that revokes its domain first makes it
 * unreachable, and then waits.
 */
static void taking_waits(void **state)
{
	static void (*const takes[])(struct rig * rig) = { take_deregister, take_disable, take_reregister, take_function };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
		struct stop stop = STOP_INIT;
		struct rig rig;

		begin(&rig, &stop);
		take_meanwhile(&rig, &stop, takes[i], refresher, &rig);
		end(&rig);
	}
}

/*
 * A refresh that finds a malformed table after another CPU has replaced its registration, or
 * revoked its handle.
 */
static int change_then_fail(void *ctx, uint64_t first, uint64_t last)
{
	(void)first;
	(void)last;
	wait_inside(ctx, first, last);
	return -EFAULT;
}

struct late {
	struct rig *rig;
	struct viommu_zpci_answer answer;
};

static void *late_refresher(void *ctx)
{
	struct late *late = ctx;

	late->answer = rig_rpcit(late->rig, RIG_FH, PBA, 0x1000);
	return NULL;
}

static void fails_too_late(void **state)
{
	struct stop stop = STOP_INIT;
	struct rig rig;
	struct late late = { .rig = &rig };

	(void)state;
	begin(&rig, &stop);
	double_core.in_refresh = change_then_fail;
	double_core.fault_reason = VIOMMU_FAULT_ENTRY_TYPE;
	take_meanwhile(&rig, &stop, take_disable, late_refresher, &late);
	/* As if it had come after the disabling. */
	assert_cc(late.answer, 3);
	assert_no_event(&rig);
	assert_int_equal(rig_state(&rig), VIOMMU_ZPCI_DISABLED);
	end(&rig);
}

/* Two refreshes in flight that both fail: one error. */
static void one_error(void **state)
{
	struct stop stop = STOP_INIT;
	struct rig rig;
	struct late late[2] = { { .rig = &rig }, { .rig = &rig } };
	pthread_t threads[2];
	unsigned int i;

	(void)state;
	begin(&rig, &stop);
	double_core.in_refresh = change_then_fail;
	double_core.fault_reason = VIOMMU_FAULT_ENTRY_TYPE;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, late_refresher, &late[i]), 0);
	wait_for_inside(&stop, 2);
	open_up(&stop);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(late[0].answer.cc, 1);
	assert_int_equal(late[1].answer.cc, 1);
	assert_int_equal(late[0].answer.status + late[1].answer.status, 8 + 40);
	assert_event(&rig, 0x09, 0);
	end(&rig);
}

enum { FUNCTIONS = 4, THREADS = 4, ROUNDS = 4000 };

struct storm {
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *functions[FUNCTIONS];
	uint32_t handles[FUNCTIONS]; /* a recent one; read and written atomically */
	unsigned int events;
	unsigned int refreshes;
};

struct storm_thread {
	struct storm *storm;
	unsigned int number;
};

static int storm_refresh(void *ctx, uint64_t first, uint64_t last)
{
	struct storm *storm = ctx;
	unsigned int n = __atomic_add_fetch(&storm->refreshes, 1, __ATOMIC_RELAXED);

	(void)first;
	(void)last;
	if (n % 4 == 0)
		sched_yield();
	return n % 16 == 0 ? -EFAULT : n % 16 == 5 ? -ENOSPC : n % 128 == 7 ? -EIO : 0;
}

static void storm_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct storm *storm = ctx;

	(void)event;
	__atomic_add_fetch(&storm->events, 1, __ATOMIC_RELAXED);
}

static void storm_instruction(struct storm *storm, unsigned int which, unsigned int n, const struct viommu_zpci_fib *fib)
{
	static const uint8_t operations[] = { VIOMMU_ZPCI_OC_REG_IOAT,	 VIOMMU_ZPCI_OC_REG_IOAT,    VIOMMU_ZPCI_OC_DEREG_IOAT,
					      VIOMMU_ZPCI_OC_REREG_IOAT, VIOMMU_ZPCI_OC_RESET_ERROR, VIOMMU_ZPCI_OC_RESET_BLOCK };
	uint64_t r1 = (uint64_t)__atomic_load_n(&storm->handles[which], __ATOMIC_RELAXED) << 32;
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_fib stored;

	if (n % 8 < 6)
		viommu_zpci_rpcit(storm->zpci, r1, PBA, 0x1000, &answer);
	else if (n % 8 == 6)
		viommu_zpci_mpcifc(storm->zpci, r1 | operations[n / 8 % sizeof(operations)], fib, &answer);
	else
		viommu_zpci_stpcifc(storm->zpci, &r1, &stored, &answer);
}

static struct viommu_zpci_function_config storm_config(unsigned int which)
{
	struct viommu_zpci_function_config config = rig_function_config(double_host());

	config.fh = 0x80000000 | which;
	config.fid = which;
	return config;
}

/*
 * Thread n is the VMM's for function n: only it disables, enables, unplugs and plugs it.
 * Instructions go to all functions from all threads.
 */
static void *storm_thread(void *ctx)
{
	struct storm_thread *thread = ctx;
	struct storm *storm = thread->storm;
	struct viommu_zpci_function **own = &storm->functions[thread->number];
	const struct viommu_zpci_fib fib = { .pba = PBA, .pal = PAL, .iota = IOTA };
	const struct viommu_fault fault = { .reason = VIOMMU_FAULT_NOT_PRESENT, .iova = PBA };
	struct viommu_zpci_function_config config = storm_config(thread->number);
	uint64_t seed = thread->number;
	unsigned int i;
	uint32_t fh;

	for (i = 0; i < ROUNDS; i++) {
		unsigned int n;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		n = (unsigned int)(seed >> 33);
		if (n % 64) {
			storm_instruction(storm, n / 64 % FUNCTIONS, n / 256, &fib);
			continue;
		}
		switch (n / 64 % 4) {
		case 0:
			viommu_zpci_dma_fault(*own, &fault);
			break;
		case 1:
			if (!viommu_zpci_disable(*own, &fh))
				__atomic_store_n(&storm->handles[thread->number], fh, __ATOMIC_RELAXED);
			break;
		case 2:
			if (!viommu_zpci_enable(*own, &fh))
				__atomic_store_n(&storm->handles[thread->number], fh, __ATOMIC_RELAXED);
			break;
		default:
			viommu_zpci_function_remove(*own);
			assert_int_equal(viommu_zpci_function_add(storm->zpci, &config, own), 0);
			__atomic_store_n(&storm->handles[thread->number], config.fh, __ATOMIC_RELAXED);
			break;
		}
	}
	return NULL;
}

static void storm(void **state)
{
	struct storm storm = { .events = 0 };
	struct viommu_zpci_config config = { .size = sizeof(config), .event = storm_event, .ctx = &storm };
	struct storm_thread threads[THREADS];
	pthread_t ids[THREADS];
	struct rig rig = { .events = 0 };
	unsigned int i;

	(void)state;
	double_reset();
	double_core.in_refresh = storm_refresh;
	double_core.ctx = &storm;
	double_core.fault_reason = VIOMMU_FAULT_ENTRY_TYPE;
	assert_int_equal(viommu_zpci_create(double_vm(), &config, &storm.zpci), 0);
	for (i = 0; i < FUNCTIONS; i++) {
		struct viommu_zpci_function_config function = storm_config(i);

		assert_int_equal(viommu_zpci_function_add(storm.zpci, &function, &storm.functions[i]), 0);
		storm.handles[i] = function.fh;
	}
	for (i = 0; i < THREADS; i++) {
		threads[i].storm = &storm;
		threads[i].number = i;
		assert_int_equal(pthread_create(&ids[i], NULL, storm_thread, &threads[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	assert_true(storm.refreshes > ROUNDS / 16);
	assert_true(storm.events > 0);
	rig.zpci = storm.zpci;
	end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(side_by_side), cmocka_unit_test(taking_waits), cmocka_unit_test(fails_too_late),
		cmocka_unit_test(one_error),	cmocka_unit_test(storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
