// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The zPCI of a replayed machine: its functions come and go, and what the rest of the replay asks about them.
 */
#include "zpci.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pictures/view.h"

static int create(struct replay *replay)
{
	struct viommu_zpci_config config = { .size = sizeof(config), .event = zpci_event, .ctx = replay };

	if (replay->options->qemu)
		config.flags |= VIOMMU_ZPCI_QEMU_WAYS;
	return viommu_zpci_create(replay->vm, &config, &replay->zpci);
}

static void destroy(struct replay *replay)
{
	viommu_zpci_destroy(replay->zpci);
}

static int add_function(struct replay *replay, uint64_t line, const struct capture_function *record)
{
	struct viommu_zpci_function_config config = {
		.size = sizeof(config),
		.fid = record->fid,
		.fh = record->fh,
		.state = (uint32_t)record->state,
		.sdma = record->sdma,
		.edma = record->edma,
		.msia = record->msia,
		.dtsm = record->dtsm,
		.pft = record->pft,
		.no_refresh = record->no_refresh,
		.relaxed = record->relaxed,
		.host = replay->host,
	};
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;

	if (replay_make_place(replay, line))
		return -1;
	struct replay_function function = { .device = replay_device_for(replay, record->fid) };
	if (function.device >= 0) {
		device.address = replay->options->devices[function.device];
		config.host = replay->kernel_host;
		config.device = &device;
		function.recorded = calloc(1, sizeof(*function.recorded));
	}
	int err = function.device >= 0 && !function.recorded ? -ENOMEM : viommu_zpci_function_add(replay->zpci, &config, &function.function);
	if (err) {
		free(function.recorded);
		replay_problem(replay, line, "the function 0x%08" PRIx32 " cannot be added: %s", record->fh,
			       err == -EEXIST ? "another one has its index or its fid" : strerror(-err));
		return -1;
	}
	replay->functions[replay->function_count++] = function;
	return replay_device_check(replay, line, &function);
}

struct replay_function *replay_find(struct replay *replay, uint32_t fh)
{
	struct viommu_zpci_function *function = viommu_zpci_find(replay->zpci, fh);
	for (unsigned int i = 0; function && i < replay->function_count; i++) {
		if (replay->functions[i].function == function)
			return &replay->functions[i];
	}
	return NULL;
}

static int remove_function(struct replay *replay, uint64_t line, uint32_t fh)
{
	struct replay_function *function = replay_find(replay, fh);
	if (!function) {
		replay_problem(replay, line, "unplug: no function has the handle 0x%08" PRIx32, fh);
		return -1;
	}
	replay_remove_function(replay, function);
	replay_check(replay, true);
	return 0;
}

static int apply(struct replay *replay, const struct capture_record *record)
{
	if (record->kind == CAPTURE_FUNCTION)
		return add_function(replay, record->line, &record->function);
	if (record->kind == CAPTURE_UNPLUG)
		return remove_function(replay, record->line, record->unplug.fh);
	return 0;
}

static void remove_it(struct replay_function *function)
{
	viommu_zpci_function_remove(function->function);
}

static struct viommu_zpci_function_info info_of(const struct replay_function *function)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(function->function, &info);
	return info;
}

static uint32_t name(const struct replay_function *function)
{
	return info_of(function).fh;
}

static bool direct(const struct replay_function *function)
{
	struct viommu_zpci_function_info info = info_of(function);

	return info.registered && info.direct;
}

static void stats(const struct replay_function *function, struct viommu_domain_stats *stats)
{
	viommu_zpci_function_stats(function->function, stats);
}

static int each_run(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return viommu_zpci_function_each_run(function->function, first, last, fn, ctx);
}

/* An oracle speaks of the function of the operation before it. */
static struct replay_function *asked(struct replay *replay, const struct capture_oracle *oracle)
{
	(void)oracle;
	return replay->operation.function;
}

const struct replay_iommu replay_zpci = {
	.guest = CAPTURE_ZPCI,
	.function = "function",
	.name_digits = 8,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.remove = remove_it,
	.operation = zpci_operation,
	.name = name,
	.direct = direct,
	.stats = stats,
	.each_run = each_run,
	.asked = asked,
	.compare = zpci_compare,
	.ops = zpci_print_ops,
	.json = zpci_print_json,
	.told = zpci_print_told,
	.summary = zpci_print_summary,
	.view = zpci_view,
	.tables = { "region", "segment", "page" },
	.legends = { "region table", "segment table", "page table" },
};
