/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu show`: a description of a capture (describe.c; zpci/ and smmuv3/ have what is their own), and its records one by one (records.c).
 */
#ifndef VIOMMU_CLI_SHOW_H
#define VIOMMU_CLI_SHOW_H

#include "capture/capture.h"
#include "common/cli.h"

#define SHOW_FUNCTIONS 256u /* functions that are described one by one */
#define SHOW_NOTES     16u
#define SHOW_SLOTS     32u

struct show_function {
	bool present;
	struct capture_function record;
	uint32_t fh; /* now */
	uint64_t registrations;
	struct capture_mpcifc registration; /* the last one */
	uint64_t refreshes;
	uint64_t global_refreshes;
	uint64_t first, last; /* of all refreshes */
	uint64_t smallest, largest;
	uint64_t other; /* operations */
};

struct show_zpci {
	unsigned int function_count;
	struct show_function functions[SHOW_FUNCTIONS];
	uint64_t strangers; /* operations with a handle that no function has */
	uint64_t answered;
	uint64_t answered_cc[4];
	uint64_t answered_exception;
};

struct show_stream {
	bool present;
	uint32_t sid;
	uint64_t kicks;
	uint64_t oracles;
	uint64_t first, last; /* of all that these speak of */
};

#define SHOW_REGISTERS 32u /* that are told apart */

struct show_smmuv3 {
	bool any;
	struct capture_smmu smmu;
	unsigned int stream_count;
	struct show_stream streams[SHOW_FUNCTIONS];
	uint64_t strangers; /* kicks and oracles of a stream that there is not */
	struct {
		const char *name;
		uint64_t count;
	} registers[SHOW_REGISTERS];
	uint64_t unknown; /* stores to others */
};

struct description {
	enum capture_guest guest;
	uint64_t kinds[CAPTURE_KINDS];
	unsigned int note_count;
	char *notes[SHOW_NOTES];
	unsigned int slot_count;
	struct capture_slot slots[SHOW_SLOTS];
	uint64_t doublewords;
	uint64_t oracle_pages;
	bool timed;
	uint64_t first_ns, last_ns;
	union {
		struct show_zpci zpci;
		struct show_smmuv3 smmuv3;
	};
};

void describe(struct description *description, const struct capture_record *record);
void print_description(struct description *description, const char *path, const struct capture_reader *reader, bool incomplete);

/* zpci/describe.c, smmuv3/describe.c */
void zpci_describe(struct show_zpci *description, const struct capture_record *record);
void zpci_print_description(const struct show_zpci *description);
void zpci_print_answers(const struct show_zpci *description);
void smmuv3_describe(struct show_smmuv3 *description, const struct capture_record *record);
void smmuv3_print_description(const struct show_smmuv3 *description);

void show_record(enum capture_guest guest, const struct capture_record *record);

/*
 * pictures.c: the capture is replayed without output, to its end for the timeline, and then to the moment at which most was mapped, since many a guest has nothing
 * mapped when its recording ends. mute: complaints about the capture were made already. CLI_OK, or CLI_BAD_INPUT.
 */
int show_pictures(const char *path, const char *svg, const char *timeline, bool mute);
/* Whether a picture goes to standard output, and nothing else does. */
bool show_is_picture(const char *svg, const char *timeline);

/* "region-third table, 3 levels": what an I/O translation anchor designates. */
const char *show_designation(uint64_t iota);

#endif
