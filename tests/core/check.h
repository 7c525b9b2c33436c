/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What must hold at every return of the library, looked at from outside: the domain's own report (viommu_domain_each_run), what the mock host lets a device
 * reach, what the reference reads in the tables, and what is charged. Each check ends the test where it does not hold.
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

/* What a domain translates an IOVA to, by its own report: true and its GPA and rights. */
bool check_at(const struct subject *subject, uint64_t iova, uint64_t *gpa, uint32_t *prot);

/* Pages that it reports in first..last. */
uint64_t check_pages(const struct subject *subject, uint64_t first, uint64_t last);

/* In first..last, the domain, the mock host and the tables say the same. */
void check_true(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last);

/* In first..last, each page is as the tables say, or absent. */
void check_not_stale(struct mock_host *mock, const struct subject *subject, uint64_t first, uint64_t last);

/*
 * The books: charged = distinct pages that the domains report (or all, see guest.whole); each page that they report is mapped in the mock host, to the right memory, with the right
 * rights, and it reaches nothing else; the mock host saw no breach. NULL domains are skipped.
 */
void check_books(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number);

/* As check_books() says about the mock host, after a host failed: it may have lost what the domain reports, but reaches nothing that is not reported. */
void check_books_after_failure(struct mock_host *mock, const struct guest *guest, const struct subject *subjects, unsigned int number);

#endif
