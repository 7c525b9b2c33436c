// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Common to the tests of captures. The samples are the one place with text and records side by
 * side, written by hand; everything else is compared with them.
 */
#define _GNU_SOURCE
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

const char sample_text[] = "viommu-capture 1 zpci\n"
			   "note a guest, with = and # in its note\n"
			   "slot gpa=0x0 bytes=0x100000 prot=rw\n"
			   "slot gpa=0xfffffffffffff000 bytes=0x1000 prot=r\n"
			   "function fh=0x80000001 fid=0x10 state=enabled\n"
			   "function fh=0x2 fid=0x11 state=standby sdma=0x1000 edma=0xffffffff msia=0xfe00 dtsm=0x40 pft=0x5 refresh=0 relaxed=1\n"
			   "mem 0x10000 0x20 2048\n"
			   "mem 0xfffffffffffffff8 0xffffffffffffffff\n"
			   "mpcifc fh=0x80000001 oc=4 dmaas=0 pba=0x100000000 pal=0x17fffffff iota=0x10804 fmt=0x1 cc=0 t=1000\n"
			   "rpcit fh=0x80000001 start=0x100000000 bytes=0x2000 cc=1 status=16 t=18446744073709551615\n"
			   "oracle first=0x0 last=0xffffffffffffffff\n"
			   "page 0x100000000 0x20000 rw 2\n"
			   "page 0xfffffffffffff000 0x0 r\n"
			   "oracle first=0x1000 last=0x1fff\n"
			   "mpcifc fh=0x80000001 oc=255 dmaas=255 pba=0x0 pal=0x0 iota=0x0 exception=0x15\n"
			   "stpcifc fh=0xffffffff dmaas=0x1 cc=3\n"
			   "clp fh=0x80000001 op=disable to=0x1 t=0\n"
			   "sclp fh=0x1 op=deconfigure\n"
			   "clp fh=0x1 op=enable to=0x81000001\n"
			   "sclp fh=0x2 op=configure t=5\n"
			   "unplug fh=0x2\n"
			   "unslot gpa=0xfffffffffffff000\n"
			   "end operations=8\n";

const struct capture_record sample_records[] = {
	{ .kind = CAPTURE_NOTE, .note = { "a guest, with = and # in its note" } },
	{ .kind = CAPTURE_SLOT, .slot = { 0, 0x100000, CAPTURE_RW } },
	{ .kind = CAPTURE_SLOT, .slot = { 0xfffffffffffff000, 0x1000, CAPTURE_R } },
	{ .kind = CAPTURE_FUNCTION, .function = { .fh = 0x80000001, .fid = 0x10, .state = CAPTURE_ENABLED } },
	{ .kind = CAPTURE_FUNCTION, .function = { 2, 0x11, CAPTURE_STANDBY, 0x1000, 0xffffffff, 0xfe00, 0x40, 5, true, true } },
	{ .kind = CAPTURE_MEM, .mem = { 0x10000, 0x20, 2048 } },
	{ .kind = CAPTURE_MEM, .mem = { 0xfffffffffffffff8, UINT64_MAX, 1 } },
	{ .kind = CAPTURE_MPCIFC,
	  .answer = { .kind = CAPTURE_ANSWER_CC },
	  .time = { true, 1000 },
	  .mpcifc = { 0x80000001, 4, 0, 1, 0x100000000, 0x17fffffff, 0x10804 } },
	{ .kind = CAPTURE_RPCIT,
	  .answer = { .kind = CAPTURE_ANSWER_CC, .cc = 1, .has_status = true, .status = 16 },
	  .time = { true, UINT64_MAX },
	  .rpcit = { 0x80000001, 0x100000000, 0x2000 } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0, .last = UINT64_MAX } },
	{ .kind = CAPTURE_PAGE, .page = { 0x100000000, 0x20000, CAPTURE_RW, 2 } },
	{ .kind = CAPTURE_PAGE, .page = { 0xfffffffffffff000, 0, CAPTURE_R, 1 } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0x1000, .last = 0x1fff } },
	{ .kind = CAPTURE_MPCIFC, .answer = { .kind = CAPTURE_ANSWER_EXCEPTION, .exception = 0x15 }, .mpcifc = { 0x80000001, 255, 255, 0, 0, 0, 0 } },
	{ .kind = CAPTURE_STPCIFC, .answer = { .kind = CAPTURE_ANSWER_CC, .cc = 3 }, .stpcifc = { 0xffffffff, 1 } },
	{ .kind = CAPTURE_CLP, .time = { true, 0 }, .clp = { 0x80000001, CAPTURE_CLP_DISABLE, 1 } },
	{ .kind = CAPTURE_SCLP, .sclp = { 1, CAPTURE_SCLP_DECONFIGURE } },
	{ .kind = CAPTURE_CLP, .clp = { 1, CAPTURE_CLP_ENABLE, 0x81000001 } },
	{ .kind = CAPTURE_SCLP, .time = { true, 5 }, .sclp = { 2, CAPTURE_SCLP_CONFIGURE } },
	{ .kind = CAPTURE_UNPLUG, .unplug = { .fh = 2 } },
	{ .kind = CAPTURE_UNSLOT, .unslot = { 0xfffffffffffff000 } },
	{ .kind = CAPTURE_END, .end = { 8 } },
};
const size_t sample_count = sizeof(sample_records) / sizeof(sample_records[0]);

static const char smmuv3_text[] = "viommu-capture 1 smmuv3\n"
				  "slot gpa=0x40000000 bytes=0x100000 prot=rw\n"
				  "smmu sid_bits=8 output_bits=48 abort=1\n"
				  "stream sid=0x0\n"
				  "stream sid=0xff\n"
				  "mem 0x40000000 0x40001001 2\n"
				  "write offset=0x80 bytes=8 value=0x4000000040000000 t=0\n"
				  "write offset=0x20 bytes=4 value=0xffffffff\n"
				  "write offset=0x1fff8 bytes=8 value=0xffffffffffffffff\n"
				  "oracle sid=0x0 first=0x0 last=0xffffffffffffffff\n"
				  "page 0x0 0x40000000 rw\n"
				  "page 0xffffff8000000000 0x40001000 r 16\n"
				  "oracle sid=0xff first=0x1000 last=0x1fff\n"
				  "kick sid=0xff t=18446744073709551615\n"
				  "oracle sid=0xff first=0x1000 last=0x1fff\n"
				  "kick sid=0x0\n"
				  "unplug sid=0xff\n"
				  "unslot gpa=0x40000000\n"
				  "end operations=5\n";

static const struct capture_record smmuv3_records[] = {
	{ .kind = CAPTURE_SLOT, .slot = { 0x40000000, 0x100000, CAPTURE_RW } },
	{ .kind = CAPTURE_SMMU, .smmu = { .sid_bits = 8, .output_bits = 48, .abort = true } },
	{ .kind = CAPTURE_STREAM, .stream = { 0 } },
	{ .kind = CAPTURE_STREAM, .stream = { 0xff } },
	{ .kind = CAPTURE_MEM, .mem = { 0x40000000, 0x40001001, 2 } },
	{ .kind = CAPTURE_WRITE, .time = { true, 0 }, .write = { .offset = 0x80, .bytes = 8, .value = 0x4000000040000000 } },
	{ .kind = CAPTURE_WRITE, .write = { .offset = 0x20, .bytes = 4, .value = 0xffffffff } },
	{ .kind = CAPTURE_WRITE, .write = { .offset = 0x1fff8, .bytes = 8, .value = UINT64_MAX } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0, .last = UINT64_MAX, .sid = 0 } },
	{ .kind = CAPTURE_PAGE, .page = { 0, 0x40000000, CAPTURE_RW, 1 } },
	{ .kind = CAPTURE_PAGE, .page = { 0xffffff8000000000, 0x40001000, CAPTURE_R, 16 } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0x1000, .last = 0x1fff, .sid = 0xff } },
	{ .kind = CAPTURE_KICK, .time = { true, UINT64_MAX }, .kick = { 0xff } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0x1000, .last = 0x1fff, .sid = 0xff } },
	{ .kind = CAPTURE_KICK, .kick = { 0 } },
	{ .kind = CAPTURE_UNPLUG, .unplug = { .sid = 0xff } },
	{ .kind = CAPTURE_UNSLOT, .unslot = { 0x40000000 } },
	{ .kind = CAPTURE_END, .end = { 5 } },
};

static const char vtd_text[] = "viommu-capture 2 vtd\n"
			       "slot gpa=0x0 bytes=0x100000 prot=rw\n"
			       "iommu address_bits=39\n"
			       "stream sid=0x8\n"
			       "stream sid=0xffff\n"
			       "write offset=0x20 bytes=8 value=0x1000\n"
			       "write offset=0xffc bytes=4 value=0xffffffff t=7\n"
			       "oracle sid=0x8 first=0x1000 last=0x3fff\n"
			       "page 0x1000 0x2000 w\n"
			       "page 0x2000 0x5000 r\n"
			       "page 0x3000 0x6000 rw\n"
			       "kick sid=0xffff t=8\n"
			       "unplug sid=0xffff\n"
			       "end operations=3\n";

static const struct capture_record vtd_records[] = {
	{ .kind = CAPTURE_SLOT, .slot = { 0, 0x100000, CAPTURE_RW } },
	{ .kind = CAPTURE_IOMMU, .iommu = { .address_bits = 39 } },
	{ .kind = CAPTURE_STREAM, .stream = { 8 } },
	{ .kind = CAPTURE_STREAM, .stream = { 0xffff } },
	{ .kind = CAPTURE_WRITE, .write = { .offset = 0x20, .bytes = 8, .value = 0x1000 } },
	{ .kind = CAPTURE_WRITE, .time = { true, 7 }, .write = { .offset = 0xffc, .bytes = 4, .value = 0xffffffff } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0x1000, .last = 0x3fff, .sid = 8 } },
	{ .kind = CAPTURE_PAGE, .page = { 0x1000, 0x2000, CAPTURE_W, 1 } },
	{ .kind = CAPTURE_PAGE, .page = { 0x2000, 0x5000, CAPTURE_R, 1 } },
	{ .kind = CAPTURE_PAGE, .page = { 0x3000, 0x6000, CAPTURE_RW, 1 } },
	{ .kind = CAPTURE_KICK, .time = { true, 8 }, .kick = { 0xffff } },
	{ .kind = CAPTURE_UNPLUG, .unplug = { .sid = 0xffff } },
	{ .kind = CAPTURE_END, .end = { 3 } },
};

static const char amdvi_text[] = "viommu-capture 2 amdvi\n"
				 "slot gpa=0x0 bytes=0x100000 prot=rw\n"
				 "iommu\n"
				 "stream sid=0x8\n"
				 "write offset=0x3ff8 bytes=8 value=0x100000000 t=7\n"
				 "write offset=0x3ff8 bytes=8 value=0x100000000 t=8\n"
				 "end operations=2\n";

static const struct capture_record amdvi_records[] = {
	{ .kind = CAPTURE_SLOT, .slot = { 0, 0x100000, CAPTURE_RW } },
	{ .kind = CAPTURE_IOMMU },
	{ .kind = CAPTURE_STREAM, .stream = { 8 } },
	{ .kind = CAPTURE_WRITE, .time = { true, 7 }, .write = { .offset = 0x3ff8, .bytes = 8, .value = 0x100000000 } },
	{ .kind = CAPTURE_WRITE, .time = { true, 8 }, .write = { .offset = 0x3ff8, .bytes = 8, .value = 0x100000000 } },
	{ .kind = CAPTURE_END, .end = { 2 } },
};

static const char virtio_text[] = "viommu-capture 2 virtio\n"
				  "slot gpa=0x0 bytes=0x100000 prot=rw\n"
				  "iommu address_bits=64 bypass=1\n"
				  "stream sid=0xffffffff\n"
				  "driver features=0x0 t=1\n"
				  "driver features=0xffffffffffffffff\n"
				  "request type=attach domain=0xffffffff endpoint=0xffffffff flags=0x1 status=0 t=2\n"
				  "request type=detach domain=0x0 endpoint=0x0 status=255\n"
				  "request type=map domain=0x1 first=0x0 last=0xffffffffffffffff gpa=0xfffffffffffff000 flags=0x7\n"
				  "oracle sid=0xffffffff first=0x0 last=0xfff\n"
				  "request type=unmap domain=0x1 first=0x1000 last=0x1fff status=1 t=3\n"
				  "end operations=6\n";

static const struct capture_record virtio_records[] = {
	{ .kind = CAPTURE_SLOT, .slot = { 0, 0x100000, CAPTURE_RW } },
	{ .kind = CAPTURE_IOMMU, .iommu = { .address_bits = 64, .bypass = true } },
	{ .kind = CAPTURE_STREAM, .stream = { 0xffffffff } },
	{ .kind = CAPTURE_DRIVER, .time = { true, 1 }, .driver = { 0 } },
	{ .kind = CAPTURE_DRIVER, .driver = { UINT64_MAX } },
	{ .kind = CAPTURE_REQUEST,
	  .time = { true, 2 },
	  .request = { .type = CAPTURE_ATTACH, .domain = 0xffffffff, .endpoint = 0xffffffff, .flags = 1, .has_status = true } },
	{ .kind = CAPTURE_REQUEST, .request = { .type = CAPTURE_DETACH, .has_status = true, .status = 255 } },
	{ .kind = CAPTURE_REQUEST, .request = { .type = CAPTURE_MAP, .domain = 1, .last = UINT64_MAX, .gpa = 0xfffffffffffff000, .flags = 7 } },
	{ .kind = CAPTURE_ORACLE, .oracle = { .first = 0, .last = 0xfff, .sid = 0xffffffff } },
	{ .kind = CAPTURE_REQUEST,
	  .time = { true, 3 },
	  .request = { .type = CAPTURE_UNMAP, .domain = 1, .first = 0x1000, .last = 0x1fff, .has_status = true, .status = 1 } },
	{ .kind = CAPTURE_END, .end = { 6 } },
};

const struct sample samples[SAMPLES] = {
	{ CAPTURE_ZPCI, sample_text, sample_records, sizeof(sample_records) / sizeof(sample_records[0]) },
	{ CAPTURE_SMMUV3, smmuv3_text, smmuv3_records, sizeof(smmuv3_records) / sizeof(smmuv3_records[0]) },
	{ CAPTURE_VTD, vtd_text, vtd_records, sizeof(vtd_records) / sizeof(vtd_records[0]) },
	{ CAPTURE_AMDVI, amdvi_text, amdvi_records, sizeof(amdvi_records) / sizeof(amdvi_records[0]) },
	{ CAPTURE_VIRTIO, virtio_text, virtio_records, sizeof(virtio_records) / sizeof(virtio_records[0]) },
};

/* In memory: the tests write it ten thousand times, which is slow on some file systems. */
static int rig_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

const char *rig_path(void)
{
	static char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", rig_file());
	return path;
}

void rig_put(const void *data, size_t bytes)
{
	assert_int_equal(ftruncate(rig_file(), 0), 0);
	assert_int_equal(pwrite(rig_file(), data, bytes, 0), bytes);
}

size_t rig_get(void *data, size_t room)
{
	ssize_t bytes = pread(rig_file(), data, room, 0);

	assert_true(bytes >= 0 && (size_t)bytes < room);
	return (size_t)bytes;
}

size_t rig_pack(const char *text, size_t bytes, void *packed, size_t room)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	assert_non_null(zstd);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	size_t done = ZSTD_compress2(zstd, packed, room, text, bytes);
	assert_false(ZSTD_isError(done));
	ZSTD_freeCCtx(zstd);
	return done;
}

static bool same_function(const struct capture_function *a, const struct capture_function *b)
{
	return a->fh == b->fh && a->fid == b->fid && a->state == b->state && a->sdma == b->sdma && a->edma == b->edma && a->msia == b->msia &&
	       a->dtsm == b->dtsm && a->pft == b->pft && a->no_refresh == b->no_refresh && a->relaxed == b->relaxed;
}

static bool same_mpcifc(const struct capture_mpcifc *a, const struct capture_mpcifc *b)
{
	return a->fh == b->fh && a->oc == b->oc && a->dmaas == b->dmaas && a->fmt == b->fmt && a->pba == b->pba && a->pal == b->pal && a->iota == b->iota;
}

static bool same_request(const struct capture_request *a, const struct capture_request *b)
{
	return a->type == b->type && a->domain == b->domain && a->endpoint == b->endpoint && a->flags == b->flags && a->first == b->first &&
	       a->last == b->last && a->gpa == b->gpa && a->has_status == b->has_status && a->status == b->status;
}

static bool same_fields(const struct capture_record *a, const struct capture_record *b)
{
	switch (a->kind) {
	case CAPTURE_NOTE:
		return !strcmp(a->note.text, b->note.text);
	case CAPTURE_SLOT:
		return a->slot.gpa == b->slot.gpa && a->slot.bytes == b->slot.bytes && a->slot.prot == b->slot.prot;
	case CAPTURE_UNSLOT:
		return a->unslot.gpa == b->unslot.gpa;
	case CAPTURE_FUNCTION:
		return same_function(&a->function, &b->function);
	case CAPTURE_SMMU:
		return a->smmu.sid_bits == b->smmu.sid_bits && a->smmu.output_bits == b->smmu.output_bits && a->smmu.abort == b->smmu.abort;
	case CAPTURE_IOMMU:
		return a->iommu.address_bits == b->iommu.address_bits && a->iommu.bypass == b->iommu.bypass;
	case CAPTURE_DRIVER:
		return a->driver.features == b->driver.features;
	case CAPTURE_REQUEST:
		return same_request(&a->request, &b->request);
	case CAPTURE_STREAM:
		return a->stream.sid == b->stream.sid;
	case CAPTURE_UNPLUG:
		return a->unplug.fh == b->unplug.fh && a->unplug.sid == b->unplug.sid;
	case CAPTURE_MEM:
		return a->mem.gpa == b->mem.gpa && a->mem.value == b->mem.value && a->mem.count == b->mem.count;
	case CAPTURE_MPCIFC:
		return same_mpcifc(&a->mpcifc, &b->mpcifc);
	case CAPTURE_RPCIT:
		return a->rpcit.fh == b->rpcit.fh && a->rpcit.start == b->rpcit.start && a->rpcit.bytes == b->rpcit.bytes;
	case CAPTURE_STPCIFC:
		return a->stpcifc.fh == b->stpcifc.fh && a->stpcifc.dmaas == b->stpcifc.dmaas;
	case CAPTURE_CLP:
		return a->clp.fh == b->clp.fh && a->clp.op == b->clp.op && a->clp.to == b->clp.to;
	case CAPTURE_SCLP:
		return a->sclp.fh == b->sclp.fh && a->sclp.op == b->sclp.op;
	case CAPTURE_ORACLE:
		return a->oracle.first == b->oracle.first && a->oracle.last == b->oracle.last && a->oracle.sid == b->oracle.sid;
	case CAPTURE_WRITE:
		return a->write.offset == b->write.offset && a->write.bytes == b->write.bytes && a->write.value == b->write.value;
	case CAPTURE_KICK:
		return a->kick.sid == b->kick.sid;
	case CAPTURE_PAGE:
		return a->page.iova == b->page.iova && a->page.gpa == b->page.gpa && a->page.prot == b->page.prot && a->page.count == b->page.count;
	case CAPTURE_END:
		return a->end.operations == b->end.operations;
	}
	return false;
}

bool rig_same(const struct capture_record *a, const struct capture_record *b)
{
	return a->kind == b->kind && a->answer.kind == b->answer.kind && a->answer.cc == b->answer.cc && a->answer.has_status == b->answer.has_status &&
	       a->answer.status == b->answer.status && a->answer.exception == b->answer.exception && a->time.known == b->time.known &&
	       a->time.ns == b->time.ns && same_fields(a, b);
}

size_t rig_read(const struct capture_record *records, size_t count, enum capture_fault *fault, struct capture_error *error)
{
	struct capture_error mine;
	struct capture_record record;
	size_t done = 0;
	int got;

	if (!error)
		error = &mine;
	*error = (struct capture_error){ 0 };
	*fault = CAPTURE_FAULT_NONE;
	struct capture_reader *reader = capture_reader_open(rig_path(), error);
	if (!reader) {
		*fault = error->fault;
		assert_int_not_equal(*fault, CAPTURE_FAULT_NONE);
		return 0;
	}
	while ((got = capture_read(reader, &record, error)) > 0) {
		if (records) {
			assert_true(done < count);
			assert_true(rig_same(&record, &records[done]));
		}
		done++;
	}
	if (got < 0) {
		*fault = error->fault;
		assert_int_not_equal(*fault, CAPTURE_FAULT_NONE);
		/* One line, for people, that does not change by asking again. */
		assert_true(strlen(error->message) > 0);
		assert_null(strchr(error->message, '\n'));
		assert_int_equal(capture_read(reader, &record, error), got);
	}
	capture_reader_close(reader);
	return done;
}
