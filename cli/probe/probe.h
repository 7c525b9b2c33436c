/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu probe`: what a machine can do for devices behind an IOMMU, and what to do about that
 * which is missing.
 *
 *   probe.c          options, and the way from files to words
 *   tree.c           files of this machine, or of a copy of another one's
 *   kernel.c         which options and modules the kernel has
 *   machine.c        architecture, kernel, IOMMUs
 *   vfio.c           type1, iommufd and our module: is everything there that they need
 *   groups.c         IOMMU groups and the devices in them
 *   limits.c         how much memory may be locked
 *   open.c           one device, asked through the library's hosts
 *   nesting.c        what an SMMUv3 and the kernel offer a guest that has one
 *   advice.c bind.c  missing parts, and remedies
 *   text.c json.c    what the user sees
 *
 * Invariants:
 *  - Nothing is changed. Only a device that is bound to a VFIO driver is opened, which no other
 *    process can have at the time, and no module gets loaded for it.
 *  - Files may hold anything, for a tree may come from anywhere: reads are bounded, regular files
 *    alone are opened, links never lead out of the tree, and the text that is kept is printable
 *    ASCII.
 */
#ifndef VIOMMU_CLI_PROBE_H
#define VIOMMU_CLI_PROBE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viommu/viommu.h>
#include <viommu/vfio.h>

#include "common/cli.h"

#define PROBE_NAME	 64u  /* bytes of a name that are kept, its end included */
#define PROBE_IOMMUS	 256u /* more are counted, not kept; so with all that follow */
#define PROBE_GROUPS	 4096u
#define PROBE_DEVICES	 8192u
#define PROBE_RESERVED	 64u
#define PROBE_RANGES	 64u
#define PROBE_PARAMETERS 16u
#define PROBE_ADVICE	 24u

/* True, false, or not known. */
enum probe_answer { PROBE_UNKNOWN = -1, PROBE_NO, PROBE_YES };

/* tree.c: files of a machine. path begins with a slash. */
struct probe_tree {
	const char *root; /* NULL: this machine */
	/* The user whose rights are judged, in a tree (here the kernel judges). */
	uint64_t uid;
	uint64_t gid;
	bool all_powerful; /* CAP_DAC_OVERRIDE */
};

/* Opens a regular file for reading. A file descriptor, or -1 where there is none. */
int probe_descriptor(const struct probe_tree *tree, const char *path);
/*
 * A whole text, at most limit bytes of it, with a zero behind it. NULL where there is no regular
 * file that can be read. The caller frees it.
 */
char *probe_load(const struct probe_tree *tree, const char *path, size_t limit);
/* The first line of a file, made printable. False, with an empty text, where there is none. */
bool probe_line(const struct probe_tree *tree, const char *path, char *text, size_t bytes);
/* The last part of where a link leads. False, with an empty text, where there is none. */
bool probe_link(const struct probe_tree *tree, const char *path, char *text, size_t bytes);
bool probe_exists(const struct probe_tree *tree, const char *path);
/* Whether the user may read and write it. PROBE_UNKNOWN where it does not exist. */
enum probe_answer probe_rights(const struct probe_tree *tree, const char *path);
/*
 * Calls fn with the name of each entry of a folder, sorted, with numbers in numerical order.
 * Returns their number.
 */
size_t probe_each(const struct probe_tree *tree, const char *folder, void (*fn)(void *ctx, const char *name), void *ctx);
/*
 * "/a" "/b" -> a path of the tree. False if it is too long, or has an illegal component ("..", or
 * not printable).
 */
bool probe_path(char path[PATH_MAX], const char *folder, const char *name, const char *rest);
/* Copies printable characters, up to the end of the line; everything else becomes '?'. */
void probe_printable(char *to, size_t bytes, const char *from);

/* kernel.c */
struct probe_kernel {
	char *config;	    /* NULL: could not be read */
	char *built_in;	    /* modules.builtin */
	char *dependencies; /* modules.dep */
	char config_path[PROBE_NAME * 3];
};
enum probe_module { PROBE_MODULE_UNKNOWN, PROBE_MODULE_ABSENT, PROBE_MODULE_LOADABLE, PROBE_MODULE_LOADED, PROBE_MODULE_BUILT_IN };
/*
 * name is without CONFIG_. 'y'; 'm'; 'n' (is not set); '-' (not mentioned: an option that it
 * depends on is not set, or the kernel does not know it); '?' (the configuration cannot be read).
 */
char probe_option(const struct probe_kernel *kernel, const char *name);
/* The option is known to be absent. */
bool probe_option_is_off(char value);
enum probe_module probe_module(const struct probe_tree *tree, const struct probe_kernel *kernel, const char *name);
const char *probe_module_name(enum probe_module module);
void probe_kernel_load(const struct probe_tree *tree, const char *release, struct probe_kernel *kernel);
void probe_kernel_free(struct probe_kernel *kernel);

/* machine.c */
struct probe_iommu {
	char name[PROBE_NAME];
	/* "VT-d", "AMD-Vi", "SMMUv3", "SMMU", "zPCI", "RISC-V", "virtio", "other" */
	const char *type;
	char version[PROBE_NAME];
	uint32_t address_bits; /* of an IOVA; 0: not known */
	uint64_t page_sizes;   /* bit n set: pages of 2^n bytes; 0: not known */
	enum probe_answer scalable, nesting, dirty;
	uint32_t devices;
};

struct probe_machine {
	char architecture[PROBE_NAME];
	char kernel[PROBE_NAME];
	char processor[PROBE_NAME]; /* vendor, as the kernel names it */
	bool virtual;		    /* this machine is virtual */
	bool acpi_known;	    /* firmware's tables are readable */
	/* the table of IOMMUs (DMAR, IVRS, IORT, RIMT, VIOT); empty: none */
	char acpi_table[8];
	/* IOMMU and VFIO options on the kernel's command line */
	char parameters[PROBE_PARAMETERS][PROBE_NAME];
	uint32_t parameter_count;
	struct probe_iommu *iommus;
	uint32_t iommu_count;
};

/* vfio.c */
struct probe_module_state {
	const char *name;
	enum probe_module state;
};
struct probe_option_state {
	const char *name;
	char value;
};
#define PROBE_INTERFACE_PARTS 5u
struct probe_interface {
	const char *name;
	const char *node;
	bool present;		  /* the node exists */
	enum probe_answer rights; /* the user may open it */
	bool usable;
	struct probe_module_state modules[PROBE_INTERFACE_PARTS];
	struct probe_option_state options[PROBE_INTERFACE_PARTS];
	enum probe_answer unsafe_interrupts; /* the module's parameter allow_unsafe_interrupts */
	uint64_t entry_limit;		     /* type1: dma_entry_limit; 0: not known */
};

/* groups.c */
struct probe_group {
	char name[PROBE_NAME];
	char type[PROBE_NAME];
	uint32_t first, count; /* of its devices */
	bool no_iommu;	       /* one that VFIO has created for a device without an IOMMU */
};
struct probe_device {
	char address[PROBE_NAME];
	char driver[PROBE_NAME];      /* empty: none */
	char ids[PROBE_NAME];	      /* "8086:10d3" */
	char cdev[PROBE_NAME];	      /* "vfio0"; empty: none */
	char function_id[PROBE_NAME]; /* of zPCI; empty: none */
	uint32_t class;		      /* PCI class, subclass and interface; 0: not known */
	int32_t group;		      /* index, or -1 */
	bool pci;
	bool vfio; /* bound to a VFIO driver */
	/* its driver does not use its DMA, and does not keep its group from VFIO */
	bool bridge;
	bool in_the_way; /* its driver keeps its group from VFIO */
};
struct probe_reserved {
	uint64_t first, last;
	char type[PROBE_NAME];
};
struct probe_devices {
	struct probe_group *groups;
	uint32_t group_count;
	struct probe_device *devices; /* sorted by group; devices without a group come last */
	uint32_t device_count;
	bool cut; /* there are more */
};
void probe_reserved(const struct probe_tree *tree, const struct probe_group *group, struct probe_reserved reserved[PROBE_RESERVED], uint32_t *count);
/* "network", "NVMe": the kind of a PCI class, for people. */
const char *probe_class_name(uint32_t class);

/* limits.c */
struct probe_limits {
	uint64_t soft, hard; /* RLIMIT_MEMLOCK in bytes, VIOMMU_NO_LIMIT for none */
	bool known;
	enum probe_answer cap_ipc_lock;
	uint64_t locked_bytes; /* locked by processes of this user */
	uint64_t pinned_bytes;
	uint32_t processes; /* number of processes that were read */
	uint64_t memory_bytes;
};

/* open.c */
struct probe_host {
	const char *name;
	bool tried;
	int error;     /* 0: caps and ranges are valid */
	char why[512]; /* errno of the library, or the reason why the host was not queried */
	struct viommu_host_caps caps;
	struct viommu_iova_range ranges[PROBE_RANGES];
	size_t range_count;
};

/* nesting.c: the properties of a device's SMMUv3, for a guest with one. */
struct probe_smmuv3 {
	bool known; /* iommufd reports an SMMUv3, and the other members are valid */
	int error;  /* error of the kernel's object for a guest's SMMUv3; 0: it can be created */
	uint32_t idr[6];
	uint32_t granules; /* as page sizes: bit n set for tables of 2^n bytes */
	uint32_t address_bits, asid_bits, stream_bits, substream_bits;
	bool stalls; /* a transfer can stall until the guest has repaired its tables */
};
/* Whether one of the machine's IOMMUs is an SMMUv3. */
bool probe_has_smmuv3(const struct probe_machine *machine);
/* Opens the device again. No process has it open. If it cannot be queried, *smmu is unchanged. */
void probe_ask_smmuv3(const char *cdev_node, struct probe_smmuv3 *smmu);

struct probe_chosen {
	const struct probe_device *device; /* NULL: none was requested */
	const struct probe_group *group;   /* NULL: it has none */
	struct probe_reserved reserved[PROBE_RESERVED];
	uint32_t reserved_count;
	/* actual or expected paths; empty: none */
	char group_node[PROBE_NAME], cdev_node[PROBE_NAME];
	enum probe_answer group_rights, cdev_rights; /* PROBE_UNKNOWN: it does not exist */
	struct probe_host kernel, type1, iommufd;
	struct probe_smmuv3 smmuv3;
	bool ready;
};

/* advice.c */
#define PROBE_COMMANDS 6u
struct probe_advice {
	const char *id;
	bool needed; /* a requirement; otherwise advice */
	char what[400];
	char commands[PROBE_COMMANDS][200]; /* to be run as root */
	uint32_t command_count;
};

struct probe {
	struct probe_tree tree;
	struct probe_kernel kernel;
	struct probe_machine machine;
	struct probe_devices devices;
	/* The kernel's own parts: `kernel` is its configuration. */
	struct probe_interface module, type1, iommufd;
	struct probe_limits limits;
	struct probe_chosen chosen;
	struct probe_advice advice[PROBE_ADVICE];
	uint32_t advice_count;
	bool ready; /* the requested interface can be used */
};

/* Each fills in its part of the probe from files. 0, or -ENOMEM. */
int probe_read_machine(struct probe *probe);
int probe_read_devices(struct probe *probe);
void probe_read_interfaces(struct probe *probe);
void probe_read_limits(struct probe *probe);

/*
 * Finds the device with a full PCI address, and all that files show about it. False if it does not
 * exist.
 */
bool probe_choose(struct probe *probe, const char *address);
/* Queries the hosts. */
void probe_open(struct probe *probe);

void probe_advise(struct probe *probe);
/* For the files that advise: a new piece, or the last one again if there are too many. */
struct probe_advice *probe_advice_add(struct probe *probe, const char *id, bool needed, const char *format, ...) __attribute__((format(printf, 4, 5)));
void probe_command(struct probe_advice *advice, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* bind.c: the reasons why VFIO cannot use the chosen device. */
void probe_advise_device(struct probe *probe);

void probe_print(const struct probe *probe);
void probe_json(const struct probe *probe);

#endif
