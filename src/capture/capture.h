/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Captures: recordings of a guest's operations on its IOMMU, read and written a record at a time.
 * docs/capture-format.md defines the text; this is the same in C.
 *
 * Invariants:
 *  - Neither side holds more of a capture than one line, a window of compressed data and the table
 *    of slots, whatever the length of the file.
 *  - The reader accepts every record that the writer accepts. Both judge records by the same rules
 *    (check.c).
 *  - Every record before an error is delivered before the error.
 *  - No globals, no output, no exit: the recorder that uses the writer runs inside QEMU's process.
 *
 * Functions that can fail return a negative errno value, and fill in a capture_error, if given,
 * with a message: one line without a line end, which begins with the name of the file. A reader or
 * a writer is used by one thread at a time.
 */
#ifndef VIOMMU_CAPTURE_H
#define VIOMMU_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of the format. */
#define CAPTURE_LINE_BYTES 4096u	       /* the longest line, its line end not counted */
#define CAPTURE_MAX_SLOTS  1024u	       /* slots at one time */
#define CAPTURE_MAX_COUNT  (UINT64_C(1) << 24) /* doublewords that one mem record sets */
#define CAPTURE_WINDOW_LOG 23		       /* compressed with a window of at most 2^23 bytes */
/* The highest compression level that keeps to that window */
#define CAPTURE_MAX_LEVEL 19
#define CAPTURE_PAGE_SIZE UINT64_C(4096)

/* An SMMUv3's defaults, for an smmu record without the key, or with 0. */
#define CAPTURE_SMMU_SID_BITS	 16u
#define CAPTURE_SMMU_OUTPUT_BITS 44u

/* Defaults of an iommu record. */
#define CAPTURE_IOMMU_ADDRESS_BITS 48u

/* The guest IOMMU of a capture. A capture has the common records and those of its guest IOMMU. */
enum capture_guest { CAPTURE_ZPCI = 1, CAPTURE_SMMUV3, CAPTURE_VTD, CAPTURE_AMDVI, CAPTURE_VIRTIO };
#define CAPTURE_GUESTS 5u

enum capture_kind {
	CAPTURE_NOTE = 1,
	CAPTURE_SLOT,
	CAPTURE_UNSLOT,
	CAPTURE_FUNCTION,
	CAPTURE_SMMU,
	CAPTURE_IOMMU,
	CAPTURE_STREAM,
	CAPTURE_UNPLUG,
	CAPTURE_MEM,
	CAPTURE_MPCIFC, /* zPCI's five operations */
	CAPTURE_RPCIT,
	CAPTURE_STPCIFC,
	CAPTURE_CLP,
	CAPTURE_SCLP,
	CAPTURE_WRITE,	 /* of guest IOMMUs with registers */
	CAPTURE_DRIVER,	 /* of virtio-iommu, as the next one */
	CAPTURE_REQUEST, /* to one of its virtqueues */
	CAPTURE_KICK,	 /* of all but zPCI */
	CAPTURE_ORACLE,
	CAPTURE_PAGE,
	CAPTURE_END,
};
#define CAPTURE_KINDS (CAPTURE_END + 1)

/*
 * Rights. The values are those of VIOMMU_READ and VIOMMU_WRITE. Pages of version 2 alone may be for
 * writing alone.
 */
#define CAPTURE_R  0x1u
#define CAPTURE_W  0x2u
#define CAPTURE_RW 0x3u

/* The function's state when it is plugged. The values are those of enum viommu_zpci_state. */
enum capture_state { CAPTURE_RESERVED = 0, CAPTURE_STANDBY, CAPTURE_DISABLED, CAPTURE_ENABLED };

enum capture_clp_op { CAPTURE_CLP_ENABLE = 1, CAPTURE_CLP_DISABLE };
enum capture_sclp_op { CAPTURE_SCLP_CONFIGURE = 1, CAPTURE_SCLP_DECONFIGURE };

/* The recorded machine's answer to an instruction. All zeros: unknown. */
struct capture_answer {
	enum { CAPTURE_ANSWER_NONE = 0, CAPTURE_ANSWER_CC, CAPTURE_ANSWER_EXCEPTION } kind;
	uint8_t cc;	 /* CAPTURE_ANSWER_CC: 0-3 */
	bool has_status; /* with cc 1 only */
	uint8_t status;
	uint16_t exception; /* CAPTURE_ANSWER_EXCEPTION: the program-interruption code, not 0 */
};

/* The time of an operation, in nanoseconds since the recording began. */
struct capture_time {
	bool known;
	uint64_t ns;
};

/*
 * `note TEXT`. text has no line end; the text of a record that was read is valid until the next
 * read. At most CAPTURE_LINE_BYTES - 5 bytes.
 */
struct capture_note {
	const char *text;
};

/* `slot gpa= bytes= prot=`: zero-filled guest memory appears. */
struct capture_slot {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t prot; /* CAPTURE_R or CAPTURE_RW: what a device may do there */
};

/* `unslot gpa=` */
struct capture_unslot {
	uint64_t gpa;
};

/*
 * `function fh= fid= state= ...`: a function is plugged. A 0 in sdma, edma, msia or dtsm asks for
 * the default of viommu_zpci_function_config.
 */
struct capture_function {
	uint32_t fh;
	uint32_t fid;
	enum capture_state state;
	uint64_t sdma;
	uint64_t edma;
	uint64_t msia;
	uint8_t dtsm;
	uint8_t pft;
	bool no_refresh; /* refresh=0 */
	bool relaxed;
};

/*
 * `smmu sid_bits= output_bits= abort=`: the SMMU appears, as after a reset. A 0 in sid_bits or
 * output_bits asks for the default of viommu_smmuv3_config.
 */
struct capture_smmu {
	uint32_t sid_bits;
	uint32_t output_bits;
	bool abort; /* VIOMMU_SMMUV3_RESET_ABORT */
};

/*
 * `iommu address_bits= bypass=`: a VT-d remapping unit, an AMD-Vi or a virtio-iommu appears, as
 * after a reset. A 0 in address_bits asks for the default.
 */
struct capture_iommu {
	uint32_t address_bits; /* of IOVAs */
	bool bypass;	       /* virtio-iommu: VIOMMU_VIRTIO_BOOT_BYPASS */
};

/*
 * `stream sid=`: a device is plugged. Its name is the StreamID of SMMUv3, the source ID of VT-d,
 * the DeviceID of AMD-Vi, the endpoint ID of virtio-iommu.
 */
struct capture_stream {
	uint32_t sid;
};

/* `unplug fh=` of zPCI, `unplug sid=` of all others. */
struct capture_unplug {
	uint32_t fh;
	uint32_t sid;
};

/*
 * `mem GPA VALUE COUNT`: count (at least 1) doublewords from gpa on all hold value, which is in the
 * CPU's byte order here. In the guest's memory it has the guest IOMMU's order: big-endian with
 * zPCI, little-endian with all others.
 */
struct capture_mem {
	uint64_t gpa;
	uint64_t value;
	uint64_t count;
};

struct capture_mpcifc {
	uint32_t fh;
	uint8_t oc;
	uint8_t dmaas;
	uint8_t fmt;
	uint64_t pba;
	uint64_t pal;
	uint64_t iota;
};

struct capture_rpcit {
	uint32_t fh;
	uint64_t start;
	uint64_t bytes;
};

struct capture_stpcifc {
	uint32_t fh;
	uint8_t dmaas;
};

/* `clp fh= op= to=`: CLP Set PCI Function succeeded, and `to` is the handle from now on. */
struct capture_clp {
	uint32_t fh;
	enum capture_clp_op op;
	uint32_t to;
};

struct capture_sclp {
	uint32_t fh;
	enum capture_sclp_op op;
};

/* `write offset= bytes= value=`: a vCPU's store to the register pages. */
struct capture_write {
	uint64_t offset;    /* below capture_register_bytes(), a multiple of bytes */
	unsigned int bytes; /* 4 or 8 */
	uint64_t value;
};

/* `driver features=`: the driver has reset the virtio-iommu, and accepts these features of it. */
struct capture_driver {
	uint64_t features; /* 0: none yet */
};

/*
 * `request type= ... status=`: the device has answered a request. Fields that the request does not
 * have are 0.
 */
enum capture_request_type { CAPTURE_ATTACH = 1, CAPTURE_DETACH, CAPTURE_MAP, CAPTURE_UNMAP };
struct capture_request {
	enum capture_request_type type; /* as in virtio's struct virtio_iommu_req_head */
	uint32_t domain;
	uint32_t endpoint; /* ATTACH, DETACH */
	uint32_t flags;	   /* ATTACH, MAP */
	uint64_t first;	   /* MAP, UNMAP: IOVA */
	uint64_t last;
	uint64_t gpa; /* MAP */
	bool has_status;
	uint8_t status;
};

/* `kick sid=`: the guest started that device, which may access memory from here on. */
struct capture_kick {
	uint32_t sid;
};

/*
 * `oracle first= last=` of zPCI, `oracle sid= first= last=` of all others: page-aligned, inclusive
 * (last ends in 0xfff). Page records follow.
 */
struct capture_oracle {
	uint64_t first;
	uint64_t last;
	uint32_t sid;
};

/* `page IOVA GPA r|w|rw COUNT`: count (at least 1) pages, contiguous in IOVA and GPA. */
struct capture_page {
	uint64_t iova;
	uint64_t gpa;
	uint32_t prot;
	uint64_t count;
};

struct capture_end {
	uint64_t operations;
};

struct capture_record {
	enum capture_kind kind;
	/* Its line in the text; set by the reader, ignored by the writer */
	uint64_t line;
	struct capture_answer answer; /* of MPCIFC, RPCIT and STPCIFC */
	struct capture_time time;     /* of operations */
	union {
		struct capture_note note;
		struct capture_slot slot;
		struct capture_unslot unslot;
		struct capture_function function;
		struct capture_smmu smmu;
		struct capture_iommu iommu;
		struct capture_stream stream;
		struct capture_unplug unplug;
		struct capture_mem mem;
		struct capture_mpcifc mpcifc;
		struct capture_rpcit rpcit;
		struct capture_stpcifc stpcifc;
		struct capture_clp clp;
		struct capture_sclp sclp;
		struct capture_write write;
		struct capture_driver driver;
		struct capture_request request;
		struct capture_kick kick;
		struct capture_oracle oracle;
		struct capture_page page;
		struct capture_end end;
	};
};

static inline bool capture_is_operation(enum capture_kind kind)
{
	return kind >= CAPTURE_MPCIFC && kind <= CAPTURE_KICK;
}

/* The guest IOMMU's name in the first line, "zpci"; NULL for an unknown value. */
const char *capture_guest_name(enum capture_guest guest);

/* The version of the format that captures of a guest IOMMU have: 1 or 2. */
unsigned int capture_version(enum capture_guest guest);

/* Whether the devices of a guest IOMMU have a sid. */
static inline bool capture_has_streams(enum capture_guest guest)
{
	return guest != CAPTURE_ZPCI;
}

/* The size of the register pages; 0: the guest IOMMU has none. */
uint64_t capture_register_bytes(enum capture_guest guest);

/* Whether captures of a guest IOMMU have such records. */
bool capture_has_kind(enum capture_guest guest, enum capture_kind kind);

/* The keyword of a kind, "mpcifc"; NULL for an unknown kind. */
const char *capture_keyword(enum capture_kind kind);

/* As the format writes them: "enabled", "rw". */
const char *capture_state_name(enum capture_state state);
const char *capture_rights_name(uint32_t prot);
const char *capture_request_name(enum capture_request_type type);

/* The function handle that an operation of zPCI carries. */
uint32_t capture_handle(const struct capture_record *record);

/* The kinds of errors. */
enum capture_fault {
	CAPTURE_FAULT_NONE = 0,
	/* The file could not be opened, read or written, or memory is short */
	CAPTURE_FAULT_SYSTEM,
	CAPTURE_FAULT_NOT_A_CAPTURE, /* it does not begin like a capture */
	/* A capture of another version, or of an unknown guest IOMMU */
	CAPTURE_FAULT_VERSION,
	CAPTURE_FAULT_SYNTAX,	 /* a line that the format does not allow */
	CAPTURE_FAULT_TRUNCATED, /* it stops before its end */
	/* It is damaged: bad compressed data or checksum, or a wrong count */
	CAPTURE_FAULT_CORRUPT,
	CAPTURE_FAULT_WINDOW, /* compressed with a window that is too large */
};

struct capture_error {
	enum capture_fault fault;
	uint64_t line; /* of the decompressed text; 0 for an error without a line */
	char message[512];
};

struct capture_reader;

/*
 * Opens a capture, plain or compressed; "-" is standard input. NULL, with *error filled in, if it
 * cannot be opened or is not a capture.
 */
struct capture_reader *capture_reader_open(const char *path, struct capture_error *error);

/* The guest IOMMU of the capture. */
enum capture_guest capture_reader_guest(const struct capture_reader *reader);

/*
 * Reads the next record: 1. 0 after the last one (CAPTURE_END has been delivered, and the rest of
 * the file is correct). A negative errno value if the capture is bad from here on, and again at
 * every further call.
 */
int capture_read(struct capture_reader *reader, struct capture_record *record, struct capture_error *error);

/* The position: bytes of the file read so far, and the file's size, 0 if unknown. */
void capture_reader_position(const struct capture_reader *reader, uint64_t *done, uint64_t *total);

/* Whether the file is compressed. */
bool capture_reader_is_compressed(const struct capture_reader *reader);

/* NULL is allowed. */
void capture_reader_close(struct capture_reader *reader);

struct capture_writer;

/*
 * Creates or empties a file and begins a capture of that guest IOMMU in it. level 0 writes plain
 * text, 1 to CAPTURE_MAX_LEVEL compresses; a higher level is taken as CAPTURE_MAX_LEVEL. NULL, with
 * *error filled in, if that fails.
 */
struct capture_writer *capture_writer_open(const char *path, enum capture_guest guest, int level, struct capture_error *error);

/*
 * Writes a record. 0; -EINVAL for a record that the format does not allow: it is not written, and
 * the writer goes on; another negative errno value if the file cannot be written: from then on
 * every call returns it. CAPTURE_END is written by capture_writer_close(), and is -EINVAL here.
 */
int capture_write(struct capture_writer *writer, const struct capture_record *record);

/*
 * Hands everything written so far to the operating system, so that it is readable even if this
 * process is killed. 0 or a negative errno value.
 */
int capture_writer_flush(struct capture_writer *writer);

/* The error of the last call that failed. Valid until the writer is closed. */
const struct capture_error *capture_writer_error(const struct capture_writer *writer);

/*
 * Writes the end record, closes the file and frees the writer, in any case. 0, or a negative errno
 * value with *error (which may be NULL) filled in: then the capture on disk is not complete.
 */
int capture_writer_close(struct capture_writer *writer, struct capture_error *error);

/*
 * Closes without the end record: the capture then reads as truncated, since its recorder did not
 * see the end. NULL is allowed.
 */
void capture_writer_abandon(struct capture_writer *writer);

#endif
