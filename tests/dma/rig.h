/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtual machine without a processor: the test is the guest, and real devices of the machine it
 * runs on are the guest's devices. It writes translation tables into the VM's memory, executes
 * MPCIFC and RPCIT through the library, and has the devices read and write through IOVAs. Only
 * tests/reference decides what an IOVA leads to; bytes in memory decide whether it does.
 *
 * Memory. The first area is the system's: tables, the devices' queues, one page a device through
 * which patterns come and go ("staging"). All other areas hold data: unique patterns, of which the
 * rig keeps a copy, so that a stray byte is found wherever it lands. Some areas are files, some are
 * not; two are neighbours; one is read-only; two come and go.
 *
 * IOVAs. Each device has a few pages at the beginning of the aperture for its driver. The rest is
 * for the tests.
 *
 * Each test runs in a process of its own (cases.h), and ends it at the first error. So nothing is
 * left for the next one, and pages that the kernel still has pinned after its end are found.
 */
#ifndef TESTS_DMA_RIG_H
#define TESTS_DMA_RIG_H

#include <viommu/viommu.h>
#include <viommu/vfio.h>
#include <viommu/zpci.h>

#include "core/guest.h"
#include "dma/dma.h"
#include "reference/model.h"

#define RIG_UNITS 3

#define RIG_ZONE_BYTES MIB /* of one set of tables */

/* Pages of a unit's driver, by number: those that the driver asks for, and the one for patterns. */
#define RIG_STAGING DMA_PAGES
static inline uint64_t rig_driver_gpa(unsigned int unit, unsigned int page)
{
	return 7 * MIB + (16 * unit + page) * PAGE;
}

/* Areas of guest memory, in the order in which they are made. */
enum { AREA_SYSTEM, AREA_FILE, AREA_NEIGHBOUR, AREA_READ_ONLY, AREA_VISITING_FILE, AREA_VISITING, RIG_AREAS };

/* The host, the policy and the limits of a rig. */
struct rig_config {
	const char *host; /* "type1", "iommufd" or "kernel" */
	enum viommu_pin_policy pin;
	uint64_t pin_budget; /* 0: none */
	/*
	 * type1's entry limit for all devices but the first, whose limit the host has read; 0:
	 * default
	 */
	unsigned int entry_limit;
	/* all devices in one domain of the core, instead of one zPCI function each */
	bool shared;
	uint64_t lowest, highest;	/* the guest's aperture; 0: the host's, from 4 GiB on */
	unsigned int units;		/* number of devices */
	const char *address[RIG_UNITS]; /* of the devices */
};

/*
 * A set of tables, and the pages that devices behind it must reach. In zPCI each device has its
 * own, in a shared domain all use unit 0's.
 */
struct rig_space {
	struct tables tables;
	struct naive_tables naive; /* as they are registered */
	struct model_list model;
	/* zones for tables: two, used by turns for each replacement of all tables */
	uint64_t zone[2];
	unsigned int generation; /* number of replacements */
	uint64_t table_next;
	struct viommu_domain *domain; /* shared domain only */
	bool registered;
};

struct rig_unit {
	unsigned int number;
	const char *address;
	struct rig_space *space;
	bool attached;
	struct viommu_zpci_function *function;
	struct viommu_device *device;
	uint32_t fh;
	struct dma_device *dma;
	struct dma_page pages[DMA_PAGES];
	uint64_t staging_iova;
	unsigned char *staging;
	uint64_t block; /* number of transfers, which selects blocks */
};

struct rig {
	const struct rig_config *config;
	struct guest guest;
	unsigned char *expected[RIG_AREAS];
	struct viommu_host *host;
	struct viommu_host_caps caps;
	struct viommu_zpci *zpci;
	unsigned int events;
	uint64_t lowest, highest; /* registered IOVAs */
	unsigned int units;
	struct rig_unit unit[RIG_UNITS];
	struct rig_space space[RIG_UNITS];
	uint64_t draws; /* state of the random numbers */
	char doing[200];
};

/* Ends the process with the current operation and the error. */
__attribute__((noreturn, format(printf, 2, 3))) void rig_fail(struct rig *rig, const char *format, ...);
/* The current operation, for rig_fail(). */
__attribute__((format(printf, 2, 3))) void rig_doing(struct rig *rig, const char *format, ...);
/* Appends to that. */
__attribute__((format(printf, 2, 3))) void rig_and(struct rig *rig, const char *format, ...);

/* Makes the host for the first device. Ends the process if there is none. */
struct viommu_host *rig_make_host(struct rig *rig);

/* Random numbers from any seed. */
uint64_t rig_draw(struct rig *rig);
unsigned int rig_below(struct rig *rig, unsigned int bound);

/*
 * Sets up everything: memory, host, devices, tables that map the drivers' pages, registrations,
 * drivers.
 */
void rig_up(struct rig *rig, const struct rig_config *config, uint64_t seed);

/*
 * Tears everything down. Checks that nothing is charged and that memory has the expected contents.
 */
void rig_down(struct rig *rig);

/* Writes tables of a unit's space: pages that are contiguous in both spaces. Refreshes nothing. */
void rig_map(struct rig_unit *unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot);
void rig_unmap(struct rig_unit *unit, uint64_t iova, uint64_t pages);
/* Sets an entry of a level to a value. */
void rig_set(struct rig_unit *unit, uint64_t iova, unsigned int level, uint64_t entry);

/*
 * New tables in the place of the old ones. They map only the drivers' pages. They are not
 * registered.
 */
void rig_new_tables(struct rig *rig, struct rig_space *space);

/* Notes that a space's tables are registered now, or are not. */
void rig_space_known(struct rig *rig, struct rig_space *space, bool registered);

/* The result of an instruction. */
enum rig_answer {
	RIG_DONE,
	RIG_SHORT, /* "insufficient resources": the model is outdated */
};

/* RPCIT of first..last, or a refresh of the shared domain. The model follows if it succeeds. */
enum rig_answer rig_refresh_any(struct rig *rig, struct rig_unit *unit, uint64_t first, uint64_t last);
/* The same, which must succeed. */
void rig_refresh(struct rig *rig, struct rig_unit *unit, uint64_t first, uint64_t last);

/*
 * MPCIFC: registers, deregisters, or registers anew. In a shared domain: creates and attaches,
 * detaches and destroys, or both.
 */
enum rig_answer rig_register_any(struct rig *rig, struct rig_unit *unit);
void rig_register(struct rig *rig, struct rig_unit *unit);
void rig_deregister(struct rig *rig, struct rig_unit *unit);
void rig_reregister(struct rig *rig, struct rig_unit *unit);

/*
 * Removes a unit's function, and adds it again with tables that map only the driver's pages. Not in
 * a shared domain.
 */
void rig_unplug(struct rig *rig, struct rig_unit *unit);
void rig_plug(struct rig *rig, struct rig_unit *unit);

/* Starts the unit's driver, or restarts it after its pages were unreachable. */
void rig_start(struct rig *rig, struct rig_unit *unit);

/* Adds areas to the VM, or removes them. The model follows. */
void rig_show(struct rig *rig, unsigned int area);
void rig_hide(struct rig *rig, unsigned int area);

/*
 * The device writes to or reads from an IOVA, with the result that the model predicts. If a write
 * must not arrive, the first such access ends with a comparison of all memory.
 */
void rig_check_write(struct rig *rig, struct rig_unit *unit, uint64_t iova);
void rig_check_read(struct rig *rig, struct rig_unit *unit, uint64_t iova);

/* Compares all data. */
void rig_check_memory(struct rig *rig);

/*
 * Checks that the charge matches the reference, and that the kernel's pins match the charge in the
 * way of the host.
 */
void rig_check_pins(struct rig *rig);

/* The expected number of pinned pages in the kernel. */
uint64_t rig_kernel_pages(struct rig *rig);

/* Bytes charged to the VM. */
uint64_t rig_pinned(struct rig *rig);

/* The statistics of a unit's domain. */
struct viommu_domain_stats rig_stats(struct rig_unit *unit);

/* The GPA of a data area's page. */
uint64_t rig_gpa(struct rig *rig, unsigned int area, uint64_t page);

#endif
