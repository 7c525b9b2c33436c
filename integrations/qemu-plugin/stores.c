/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stores.h"

#include "timing.h"

static struct {
	struct observer *observer;
	const struct store_ops *ops;
	struct register_pages pages;
	uint64_t watch_ticks; /* with the observer's lock held */
} state;

/* Translates a vCPU's virtual address. false if it is not a register, or is not any more. */
static bool walk_to_registers(unsigned int vcpu, uint64_t address, uint64_t *physical)
{
	const struct observer *observer = state.observer;

	if (__atomic_load_n(&observer->off, __ATOMIC_RELAXED) || !qemu_walk(vcpu, address, physical))
		return false;
	return !__atomic_load_n(&observer->ready, __ATOMIC_ACQUIRE) || !guest_ram_has(&observer->ram, *physical);
}

/* Where a store went, if it was to registers. */
static bool find_registers(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, uint64_t *physical)
{
	struct qemu_plugin_hwaddr *where;

	if (register_pages_have(&state.pages, address)) {
		if (walk_to_registers(vcpu, address, physical))
			return true;
		register_pages_forget(&state.pages, address);
		return false;
	}
	where = qemu_plugin_get_hwaddr(info, address);
	if (!where || !qemu_plugin_hwaddr_is_io(where))
		return false;
	*physical = qemu_plugin_hwaddr_phys_addr(where);
	register_pages_add(&state.pages, address);
	return true;
}

static void observe(uint64_t address, unsigned int bytes, uint64_t value)
{
	uint64_t entered = timing_ticks();
	struct observer *observer = state.observer;
	struct qemu_target target;
	bool has_qemu;

	if (__atomic_load_n(&observer->off, __ATOMIC_RELAXED))
		return;
	has_qemu = observer_enter(observer, true);
	if (observer_choose(observer)) {
		target = qemu_target_of(address, observer->ops->type);
		if (target.owner == QEMU_IOMMU && observer_is_ready(observer))
			state.ops->iommu_store(observer, &target, address, bytes, value);
		/* Before the first use of the IOMMU there is nothing to compare with. */
		else if (target.owner == QEMU_PCI && observer->ready)
			state.ops->device_store(observer, target.object);
	}
	state.watch_ticks += timing_ticks() - entered;
	observer_leave(observer, has_qemu);
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
		observe(physical, 1, value.u8);
		break;
	case PLUGIN_VALUE_U16:
		observe(physical, 2, value.u16);
		break;
	case PLUGIN_VALUE_U32:
		observe(physical, 4, value.u32);
		break;
	case PLUGIN_VALUE_U64:
		observe(physical, 8, value.u64);
		break;
	case PLUGIN_VALUE_U128:
		/* No register has this size: split into two stores. */
		observe(physical, 8, value.u128[0]);
		observe(physical + 8, 8, value.u128[1]);
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

void stores_watch(struct observer *observer, const struct store_ops *ops, qemu_plugin_id_t id)
{
	state.observer = observer;
	state.ops = ops;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
}

uint64_t stores_watch_ns(void)
{
	uint64_t ticks = state.watch_ticks;

	state.watch_ticks = 0;
	return timing_ns(ticks);
}
