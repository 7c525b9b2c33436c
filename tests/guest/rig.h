/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A zPCI guest IOMMU with one enabled function, for tests: instructions as short calls, and their
 * results as assertions. It runs on the library's core, or on the double.
 */
#ifndef TESTS_GUEST_RIG_H
#define TESTS_GUEST_RIG_H

#include <viommu/viommu.h>
#include <viommu/zpci.h>

#define RIG_FH	 0x80000001u
#define RIG_FID	 0x10u
#define RIG_SDMA UINT64_C(0x100000000)
#define RIG_EDMA UINT64_C(0x1ffffffffffffff)

struct rig {
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *function;
	unsigned int events;
	struct viommu_zpci_event event; /* the last one */
};

struct viommu_zpci_function_config rig_function_config(struct viommu_host *host);
void rig_up(struct rig *rig, struct viommu_vm *vm, struct viommu_zpci_function_config config, uint32_t flags);
void rig_down(struct rig *rig);

struct viommu_zpci_answer rig_rpcit(struct rig *rig, uint32_t fh, uint64_t start, uint64_t bytes);
struct viommu_zpci_answer rig_mpcifc(struct rig *rig, uint32_t fh, uint8_t operation, uint64_t pba, uint64_t pal, uint64_t iota);
struct viommu_zpci_answer rig_operation(struct rig *rig, uint32_t fh, uint8_t operation);
struct viommu_zpci_function_info rig_info(struct rig *rig);
uint32_t rig_state(struct rig *rig);

/* The result of an instruction. */
#define assert_cc(answer, code)	       rig_assert_answer(answer, 0, code, 0, __FILE__, __LINE__)
#define assert_status(answer, st)      rig_assert_answer(answer, 0, 1, st, __FILE__, __LINE__)
#define assert_exception(answer, code) rig_assert_answer(answer, code, 0, 0, __FILE__, __LINE__)
void rig_assert_answer(struct viommu_zpci_answer answer, uint32_t exception, uint8_t cc, uint8_t status, const char *file, int line);

/* The events since the last call: none, or exactly one, with this code and address. */
#define assert_no_event(rig)	      rig_assert_event(rig, 0, 0, __FILE__, __LINE__)
#define assert_event(rig, pec, faddr) rig_assert_event(rig, pec, faddr, __FILE__, __LINE__)
void rig_assert_event(struct rig *rig, uint32_t pec, uint64_t faddr, const char *file, int line);

#endif
