/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plugin as QEMU loads it. docs/recording.md and docs/live.md describe its use. Each guest
 * IOMMU has a folder here. QEMU's target determines the guest's IOMMU.
 */
#include "observer.h"

#include <string.h>

#include "stream_check.h"
#include "timing.h"
#include "watched.h"

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

/* Callbacks get a pointer's worth of data, which must hold the address of a block. */
_Static_assert(sizeof(void *) == 8, "the plugin is for hosts of 64 bits");

#define NEEDS_OF_STREAMS (QEMU_RAM | QEMU_DEVICES | QEMU_MEMORY)
#define STREAMS(of_target, of_type, of_guest, ops)                                                                                          \
	{                                                                                                                                   \
		.target = of_target, .type = of_type, .guest = of_guest, .needs = NEEDS_OF_STREAMS, .watched = ops, .watch = watched_watch, \
		.ready = watched_ready                                                                                                      \
	}

/* The first one of a target is assumed until the machine exists. */
static const struct observer_ops streams[] = {
	STREAMS("aarch64", "arm-smmuv3", CAPTURE_SMMUV3, &smmuv3_watched_ops),
	STREAMS("aarch64", "virtio-iommu-pci", CAPTURE_VIRTIO, &virtio_watched_ops),
	STREAMS("x86_64", "intel-iommu", CAPTURE_VTD, &vtd_watched_ops),
	STREAMS("x86_64", "amd-iommu", CAPTURE_AMDVI, &amdvi_watched_ops),
	STREAMS("x86_64", "virtio-iommu-pci", CAPTURE_VIRTIO, &virtio_watched_ops),
};
#define STREAMS_COUNT (sizeof(streams) / sizeof(streams[0]))

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
		observer_give_up(observer, "nothing is watched: the guest's memory is not in one piece, or this QEMU does not export its location");
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

static const struct check_ops *check_of(const struct observer_ops *ops)
{
	return ops->check ? ops->check : stream_check_ops(ops->guest);
}

/* Begins the capture anew, as that of another guest IOMMU. false after an error message. */
static bool record_as(struct observer *observer, const struct observer_ops *ops)
{
	const struct arguments *arguments = observer->arguments;
	size_t i;

	recorder_close(&observer->recorder);
	if (!arguments->out)
		return true;
	if (recorder_open(&observer->recorder, arguments->out, ops->guest, arguments->level))
		return false;
	for (i = 0; i < arguments->note_count; i++)
		recorder_put_note(&observer->recorder, arguments->notes[i]);
	return true;
}

bool observer_choose(struct observer *observer)
{
	size_t i;

	if (observer->chosen || observer->off)
		return !observer->off;
	observer->chosen = true;
	for (i = 0; i < STREAMS_COUNT; i++) {
		const struct observer_ops *ops = &streams[i];

		if (strcmp(ops->target, observer->ops->target) || !qemu_find_type(ops->type))
			continue;
		if (ops == observer->ops)
			return true;
		observer->ops = ops;
		checker_set_ops(&observer->checker, check_of(ops));
		if (!record_as(observer, ops))
			observer_give_up(observer, "nothing is watched: the capture cannot be begun again");
		return !observer->off;
	}
	observer_give_up(observer, "nothing is watched: this machine has no IOMMU that is known here");
	return false;
}

static int start(const struct observer_ops *ops, const struct arguments *arguments, qemu_plugin_id_t id, const struct qemu_plugin_info *info)
{
	struct observer *observer = &the_observer;
	size_t i;

	observer->ops = ops;
	observer->arguments = arguments;
	observer->began = timing_now();
	if (arguments->check && !checker_open(&observer->checker, check_of(ops), arguments, &observer->ram))
		return -1;
	if (!record_as(observer, ops))
		return -1;
	if (!tables_init(&observer->tables, &observer->ram, ops->big_endian))
		return arguments_complain("out of memory", "");
	for (i = 0; i < arguments->note_count; i++)
		checker_say(&observer->checker, LIVE_NOTE, "%s", arguments->notes[i]);
	if (!qemu_has(ops->needs))
		observer_give_up(observer, "nothing is watched: this QEMU does not offer what is asked of it");
	if (ops->watch(observer, id, info))
		return -1;
	qemu_plugin_register_vcpu_idle_cb(id, vcpu_idles);
	qemu_plugin_register_atexit_cb(id, qemu_exits, observer);
	return 0;
}

static const struct observer_ops *find_ops(const char *target)
{
	size_t i;

	if (!strcmp(target, zpci_observer_ops.target))
		return &zpci_observer_ops;
	for (i = 0; i < STREAMS_COUNT; i++) {
		if (!strcmp(target, streams[i].target))
			return &streams[i];
	}
	return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_plugin_info *info, int argc, char **argv)
{
	const struct observer_ops *ops = info->system_emulation ? find_ops(info->target_name) : NULL;
	static struct arguments arguments;

	timing_start();
	if (!ops)
		return arguments_complain("this plugin watches whole machines of s390x, aarch64 and x86_64, and not ", info->target_name);
	return arguments_parse(&arguments, argc, argv) ? -1 : start(ops, &arguments, id, info);
}
