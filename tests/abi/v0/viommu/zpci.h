/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_ZPCI_H
#define VIOMMU_ZPCI_H

#include <viommu/types.h>
#include <viommu/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_zpci_ioat {
	uint32_t size;
	uint32_t flags;
	uint64_t iota;
	uint64_t pba;
	uint64_t pal;
};
#define VIOMMU_ZPCI_IOAT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_ioat, pal)

#define VIOMMU_ZPCI_IOAT_QEMU 0x1u

struct viommu_zpci;
struct viommu_zpci_function;

enum viommu_zpci_state {
	VIOMMU_ZPCI_RESERVED = 0,
	VIOMMU_ZPCI_STANDBY,
	VIOMMU_ZPCI_DISABLED,
	VIOMMU_ZPCI_ENABLED,
	VIOMMU_ZPCI_BLOCKED,
	VIOMMU_ZPCI_ERROR,
	VIOMMU_ZPCI_PERMANENT_ERROR,
};

VIOMMU_API const char *viommu_zpci_state_name(uint32_t state);

#define VIOMMU_ZPCI_FH_ENABLED	0x80000000u
#define VIOMMU_ZPCI_FH_INSTANCE 0x7f000000u
#define VIOMMU_ZPCI_FH_SHM	0x00ff0000u
#define VIOMMU_ZPCI_FH_INDEX	0x0000ffffu

#define VIOMMU_ZPCI_R1(fh, dma_space, operation) ((uint64_t)(fh) << 32 | (uint64_t)(dma_space) << 16 | (operation))
#define VIOMMU_ZPCI_R1_FH(r1)			 ((uint32_t)((r1) >> 32))
#define VIOMMU_ZPCI_R1_STATUS(r1)		 ((uint8_t)((r1) >> 24))
#define VIOMMU_ZPCI_R1_DMA_SPACE(r1)		 ((uint8_t)((r1) >> 16))
#define VIOMMU_ZPCI_R1_OPERATION(r1)		 ((uint8_t)(r1))

#define VIOMMU_ZPCI_IOTA_T	       UINT64_C(0x800)
#define VIOMMU_ZPCI_IOTA_DT(type)      ((uint64_t)(type) << 2)
#define VIOMMU_ZPCI_ENTRY_TT(type)     ((uint64_t)(type) << 2)
#define VIOMMU_ZPCI_TYPE_SEGMENT       0u
#define VIOMMU_ZPCI_TYPE_REGION_THIRD  1u
#define VIOMMU_ZPCI_TYPE_REGION_SECOND 2u
#define VIOMMU_ZPCI_TYPE_REGION_FIRST  3u
#define VIOMMU_ZPCI_ENTRY_TF(first)    ((uint64_t)(first) << 6)
#define VIOMMU_ZPCI_ENTRY_TL(last)     ((uint64_t)(last))
#define VIOMMU_ZPCI_ENTRY_INVALID      UINT64_C(0x020)
#define VIOMMU_ZPCI_ENTRY_PROTECTED    UINT64_C(0x200)
#define VIOMMU_ZPCI_PAGE_INVALID       UINT64_C(0x400)

#define VIOMMU_ZPCI_ST_RES_NOT_AVAIL 4u
#define VIOMMU_ZPCI_ST_FUNC_IN_ERR   8u
#define VIOMMU_ZPCI_ST_INSUF_RES     16u
#define VIOMMU_ZPCI_ST_SEQUENCE	     24u
#define VIOMMU_ZPCI_ST_DMAAS_INVAL   28u
#define VIOMMU_ZPCI_ST_ERROR_RECOVER 40u

#define VIOMMU_ZPCI_PEC_INVALAS 0x01u
#define VIOMMU_ZPCI_PEC_OORANGE 0x02u
#define VIOMMU_ZPCI_PEC_INVALTF 0x03u
#define VIOMMU_ZPCI_PEC_TPROTE	0x04u
#define VIOMMU_ZPCI_PEC_INVALTE 0x07u
#define VIOMMU_ZPCI_PEC_INVALTL 0x08u
#define VIOMMU_ZPCI_PEC_TT	0x09u
#define VIOMMU_ZPCI_PEC_SERR	0x0bu

#define VIOMMU_ZPCI_OC_REG_IOAT	   4u
#define VIOMMU_ZPCI_OC_DEREG_IOAT  5u
#define VIOMMU_ZPCI_OC_REREG_IOAT  6u
#define VIOMMU_ZPCI_OC_RESET_ERROR 7u
#define VIOMMU_ZPCI_OC_RESET_BLOCK 9u

#define VIOMMU_ZPCI_PGM_PRIVILEGED    0x0002u
#define VIOMMU_ZPCI_PGM_ADDRESSING    0x0005u
#define VIOMMU_ZPCI_PGM_SPECIFICATION 0x0006u
#define VIOMMU_ZPCI_PGM_OPERAND	      0x0015u

#define VIOMMU_ZPCI_QEMU_WAYS 0x1u

struct viommu_zpci_event {
	uint32_t size;
	uint32_t fh;
	uint32_t fid;
	uint32_t pec;
	uint64_t faddr;
	uint32_t access;
	uint32_t reserved;
	struct viommu_fault fault;
};
#define VIOMMU_ZPCI_EVENT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_event, fault)

struct viommu_zpci_config {
	uint32_t size;
	uint32_t flags;

	void (*event)(void *ctx, const struct viommu_zpci_event *event);
	void *ctx;
};
#define VIOMMU_ZPCI_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_config, ctx)
#define VIOMMU_ZPCI_CONFIG_INIT                                  \
	{                                                        \
		sizeof(struct viommu_zpci_config), 0, NULL, NULL \
	}

struct viommu_zpci_function_config {
	uint32_t size;
	uint32_t fid;
	uint32_t fh;
	uint32_t state;
	uint64_t sdma;
	uint64_t edma;
	uint64_t msia;
	uint8_t dtsm;
	uint8_t pft;
	bool no_refresh;
	bool relaxed;
	uint8_t pfgid;
	uint8_t reserved[3];
	struct viommu_host *host;
	const void *device;
};
#define VIOMMU_ZPCI_FUNCTION_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_function_config, device)

#define VIOMMU_ZPCI_FUNCTION_CONFIG_INIT                                                                                     \
	{                                                                                                                    \
		sizeof(struct viommu_zpci_function_config), 0, 0, 0, 0, 0, 0, 0, 0, false, false, 0, { 0, 0, 0 }, NULL, NULL \
	}

VIOMMU_API int viommu_zpci_create(struct viommu_vm *vm, const struct viommu_zpci_config *config, struct viommu_zpci **out);

VIOMMU_API void viommu_zpci_destroy(struct viommu_zpci *zpci);

VIOMMU_API int viommu_zpci_function_add(struct viommu_zpci *zpci, const struct viommu_zpci_function_config *config, struct viommu_zpci_function **out);

VIOMMU_API void viommu_zpci_function_remove(struct viommu_zpci_function *function);

VIOMMU_API struct viommu_device *viommu_zpci_function_device(struct viommu_zpci_function *function);

VIOMMU_API struct viommu_domain *viommu_zpci_function_domain(struct viommu_zpci_function *function);

struct viommu_zpci_function_info {
	uint32_t size;
	uint32_t fh;
	uint32_t fid;
	uint32_t state;
	bool registered;
	bool direct;
	uint8_t reserved[6];
	uint64_t pba, pal, iota;
};
#define VIOMMU_ZPCI_FUNCTION_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_function_info, iota)

VIOMMU_API int viommu_zpci_function_info(struct viommu_zpci_function *function, struct viommu_zpci_function_info *info);

VIOMMU_API int viommu_zpci_function_stats(struct viommu_zpci_function *function, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_zpci_function_each_run(struct viommu_zpci_function *function, uint64_t first, uint64_t last,
					     int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

VIOMMU_API int viommu_zpci_configure(struct viommu_zpci_function *function);
VIOMMU_API int viommu_zpci_deconfigure(struct viommu_zpci_function *function);

VIOMMU_API int viommu_zpci_enable(struct viommu_zpci_function *function, uint32_t *fh);
VIOMMU_API int viommu_zpci_disable(struct viommu_zpci_function *function, uint32_t *fh);

VIOMMU_API int viommu_zpci_enable_as(struct viommu_zpci_function *function, uint32_t fh);
VIOMMU_API int viommu_zpci_disable_as(struct viommu_zpci_function *function, uint32_t fh);

VIOMMU_API void viommu_zpci_device_failed(struct viommu_zpci_function *function);

VIOMMU_API int viommu_zpci_dma_fault(struct viommu_zpci_function *function, const struct viommu_fault *fault);

VIOMMU_API struct viommu_zpci_function *viommu_zpci_find(struct viommu_zpci *zpci, uint32_t fh);

VIOMMU_API int viommu_zpci_clp_query_function(struct viommu_zpci_function *function, void *response, size_t bytes);
VIOMMU_API int viommu_zpci_clp_query_group(struct viommu_zpci_function *function, void *response, size_t bytes);

struct viommu_zpci_fib {
	uint8_t fmt;
	uint8_t fc;
	uint8_t reserved[6];
	uint64_t pba;
	uint64_t pal;
	uint64_t iota;
};
#define VIOMMU_ZPCI_FIB_BYTES  80u
#define VIOMMU_ZPCI_FC_ENABLED 0x80u
#define VIOMMU_ZPCI_FC_ERROR   0x40u
#define VIOMMU_ZPCI_FC_BLOCKED 0x20u
#define VIOMMU_ZPCI_FC_DMAAS   0x10u

struct viommu_zpci_answer {
	uint32_t size;
	uint32_t exception;
	uint8_t cc;
	uint8_t status;
	uint8_t reserved[6];
	struct viommu_refresh_result refresh;
};
#define VIOMMU_ZPCI_ANSWER_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_answer, refresh)

VIOMMU_API int viommu_zpci_rpcit(struct viommu_zpci *zpci, uint64_t r1, uint64_t start, uint64_t bytes, struct viommu_zpci_answer *answer);
VIOMMU_API int viommu_zpci_mpcifc(struct viommu_zpci *zpci, uint64_t r1, const struct viommu_zpci_fib *fib, struct viommu_zpci_answer *answer);
VIOMMU_API int viommu_zpci_stpcifc(struct viommu_zpci *zpci, uint64_t *r1, struct viommu_zpci_fib *fib, struct viommu_zpci_answer *answer);

struct viommu_zpci_vcpu {
	uint32_t size;
	uint32_t reserved;
	void *ctx;
	uint64_t (*get_gr)(void *ctx, unsigned int n);
	void (*set_gr)(void *ctx, unsigned int n, uint64_t value);
	uint64_t (*get_psw_mask)(void *ctx);
	void (*set_cc)(void *ctx, unsigned int cc);
	int (*read)(void *ctx, uint64_t logical, unsigned int ar, void *buffer, size_t bytes);
	int (*write)(void *ctx, uint64_t logical, unsigned int ar, const void *buffer, size_t bytes);
	void (*program_interrupt)(void *ctx, uint32_t code);

	void (*fill_fib)(void *ctx, uint32_t fh, uint8_t fib[VIOMMU_ZPCI_FIB_BYTES]);
};
#define VIOMMU_ZPCI_VCPU_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_zpci_vcpu, fill_fib)

VIOMMU_API int viommu_zpci_intercept(struct viommu_zpci *zpci, const struct viommu_zpci_vcpu *vcpu, uint16_t ipa, uint32_t ipb);

#ifdef __cplusplus
}
#endif
#endif
