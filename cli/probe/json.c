// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The same for programs: one object, whose keys docs/probe.md lists. All of them are always there;
 * a value that is not known, or does not apply, is null. Addresses are hexadecimal strings, since
 * JSON's numbers need not hold 64 bits.
 */
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *number_or_null(uint64_t value, bool known)
{
	return known ? number(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
	json_t *string = text && *text ? json_string(text) : NULL;

	return string ? string : json_null();
}

static json_t *address(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

static json_t *answer(enum probe_answer value)
{
	return value == PROBE_UNKNOWN ? json_null() : json_boolean(value == PROBE_YES);
}

static json_t *page_sizes(uint64_t sizes)
{
	json_t *array = json_array();

	for (unsigned int n = 0; n < 63; n++) {
		if (sizes >> n & 1)
			json_array_append_new(array, number(UINT64_C(1) << n));
	}
	return array;
}

static json_t *machine_json(const struct probe *probe)
{
	const struct probe_machine *machine = &probe->machine;
	json_t *object = json_object(), *parameters = json_array();

	for (uint32_t i = 0; i < machine->parameter_count; i++)
		json_array_append_new(parameters, json_string(machine->parameters[i]));
	set(object, "architecture", text_or_null(machine->architecture));
	set(object, "kernel", text_or_null(machine->kernel));
	set(object, "processor", text_or_null(machine->processor));
	set(object, "virtual", json_boolean(machine->virtual));
	set(object, "acpi_table", text_or_null(machine->acpi_table));
	set(object, "config", text_or_null(probe->kernel.config_path));
	set(object, "parameters", parameters);
	return object;
}

static json_t *iommus_json(const struct probe_machine *machine)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < machine->iommu_count; i++) {
		const struct probe_iommu *iommu = &machine->iommus[i];
		json_t *object = json_object();
		set(object, "name", json_string(iommu->name));
		set(object, "type", json_string(iommu->type));
		set(object, "version", text_or_null(iommu->version));
		set(object, "address_bits", number_or_null(iommu->address_bits, iommu->address_bits));
		set(object, "page_sizes", iommu->page_sizes ? page_sizes(iommu->page_sizes) : json_null());
		set(object, "scalable", answer(iommu->scalable));
		set(object, "nesting", answer(iommu->nesting));
		set(object, "dirty_tracking", answer(iommu->dirty));
		set(object, "devices", number(iommu->devices));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *option_json(char value)
{
	char text[2] = { probe_option_is_off(value) ? 'n' : value, '\0' };

	return value == '?' ? json_null() : json_string(text);
}

static json_t *interface_json(const struct probe_interface *interface)
{
	json_t *object = json_object(), *modules = json_object(), *options = json_object();
	char name[PROBE_NAME];

	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->modules[i].name; i++)
		set(modules, interface->modules[i].name,
		    interface->modules[i].state == PROBE_MODULE_UNKNOWN ? json_null() : json_string(probe_module_name(interface->modules[i].state)));
	for (unsigned int i = 0; i < PROBE_INTERFACE_PARTS && interface->options[i].name; i++) {
		snprintf(name, sizeof(name), "CONFIG_%s", interface->options[i].name);
		set(options, name, option_json(interface->options[i].value));
	}
	set(object, "usable", json_boolean(interface->usable));
	set(object, "node", json_string(interface->node));
	set(object, "present", json_boolean(interface->present));
	set(object, "may_open", answer(interface->rights));
	set(object, "modules", modules);
	set(object, "options", options);
	set(object, "allow_unsafe_interrupts", answer(interface->unsafe_interrupts));
	set(object, "entry_limit", number_or_null(interface->entry_limit, interface->entry_limit));
	return object;
}

static json_t *limit(uint64_t bytes, bool known)
{
	return number_or_null(bytes, known && bytes != VIOMMU_NO_LIMIT);
}

static json_t *limits_json(const struct probe_limits *limits)
{
	json_t *object = json_object();

	set(object, "known", json_boolean(limits->known));
	set(object, "memlock", limit(limits->soft, limits->known));
	set(object, "memlock_hard", limit(limits->hard, limits->known));
	set(object, "cap_ipc_lock", answer(limits->cap_ipc_lock));
	set(object, "locked_bytes", number(limits->locked_bytes));
	set(object, "pinned_bytes", number(limits->pinned_bytes));
	set(object, "memory_bytes", number_or_null(limits->memory_bytes, limits->memory_bytes));
	return object;
}

static void set_device(json_t *object, const struct probe *probe, const struct probe_device *device)
{
	set(object, "address", json_string(device->address));
	set(object, "group", device->group < 0 ? json_null() : json_string(probe->devices.groups[device->group].name));
	set(object, "driver", text_or_null(device->driver));
	set(object, "vfio", json_boolean(device->vfio));
	set(object, "in_the_way", json_boolean(device->in_the_way));
	set(object, "ids", text_or_null(device->ids));
	set(object, "class", device->class ? address(device->class) : json_null());
	set(object, "function_id", text_or_null(device->function_id));
}

static json_t *groups_json(const struct probe *probe)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < probe->devices.group_count; i++) {
		const struct probe_group *group = &probe->devices.groups[i];
		json_t *object = json_object(), *devices = json_array();
		for (uint32_t j = 0; j < group->count; j++)
			json_array_append_new(devices, json_string(probe->devices.devices[group->first + j].address));
		set(object, "group", json_string(group->name));
		set(object, "type", text_or_null(group->type));
		set(object, "no_iommu", json_boolean(group->no_iommu));
		set(object, "devices", devices);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *devices_json(const struct probe *probe)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < probe->devices.device_count; i++) {
		json_t *object = json_object();
		set_device(object, probe, &probe->devices.devices[i]);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *range(uint64_t first, uint64_t last)
{
	json_t *object = json_object();

	set(object, "first", address(first));
	set(object, "last", address(last));
	return object;
}

static json_t *host_json(const struct probe_host *host)
{
	const struct viommu_host_caps *caps = &host->caps;
	json_t *object = json_object(), *ranges = json_array();
	bool opened = host->tried && !host->error;

	for (size_t i = 0; opened && i < host->range_count && i < PROBE_RANGES; i++)
		json_array_append_new(ranges, range(host->ranges[i].first, host->ranges[i].last));
	set(object, "state", json_string(opened ? "opened" : host->tried ? "failed" : "not tried"));
	set(object, "errno", number_or_null((uint64_t) - (int64_t)host->error, host->tried && host->error));
	set(object, "why", text_or_null(host->why));
	set(object, "aperture", opened ? range(caps->first, caps->last) : json_null());
	set(object, "usable", ranges);
	set(object, "page_sizes", opened ? page_sizes(caps->page_sizes) : json_null());
	set(object, "nesting", opened ? json_boolean(caps->nests) : json_null());
	set(object, "dirty_tracking", opened ? json_boolean(caps->dirty) : json_null());
	set(object, "splits", opened ? json_boolean(caps->split) : json_null());
	set(object, "entry_limit", number_or_null(caps->entry_limit, opened && caps->entry_limit != VIOMMU_NO_LIMIT));
	return object;
}

static json_t *smmuv3_json(const struct probe_smmuv3 *smmu)
{
	json_t *object, *idr;

	if (!smmu->known)
		return json_null();
	object = json_object();
	idr = json_array();
	for (unsigned int i = 0; i < 6; i++)
		json_array_append_new(idr, address(smmu->idr[i]));
	set(object, "guests", json_boolean(!smmu->error));
	set(object, "errno", number_or_null((uint64_t) - (int64_t)smmu->error, smmu->error));
	set(object, "granules", page_sizes(smmu->granules));
	set(object, "address_bits", number(smmu->address_bits));
	set(object, "asid_bits", number(smmu->asid_bits));
	set(object, "stream_bits", number(smmu->stream_bits));
	set(object, "substream_bits", number(smmu->substream_bits));
	set(object, "stalls", json_boolean(smmu->stalls));
	set(object, "idr", idr);
	return object;
}

static json_t *chosen_json(const struct probe *probe)
{
	const struct probe_chosen *chosen = &probe->chosen;

	if (!chosen->device)
		return json_null();
	json_t *object = json_object(), *reserved = json_array();
	for (uint32_t i = 0; i < chosen->reserved_count; i++) {
		json_t *region = range(chosen->reserved[i].first, chosen->reserved[i].last);
		set(region, "type", json_string(chosen->reserved[i].type));
		json_array_append_new(reserved, region);
	}
	set_device(object, probe, chosen->device);
	set(object, "group_node", text_or_null(chosen->group_node));
	set(object, "group_may_open", answer(chosen->group_rights));
	set(object, "cdev", text_or_null(chosen->cdev_node));
	set(object, "cdev_may_open", answer(chosen->cdev_rights));
	set(object, "reserved", reserved);
	set(object, "kernel", host_json(&chosen->kernel));
	set(object, "type1", host_json(&chosen->type1));
	set(object, "iommufd", host_json(&chosen->iommufd));
	set(object, "smmuv3", smmuv3_json(&chosen->smmuv3));
	return object;
}

static json_t *advice_json(const struct probe *probe)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < probe->advice_count; i++) {
		const struct probe_advice *advice = &probe->advice[i];
		json_t *object = json_object(), *commands = json_array();
		for (uint32_t j = 0; j < advice->command_count; j++)
			json_array_append_new(commands, json_string(advice->commands[j]));
		set(object, "id", json_string(advice->id));
		set(object, "needed", json_boolean(advice->needed));
		set(object, "what", text_or_null(advice->what));
		set(object, "commands", commands);
		json_array_append_new(array, object);
	}
	return array;
}

void probe_json(const struct probe *probe)
{
	json_t *object = json_object();

	set(object, "version", json_integer(1));
	set(object, "root", text_or_null(probe->tree.root));
	set(object, "ready", json_boolean(probe->ready));
	set(object, "machine", machine_json(probe));
	set(object, "iommus", iommus_json(&probe->machine));
	set(object, "kernel", interface_json(&probe->module));
	set(object, "type1", interface_json(&probe->type1));
	set(object, "iommufd", interface_json(&probe->iommufd));
	set(object, "limits", limits_json(&probe->limits));
	set(object, "groups", groups_json(probe));
	set(object, "devices", devices_json(probe));
	set(object, "complete", json_boolean(!probe->devices.cut));
	set(object, "device", chosen_json(probe));
	set(object, "advice", advice_json(probe));
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}
