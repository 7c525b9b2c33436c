/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See rig.h. */
#include "rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Events arrive in the thread that caused them. */
static pthread_mutex_t event_mutex = PTHREAD_MUTEX_INITIALIZER;

static void on_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct rig *rig = ctx;

	pthread_mutex_lock(&event_mutex);
	rig->events++;
	rig->event = *event;
	pthread_mutex_unlock(&event_mutex);
}

struct viommu_zpci_function_config rig_function_config(struct viommu_host *host)
{
	struct viommu_zpci_function_config config = { .size = sizeof(config), .fid = RIG_FID, .fh = RIG_FH, .state = VIOMMU_ZPCI_ENABLED, .host = host };

	return config;
}

void rig_up(struct rig *rig, struct viommu_vm *vm, struct viommu_zpci_function_config config, uint32_t flags)
{
	struct viommu_zpci_config zpci = { .size = sizeof(zpci), .flags = flags, .event = on_event, .ctx = rig };

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(viommu_zpci_create(vm, &zpci, &rig->zpci), 0);
	assert_int_equal(viommu_zpci_function_add(rig->zpci, &config, &rig->function), 0);
}

void rig_down(struct rig *rig)
{
	viommu_zpci_destroy(rig->zpci);
	rig->zpci = NULL;
}

struct viommu_zpci_answer rig_rpcit(struct rig *rig, uint32_t fh, uint64_t start, uint64_t bytes)
{
	struct viommu_zpci_answer answer;

	memset(&answer, 0xaa, sizeof(answer));
	answer.size = sizeof(answer);
	assert_int_equal(viommu_zpci_rpcit(rig->zpci, (uint64_t)fh << 32, start, bytes, &answer), 0);
	return answer;
}

struct viommu_zpci_answer rig_mpcifc(struct rig *rig, uint32_t fh, uint8_t operation, uint64_t pba, uint64_t pal, uint64_t iota)
{
	struct viommu_zpci_fib fib = { .pba = pba, .pal = pal, .iota = iota };
	struct viommu_zpci_answer answer;

	memset(&answer, 0xaa, sizeof(answer));
	answer.size = sizeof(answer);
	assert_int_equal(viommu_zpci_mpcifc(rig->zpci, (uint64_t)fh << 32 | operation, &fib, &answer), 0);
	return answer;
}

struct viommu_zpci_answer rig_operation(struct rig *rig, uint32_t fh, uint8_t operation)
{
	return rig_mpcifc(rig, fh, operation, 0, 0, 0);
}

struct viommu_zpci_function_info rig_info(struct rig *rig)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(rig->function, &info);
	return info;
}

uint32_t rig_state(struct rig *rig)
{
	return rig_info(rig).state;
}

void rig_assert_answer(struct viommu_zpci_answer answer, uint32_t exception, uint8_t cc, uint8_t status, const char *file, int line)
{
	_assert_int_equal(answer.exception, exception, file, line);
	if (exception)
		return;
	_assert_int_equal(answer.cc, cc, file, line);
	_assert_int_equal(answer.status, status, file, line);
}

void rig_assert_event(struct rig *rig, uint32_t pec, uint64_t faddr, const char *file, int line)
{
	_assert_int_equal(rig->events, pec ? 1 : 0, file, line);
	rig->events = 0;
	if (!pec)
		return;
	_assert_int_equal(rig->event.pec, pec, file, line);
	_assert_int_equal(rig->event.faddr, faddr, file, line);
	_assert_int_equal(rig->event.fid, RIG_FID, file, line);
}
