/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The formats of guest tables that the library can shadow: one shadow_<format>.c each. */
#ifndef VIOMMU_CORE_SHADOW_FORMATS_H
#define VIOMMU_CORE_SHADOW_FORMATS_H

struct shadow_ops;

extern const struct shadow_ops shadow_amdv1_ops;
extern const struct shadow_ops shadow_arm64_16k_ops;
extern const struct shadow_ops shadow_arm64_4k_ops;
extern const struct shadow_ops shadow_arm64_64k_ops;
extern const struct shadow_ops shadow_riscv_sv_ops;
extern const struct shadow_ops shadow_vtdss_ops;
extern const struct shadow_ops shadow_x86_64_ops;
extern const struct shadow_ops shadow_zpci_ops;
extern const struct shadow_ops shadow_zpci_qemu_ops;

#endif
