/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of QEMU that the plugin uses, declared by hand: distributions do not package a header.
 * The functions are in the QEMU executable, and are bound when it loads the plugin.
 *
 * The first part is QEMU's plugin interface, version 4 (QEMU 9.2 to 10.0; later ones accept it
 * too), documented in QEMU's manual under "TCG Plugins". The second part is two of GLib's array
 * types, as far as the interface returns them. QEMU's own functions, which are not an interface,
 * are in qemu.h.
 */
#ifndef VIOMMU_QEMU_PLUGIN_API_H
#define VIOMMU_QEMU_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_EXPORT __attribute__((visibility("default")))

/*
 * The interface version of a plugin. QEMU refuses a plugin with a version that it does not support.
 */
#define PLUGIN_API_VERSION 4
extern PLUGIN_EXPORT int qemu_plugin_version;

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_scoreboard;

struct qemu_plugin_info {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
};

/* Called by QEMU when it has loaded the plugin. Any value but 0 makes QEMU exit. */
PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_plugin_info *info, int argc, char **argv);

/* GLib's GArray and GByteArray: their public members. */
struct plugin_array {
	char *data;
	unsigned int len;
};
struct plugin_bytes {
	uint8_t *data;
	unsigned int len;
};
struct plugin_bytes *g_byte_array_new(void);
struct plugin_bytes *g_byte_array_set_size(struct plugin_bytes *bytes, unsigned int length);
char *g_array_free(struct plugin_array *array, int free_segment);
void g_free(void *memory);

/* Events of a vCPU and of the plugin's own life. */
typedef void (*plugin_vcpu_fn)(qemu_plugin_id_t id, unsigned int vcpu);
typedef void (*plugin_exit_fn)(qemu_plugin_id_t id, void *data);
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, plugin_vcpu_fn fn);
void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, plugin_vcpu_fn fn);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, plugin_exit_fn fn, void *data);

/* Translation of guest code, a block of instructions at a time. */
typedef void (*plugin_translate_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, plugin_translate_fn fn);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *buffer, size_t bytes);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

/* A value for each vCPU that translated code can test without a callback. */
struct plugin_u64 {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_bytes);
void qemu_plugin_u64_set(struct plugin_u64 entry, unsigned int vcpu, uint64_t value);

/*
 * Callbacks of translated code: before a block or an instruction is executed, with the registers at
 * that time.
 */
enum plugin_registers { PLUGIN_REGISTERS_NONE, PLUGIN_REGISTERS_READ };
enum plugin_condition { PLUGIN_IF_NEVER, PLUGIN_IF_ALWAYS, PLUGIN_IF_EQUAL, PLUGIN_IF_NOT_EQUAL };
typedef void (*plugin_execute_fn)(unsigned int vcpu, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, plugin_execute_fn fn, enum plugin_registers registers, void *data);
void qemu_plugin_register_vcpu_insn_exec_cond_cb(struct qemu_plugin_insn *insn, plugin_execute_fn fn, enum plugin_registers registers,
						 enum plugin_condition condition, struct plugin_u64 entry, uint64_t value, void *data);
void qemu_plugin_register_vcpu_tb_exec_cond_cb(struct qemu_plugin_tb *tb, plugin_execute_fn fn, enum plugin_registers registers,
					       enum plugin_condition condition, struct plugin_u64 entry, uint64_t value, void *data);

/*
 * Callbacks of translated code after each memory access of an instruction. The callback reads the
 * address and the value, the number that the CPU has loaded or stored.
 */
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_hwaddr;
enum plugin_access { PLUGIN_LOADS = 1, PLUGIN_STORES, PLUGIN_LOADS_AND_STORES };
enum plugin_value_type { PLUGIN_VALUE_U8, PLUGIN_VALUE_U16, PLUGIN_VALUE_U32, PLUGIN_VALUE_U64, PLUGIN_VALUE_U128 };
struct plugin_value {
	enum plugin_value_type type;
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		uint64_t u128[2]; /* the low half first */
	};
};
typedef void (*plugin_memory_fn)(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, plugin_memory_fn fn, enum plugin_registers registers, enum plugin_access access,
				      void *data);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);
struct plugin_value qemu_plugin_mem_get_value(qemu_plugin_meminfo_t info);

/*
 * Registers, in the vCPU's thread. qemu_plugin_get_registers() returns an array of
 * plugin_register_name. Values are in the guest's byte order.
 */
struct plugin_register_name {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
};
struct plugin_array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle, struct plugin_bytes *value);

/* Guest memory at a logical address of the current vCPU. */
bool qemu_plugin_read_memory_vaddr(uint64_t address, struct plugin_bytes *data, size_t bytes);

/* A line for QEMU's log. */
void qemu_plugin_outs(const char *text);

#endif
