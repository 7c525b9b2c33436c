/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * watch-machine PLUGIN MACHINE [NAME=VALUE...]: loads the plugin like QEMU, with these arguments,
 * runs the guest of that machine to its end, and exits like QEMU.
 */
#include "machine.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin_api.h"

#define DEVICES_MAX 4u

struct machine machine;

/* QEMU's objects: a zpci device or a PCI device, the host bridge, the IOMMU and its backend. */
struct qemu_object {
	const char *type;
	const char *name;
	unsigned int number;
};
static struct qemu_object root = { "container", "", 0 }, bridge = { "gpex-root", "bridge", 0 }, iommu = { "", "iommu", 0 },
			  backend = { "virtio-iommu-device", "backend", 0 };
static struct qemu_object devices[DEVICES_MAX], zpcis[DEVICES_MAX];
static unsigned int device_count;

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "watch-machine: %s\n", what);
	exit(70);
}

static unsigned char *at(uint64_t gpa, size_t bytes)
{
	require(gpa >= machine.ram_gpa && gpa - machine.ram_gpa <= RAM_BYTES - bytes, "an access beyond memory");
	return machine.ram + (gpa - machine.ram_gpa);
}

uint64_t machine_get(uint64_t gpa)
{
	const unsigned char *bytes = at(gpa, 8);
	uint64_t value = 0;

	for (unsigned int i = 0; i < 8; i++)
		value |= (uint64_t)bytes[i] << 8 * (machine.big_endian ? 7 - i : i);
	return value;
}

void machine_put(uint64_t gpa, uint64_t value)
{
	unsigned char *bytes = at(gpa, 8);

	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> 8 * (machine.big_endian ? 7 - i : i));
}

unsigned int machine_draw(unsigned int bound)
{
	static uint64_t state = 20261;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(state >> 33) % bound;
}

void machine_dma_block(uint64_t gpa, uint64_t block)
{
	unsigned char *bytes = at(gpa, PAGE);

	for (unsigned int i = 0; i < PAGE; i++)
		bytes[i] = (unsigned char)(block >> (56 - 8 * (i % 8)));
}

unsigned int machine_blocks(uint64_t next)
{
	unsigned int left = (unsigned int)(FIRST_BLOCK + BLOCKS - next), count = 1 + machine_draw(16);

	return count < left ? count : left;
}

void machine_plug(const char *name, unsigned int number)
{
	require(device_count < DEVICES_MAX, "too many devices");
	devices[device_count] = (struct qemu_object){ "pci-device", name, number };
	zpcis[device_count++] = (struct qemu_object){ "zpci", name, number };
}

/* The plugin interface. */
struct call {
	plugin_execute_fn fn;
	void *data;
};
struct qemu_plugin_insn {
	uint64_t address;
	const uint8_t *code;
	size_t bytes;
	struct call before, pending;
};
struct qemu_plugin_tb {
	struct qemu_plugin_insn insn;
	struct call pending;
};
struct qemu_plugin_hwaddr {
	uint64_t address;
};
static plugin_translate_fn translate;
static plugin_vcpu_fn begins, idles;
static plugin_exit_fn exits;
static plugin_memory_fn stores;
static void *exit_data;
static uint64_t flags[GUEST_VCPU];
static unsigned int current;
static uint64_t stored_value;
static unsigned int stored_bytes;
static struct qemu_plugin_hwaddr stored_to;

#define EXPORT PLUGIN_EXPORT

EXPORT void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, plugin_vcpu_fn fn)
{
	(void)id;
	begins = fn;
}

EXPORT void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, plugin_vcpu_fn fn)
{
	(void)id;
	idles = fn;
}

EXPORT void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, plugin_exit_fn fn, void *data)
{
	(void)id;
	exits = fn;
	exit_data = data;
}

EXPORT void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, plugin_translate_fn fn)
{
	(void)id;
	translate = fn;
}

EXPORT size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb)
{
	(void)tb;
	return 1;
}

EXPORT uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb)
{
	return tb->insn.address;
}

EXPORT struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index)
{
	(void)index;
	return (struct qemu_plugin_insn *)(uintptr_t)&tb->insn;
}

EXPORT size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *buffer, size_t bytes)
{
	if (bytes > insn->bytes)
		bytes = insn->bytes;
	memcpy(buffer, insn->code, bytes);
	return bytes;
}

EXPORT size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn)
{
	return insn->bytes;
}

EXPORT uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn)
{
	return insn->address;
}

EXPORT struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_bytes)
{
	require(element_bytes == 8, "a scoreboard of doublewords is expected");
	return (struct qemu_plugin_scoreboard *)(void *)flags;
}

EXPORT void qemu_plugin_u64_set(struct plugin_u64 entry, unsigned int vcpu, uint64_t value)
{
	require((void *)entry.score == (void *)flags && !entry.offset, "a scoreboard that was not made");
	flags[vcpu] = value;
}

EXPORT void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, plugin_execute_fn fn, enum plugin_registers registers, void *data)
{
	(void)registers;
	insn->before = (struct call){ fn, data };
}

EXPORT void qemu_plugin_register_vcpu_insn_exec_cond_cb(struct qemu_plugin_insn *insn, plugin_execute_fn fn, enum plugin_registers registers,
							enum plugin_condition condition, struct plugin_u64 entry, uint64_t value, void *data)
{
	(void)registers;
	(void)entry;
	require(condition == PLUGIN_IF_NOT_EQUAL && !value, "another condition is expected");
	insn->pending = (struct call){ fn, data };
}

EXPORT void qemu_plugin_register_vcpu_tb_exec_cond_cb(struct qemu_plugin_tb *tb, plugin_execute_fn fn, enum plugin_registers registers,
						      enum plugin_condition condition, struct plugin_u64 entry, uint64_t value, void *data)
{
	(void)registers;
	(void)entry;
	require(condition == PLUGIN_IF_NOT_EQUAL && !value, "another condition is expected");
	tb->pending = (struct call){ fn, data };
}

EXPORT void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, plugin_memory_fn fn, enum plugin_registers registers, enum plugin_access access,
					     void *data)
{
	(void)insn;
	(void)registers;
	(void)data;
	require(access == PLUGIN_STORES, "stores are expected to be watched");
	stores = fn;
}

EXPORT struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t address)
{
	(void)info;
	require(address == stored_to.address, "another address was stored to");
	return &stored_to;
}

static bool in_ram(uint64_t address)
{
	return address >= machine.ram_gpa && address - machine.ram_gpa < RAM_BYTES;
}

EXPORT bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *address)
{
	return !in_ram(address->address);
}

EXPORT uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address)
{
	return address->address;
}

EXPORT struct plugin_value qemu_plugin_mem_get_value(qemu_plugin_meminfo_t info)
{
	struct plugin_value value = { .type = stored_bytes == 8 ? PLUGIN_VALUE_U64 : PLUGIN_VALUE_U32 };

	(void)info;
	if (stored_bytes == 8)
		value.u64 = stored_value;
	else
		value.u32 = (uint32_t)stored_value;
	return value;
}

EXPORT struct plugin_array *qemu_plugin_get_registers(void)
{
	static char names[17][8];
	static struct plugin_register_name list[17];
	struct plugin_array *array = malloc(sizeof(*array));

	for (size_t i = 0; i < 17; i++) {
		snprintf(names[i], sizeof(names[i]), i == PSW_MASK ? "pswm" : "r%zu", i);
		list[i] = (struct plugin_register_name){ .handle = (struct qemu_plugin_register *)(i + 1), .name = names[i] };
	}
	require(array, "out of memory");
	*array = (struct plugin_array){ (char *)list, 17 };
	return array;
}

EXPORT struct plugin_bytes *g_byte_array_new(void)
{
	return calloc(1, sizeof(struct plugin_bytes));
}

EXPORT struct plugin_bytes *g_byte_array_set_size(struct plugin_bytes *bytes, unsigned int length)
{
	bytes->data = realloc(bytes->data, length ? length : 1);
	bytes->len = length;
	return bytes;
}

EXPORT char *g_array_free(struct plugin_array *array, int free_segment)
{
	(void)free_segment;
	free(array);
	return NULL;
}

EXPORT void g_free(void *memory)
{
	free(memory);
}

EXPORT int qemu_plugin_read_register(struct qemu_plugin_register *handle, struct plugin_bytes *value)
{
	uint64_t content = machine.registers[current][(uintptr_t)handle - 1];
	unsigned int before = value->len;

	g_byte_array_set_size(value, before + 8);
	for (unsigned int i = 0; i < 8; i++)
		value->data[before + i] = (uint8_t)(content >> (56 - 8 * i));
	return 8;
}

EXPORT bool qemu_plugin_read_memory_vaddr(uint64_t address, struct plugin_bytes *data, size_t bytes)
{
	if (!in_ram(address) || !in_ram(address + bytes - 1))
		return false;
	g_byte_array_set_size(data, (unsigned int)bytes);
	memcpy(data->data, at(address, bytes), bytes);
	return true;
}

EXPORT void qemu_plugin_outs(const char *text)
{
	fputs(text, stderr);
}

/* Functions that the plugin looks up by name. */
static bool lock_held;

EXPORT void bql_lock_impl(const char *file, int line);
EXPORT void bql_lock_impl(const char *file, int line)
{
	(void)file;
	(void)line;
	require(!lock_held, "QEMU's lock is taken twice");
	lock_held = true;
}

EXPORT void bql_unlock(void);
EXPORT void bql_unlock(void)
{
	require(lock_held, "QEMU's lock is not held");
	lock_held = false;
}

EXPORT bool bql_locked(void);
EXPORT bool bql_locked(void)
{
	return lock_held;
}

/*
 * Functions that the plugin passes are called through their own types, since sanitizers check that.
 */
struct qemu_block;

EXPORT int qemu_ram_foreach_block(int (*fn)(struct qemu_block *block, void *ctx), void *ctx);
EXPORT int qemu_ram_foreach_block(int (*fn)(struct qemu_block *block, void *ctx), void *ctx)
{
	return fn((struct qemu_block *)(void *)&machine, ctx);
}

EXPORT void *qemu_ram_get_host_addr(void *block);
EXPORT void *qemu_ram_get_host_addr(void *block)
{
	(void)block;
	return machine.ram;
}

EXPORT uint64_t qemu_ram_get_used_length(void *block);
EXPORT uint64_t qemu_ram_get_used_length(void *block)
{
	(void)block;
	return RAM_BYTES;
}

EXPORT struct qemu_object *object_get_root(void);
EXPORT struct qemu_object *object_get_root(void)
{
	return &root;
}

EXPORT int object_child_foreach_recursive(struct qemu_object *object, int (*fn)(struct qemu_object *child, void *ctx), void *ctx);
EXPORT int object_child_foreach_recursive(struct qemu_object *object, int (*fn)(struct qemu_object *child, void *ctx), void *ctx)
{
	int ret = fn(&bridge, ctx);

	require(object == &root, "another object than the root");
	if (!ret && machine.iommu)
		ret = fn(&iommu, ctx);
	if (!ret && machine.settle)
		ret = fn(&backend, ctx);
	for (unsigned int i = 0; !ret && i < device_count; i++) {
		ret = fn(&devices[i], ctx);
		if (!ret && machine.big_endian)
			ret = fn(&zpcis[i], ctx);
	}
	return ret;
}

EXPORT struct qemu_object *object_dynamic_cast(struct qemu_object *object, const char *type);
EXPORT struct qemu_object *object_dynamic_cast(struct qemu_object *object, const char *type)
{
	return !strcmp(object->type, type) ? object : NULL;
}

EXPORT uint64_t object_property_get_uint(struct qemu_object *object, const char *property, void **error);
EXPORT uint64_t object_property_get_uint(struct qemu_object *object, const char *property, void **error)
{
	(void)error;
	require(!strcmp(property, "fid"), "another property is expected");
	return object->number;
}

EXPORT int64_t object_property_get_int(struct qemu_object *object, const char *property, void **error);
EXPORT int64_t object_property_get_int(struct qemu_object *object, const char *property, void **error)
{
	(void)error;
	if (!strcmp(property, "aw-bits"))
		return 48;
	require(!strcmp(property, "addr"), "another property is expected");
	return object->number;
}

EXPORT char *object_property_get_str(struct qemu_object *object, const char *property, void **error);
EXPORT char *object_property_get_str(struct qemu_object *object, const char *property, void **error)
{
	(void)error;
	require(!strcmp(property, "target"), "another property is expected");
	return strdup(object->name);
}

EXPORT char *object_get_canonical_path(struct qemu_object *object);
EXPORT char *object_get_canonical_path(struct qemu_object *object)
{
	char path[64];

	snprintf(path, sizeof(path), "/machine/peripheral/%s", object->name);
	return strdup(path);
}

EXPORT void *sysbus_get_default(void);
EXPORT void *sysbus_get_default(void)
{
	return &bridge;
}

EXPORT void *qdev_get_parent_bus(struct qemu_object *object);
EXPORT void *qdev_get_parent_bus(struct qemu_object *object)
{
	(void)object;
	return &bridge;
}

EXPORT int pci_bus_num(void *bus);
EXPORT int pci_bus_num(void *bus)
{
	(void)bus;
	return 0;
}

EXPORT struct qemu_object *qdev_find_recursive(void *bus, const char *id);
EXPORT struct qemu_object *qdev_find_recursive(void *bus, const char *id)
{
	require(bus == &bridge, "another bus is expected");
	for (unsigned int i = 0; i < device_count; i++) {
		if (!strcmp(devices[i].name, id))
			return &devices[i];
	}
	return NULL;
}

EXPORT struct qemu_object *pci_device_iommu_address_space(struct qemu_object *object);
EXPORT struct qemu_object *pci_device_iommu_address_space(struct qemu_object *object)
{
	return object;
}

EXPORT struct iotlb_entry address_space_get_iotlb_entry(struct qemu_object *space, uint64_t iova, bool is_write, uint64_t attributes);
EXPORT struct iotlb_entry address_space_get_iotlb_entry(struct qemu_object *space, uint64_t iova, bool is_write, uint64_t attributes)
{
	(void)attributes;
	require(lock_held, "QEMU is asked without its lock");
	return machine.translate(space->number, iova, is_write);
}

/* The machine's memory: RAM, and two kinds of registers. */
struct region {
	uint64_t address;
	uint64_t bytes;
	struct qemu_object *owner;
	const char *name;
};
struct section {
	unsigned __int128 bytes;
	struct region *region;
	void *view;
	uint64_t offset;
	uint64_t address;
	uint64_t rest[8];
};
#define IOMMU_REGIONS 2u
static struct region regions[1 + IOMMU_REGIONS + DEVICES_MAX];
EXPORT int address_space_memory;
int address_space_memory;

EXPORT struct region *get_system_memory(void);
EXPORT struct region *get_system_memory(void)
{
	unsigned int i;

	regions[0] = (struct region){ machine.ram_gpa, RAM_BYTES, NULL, "ram" };
	/* Those of a virtio device are in several regions. */
	regions[1] = (struct region){ IOMMU_REGISTERS, machine.settle ? 0x1000 : 0x20000, &iommu, "virtio-pci-common-virtio-iommu" };
	regions[2] = (struct region){ IOMMU_REGISTERS + (machine.settle ? 0x3000 : 0x20000), 0x1000, &iommu, "virtio-pci-notify-virtio-iommu" };
	for (i = 0; i < device_count; i++)
		regions[1 + IOMMU_REGIONS + i] = (struct region){ DEVICE_REGISTERS + i * UINT64_C(0x10000), 0x10000, &devices[i], "bar" };
	return regions;
}

EXPORT struct section memory_region_find(struct region *region, uint64_t address, uint64_t bytes);
EXPORT struct section memory_region_find(struct region *region, uint64_t address, uint64_t bytes)
{
	struct section found = { 0 };

	for (unsigned int i = 0; i < 1 + IOMMU_REGIONS + device_count; i++) {
		struct region *one = &region[i];
		uint64_t first = address > one->address ? address : one->address;

		if (first - one->address >= one->bytes || first - address >= bytes || (found.region && found.address <= first))
			continue;
		found = (struct section){ .bytes = one->bytes - (first - one->address), .region = one, .offset = first - one->address, .address = first };
	}
	return found;
}

EXPORT const char *memory_region_name(const struct region *region);
EXPORT const char *memory_region_name(const struct region *region)
{
	return region->name;
}

EXPORT bool object_property_get_bool(struct qemu_object *object, const char *property, void **error);
EXPORT bool object_property_get_bool(struct qemu_object *object, const char *property, void **error)
{
	(void)error;
	require(object == &iommu && (!strcmp(property, "boot-bypass") || !strcmp(property, "caching-mode")), "another property is expected");
	return true;
}

/* The virtqueue of a virtio-iommu. */
EXPORT void *virtio_get_queue(struct qemu_object *object, int number);
EXPORT void *virtio_get_queue(struct qemu_object *object, int number)
{
	require(object == &backend && !number, "another queue is expected");
	return &machine.rings;
}

EXPORT int virtio_queue_get_num(struct qemu_object *object, int number);
EXPORT int virtio_queue_get_num(struct qemu_object *object, int number)
{
	(void)virtio_get_queue(object, number);
	return (int)machine.rings[3];
}

EXPORT uint64_t virtio_queue_get_desc_addr(struct qemu_object *object, int number);
EXPORT uint64_t virtio_queue_get_desc_addr(struct qemu_object *object, int number)
{
	(void)virtio_get_queue(object, number);
	return machine.rings[0];
}

EXPORT uint64_t virtio_queue_get_avail_addr(struct qemu_object *object, int number);
EXPORT uint64_t virtio_queue_get_avail_addr(struct qemu_object *object, int number)
{
	(void)virtio_get_queue(object, number);
	return machine.rings[1];
}

EXPORT uint64_t virtio_queue_get_used_addr(struct qemu_object *object, int number);
EXPORT uint64_t virtio_queue_get_used_addr(struct qemu_object *object, int number)
{
	(void)virtio_get_queue(object, number);
	return machine.rings[2];
}

EXPORT void *virtio_queue_get_host_notifier(void *queue);
EXPORT void *virtio_queue_get_host_notifier(void *queue)
{
	require(queue == &machine.rings, "another queue is expected");
	return queue;
}

EXPORT void virtio_queue_host_notifier_read(void *notifier);
EXPORT void virtio_queue_host_notifier_read(void *notifier)
{
	require(notifier == &machine.rings && lock_held, "requests are handled without QEMU's lock");
	machine.settle();
}

EXPORT struct qemu_object *memory_region_owner(struct region *region);
EXPORT struct qemu_object *memory_region_owner(struct region *region)
{
	return region->owner;
}

EXPORT struct region *memory_region_from_host(void *host, uint64_t *offset);
EXPORT struct region *memory_region_from_host(void *host, uint64_t *offset)
{
	require(host == machine.ram, "another address is expected");
	*offset = 0;
	return get_system_memory();
}

EXPORT void memory_region_unref(struct region *region);
EXPORT void memory_region_unref(struct region *region)
{
	(void)region;
}

EXPORT void address_space_stl_le(void *space, uint64_t address, uint32_t value, uint64_t attributes, uint32_t *result);
EXPORT void address_space_stl_le(void *space, uint64_t address, uint32_t value, uint64_t attributes, uint32_t *result)
{
	(void)attributes;
	(void)result;
	require(space == &address_space_memory, "another address space is expected");
	require(lock_held, "registers are stored to without QEMU's lock");
	machine.store(address - IOMMU_REGISTERS, value);
}

EXPORT uint32_t address_space_ldl_le(void *space, uint64_t address, uint64_t attributes, uint32_t *result);
EXPORT uint32_t address_space_ldl_le(void *space, uint64_t address, uint64_t attributes, uint32_t *result)
{
	(void)space;
	(void)attributes;
	(void)result;
	require(lock_held, "registers are loaded without QEMU's lock");
	return machine.load ? machine.load(address - IOMMU_REGISTERS) : 0;
}

EXPORT void *qemu_get_cpu(int index);
EXPORT void *qemu_get_cpu(int index)
{
	return &flags[index];
}

EXPORT uint64_t cpu_get_phys_page_attrs_debug(void *cpu, uint64_t address, uint64_t *attributes);
EXPORT uint64_t cpu_get_phys_page_attrs_debug(void *cpu, uint64_t address, uint64_t *attributes)
{
	(void)cpu;
	(void)attributes;
	return address;
}

/* Execution. */
void machine_execute(unsigned int vcpu, uint64_t address, const uint8_t *code, size_t bytes)
{
	struct qemu_plugin_tb tb = { .insn = { .address = address, .code = code, .bytes = bytes } };

	current = vcpu;
	memcpy(at(address, bytes), code, bytes);
	translate(1, &tb);
	if (flags[vcpu] && tb.pending.fn)
		tb.pending.fn(vcpu, tb.pending.data);
	if (flags[vcpu] && tb.insn.pending.fn)
		tb.insn.pending.fn(vcpu, tb.insn.pending.data);
	if (tb.insn.before.fn)
		tb.insn.before.fn(vcpu, tb.insn.before.data);
}

void machine_stored(uint64_t address, unsigned int bytes, uint64_t value)
{
	static const uint8_t code[4];
	struct qemu_plugin_tb tb = { .insn = { .address = 0, .code = code, .bytes = 4 } };

	if (address >= IOMMU_REGISTERS && address < IOMMU_REGISTERS + 0x20000)
		machine.store(address - IOMMU_REGISTERS, value);
	translate(1, &tb);
	stored_to.address = address;
	stored_value = value;
	stored_bytes = bytes;
	stores(0, 0, address, NULL);
	/* A store to memory, which does not concern the plugin. */
	stored_to.address = machine.ram_gpa;
	stores(0, 0, machine.ram_gpa, NULL);
	idles(1, 0);
}

static struct machine find_machine(const char *name)
{
	static const struct {
		const char *name;
		const struct machine *machine;
	} machines[] = {
		{ "s390x", &machine_s390x }, { "smmuv3", &machine_arm64 },  { "vtd", &machine_vtd }, { "vtd-scalable", &machine_vtd_scalable },
		{ "amdvi", &machine_amdvi }, { "virtio", &machine_virtio },
	};

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (!strcmp(machines[i].name, name))
			return *machines[i].machine;
	}
	require(false, "there is no such machine");
	abort();
}

int main(int argc, char **argv)
{
	struct qemu_plugin_info info = { .system_emulation = true, .system = { GUEST_VCPU, GUEST_VCPU } };
	int (*install)(qemu_plugin_id_t id, const struct qemu_plugin_info *info, int argc, char **argv);
	const int *version;
	void *plugin;

	require(argc > 3, "usage: watch-machine PLUGIN s390x|smmuv3|vtd|vtd-scalable|amdvi|virtio NAME=VALUE...");
	machine = find_machine(argv[2]);
	iommu.type = machine.iommu;
	machine.ram = aligned_alloc(PAGE, RAM_BYTES);
	require(machine.ram, "out of memory");
	memset(machine.ram, 0, RAM_BYTES);
	plugin = dlopen(argv[1], RTLD_NOW);
	require(plugin, plugin ? "" : dlerror());
	*(void **)&install = dlsym(plugin, "qemu_plugin_install");
	version = dlsym(plugin, "qemu_plugin_version");
	require(install && version && *version == PLUGIN_API_VERSION, "this is not a plugin");
	info.target_name = machine.target;
	if (install(1, &info, argc - 3, argv + 3))
		return 1;
	for (current = 0; begins && current < GUEST_VCPU; current++)
		begins(1, current);
	machine.run();
	idles(1, 0);
	exits(1, exit_data);
	require(!lock_held, "QEMU's lock is still held");
	return 0;
}
