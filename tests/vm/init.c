/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The first process of a test host: it prepares the machine, runs one program as root, reports the
 * result to run-in-host, which has started the machine, and powers the machine off.
 *
 * The file /job has the instructions: strings, each ended by a zero byte.
 *   module=PATH       load this module of the kernel, in the order of these lines
 *   bind=ADDRESS      give this PCI function to vfio-pci
 *   limit=SECONDS     how long the program may take
 *   env=NAME=VALUE    of the program's environment
 *   arg=WORD          of the program's command line, its path first
 *
 * The console carries everything, and once the kernel has started this process nothing else writes
 * to it: the kernel's messages are kept from it (except those of a crashing kernel), read from
 * /dev/kmsg, and written here like the rest. Each line begins with its kind:
 *   out TEXT, err TEXT   what the program wrote; out+TEXT and err+TEXT are not the end of a line
 *   log LEVEL TEXT       a message of the kernel's
 *   say TEXT             a message of this process
 *   end exit STATUS | end signal NUMBER | end timeout | end failed
 * The last one is written when the program and all that it started are gone, and their devices
 * closed. A machine that ends without it has failed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define WORDS 256

static struct {
	char *arguments[WORDS + 1];
	char *environment[WORDS + 1];
	char *devices[WORDS];
	char *modules[WORDS];
	size_t argument_count, environment_count, device_count, module_count;
	long limit;
} job;

static int console;

static void write_console(const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(console, text, length);

		if (n < 0 && errno != EINTR)
			return; /* there is no parent to report to */
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
}

__attribute__((format(printf, 1, 2))) static void line(const char *format, ...)
{
	char text[2048];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text) - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length > sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length++] = '\n';
	write_console(text, (size_t)length);
}

/* One piece of a program's output, with the prefix of each line. */
static void pass_on(const char *tag, const char *data, size_t length)
{
	char text[4 + 4096 + 1];

	while (length) {
		const char *end = memchr(data, '\n', length);
		size_t piece = end ? (size_t)(end - data) : length;
		bool whole = end;

		if (piece > 4096) {
			piece = 4096;
			whole = false;
		}
		memcpy(text, tag, 3);
		text[3] = whole ? ' ' : '+';
		memcpy(text + 4, data, piece);
		text[4 + piece] = '\n';
		write_console(text, 4 + piece + 1);
		data += piece + whole;
		length -= piece + whole;
	}
}

/*
 * Writes new kernel messages. A record of /dev/kmsg is "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT",
 * newline, and lines that begin with a blank.
 */
static void pass_on_kernel_messages(int kmsg)
{
	char record[8192];

	for (;;) {
		ssize_t n = read(kmsg, record, sizeof(record) - 1);
		char *text, *end;

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: records were overwritten before they were read */
		if (n <= 0)
			return;
		record[n] = 0;
		text = strchr(record, ';');
		if (!text)
			continue;
		end = strchr(text, '\n');
		if (end)
			*end = 0;
		line("log %ld %s", strtol(record, NULL, 10) & 7, text + 1);
	}
}

/* Powers the machine off. */
static _Noreturn void finish(void)
{
	tcdrain(console);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (kmsg >= 0)
		pass_on_kernel_messages(kmsg);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	line("say %s", text);
	line("end failed");
	finish();
}

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		fail("cannot mount %s at %s: %s", type, path, strerror(errno));
}

static void open_console(void)
{
	struct termios terminal;

	console = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console < 0)
		finish();
	/* Output is written unmodified, and there is no input. */
	if (!tcgetattr(console, &terminal)) {
		cfmakeraw(&terminal);
		tcsetattr(console, TCSANOW, &terminal);
	}
	/*
	 * From now on the kernel writes to the console only when it crashes:
	 * SYSLOG_ACTION_CONSOLE_LEVEL.
	 */
	klogctl(8, NULL, 1);
}

static void append(char **words, size_t *count, char *word)
{
	if (*count == WORDS)
		fail("/job: more than %d of one kind", WORDS);
	words[(*count)++] = word;
}

static void read_job(void)
{
	static char text[1 << 16];
	int fd = open("/job", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		fail("cannot read /job: %s", strerror(errno));
	if (n == sizeof(text) - 1)
		fail("/job is too long");
	close(fd);
	for (char *word = text; word < text + n; word += strlen(word) + 1) {
		if (!strncmp(word, "module=", 7))
			append(job.modules, &job.module_count, word + 7);
		else if (!strncmp(word, "bind=", 5))
			append(job.devices, &job.device_count, word + 5);
		else if (!strncmp(word, "limit=", 6))
			job.limit = strtol(word + 6, NULL, 10);
		else if (!strncmp(word, "env=", 4))
			append(job.environment, &job.environment_count, word + 4);
		else if (!strncmp(word, "arg=", 4))
			append(job.arguments, &job.argument_count, word + 4);
		else
			fail("/job: unknown: %s", word);
	}
	if (!job.argument_count || job.limit <= 0)
		fail("/job names no program, or no limit");
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("cannot write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		fail("cannot load %s: %s", path, strerror(errno));
	close(fd);
}

static void bind_to_vfio(const char *address)
{
	char path[128], driver[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", address);
	write_file(path, "vfio-pci");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", address);
	if (!access(path, F_OK))
		write_file(path, address);
	write_file("/sys/bus/pci/drivers_probe", address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
	n = readlink(path, driver, sizeof(driver) - 1);
	driver[n < 0 ? 0 : n] = 0;
	if (n < 0 || !strstr(driver, "/vfio-pci"))
		fail("%s is not bound to vfio-pci", address);
}

/* The state of a thread that does not end. */
static void show_thread(const char *process, const char *thread)
{
	static const char *const files[] = { "comm", "wchan", "syscall", "stack" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[600], text[4096], *rest = text, *each;
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/task/%s/%s", process, thread, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		text[n < 0 ? 0 : n] = 0;
		while ((each = strsep(&rest, "\n")))
			if (*each)
				line("say thread %s: %s: %s", thread, files[i], each);
	}
}

/* The same for all processes except this one and kernel threads, which have no command line. */
static void show_processes(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *process, *thread;

	while (processes && (process = readdir(processes))) {
		char path[300], byte;
		int fd;
		bool found;
		DIR *threads;

		if (process->d_name[0] < '1' || process->d_name[0] > '9' || !strcmp(process->d_name, "1"))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", process->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		found = fd >= 0 && read(fd, &byte, 1) == 1;
		if (fd >= 0)
			close(fd);
		if (!found)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", process->d_name);
		threads = opendir(path);
		while (threads && (thread = readdir(threads)))
			if (thread->d_name[0] != '.')
				show_thread(process->d_name, thread->d_name);
		if (threads)
			closedir(threads);
	}
	if (processes)
		closedir(processes);
}

/* Becomes the program. */
static _Noreturn void become_program(int out, int err)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (chdir("/tmp"))
		_exit(127);
	execve(job.arguments[0], job.arguments, job.environment);
	dprintf(2, "cannot execute %s: %s\n", job.arguments[0], strerror(errno));
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The state while the program runs. */
struct watch {
	struct pollfd fds[4]; /* out, err, kernel messages, signals */
	pid_t program;	      /* 0: it has ended */
	int status;
	int64_t deadline;
};

enum { OUT, ERR, KMSG, SIGNALS };

/* Forwards pending output, and reaps processes that have ended. False after the time limit. */
static bool watch_once(struct watch *w)
{
	static const char *const tags[] = { "out", "err" };
	int64_t left = w->deadline - now_ms();
	struct signalfd_siginfo ignored;
	char data[65536];
	pid_t process;
	int status;

	if (left <= 0 || poll(w->fds, 4, left > 10000 ? 10000 : (int)left) < 0)
		return left > 0;
	for (int i = OUT; i <= ERR; i++) {
		ssize_t n = w->fds[i].revents ? read(w->fds[i].fd, data, sizeof(data)) : -1;

		if (n > 0) {
			pass_on(tags[i], data, (size_t)n);
		} else if (n == 0) {
			close(w->fds[i].fd);
			w->fds[i].fd = -1; /* poll() leaves it out */
		}
	}
	if (w->fds[KMSG].revents)
		pass_on_kernel_messages(w->fds[KMSG].fd);
	if (w->fds[SIGNALS].revents)
		while (read(w->fds[SIGNALS].fd, &ignored, sizeof(ignored)) > 0)
			;
	while ((process = waitpid(-1, &status, WNOHANG)) > 0)
		if (process == w->program) {
			w->program = 0;
			w->status = status;
		}
	return true;
}

/*
 * Whether all of the program's processes are gone, so that all its devices are closed, and all of
 * its output is written.
 */
static bool all_gone(const struct watch *w)
{
	return !w->program && w->fds[OUT].fd < 0 && w->fds[ERR].fd < 0 && waitpid(-1, NULL, WNOHANG) < 0;
}

static void run_program(void)
{
	struct watch w = { .deadline = now_ms() + job.limit * 1000 };
	int out[2], err[2];
	sigset_t child;
	bool in_time = true;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	w.fds[KMSG].fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	w.fds[SIGNALS].fd = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (w.fds[KMSG].fd < 0 || w.fds[SIGNALS].fd < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("no pipes, or no kernel messages: %s", strerror(errno));
	pass_on_kernel_messages(w.fds[KMSG].fd);
	line("say %s starts", job.arguments[0]);
	w.program = fork();
	if (w.program < 0)
		fail("cannot fork: %s", strerror(errno));
	if (!w.program)
		become_program(out[1], err[1]);
	close(out[1]);
	close(err[1]);
	w.fds[OUT].fd = out[0];
	w.fds[ERR].fd = err[0];
	for (int i = 0; i < 4; i++)
		w.fds[i].events = POLLIN;

	while (w.program && in_time)
		in_time = watch_once(&w);
	if (!in_time) {
		line("say the program has not ended within %ld seconds; its threads:", job.limit);
		show_processes();
	}
	/* Its children end with it. */
	w.deadline = now_ms() + 60000;
	do
		kill(-1, SIGKILL);
	while (!all_gone(&w) && watch_once(&w));
	/* A message without an end of line becomes readable with the next one. */
	write_file("/dev/kmsg", "init: the program has ended\n");
	pass_on_kernel_messages(w.fds[KMSG].fd);
	if (!all_gone(&w)) {
		line("say a process does not end when it is killed:");
		show_processes();
		pass_on_kernel_messages(w.fds[KMSG].fd);
		line("end %s", in_time ? "failed" : "timeout");
	} else if (!in_time) {
		line("end timeout");
	} else if (WIFSIGNALED(w.status)) {
		line("end signal %d", WTERMSIG(w.status));
	} else {
		line("end exit %d", WEXITSTATUS(w.status));
	}
}

int main(void)
{
	mount_at("devtmpfs", "/dev");
	open_console();
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("debugfs", "/sys/kernel/debug");
	mount_at("tmpfs", "/tmp");
	mount_at("tmpfs", "/dev/shm");
	read_job();
	for (size_t i = 0; i < job.module_count; i++)
		load_module(job.modules[i]);
	for (size_t i = 0; i < job.device_count; i++)
		bind_to_vfio(job.devices[i]);
	run_program();
	finish();
}
