/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plugin as QEMU loads it. docs/recording.md and docs/live.md describe its use. Each guest
 * IOMMU has a folder here. QEMU's target determines the guest's IOMMU.
 */
#include "observer.h"

#include <string.h>

#include "timing.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

/* Callbacks get a pointer's worth of data, which must hold the address of a block. */
_Static_assert(sizeof(void *) == 8, "the plugin is for hosts of 64 bits");

static const struct observer_ops *const guests[] = { &zpci_observer_ops, &smmuv3_observer_ops };

/* Each QEMU loads the plugin once. QEMU's callbacks have no argument for the plugin's state. */
static struct observer the_observer = { .lock = PTHREAD_MUTEX_INITIALIZER };

void observer_note(struct observer *observer, const char *text)
{
	checker_say(&observer->checker, LIVE_NOTE, "%s", text);
	recorder_put_note(&observer->recorder, text);
}

void observer_give_up(struct observer *observer, const char *why)
{
	observer_note(observer, why);
	__atomic_store_n(&observer->off, true, __ATOMIC_RELAXED);
}

struct capture_time observer_time(const struct observer *observer)
{
	return (struct capture_time){ .known = true, .ns = timing_now() - observer->began };
}

bool observer_is_ready(struct observer *observer)
{
	struct capture_record slot = { .kind = CAPTURE_SLOT };

	if (observer->ready || observer->off)
		return !observer->off;
	if (!qemu_find_ram(observer->ops->needs & QEMU_MEMORY, &observer->ram)) {
		observer_give_up(observer, "nothing is watched: this QEMU does not export the location of the guest's memory");
		return false;
	}
	__atomic_store_n(&observer->ready, true, __ATOMIC_RELEASE);
	slot.slot = (struct capture_slot){ .gpa = observer->ram.gpa, .bytes = observer->ram.bytes, .prot = CAPTURE_RW };
	recorder_put(&observer->recorder, &slot);
	checker_begin(&observer->checker);
	observer->ops->ready(observer);
	return !observer->off;
}

bool observer_enter(struct observer *observer, bool with_qemu)
{
	bool has_qemu = with_qemu && qemu_lock();

	pthread_mutex_lock(&observer->lock);
	return has_qemu;
}

void observer_leave(struct observer *observer, bool has_qemu)
{
	pthread_mutex_unlock(&observer->lock);
	if (has_qemu)
		bql_unlock();
}

/* A vCPU is idle: do deferred work. */
static void vcpu_idles(qemu_plugin_id_t id, unsigned int index)
{
	struct observer *observer = &the_observer;

	(void)id;
	(void)index;
	observer_enter(observer, false);
	if (!observer->off)
		recorder_flush_if_due(&observer->recorder);
	observer_leave(observer, false);
}

static void qemu_exits(qemu_plugin_id_t id, void *data)
{
	struct observer *observer = data;

	(void)id;
	observer_enter(observer, false);
	__atomic_store_n(&observer->off, true, __ATOMIC_RELAXED);
	checker_end(&observer->checker);
	recorder_close(&observer->recorder);
	observer_leave(observer, false);
}

static int start(const struct observer_ops *ops, const struct arguments *arguments, qemu_plugin_id_t id, const struct qemu_plugin_info *info)
{
	struct observer *observer = &the_observer;
	size_t i;

	observer->ops = ops;
	observer->began = timing_now();
	if (arguments->check && !checker_open(&observer->checker, ops->check, arguments, &observer->ram))
		return -1;
	if (arguments->out && recorder_open(&observer->recorder, arguments->out, ops->guest, arguments->level))
		return -1;
	if (!tables_init(&observer->tables, &observer->ram, ops->big_endian))
		return arguments_complain("out of memory", "");
	for (i = 0; i < arguments->note_count; i++)
		observer_note(observer, arguments->notes[i]);
	if (!qemu_has(ops->needs))
		observer_give_up(observer, "nothing is watched: this QEMU does not offer what is asked of it");
	if (ops->watch(observer, id, info))
		return -1;
	qemu_plugin_register_vcpu_idle_cb(id, vcpu_idles);
	qemu_plugin_register_atexit_cb(id, qemu_exits, observer);
	return 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_plugin_info *info, int argc, char **argv)
{
	static struct arguments arguments;
	size_t i;

	timing_start();
	for (i = 0; info->system_emulation && i < sizeof(guests) / sizeof(guests[0]); i++) {
		if (!strcmp(info->target_name, guests[i]->target))
			return arguments_parse(&arguments, argc, argv) ? -1 : start(guests[i], &arguments, id, info);
	}
	return arguments_complain("this plugin watches whole machines of s390x and aarch64, and not ", info->target_name);
}
