/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Invariants at every return of the library, checked from outside: the domain's own report
 * (viommu_domain_each_run), the pages that the mock host lets a device reach, the reference's
 * reading of the tables, and the charge. A check that fails ends the test.
 */
#ifndef TESTS_CORE_CHECK_H
#define TESTS_CORE_CHECK_H

#include "guest.h"
#include "mock_host.h"

/* A domain with its tables and its space. */
struct subject {
	struct tables *tables;
	struct viommu_domain *domain;
	struct mock_space *space; /* NULL: on another host than the mock host */
};

/* The domain's own report for an IOVA: true, with its GPA and rights. */
bool check_at(const struct subject *subject, uint64_t iova, uint64_t *gpa, uint32_t *prot);

/* Pages that it reports in first..last. */
uint64_t check_pages(const struct subject *subject, uint64_t first, uint64_t last);

/* In first..last, the domain, the mock host and the tables agree. */
void check_true(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last);

/* In first..last, each page is as in the tables, or absent. */
void check_not_stale(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last);

/*
 * The books: charged = distinct pages that the domains report (or all, see guest.whole); each page
 * that they report is mapped in the mock host, to the right memory, with the right rights, and it
 * reaches nothing else; the mock host saw no breach. NULL domains are skipped.
 */
void check_books(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number);

/*
 * The part of check_books() for the mock host, after a host failed. Reported pages may be missing;
 * pages that are not reported must not be reached.
 */
void check_books_after_failure(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number);

#endif
