/* Output to one or many, to nobody, and paste. */
#define _GNU_SOURCE
#include "ruler.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than any history that is measured. */
#define KEPT_MAX (8 * 1024 * 1024)

static const double MIB = 1048576, GIB = 1073741824;

static bool
hasAll(const struct session *sessions, int count)
{
	uint64_t sent;

	if (!__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE))
		return false;
	sent = shared->sent;
	for (int i = 0; i < count; i++)
		if (sessions[i].got + sessions[i].missed < sent)
			return false;
	return true;
}

/* Receive everywhere until everybody has all, or nothing comes any more. */
static void
receive(struct session *sessions, int count)
{
	static char buffer[BUFFER];
	struct epoll_event events[256];
	int all = epoll_create1(EPOLL_CLOEXEC);
	long heard = now();

	for (int i = 0; i < count; i++) {
		struct epoll_event e = { EPOLLIN, { .ptr = &sessions[i] } };

		sessions[i].last = heard;
		epoll_ctl(all, EPOLL_CTL_ADD, sessions[i].fd, &e);
	}
	while (!hasAll(sessions, count) && now() - heard < SILENCE_NS) {
		int ready = epoll_wait(all, events, 256, 20);

		for (int i = 0; i < ready; i++) {
			struct session *s = events[i].data.ptr;
			ssize_t n = recv(s->fd, buffer, sizeof buffer, MSG_DONTWAIT);

			if (n > 0) {
				take(s, buffer, n);
				heard = s->last;
			} else if (n == 0) {
				epoll_ctl(all, EPOLL_CTL_DEL, s->fd, NULL);
			}
		}
	}
	close(all);
}

static int
byRate(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* An operator and any number of watchers, all of them reading. */
void
measureOutput(void)
{
	int count = options.count + 1;
	struct session *sessions = calloc(count, sizeof *sessions);
	double *rates = calloc(count, sizeof *rates), cpu, own, elapsed;
	uint64_t delivered = 0, lost = 0, corrupt = 0;
	long began, ended = 0;
	pid_t writer;

	for (int i = 0; i < count; i++)
		if (!attach(&sessions[i], &options.zones[0],
		    i == 0 ? options.wire : options.watchers,
		    i == 0 ? OPERATOR : WATCHER))
			wrong("could not attach");
	flush(&options.zones[0]);
	settle(sessions, count);
	writer = startZone(&options.zones[0], zoneWrites);
	cpu = serverCpu();
	own = ownCpu();
	began = now();
	openGate();
	receive(sessions, count);
	cpu = serverCpu() - cpu;
	own = ownCpu() - own;
	for (int i = 0; i < count; i++) {
		struct session *s = &sessions[i];

		delivered += s->got;
		lost += shared->sent > s->got ? shared->sent - s->got : 0;
		corrupt += s->corrupt;
		rates[i] = s->got / MIB / ((s->last - began) / 1e9);
		if (s->last > ended)
			ended = s->last;
		close(s->fd);
	}
	elapsed = (ended - began) / 1e9;
	if (count > 1)
		qsort(rates + 1, count - 1, sizeof *rates, byRate);
	figure("mib_s", count > 1 ? rates[1 + (count - 1) / 2] : rates[0]);
	figure("cpu_s_gib", cpu / (delivered / GIB));
	figure("lost_pct", 100.0 * lost / ((double)shared->sent * count));
	figure("corrupt", corrupt);
	figure("ruler_busy", own / elapsed);
	end(writer);
}

/* How much of the end of what a zone printed can still be had, and is right. */
static void
measureKept(void)
{
	char *all = malloc(KEPT_MAX);
	struct session look, check;
	size_t has = 0;
	long heard;

	pauseMs(100);
	if (!attach(&look, &options.zones[0], ATTACH, WATCHER))
		wrong("could not attach");
	heard = now();
	while (has < KEPT_MAX && now() - heard < 200000000L) {
		ssize_t n = recv(look.fd, all + has, KEPT_MAX - has, MSG_DONTWAIT);

		if (n > 0) {
			heard = now();
			has += n;
		} else {
			pauseMs(2);
		}
	}
	/* Once to learn where it ends, which is the last byte that the zone has printed,
	 * and once more, with that, to verify what is there without a gap before it. */
	check = look;
	take(&look, all, has);
	check.origin = look.offset - shared->sent;
	check.verifyFrom = look.offset - look.run;
	check.verify = true;
	take(&check, all, has);
	figure("kept_kib", check.corrupt || look.run > shared->sent ? 0 :
	    look.run / 1024.0);
	free(all);
	close(look.fd);
}

/* A zone prints, and nobody is attached. */
void
measureUnwatched(void)
{
	pid_t writer = startZone(&options.zones[0], zoneWrites);
	long began, limit;
	double cpu;

	pauseMs(30);
	cpu = serverCpu();
	began = now();
	limit = began + (long)(options.seconds * 1e9) + SILENCE_NS;
	openGate();
	while (!__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE) && now() < limit)
		pauseMs(1);
	cpu = serverCpu() - cpu;
	if (!shared->done)
		shared->last = now();
	figure("mib_s", shared->sent / MIB / ((shared->last - began) / 1e9));
	if (shared->sent > CHUNK)
		figure("cpu_s_gib", cpu / (shared->sent / GIB));
	end(writer);
	if (options.history)
		measureKept();
	else
		flush(&options.zones[0]);
}

/* The operator types as fast as it is let, and the zone reads. */
void
measurePaste(void)
{
	struct session s;
	uint64_t typed = 0, seen = 0;
	long began, heard;
	pid_t reader;
	double cpu;

	if (!attach(&s, &options.zones[0], options.wire, OPERATOR))
		wrong("could not attach");
	reader = startZone(&options.zones[0], zoneReads);
	settle(&s, 1);
	cpu = serverCpu();
	began = now();
	while (now() - began < (long)(options.seconds * 1e9)) {
		if (!type(&s, pattern + typed % PERIOD, CHUNK))
			break;
		typed += CHUNK;
	}
	heard = now();
	while (shared->got < typed && now() - heard < SILENCE_NS) {
		if (shared->got != seen) {
			seen = shared->got;
			heard = now();
		}
		pauseMs(1);
	}
	cpu = serverCpu() - cpu;
	if (shared->got > 0) {
		figure("mib_s", shared->got / MIB / ((shared->last - began) / 1e9));
		figure("cpu_s_gib", cpu / (shared->got / GIB));
	}
	figure("lost_pct", 100.0 * (typed - shared->got) / typed);
	figure("corrupt", shared->corrupt);
	close(s.fd);
	end(reader);
	flush(&options.zones[0]);
}
