/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An arm64 guest: QEMU's callbacks, turned into calls of the observer.
 *
 * Any instruction may store to a device's registers, so each one gets a call behind its stores, and nearly all of these find at once that it was a store to
 * memory. The call comes when the device has acted.
 */
#include "callbacks.h"

#include <inttypes.h>

#include "checker.h"
#include "observe.h"
#include "recorder.h"
#include "register_pages.h"

/* One plugin is loaded into one QEMU: its interface calls back without a place for our state. */
static struct smmu_observer *observer;
static struct register_pages register_pages;

/* Where a store went, if it was to registers. */
static bool find_registers(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, uint64_t *physical)
{
	struct qemu_plugin_hwaddr *where;

	if (register_pages_have(&register_pages, address)) {
		if (smmu_observe_walk(observer, vcpu, address, physical))
			return true;
		register_pages_forget(&register_pages, address);
		return false;
	}
	where = qemu_plugin_get_hwaddr(info, address);
	if (!where || !qemu_plugin_hwaddr_is_io(where))
		return false;
	*physical = qemu_plugin_hwaddr_phys_addr(where);
	register_pages_add(&register_pages, address);
	return true;
}

static void stored(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	struct plugin_value value;
	uint64_t physical;

	(void)data;
	if (!find_registers(vcpu, info, address, &physical))
		return;
	value = qemu_plugin_mem_get_value(info);
	switch (value.type) {
	case PLUGIN_VALUE_U8:
		smmu_observe_store(observer, physical, 1, value.u8);
		break;
	case PLUGIN_VALUE_U16:
		smmu_observe_store(observer, physical, 2, value.u16);
		break;
	case PLUGIN_VALUE_U32:
		smmu_observe_store(observer, physical, 4, value.u32);
		break;
	case PLUGIN_VALUE_U64:
		smmu_observe_store(observer, physical, 8, value.u64);
		break;
	case PLUGIN_VALUE_U128:
		/* No register has this size: it is two stores. */
		smmu_observe_store(observer, physical, 8, value.u128[0]);
		smmu_observe_store(observer, physical + 8, 8, value.u128[1]);
		break;
	}
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb), i;

	(void)id;
	for (i = 0; i < count; i++)
		qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), stored, PLUGIN_REGISTERS_NONE, PLUGIN_STORES, NULL);
}

static void vcpu_idles(qemu_plugin_id_t id, unsigned int index)
{
	(void)id;
	(void)index;
	smmu_observe_idle(observer);
}

static void qemu_exits(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	smmu_observer_finish(observer);
}

int smmuv3_watch(qemu_plugin_id_t id, const struct qemu_plugin_info *info, const struct arguments *arguments)
{
	struct watcher *watchers[WATCHERS_MAX];
	size_t count = 0, i, n;

	(void)info;
	if (arguments->check) {
		watchers[count] = smmu_checker_create(arguments);
		if (!watchers[count++])
			return -1;
	}
	if (arguments->out) {
		watchers[count] = smmu_recorder_create(arguments->out, arguments->level);
		if (!watchers[count++])
			return -1;
	}
	for (i = 0; i < count; i++) {
		for (n = 0; n < arguments->note_count; n++)
			watchers[i]->note(watchers[i], arguments->notes[n]);
	}
	observer = smmu_observer_create(watchers, count);
	if (!observer)
		return arguments_complain("out of memory", "");
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_vcpu_idle_cb(id, vcpu_idles);
	qemu_plugin_register_atexit_cb(id, qemu_exits, NULL);
	return 0;
}
