// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The zPCI of a replayed machine: adds and removes its functions, and answers the replay's
 * questions about them.
 */
#include "zpci.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int create(struct replay *replay)
{
	struct viommu_zpci_config config = { .size = sizeof(config), .event = zpci_event, .ctx = replay };
	struct zpci *zpci = calloc(1, sizeof(*zpci));

	if (!zpci)
		return -ENOMEM;
	replay->own = zpci;
	if (replay->options->qemu)
		config.flags |= VIOMMU_ZPCI_QEMU_WAYS;
	return viommu_zpci_create(replay->vm, &config, &zpci->zpci);
}

static void destroy(struct replay *replay)
{
	if (zpci_of(replay)) {
		viommu_zpci_destroy(zpci_of(replay)->zpci);
		zpci_change_free(&zpci_of(replay)->change);
	}
	free(replay->own);
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
	struct zpci_function *own = function.own = calloc(1, sizeof(*own));
	int err = -ENOMEM;
	if (own && (function.device < 0 || function.recorded))
		err = viommu_zpci_function_add(zpci_of(replay)->zpci, &config, &own->function);
	if (!err) {
		err = viommu_reader_create(viommu_zpci_function_device(own->function), VIOMMU_NO_PASID, &own->reader);
		err = err == -EOPNOTSUPP ? 0 : err;
		if (err)
			viommu_zpci_function_remove(own->function);
	}
	if (err) {
		free(own);
		free(function.recorded);
		replay_problem(replay, line, "the function 0x%08" PRIx32 " cannot be added: %s", record->fh,
			       err == -EEXIST ? "another one has its index or its fid" : strerror(-err));
		return -1;
	}
	replay->functions[replay->function_count++] = function;
	return replay_device_check(replay, line, &function);
}

struct replay_function *zpci_find(struct replay *replay, uint32_t fh)
{
	struct viommu_zpci_function *function = viommu_zpci_find(zpci_of(replay)->zpci, fh);
	for (unsigned int i = 0; function && i < replay->function_count; i++) {
		if (zpci_function_of(&replay->functions[i])->function == function)
			return &replay->functions[i];
	}
	return NULL;
}

static int remove_function(struct replay *replay, uint64_t line, uint32_t fh)
{
	struct replay_function *function = zpci_find(replay, fh);
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
	viommu_reader_destroy(zpci_function_of(function)->reader);
	viommu_zpci_function_remove(zpci_function_of(function)->function);
	free(function->own);
}

static struct viommu_zpci_function_info info_of(const struct replay_function *function)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(zpci_function_of(function)->function, &info);
	return info;
}

static uint32_t name(const struct replay_function *function)
{
	return info_of(function).fh;
}

static void aperture(const struct replay_function *function, struct replay_aperture *out)
{
	struct viommu_zpci_function_info info = info_of(function);

	*out = (struct replay_aperture){
		.usable = info.registered && info.state == VIOMMU_ZPCI_ENABLED,
		.direct = info.registered && info.direct,
		.first = info.pba & ~(VIOMMU_PAGE_SIZE - 1),
		.last = info.pal | (VIOMMU_PAGE_SIZE - 1),
	};
}

static struct viommu_device *device(const struct replay_function *function)
{
	return viommu_zpci_function_device(zpci_function_of(function)->function);
}

static struct viommu_reader *reader(const struct replay_function *function)
{
	return zpci_function_of(function)->reader;
}

static const struct replay_function *registers(struct replay *replay, const struct capture_record *record, uint64_t *first, uint64_t *last)
{
	if (record->kind != CAPTURE_MPCIFC || (record->mpcifc.oc != VIOMMU_ZPCI_OC_REG_IOAT && record->mpcifc.oc != VIOMMU_ZPCI_OC_REREG_IOAT))
		return NULL;
	*first = record->mpcifc.pba & ~(VIOMMU_PAGE_SIZE - 1);
	*last = record->mpcifc.pal | (VIOMMU_PAGE_SIZE - 1);
	return zpci_find(replay, record->mpcifc.fh);
}

static void stats(const struct replay_function *function, struct viommu_domain_stats *stats)
{
	viommu_zpci_function_stats(zpci_function_of(function)->function, stats);
}

static int each_run(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return viommu_zpci_function_each_run(zpci_function_of(function)->function, first, last, fn, ctx);
}

/* An oracle belongs to the function of the operation before it. */
static struct replay_function *asked(struct replay *replay, const struct capture_oracle *oracle)
{
	(void)oracle;
	return replay->operation.function;
}

const struct replay_iommu replay_zpci = {
	.guest = CAPTURE_ZPCI,
	.function = "function",
	.name_digits = 8,
	.instructions = zpci_instructions,
	.instruction_count = ZPCI_INSTRUCTIONS,
	.answers = true,
	.instruction_of = zpci_instruction_of,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.remove = remove_it,
	.operation = zpci_operation,
	.name = name,
	.aperture = aperture,
	.device = device,
	.registers = registers,
	.stats = stats,
	.each_run = each_run,
	.asked = asked,
	.compare = zpci_compare,
	.reader = reader,
	.excuses = zpci_excuses,
	.ops = zpci_print_ops,
	.json = zpci_print_json,
	.print_operation = zpci_print_operation,
	.summary = zpci_print_summary,
	.view = zpci_view,
	.note_before = zpci_change_before,
	.note_after = zpci_change_after,
	.put_change = zpci_change_put,
	.tables = { "region", "segment", "page" },
	.legends = { "region table", "segment table", "page table" },
};
